//! The types of an object, before they become text of a language.

use crate::composite::BitRange;

/// The type of a member, a key, a value or a variable.
#[derive(Clone, Debug)]
pub(crate) struct DataType {
    pub(crate) size: u32,
    /// Of flat bytes 1, though C may align what they stand for.
    pub(crate) align: u32,
    pub(crate) form: Form,
    /// Whether equal values have equal bytes: there is no float in it.
    pub(crate) is_eq: bool,
}

/// How values of a type are read from bytes, which are little-endian.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// Pointers too, which are unsigned.
    Integer(Integer),
    /// Of 4 or 8 bytes.
    Float,
    Bool,
    Enum {
        /// Of the [`Item`].
        name: String,
        integer: Integer,
    },
    /// Bytes: text, when they are C's `char`.
    Bytes {
        is_text: bool,
    },
    /// Any other array.
    Array {
        item: Box<DataType>,
        count: u32,
    },
    /// A struct or union.
    Composite {
        /// Of the [`Item`].
        name: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Integer {
    /// 1, 2, 4, 8 or 16; of enums at most 8.
    pub(crate) bytes: u32,
    pub(crate) signed: bool,
}

/// A part of a struct as a language writes it that lays out structs like C.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) offset: u32,
    pub(crate) role: Role,
    pub(crate) ty: DataType,
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

/// A member with its place in the whole record; those of anonymous structs and unions are members
/// of what is around them.
#[derive(Clone, Debug)]
pub(crate) struct Accessor {
    pub(crate) name: String,
    pub(crate) place: AccessorPlace,
    pub(crate) ty: DataType,
    /// The field in which it lies, if it is not a field itself.
    pub(crate) inside: Option<String>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum AccessorPlace {
    /// Its first byte.
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
        integer: Integer,
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

impl DataType {
    pub(crate) fn integer(bytes: u32, signed: bool) -> Self {
        Self {
            size: bytes,
            align: bytes,
            form: Form::Integer(Integer { bytes, signed }),
            is_eq: true,
        }
    }

    pub(crate) fn float(bytes: u32) -> Self {
        Self {
            size: bytes,
            align: bytes,
            form: Form::Float,
            is_eq: false,
        }
    }

    pub(crate) fn boolean() -> Self {
        Self {
            size: 1,
            align: 1,
            form: Form::Bool,
            is_eq: true,
        }
    }

    pub(crate) fn bytes(size: u32, is_text: bool) -> Self {
        Self {
            size,
            align: 1,
            form: Form::Bytes { is_text },
            is_eq: true,
        }
    }

    /// Whether negative numbers are among its values.
    pub(crate) fn is_signed(&self) -> bool {
        match &self.form {
            Form::Integer(integer) | Form::Enum { integer, .. } => integer.signed,
            _ => false,
        }
    }
}
