//! Declared fields and the values of a row.

use super::table::Hints;

/// A declared field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Unique in the table.
    pub name: String,
    /// Type of one value.
    pub scalar: Scalar,
    /// How many values.
    pub cardinality: Cardinality,
    /// How to show them.
    pub hints: Hints,
}

/// Type of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Scalar {
    Boolean,
    U8,
    U16,
    U32,
    U64,
    S8,
    S16,
    S32,
    S64,
    F32,
    F64,
    Text,
    Bytes,
}

/// How many values a field has in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cardinality {
    /// One.
    One,
    /// One or none.
    Optional,
    /// Any number.
    Repeated,
}

/// One value of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// `boolean`.
    Boolean(bool),
    /// Any unsigned integer.
    Unsigned(u64),
    /// Any signed integer.
    Signed(i64),
    /// `f32`, whose shortest text is not that of an `f64`.
    Float32(f32),
    /// `f64`.
    Float(f64),
    /// `text`; may hold invalid UTF-8.
    Text(&'a [u8]),
    /// `bytes`.
    Bytes(&'a [u8]),
}

/// The values of one row, field by field.
///
/// ```
/// use eunomia_host_abi::output::{Cardinality, Field, Scalar, Value, Values};
///
/// let fields = [Field {
///     name: "pid".into(),
///     scalar: Scalar::U32,
///     cardinality: Cardinality::One,
///     hints: Default::default(),
/// }];
/// let payload = 7u32.to_le_bytes();
/// let mut row = Values::new(&fields, &payload);
/// let (field, mut values) = row.next_field().expect("well formed").expect("one field");
/// assert_eq!(field.name, "pid");
/// assert_eq!(values.next(), Some(Value::Unsigned(7)));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    fields: &'a [Field],
    rest: &'a [u8],
}

/// The values of one field, as many as it has in this row.
#[derive(Clone, Copy, Debug)]
pub struct FieldValues<'a> {
    scalar: Scalar,
    count: u32,
    rest: &'a [u8],
}

impl<'a> Values<'a> {
    /// The values in `payload`, laid out as `fields` say.
    pub fn new(fields: &'a [Field], payload: &'a [u8]) -> Self {
        Self {
            fields,
            rest: payload,
        }
    }

    /// The next field and its values; `None` after the last one.
    ///
    /// # Errors
    /// Says which field does not fit.
    pub fn next_field(&mut self) -> Result<Option<(&'a Field, FieldValues<'a>)>, String> {
        let Some((field, fields)) = self.fields.split_first() else {
            return match self.rest.len() {
                0 => Ok(None),
                left => Err(format!("{left} bytes behind the last field")),
            };
        };
        let short = || format!("field `{}`: too few bytes", field.name);
        let mut rest = self.rest;
        let count = match field.cardinality {
            Cardinality::One => 1,
            Cardinality::Optional => match rest.split_first().ok_or_else(short)? {
                (presence @ (0 | 1), behind) => {
                    rest = behind;
                    u32::from(*presence)
                }
                _ => {
                    return Err(format!(
                        "field `{}`: presence is neither 0 nor 1",
                        field.name
                    ));
                }
            },
            Cardinality::Repeated => take_u32(&mut rest).ok_or_else(short)?,
        };
        let values = FieldValues {
            scalar: field.scalar,
            count,
            rest,
        };
        let mut walk = values;
        for _ in 0..count {
            walk.take_value()
                .ok_or_else(short)?
                .ok_or_else(|| format!("field `{}`: a boolean is neither 0 nor 1", field.name))?;
        }
        *self = Self {
            fields,
            rest: walk.rest,
        };
        Ok(Some((field, values)))
    }

    /// Whether the row fits its fields.
    ///
    /// # Errors
    /// As [`Values::next_field`].
    pub fn check(mut self) -> Result<(), String> {
        while self.next_field()?.is_some() {}
        Ok(())
    }
}

