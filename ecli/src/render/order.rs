//! The order of rows: `--sort -count,comm`.

use std::cmp::Ordering;

use eunomia_runtime::output::Format;

use super::cell::Cell;
use super::format::port;
use super::shape::{Datum, Row, Shape};

/// Fields that rows are sorted by; more than that nobody needs.
const FIELDS_MAX: usize = 16;

/// What `--sort` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Order {
    /// With whether it descends.
    fields: Vec<(String, bool)>,
}

/// An order, for the rows of one table: fields, whether they descend, and how they are written.
#[derive(Debug)]
pub(super) struct TableOrder(Vec<(usize, bool, Format)>);

/// What a row is sorted by.
#[derive(Debug, Default)]
pub(super) struct SortKey(Vec<Part>);

#[derive(Debug, PartialEq, PartialOrd)]
enum Part {
    Absent,
    Integer(i128),
    /// Beyond `i128`.
    Large(u128),
    Float(f64),
    Text(Box<[u8]>),
}

impl Order {
    /// Reads names with commas between; `-` in front of one: the largest first.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let mut order = Self::default();
        for word in text.split(',').map(str::trim) {
            let (name, descends) = match word.strip_prefix('-') {
                Some(name) => (name, true),
                None => (word.strip_prefix('+').unwrap_or(word), false),
            };
            anyhow::ensure!(!name.is_empty(), "`{text}` has an empty name: write a,-b");
            anyhow::ensure!(
                order.fields.len() < FIELDS_MAX,
                "more than {FIELDS_MAX} fields to sort by"
            );
            order.fields.push((name.to_owned(), descends));
        }
        Ok(order)
    }

    /// All names, which the table must have.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| name.as_str())
    }

    /// The order for a table; `None` when it lacks a field.
    pub(super) fn of(&self, shape: &Shape) -> Option<TableOrder> {
        let place = |(name, descends): &(String, bool)| {
            let field = shape.find(name)?;
            Some((field, *descends, shape.fields[field].hints.format))
        };
        let places: Option<Vec<_>> = self.fields.iter().map(place).collect();
        places.filter(|places| !places.is_empty()).map(TableOrder)
    }
}

impl TableOrder {
    /// What a row is sorted by.
    pub(super) fn key(&self, row: &Row<'_>) -> SortKey {
        SortKey(
            self.0
                .iter()
                .map(|(field, _, format)| part(&row.get(*field), *format))
                .collect(),
        )
    }

    pub(super) fn compare(&self, a: &SortKey, b: &SortKey) -> Ordering {
        for ((_, descends, _), (a, b)) in self.0.iter().zip(a.0.iter().zip(&b.0)) {
            let ordering = a.partial_cmp(b).unwrap_or(Ordering::Equal);
            let ordering = if *descends {
                ordering.reverse()
            } else {
                ordering
            };
            if ordering.is_ne() {
                return ordering;
            }
        }
        Ordering::Equal
    }
}

fn part(datum: &Datum<'_>, format: Format) -> Part {
    // Of several values the first counts.
    let mut part = Part::Absent;
    datum.for_each(|cell| {
        if part != Part::Absent {
            return;
        }
        part = match in_usual_order(cell, format) {
            Some(number) => Part::Integer(number),
            None => match cell {
                Cell::Text(text) | Cell::Bytes(text) => Part::Text(text.into()),
                Cell::Enum {
                    name: Some(name), ..
                } => Part::Text(name.as_bytes().into()),
                // What is no number is in no order.
                Cell::Float(value) if value.is_nan() => Part::Absent,
                Cell::Float32(value) if value.is_nan() => Part::Absent,
                Cell::Float(value) => Part::Float(value),
                Cell::Float32(value) => Part::Float(value.into()),
                Cell::Unsigned128(value) => match i128::try_from(value) {
                    Ok(value) => Part::Integer(value),
                    Err(_) => Part::Large(value),
                },
                cell => cell.as_integer().map_or(Part::Absent, Part::Integer),
            },
        };
    });
    part
}

/// What a value in network order means, where its bytes are not in that of a number.
fn in_usual_order(cell: Cell<'_>, format: Format) -> Option<i128> {
    match format {
        Format::Port => port(cell).map(i128::from),
        Format::IpAddress => {
            let address = u32::try_from(cell.as_unsigned()?).ok()?;
            Some(u32::from_be_bytes(address.to_le_bytes()).into())
        }
        _ => None,
    }
}
