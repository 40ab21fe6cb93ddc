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
    /// A single `char`.
    Character(u8),
    Enum {
        number: i128,
        name: Option<&'a str>,
    },
}

impl<'a> From<Value<'a>> for Cell<'a> {
    fn from(value: Value<'a>) -> Self {
        match value {
            Value::Boolean(value) => Self::Boolean(value),
            Value::Unsigned(value) => Self::Unsigned(value),
            Value::Signed(value) => Self::Signed(value),
            Value::Float32(value) => Self::Float32(value),
            Value::Float(value) => Self::Float(value),
            Value::Text(text) => Self::Text(text),
            Value::Bytes(bytes) => Self::Bytes(bytes),
        }
    }
}

impl<'a> From<Scalar<'a>> for Cell<'a> {
    fn from(scalar: Scalar<'a>) -> Self {
        match scalar {
            Scalar::Unsigned(value) => Self::Unsigned(value),
            Scalar::Signed(value) => Self::Signed(value),
            Scalar::Unsigned128(value) => Self::Unsigned128(value),
            Scalar::Signed128(value) => Self::Signed128(value),
            Scalar::Boolean(value) => Self::Boolean(value),
            Scalar::Character(value) => Self::Character(value),
            Scalar::Enum { number, name } => Self::Enum { number, name },
            Scalar::Pointer(value) => Self::Pointer(value),
            Scalar::Float32(value) => Self::Float32(value),
            Scalar::Float64(value) => Self::Float(value),
            Scalar::Text(text) => Self::Text(text),
            Scalar::Bytes(bytes) => Self::Bytes(bytes),
            // The decoder of this version has no others.
            _ => Self::Text(b"?"),
        }
    }
}

impl<'a> Cell<'a> {
    /// The cell as an integer, if it is one and fits.
    pub(super) fn as_integer(self) -> Option<i128> {
        Some(match self {
            Self::Unsigned(value) | Self::Pointer(value) => value.into(),
            Self::Signed(value) => value.into(),
            Self::Unsigned128(value) => i128::try_from(value).ok()?,
            Self::Signed128(value) | Self::Enum { number: value, .. } => value,
            Self::Boolean(value) => value.into(),
            Self::Character(value) => value.into(),
            Self::Float32(_) | Self::Float(_) | Self::Text(_) | Self::Bytes(_) => return None,
        })
    }

    /// The cell as a number, if it is one; integers beyond 2^53 are rounded.
    pub(super) fn as_float(self) -> Option<f64> {
        match self {
            Self::Float32(value) => Some(value.into()),
            Self::Float(value) => Some(value),
            Self::Unsigned128(value) => Some(value as f64),
            _ => self.as_integer().map(|value| value as f64),
        }
    }

    /// The cell as a signed number, if it is one: for formats that name numbers.
    pub(super) fn as_signed(self) -> Option<i64> {
        self.as_integer()
            .and_then(|value| i64::try_from(value).ok())
    }

    /// The cell as an unsigned number, if it is one.
    pub(super) fn as_unsigned(self) -> Option<u64> {
        self.as_integer()
            .and_then(|value| u64::try_from(value).ok())
    }
}
