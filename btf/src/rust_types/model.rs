//! The Rust types to emit, before they become text.

use crate::composite::BitRange;

/// A Rust type that some field, map or variable has.
#[derive(Clone, Debug)]
pub(super) struct RustType {
    /// How it is written inside of the generated module.
    pub(super) text: String,
    pub(super) size: u32,
    /// Rust's alignment, which can be less than C's.
    pub(super) align: u32,
    pub(super) form: Form,
    /// Whether it can derive `Eq` and `Hash`.
    pub(super) is_eq: bool,
}

/// How values of a type are read from bytes.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// An integer or a float.
    Scalar,
    Bool,
    /// A newtype over the integer that is named here.
    Enum(&'static str),
    /// `[u8; N]`: text, when its items are C's `char`.
    Bytes {
        is_text: bool,
    },
    /// Any other array.
    Array {
        item: String,
        count: u32,
    },
    /// A generated struct or union, which has a view.
    Composite,
}

/// A field of a generated struct.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) offset: u32,
    pub(super) role: Role,
    pub(super) ty: RustType,
}

/// Why a field is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It stands for a member of the C struct.
    Member,
    /// It holds bit fields.
    Bits,
    /// It holds an anonymous union.
    Union,
    /// It holds nothing.
    Padding,
}

/// A member as views read it, with its place in the whole record.
#[derive(Clone, Debug)]
pub(super) struct Accessor {
    pub(super) name: String,
    pub(super) place: AccessorPlace,
    pub(super) ty: RustType,
    /// The field of the owned struct in which it lies, if it is not a field itself.
    pub(super) inside: Option<String>,
    /// The method that gives it as text, where that makes sense.
    pub(super) text_name: Option<String>,
    /// The method that writes it, where it is not simply a field.
    pub(super) setter_name: Option<String>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum AccessorPlace {
    Byte(u32),
    Bits(BitRange),
}

/// A type to emit.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) name: String,
    /// The C name, as records and the host know it, if it has one.
    pub(super) c_name: Option<String>,
    /// `struct event`, for the documentation.
    pub(super) shown: String,
    pub(super) size: u32,
    pub(super) align: u32,
    pub(super) is_eq: bool,
    pub(super) body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    Struct {
        /// All bytes of the struct, in order.
        fields: Vec<Field>,
        accessors: Vec<Accessor>,
        is_packed: bool,
        tail: Option<Tail>,
    },
    Union {
        accessors: Vec<Accessor>,
    },
    Enum {
        /// The integer that it wraps.
        repr: &'static str,
        enumerators: Vec<EnumConstant>,
    },
}

/// A flexible array at the end of a struct.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    pub(super) name: String,
    /// Where it starts, which can be inside of the struct's padding.
    pub(super) offset: u32,
}

#[derive(Debug)]
pub(super) struct EnumConstant {
    pub(super) name: String,
    pub(super) c_name: String,
    pub(super) value: i128,
}