impl<'a> FieldValues<'a> {
    /// One value; outer `None`: too few bytes, inner `None`: not a value of the type.
    fn take_value(&mut self) -> Option<Option<Value<'a>>> {
        let rest = &mut self.rest;
        Some(Some(match self.scalar {
            Scalar::Boolean => match take(rest)? {
                [0] => Value::Boolean(false),
                [1] => Value::Boolean(true),
                _ => return Some(None),
            },
            Scalar::U8 => Value::Unsigned(u8::from_le_bytes(take(rest)?).into()),
            Scalar::U16 => Value::Unsigned(u16::from_le_bytes(take(rest)?).into()),
            Scalar::U32 => Value::Unsigned(u32::from_le_bytes(take(rest)?).into()),
            Scalar::U64 => Value::Unsigned(u64::from_le_bytes(take(rest)?)),
            Scalar::S8 => Value::Signed(i8::from_le_bytes(take(rest)?).into()),
            Scalar::S16 => Value::Signed(i16::from_le_bytes(take(rest)?).into()),
            Scalar::S32 => Value::Signed(i32::from_le_bytes(take(rest)?).into()),
            Scalar::S64 => Value::Signed(i64::from_le_bytes(take(rest)?)),
            Scalar::F32 => Value::Float32(f32::from_le_bytes(take(rest)?)),
            Scalar::F64 => Value::Float(f64::from_le_bytes(take(rest)?)),
            Scalar::Text => Value::Text(take_bytes(rest)?),
            Scalar::Bytes => Value::Bytes(take_bytes(rest)?),
        }))
    }
}

impl<'a> Iterator for FieldValues<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.count = self.count.checked_sub(1)?;
        self.take_value().flatten()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.count as usize))
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*bytes)
}

fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    take(rest).map(u32::from_le_bytes)
}

fn take_bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_u32(rest)? as usize;
    let (bytes, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(scalar: Scalar, cardinality: Cardinality) -> Field {
        Field {
            name: "x".into(),
            scalar,
            cardinality,
            hints: Hints::new(),
        }
    }

    fn values(field: &Field, payload: &[u8]) -> Result<Vec<String>, String> {
        let mut row = Values::new(std::slice::from_ref(field), payload);
        let mut out = Vec::new();
        while let Some((_, values)) = row.next_field()? {
            out.extend(values.map(|value| format!("{value:?}")));
        }
        Ok(out)
    }

    #[test]
    fn every_cardinality_is_read() {
        let one = field(Scalar::S16, Cardinality::One);
        assert_eq!(values(&one, &[0xff, 0xff]).unwrap(), ["Signed(-1)"]);
        let optional = field(Scalar::U8, Cardinality::Optional);
        assert_eq!(values(&optional, &[0]).unwrap(), [""; 0]);
        assert_eq!(values(&optional, &[1, 9]).unwrap(), ["Unsigned(9)"]);
        let repeated = field(Scalar::Text, Cardinality::Repeated);
        let payload = [2, 0, 0, 0, 1, 0, 0, 0, b'a', 0, 0, 0, 0];
        assert_eq!(
            values(&repeated, &payload).unwrap(),
            ["Text([97])", "Text([])"]
        );
    }

    #[test]
    fn rows_that_do_not_fit_name_the_field() {
        let one = field(Scalar::U32, Cardinality::One);
        assert_eq!(
            values(&one, &[1, 2, 3]).unwrap_err(),
            "field `x`: too few bytes"
        );
        assert_eq!(
            values(&one, &[0; 5]).unwrap_err(),
            "1 bytes behind the last field"
        );
        let boolean = field(Scalar::Boolean, Cardinality::One);
        let error = values(&boolean, &[2]).unwrap_err();
        assert_eq!(error, "field `x`: a boolean is neither 0 nor 1");
    }

    #[test]
    fn a_count_beyond_the_row_is_refused_without_allocating() {
        let repeated = field(Scalar::U8, Cardinality::Repeated);
        assert!(values(&repeated, &[0xff; 4]).is_err());
        let text = field(Scalar::Text, Cardinality::One);
        assert!(values(&text, &[0xff; 8]).is_err());
    }
}
