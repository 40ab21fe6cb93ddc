//! One value of a row.

use eunomia_btf::decode::Scalar;
use eunomia_runtime::output::Value;

/// A value, whatever described it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Unsigned(u64),
    Signed(i64),
    /// A number beyond 64 bits.
    Unsigned128(u128),
    Signed128(i128),
    Boolean(bool),
    /// C's `float`, whose shortest text is not that of a `double`.
    Float32(f32),
    Float(f64),
    /// May hold invalid UTF-8.
    Text(&'a [u8]),
    Bytes(&'a [u8]),
    Pointer(u64),
}

impl<'a> From<Value<'a>> for Cell<'a> {
    fn from(value: Value<'a>) -> Self {
        match value {
            Value::Boolean(value) => Self::Boolean(value),
            Value::Unsigned(value) => Self::Unsigned(value),
            Value::Signed(value) => Self::Signed(value),
            Value::Float(value) => Self::Float(value),
            Value::Text(text) => Self::Text(text),
            Value::Bytes(bytes) => Self::Bytes(bytes),
        }
    }
}

/// The byte of a `char`, to be borrowed by its cell.
pub(super) type CharacterByte = [u8; 1];

impl<'a> Cell<'a> {
    /// The cell of a scalar; `character` is where a single `char` is kept.
    pub(super) fn of_scalar(scalar: Scalar<'a>, character: &'a mut CharacterByte) -> Self {
        match scalar {
            Scalar::Unsigned(value) => Self::Unsigned(value),
            Scalar::Signed(value) => Self::Signed(value),
            Scalar::Unsigned128(value) => Self::Unsigned128(value),
            Scalar::Signed128(value) => Self::Signed128(value),
            Scalar::Boolean(value) => Self::Boolean(value),
            Scalar::Character(0) => Self::Text(b""),
            Scalar::Character(value) => {
                *character = [value];
                Self::Text(character)
            }
            Scalar::Enum {
                name: Some(name), ..
            } => Self::Text(name.as_bytes()),
            Scalar::Enum { number, name: None } => number_cell(number),
            Scalar::Pointer(value) => Self::Pointer(value),
            Scalar::Float32(value) => Self::Float32(value),
            Scalar::Float64(value) => Self::Float(value),
            Scalar::Text(text) => Self::Text(text.as_bytes()),
            Scalar::Bytes(bytes) => Self::Bytes(bytes),
            // The decoder of this version has no others.
            _ => Self::Text(b"?"),
        }
    }

    /// The cell as a signed number, if it is one: for formats that name numbers.
    pub(super) fn as_signed(self) -> Option<i64> {
        match self {
            Self::Signed(value) => Some(value),
            Self::Unsigned(value) => i64::try_from(value).ok(),
            _ => None,
        }
    }

    /// Numbers are aligned at their right end.
    pub(super) fn is_number(self) -> bool {
        !matches!(self, Self::Text(_) | Self::Bytes(_))
    }
}

fn number_cell<'a>(number: i128) -> Cell<'a> {
    if let Ok(value) = u64::try_from(number) {
        return Cell::Unsigned(value);
    }
    i64::try_from(number).map_or(Cell::Signed128(number), Cell::Signed)
}
