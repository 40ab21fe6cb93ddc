//! A filter for the rows of one table.

use std::cmp::Ordering;
use std::net::IpAddr;

use eunomia_runtime::output::Format;
use regex::bytes::Regex;

use super::super::cell::Cell;
use super::super::format::port;
use super::super::names::Names;
use super::super::shape::{Datum, Row, Shape};
use super::super::style::Style;
use super::literal::{self, Literal};
use super::parse::Expression;
use super::token::Compare;

/// A filter whose fields were found.
#[derive(Debug)]
pub(in crate::render) struct Predicate(Node);

#[derive(Debug)]
enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Compare {
        field: usize,
        style: Style,
        compare: Compare,
        literal: Literal,
    },
    Match {
        field: usize,
        style: Style,
        regex: Regex,
        is_negated: bool,
    },
    Truth(usize),
}

impl Predicate {
    pub(super) fn of(
        expression: &Expression,
        shape: &Shape,
        names: &mut Names,
    ) -> Result<Self, String> {
        Node::of(expression, shape, names).map(Self)
    }

    /// Whether it holds for a row; `scratch` is memory for a value.
    pub(in crate::render) fn holds(
        &self,
        row: &Row<'_>,
        names: &mut Names,
        scratch: &mut Vec<u8>,
    ) -> bool {
        self.0.holds(row, names, scratch)
    }
}

impl Node {
    fn of(expression: &Expression, shape: &Shape, names: &mut Names) -> Result<Self, String> {
        let find = |name: &str| {
            shape
                .find(name)
                .ok_or_else(|| format!("`{name}` is no single field"))
        };
        let mut all = |parts: &[Expression]| -> Result<Vec<Self>, String> {
            let part = |part| Self::of(part, shape, names);
            parts.iter().map(part).collect()
        };
        Ok(match expression {
            Expression::And(parts) => Self::And(all(parts)?),
            Expression::Or(parts) => Self::Or(all(parts)?),
            Expression::Not(inner) => Self::Not(Box::new(Self::of(inner, shape, names)?)),
            Expression::Truth(field) => Self::Truth(find(field)?),
            Expression::Compare {
                field,
                compare,
                value,
            } => {
                let field = find(field)?;
                let literal = literal::read(value, shape, field, names)?;
                let is_order = !matches!(compare, Compare::Equal | Compare::Unequal);
                if is_order && matches!(literal, Literal::Network(..)) {
                    return Err("addresses are compared with == and != only".to_owned());
                }
                Self::Compare {
                    field,
                    style: Style::of(shape, field),
                    compare: *compare,
                    literal,
                }
            }
            Expression::Match {
                field,
                regex,
                is_negated,
            } => {
                let field = find(field)?;
                Self::Match {
                    field,
                    style: Style::of(shape, field),
                    regex: regex.clone(),
                    is_negated: *is_negated,
                }
            }
        })
    }

    fn holds(&self, row: &Row<'_>, names: &mut Names, scratch: &mut Vec<u8>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.holds(row, names, scratch)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(row, names, scratch)),
            Self::Not(inner) => !inner.holds(row, names, scratch),
            Self::Truth(field) => {
                let mut holds = false;
                row.get(*field).for_each(|cell| holds |= is_true(cell));
                holds
            }
            Self::Compare {
                field,
                style,
                compare,
                literal,
            } => {
                let datum = row.get(*field);
                // `!=` is what `==` is not, also of several values and of none.
                let (compare, is_negated) = match compare {
                    Compare::Unequal => (Compare::Equal, true),
                    compare => (*compare, false),
                };
                let mut holds = false;
                datum.for_each(|cell| holds |= compares(row, style, cell, compare, literal));
                holds != is_negated
            }
            Self::Match {
                field,
                style,
                regex,
                is_negated,
            } => {
                let mut holds = false;
                match row.get(*field) {
                    datum @ Datum::Array(_) => {
                        scratch.clear();
                        style.write(scratch, row, &datum, names);
                        holds = regex.is_match(scratch);
                    }
                    datum => datum.for_each(|cell| {
                        holds |= match cell {
                            Cell::Text(text) => regex.is_match(text),
                            cell => {
                                scratch.clear();
                                style.write_cell(scratch, row, cell, names);
                                regex.is_match(scratch)
                            }
                        };
                    }),
                }
                holds != *is_negated
            }
        }
    }
}

