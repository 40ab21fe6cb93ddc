//! The kinds of BTF types.

use std::fmt;

/// A kind of BTF type, with the kernel's number (`BTF_KIND_*` in `include/uapi/linux/btf.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// `void`, which is type 0 and has no bytes in the section.
    Void = 0,
    /// An integer, `char` or `_Bool`.
    Int = 1,
    /// A pointer.
    Pointer = 2,
    /// An array.
    Array = 3,
    /// A struct.
    Struct = 4,
    /// A union.
    Union = 5,
    /// An enum with 32-bit enumerators.
    Enum = 6,
    /// A struct, union or enum that is only declared.
    Forward = 7,
    /// A typedef.
    Typedef = 8,
    /// `volatile`.
    Volatile = 9,
    /// `const`.
    Const = 10,
    /// `restrict`.
    Restrict = 11,
    /// A function.
    Function = 12,
    /// A function's signature.
    FunctionPrototype = 13,
    /// A global variable.
    Variable = 14,
    /// A section with global variables.
    DataSection = 15,
    /// A floating-point number.
    Float = 16,
    /// A `btf_decl_tag` attribute.
    DeclTag = 17,
    /// A `btf_type_tag` attribute.
    TypeTag = 18,
    /// An enum with 64-bit enumerators.
    Enum64 = 19,
}

impl Kind {
    const ALL: [Self; 20] = [
        Self::Void,
        Self::Int,
        Self::Pointer,
        Self::Array,
        Self::Struct,
        Self::Union,
        Self::Enum,
        Self::Forward,
        Self::Typedef,
        Self::Volatile,
        Self::Const,
        Self::Restrict,
        Self::Function,
        Self::FunctionPrototype,
        Self::Variable,
        Self::DataSection,
        Self::Float,
        Self::DeclTag,
        Self::TypeTag,
        Self::Enum64,
    ];

    /// The kind with the kernel's number, if it is one that this crate knows.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// Whether it only gives another name or a qualifier to the type that it refers to.
    pub fn is_modifier(self) -> bool {
        matches!(
            self,
            Self::Typedef | Self::Volatile | Self::Const | Self::Restrict | Self::TypeTag
        )
    }

    /// Whether the third word of its description is a type, not a size.
    pub(crate) fn refers_to_type(self) -> bool {
        self.is_modifier()
            || matches!(
                self,
                Self::Pointer
                    | Self::Function
                    | Self::FunctionPrototype
                    | Self::Variable
                    | Self::DeclTag
            )
    }

    /// How many words follow the three that every description has, for `count` parts.
    pub(crate) fn words_after_head(self, count: usize) -> usize {
        match self {
            Self::Int | Self::Variable | Self::DeclTag => 1,
            Self::Array => 3,
            Self::Struct | Self::Union | Self::DataSection | Self::Enum64 => count * 3,
            Self::Enum | Self::FunctionPrototype => count * 2,
            _ => 0,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Void => "void",
            Self::Int => "int",
            Self::Pointer => "pointer",
            Self::Array => "array",
            Self::Struct => "struct",
            Self::Union => "union",
            Self::Enum => "enum",
            Self::Forward => "forward declaration",
            Self::Typedef => "typedef",
            Self::Volatile => "volatile",
            Self::Const => "const",
            Self::Restrict => "restrict",
            Self::Function => "function",
            Self::FunctionPrototype => "function prototype",
            Self::Variable => "variable",
            Self::DataSection => "data section",
            Self::Float => "float",
            Self::DeclTag => "declaration tag",
            Self::TypeTag => "type tag",
            Self::Enum64 => "64-bit enum",
        })
    }
}
