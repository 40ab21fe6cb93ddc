use std::rc::Rc;

use super::pending::Rows;
use super::row::{FieldValue, Row, Shape};
use super::{Cardinality, host};
use crate::error::Result;

/// A field of a [`FieldTable`].
#[derive(Clone, Debug)]
pub struct Field {
    declared: host::Field,
}

impl Field {
    /// A field of type `T`: `Field::of::<u32>("pid")`, `Field::of::<&str>("comm")`. The name has
    /// letters, digits and `_`, and is unique in the table.
    pub fn of<T: FieldValue>(name: impl Into<String>) -> Self {
        Self {
            declared: host::Field {
                name: name.into(),
                type_: T::SCALAR,
                cardinality: Cardinality::One,
                hints: Vec::new(),
            },
        }
    }

    /// Rows may leave it out: [`Row::put_option`].
    pub fn optional(mut self) -> Self {
        self.declared.cardinality = Cardinality::Optional;
        self
    }

    /// It has any number of values: [`Row::put_all`].
    pub fn repeated(mut self) -> Self {
        self.declared.cardinality = Cardinality::Repeated;
        self
    }

    /// Say how to show it; docs/output.md lists the hints. The host passes over those that it does
    /// not know.
    pub fn hint(mut self, key: &str, value: &str) -> Self {
        self.declared.hints.push(hint(key, value));
        self
    }
}

/// A table whose rows have declared fields.
///
/// ```no_run
/// # use eunomia_bpf::{output::{Field, FieldTable}, Result};
/// # fn print() -> Result<()> {
/// let table = FieldTable::new(
///     "top",
///     [
///         Field::of::<&str>("syscall"),
///         Field::of::<u64>("count"),
///         Field::of::<u64>("time").hint("format", "duration-ns").optional(),
///     ],
/// )?;
/// table.push(|row| {
///     row.put("read").put(7_u64).put_option(Some(1500_u64));
/// })?;
/// table.end_of_interval()
/// # }
/// ```
#[derive(Debug)]
pub struct FieldTable {
    rows: Rc<Rows>,
    shapes: Vec<Shape>,
}

impl FieldTable {
    /// A table of this name (letters, digits and `_`, unique in the image) with at most 256 fields.
    ///
    /// # Errors
    /// `AlreadyExists` for a name that is taken.
    pub fn new(name: &str, fields: impl IntoIterator<Item = Field>) -> Result<Self> {
        let fields: Vec<_> = fields.into_iter().map(|field| field.declared).collect();
        let handle = host::Table::from_fields(name, &fields)?;
        Ok(Self {
            rows: Rows::new(handle),
            shapes: fields.into_iter().map(Shape::from).collect(),
        })
    }

    /// Add a row: `write` puts a value into each field, in their order.
    ///
    /// # Errors
    /// `InvalidArgument` when the values are not those that the fields have; `Closed` when nobody
    /// reads any more.
    pub fn push(&self, write: impl FnOnce(&mut Row<'_>)) -> Result<()> {
        self.rows.add(|batch| {
            let mut row = Row::new(batch, &self.shapes);
            write(&mut row);
            row.finish()
        })
    }

    /// Say how to show the table. Before the first row.
    ///
    /// # Errors
    /// The host's.
    pub fn add_hint(&self, key: &str, value: &str) -> Result<()> {
        Ok(self.rows.handle().add_hints("", &[hint(key, value)])?)
    }

    /// Say that the rows of one interval are complete.
    ///
    /// # Errors
    /// `Closed` when nobody reads any more.
    pub fn end_of_interval(&self) -> Result<()> {
        self.rows.end_of_interval()
    }

    /// Emit the rows that are gathered.
    ///
    /// # Errors
    /// `Closed` when nobody reads any more.
    pub fn flush(&self) -> Result<()> {
        self.rows.flush()
    }
}

pub(super) fn hint(key: &str, value: &str) -> host::Hint {
    host::Hint {
        key: key.to_owned(),
        value: value.to_owned(),
    }
}