fn is_true(cell: Cell<'_>) -> bool {
    match cell {
        Cell::Text(text) | Cell::Bytes(text) => !text.is_empty(),
        cell => cell.as_float().is_some_and(|value| value != 0.0),
    }
}

const I128_MAX: u128 = i128::MAX.cast_unsigned();

fn compares(
    row: &Row<'_>,
    style: &Style,
    cell: Cell<'_>,
    compare: Compare,
    literal: &Literal,
) -> bool {
    let ordering = match literal {
        Literal::Integer(_) if matches!(cell, Cell::Unsigned128(value) if value > I128_MAX) => {
            Some(Ordering::Greater)
        }
        Literal::Integer(wanted) => match integer(style.format, cell, *wanted) {
            Some(value) => Some(value.cmp(wanted)),
            None => cell
                .as_float()
                .and_then(|value| value.partial_cmp(&(*wanted as f64))),
        },
        Literal::Large(wanted) => match cell {
            Cell::Unsigned128(value) => Some(value.cmp(wanted)),
            cell if cell.as_integer().is_some() => Some(Ordering::Less),
            cell => cell
                .as_float()
                .and_then(|value| value.partial_cmp(&(*wanted as f64))),
        },
        Literal::Float(wanted) => cell.as_float().and_then(|value| value.partial_cmp(wanted)),
        Literal::Text(wanted) => match cell {
            Cell::Text(text) | Cell::Bytes(text) => Some(text.cmp(wanted)),
            Cell::Character(0) => Some([].as_slice().cmp(wanted)),
            Cell::Character(byte) => Some([byte].as_slice().cmp(wanted)),
            _ => None,
        },
        Literal::Network(address, bits) => {
            let is_in =
                address_of(row, style, cell).is_some_and(|is| is_within(is, *address, *bits));
            return is_in;
        }
    };
    let Some(ordering) = ordering else {
        return false;
    };
    match compare {
        Compare::Equal => ordering == Ordering::Equal,
        Compare::Unequal => ordering != Ordering::Equal,
        Compare::Less => ordering == Ordering::Less,
        Compare::LessOrEqual => ordering != Ordering::Greater,
        Compare::Greater => ordering == Ordering::Greater,
        Compare::GreaterOrEqual => ordering != Ordering::Less,
    }
}

/// The integer that people mean: a port in its usual order, an errno without the sign that the
/// kernel's functions return it with.
fn integer(format: Format, cell: Cell<'_>, wanted: i128) -> Option<i128> {
    let value = cell.as_integer()?;
    Some(match format {
        Format::Port => port(cell).map_or(value, i128::from),
        Format::Errno if wanted > 0 => value.saturating_abs(),
        _ => value,
    })
}

fn address_of(row: &Row<'_>, style: &Style, cell: Cell<'_>) -> Option<IpAddr> {
    match cell {
        Cell::Bytes(bytes) => {
            let bytes = style.address_bytes(row, bytes);
            <[u8; 4]>::try_from(bytes)
                .map(IpAddr::from)
                .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
                .ok()
        }
        cell => {
            let value = u32::try_from(cell.as_unsigned()?).ok()?;
            Some(IpAddr::from(value.to_le_bytes()))
        }
    }
}

/// Whether the first bits are the same.
fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let same = |a: u128, b: u128, width: u32| {
        let rest = width - u32::from(bits);
        rest >= u128::BITS || a >> rest == b >> rest
    };
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
        _ => false,
    }
}
