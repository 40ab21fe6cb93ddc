//! Rows of declared fields, written straight into the batch that is emitted.

use super::{Cardinality, Scalar, host};
use crate::batch::{BatchBuilder, OpenRecord};
use crate::error::{Error, ErrorCode, Result};

/// A type that a field can have.
pub trait FieldValue {
    /// What it is called in the contract.
    const SCALAR: Scalar;

    /// Appends the value as rows have it.
    fn append_to(&self, out: &mut Vec<u8>);
}

macro_rules! numbers {
    ($($number:ty => $scalar:ident),* $(,)?) => {$(
        impl FieldValue for $number {
            const SCALAR: Scalar = Scalar::$scalar;

            #[inline]
            fn append_to(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}

numbers!(
    u8 => U8,
    u16 => U16,
    u32 => U32,
    u64 => U64,
    i8 => S8,
    i16 => S16,
    i32 => S32,
    i64 => S64,
    f32 => F32,
    f64 => F64,
);

impl FieldValue for bool {
    const SCALAR: Scalar = Scalar::Boolean;

    fn append_to(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
}

impl FieldValue for &str {
    const SCALAR: Scalar = Scalar::Text;

    fn append_to(&self, out: &mut Vec<u8>) {
        append_counted(self.as_bytes(), out);
    }
}

impl FieldValue for &[u8] {
    const SCALAR: Scalar = Scalar::Bytes;

    fn append_to(&self, out: &mut Vec<u8>) {
        append_counted(self, out);
    }
}

/// Lengths above `u32::MAX` do not fit into the memory of a guest.
fn append_counted(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// What a row must hold for one field.
#[derive(Debug)]
pub(super) struct Shape {
    name: String,
    scalar: Scalar,
    cardinality: Cardinality,
}

impl From<host::Field> for Shape {
    fn from(field: host::Field) -> Self {
        Self {
            name: field.name,
            scalar: field.type_,
            cardinality: field.cardinality,
        }
    }
}

/// A row of a [`FieldTable`](super::FieldTable) in the making. A value that its field cannot have
/// makes the row an error.
#[derive(Debug)]
pub struct Row<'a> {
    batch: &'a mut BatchBuilder,
    record: OpenRecord,
    shapes: &'a [Shape],
    /// How many fields have a value.
    count: usize,
    error: Option<Error>,
}

impl<'a> Row<'a> {
    pub(super) fn new(batch: &'a mut BatchBuilder, shapes: &'a [Shape]) -> Self {
        let record = batch.begin();
        Self {
            batch,
            record,
            shapes,
            count: 0,
            error: None,
        }
    }

    /// The value of the next field; also of an optional one.
    #[inline]
    pub fn put<T: FieldValue>(&mut self, value: T) -> &mut Self {
        let one = [Cardinality::One, Cardinality::Optional];
        if let Some(cardinality) = self.next(T::SCALAR, &one) {
            let out = self.batch.open_bytes();
            if cardinality == Cardinality::Optional {
                out.push(1);
            }
            value.append_to(out);
        }
        self
    }

    /// The value of the next field, which is optional, or that it has none.
    pub fn put_option<T: FieldValue>(&mut self, value: Option<T>) -> &mut Self {
        if self.next(T::SCALAR, &[Cardinality::Optional]).is_some() {
            let out = self.batch.open_bytes();
            out.push(u8::from(value.is_some()));
            if let Some(value) = value {
                value.append_to(out);
            }
        }
        self
    }

    /// The values of the next field, which is repeated.
    pub fn put_all<T: FieldValue>(&mut self, values: impl IntoIterator<Item = T>) -> &mut Self {
        if self.next(T::SCALAR, &[Cardinality::Repeated]).is_some() {
            let out = self.batch.open_bytes();
            let start = out.len();
            out.extend_from_slice(&[0; 4]);
            let mut count: u32 = 0;
            for value in values {
                value.append_to(out);
                count += 1;
            }
            out[start..start + 4].copy_from_slice(&count.to_le_bytes());
        }
        self
    }

    /// Close the row, or take it back when a value was wrong.
    pub(super) fn finish(mut self) -> Result<()> {
        if self.error.is_none() && self.count != self.shapes.len() {
            let name = &self.shapes[self.count].name;
            self.error = Some(wrong(format!("field \"{name}\" has no value")));
        }
        match self.error {
            None => self.batch.finish(self.record),
            Some(error) => {
                self.batch.cancel(self.record);
                Err(error)
            }
        }
    }

    /// Go on to the next field; none when it cannot have what comes.
    #[inline]
    fn next(&mut self, scalar: Scalar, allowed: &[Cardinality]) -> Option<Cardinality> {
        if self.error.is_some() {
            return None;
        }
        match self.shapes.get(self.count) {
            Some(shape) if shape.scalar == scalar && allowed.contains(&shape.cardinality) => {
                self.count += 1;
                Some(shape.cardinality)
            }
            shape => {
                self.error = Some(mismatch(shape, scalar));
                None
            }
        }
    }
}

#[cold]
fn mismatch(shape: Option<&Shape>, scalar: Scalar) -> Error {
    wrong(match shape {
        None => "there are more values than fields".to_owned(),
        Some(shape) => format!(
            "field \"{}\" is declared as {:?}, {:?}, but gets {scalar:?}",
            shape.name, shape.scalar, shape.cardinality
        ),
    })
}

fn wrong(problem: String) -> Error {
    Error::new(
        ErrorCode::InvalidArgument,
        format!("write a row: {problem}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(name: &str, scalar: Scalar, cardinality: Cardinality) -> Shape {
        Shape {
            name: name.to_owned(),
            scalar,
            cardinality,
        }
    }

    fn shapes() -> Vec<Shape> {
        vec![
            shape("pid", Scalar::U32, Cardinality::One),
            shape("comm", Scalar::Text, Cardinality::Optional),
            shape("slots", Scalar::U8, Cardinality::Repeated),
        ]
    }

    /// The payload of the one row, or why there is none.
    fn row(write: impl FnOnce(&mut Row<'_>)) -> Result<Vec<u8>> {
        let shapes = shapes();
        let mut batch = BatchBuilder::new();
        let mut row = Row::new(&mut batch, &shapes);
        write(&mut row);
        let result = row.finish();
        assert_eq!(
            result.is_err(),
            batch.is_empty(),
            "a wrong row leaves nothing"
        );
        result?;
        let length = u32::from_le_bytes(*batch.as_bytes().first_chunk().unwrap()) as usize;
        Ok(batch.as_bytes()[8..8 + length].to_vec())
    }

    #[test]
    fn a_row_holds_its_fields_without_padding() -> Result<()> {
        let bytes = row(|row| {
            row.put(258_u32).put_option(Some("ab")).put_all([3_u8, 4]);
        })?;
        let expected = [2, 1, 0, 0, 1, 2, 0, 0, 0, b'a', b'b', 2, 0, 0, 0, 3, 4];
        assert_eq!(bytes, expected);
        Ok(())
    }

    #[test]
    fn optional_fields_can_be_left_out_and_repeated_ones_empty() -> Result<()> {
        let bytes = row(|row| {
            row.put(1_u32).put_option(None::<&str>).put_all([0_u8; 0]);
        })?;
        assert_eq!(bytes, [1, 0, 0, 0, 0, 0, 0, 0, 0]);
        Ok(())
    }

    #[test]
    fn an_optional_field_can_be_put_like_any_other() -> Result<()> {
        let bytes = row(|row| {
            row.put(1_u32).put("a").put_all([0_u8; 0]);
        })?;
        assert_eq!(bytes[4..10], [1, 1, 0, 0, 0, b'a']);
        Ok(())
    }

    #[test]
    fn wrong_values_are_refused_with_the_name_of_the_field() {
        type Case = (&'static str, fn(&mut Row<'_>));
        let cases: [Case; 5] = [
            ("\"pid\"", |row| {
                row.put(1_u64);
            }),
            ("\"comm\"", |row| {
                row.put(1_u32).put(2_u32).put_all([1_u8]);
            }),
            ("\"pid\"", |row| {
                row.put_option(Some(1_u32));
            }),
            ("\"slots\" has no value", |row| {
                row.put(1_u32).put("a");
            }),
            ("more values", |row| {
                row.put(1_u32).put("a").put_all([1_u8]).put(1_u32);
            }),
        ];
        for (expected, write) in cases {
            let error = row(write).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidArgument);
            assert!(error.message().contains(expected), "{error}");
        }
    }
}
