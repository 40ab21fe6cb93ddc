//! The Rust types to emit, before they become text.

use crate::composite::BitRange;

/// A Rust type that some field, map or variable has.
#[derive(Clone, Debug)]
pub(crate) struct RustType {
    /// How it is written inside of the generated module.
    pub(crate) text: String,
    pub(crate) size: u32,
    /// Rust's alignment, which can be less than C's.
    pub(crate) align: u32,
    pub(crate) form: Form,
    /// Whether it can derive `Eq` and `Hash`.
    pub(crate) is_eq: bool,
}

/// How values of a type are read from bytes.
#[derive(Clone, Debug)]
pub(crate) enum Form {
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
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) offset: u32,
    pub(crate) role: Role,
    pub(crate) ty: RustType,
}

/// Why a field is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
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
pub(crate) struct Accessor {
    pub(crate) name: String,
    pub(crate) place: AccessorPlace,
    pub(crate) ty: RustType,
    /// The field of the owned struct in which it lies, if it is not a field itself.
    pub(crate) inside: Option<String>,
    /// The method that gives it as text, where that makes sense.
    pub(crate) text_name: Option<String>,
    /// The method that writes it, where it is not simply a field.
    pub(crate) setter_name: Option<String>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum AccessorPlace {
    Byte(u32),
    Bits(BitRange),
}

/// A type to emit.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) name: String,
    /// The C name, as records and the host know it, if it has one.
    pub(crate) c_name: Option<String>,
    /// `struct event`, for the documentation.
    pub(crate) shown: String,
    pub(crate) size: u32,
    pub(crate) align: u32,
    pub(crate) is_eq: bool,
    pub(crate) body: Body,
}

#[derive(Debug)]
pub(crate) enum Body {
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
pub(crate) struct Tail {
    pub(crate) name: String,
    /// Where it starts, which can be inside of the struct's padding.
    pub(crate) offset: u32,
}

#[derive(Debug)]
pub(crate) struct EnumConstant {
    pub(crate) name: String,
    pub(crate) c_name: String,
    pub(crate) value: i128,
}
