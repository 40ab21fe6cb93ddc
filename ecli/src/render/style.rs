//! How the values of one field are written as text: its format, and what else decides it.

use eunomia_runtime::output::{Format, Histogram};

use super::cell::Cell;
use super::format;
use super::names::{Names, file_flags};
use super::nested::NestedText;
use super::shape::{Class, Datum, Row, Shape};

/// Digits behind the point that a hint can ask for.
const PRECISION_MAX: usize = 17;

/// How the values of a field are written.
#[derive(Clone, Debug)]
pub(super) struct Style {
    pub(super) format: Format,
    pub(super) histogram: Option<Histogram>,
    precision: Option<usize>,
    /// The field with the family of an address.
    family: Option<usize>,
    /// The field with the process of a stack.
    pid: Option<usize>,
    /// Bits and their names, those with most bits first.
    flags: Vec<(u128, String)>,
    /// The bits that a number of the field has.
    mask: u64,
}

impl Style {
    /// The style that a field's hints ask for.
    pub(super) fn of(shape: &Shape, field: usize) -> Self {
        let hints = &shape.fields[field].hints;
        let other = |path: &Option<String>| path.as_ref().and_then(|path| shape.find(path));
        let mut flags = Vec::new();
        if hints.format == Format::Flags {
            for (number, name) in shape.enumerators(field) {
                if let Ok(bits @ 1..) = u128::try_from(number) {
                    flags.push((bits, name.to_owned()));
                }
            }
            flags.sort_by_key(|(bits, _)| std::cmp::Reverse(bits.count_ones()));
        }
        Self {
            format: hints.format,
            histogram: hints.histogram.filter(|_| shape.fields[field].kind.many),
            precision: hints.precision.map(|digits| digits.min(PRECISION_MAX)),
            family: other(&hints.family),
            pid: other(&hints.pid),
            flags,
            mask: match shape.fields[field].kind.class {
                Class::Integer(bytes @ 1..8) => (1 << (bytes * 8)) - 1,
                _ => u64::MAX,
            },
        }
    }

    /// Formats of bits take a signed number as the bits that it has, and others of unsigned
    /// numbers what is not negative.
    fn unsigned<'c>(&self, cell: Cell<'c>) -> Cell<'c> {
        let Cell::Signed(value) = cell else {
            return cell;
        };
        match (u64::try_from(value), self.format) {
            (Ok(value), _) => Cell::Unsigned(value),
            (Err(_), Format::Bytes | Format::TimeNs) => cell,
            (Err(_), Format::TimeMonotonicNs | Format::TimeBootNs) => cell,
            (Err(_), _) => Cell::Unsigned(value.cast_unsigned() & self.mask),
        }
    }

    /// Whether the values are lines below the row: a histogram or a stack.
    pub(super) fn is_block(&self) -> bool {
        self.histogram.is_some() || self.is_stack()
    }

    /// Whether the values are addresses of a stack.
    pub(super) fn is_stack(&self) -> bool {
        matches!(self.format, Format::KernelStack | Format::UserStack)
    }

    /// The frames of a stack.
    pub(super) fn frames(
        &self,
        row: &Row<'_>,
        datum: &Datum<'_>,
        names: &mut Names,
    ) -> Vec<String> {
        let mut addresses = Vec::new();
        datum.for_each(|cell| addresses.extend(cell.as_unsigned()));
        if self.format == Format::KernelStack {
            return names.stacks.kernel_frames(&addresses);
        }
        let pid = self.pid.and_then(|field| number(row, field));
        let pid = pid.and_then(|pid| u32::try_from(pid).ok());
        names.stacks.user_frames(pid, &addresses)
    }

    /// Appends the value or the values, with spaces between.
    pub(super) fn write(
        &self,
        text: &mut Vec<u8>,
        row: &Row<'_>,
        datum: &Datum<'_>,
        names: &mut Names,
    ) {
        match datum {
            Datum::Absent => {}
            Datum::One(cell) => self.write_cell(text, row, *cell, names),
            Datum::Many(values) => {
                for (index, value) in values.enumerate() {
                    if index > 0 {
                        text.push(b' ');
                    }
                    self.write_cell(text, row, value.into(), names);
                }
            }
            Datum::Array(array) => {
                let write = |text: &mut Vec<u8>, cell: Cell<'_>| {
                    self.write_cell(text, row, cell, names);
                };
                array.visit(&mut NestedText::new(text, write));
            }
        }
    }

    /// Appends one value.
    pub(super) fn write_cell(
        &self,
        text: &mut Vec<u8>,
        row: &Row<'_>,
        cell: Cell<'_>,
        names: &mut Names,
    ) {
        let cell = match self.format {
            Format::Hex
            | Format::Octal
            | Format::Bytes
            | Format::FileMode
            | Format::IpAddress
            | Format::Flags
            | Format::FileFlags
            | Format::TimeNs
            | Format::TimeMonotonicNs
            | Format::TimeBootNs => self.unsigned(cell),
            _ => cell,
        };
        match (self.format, cell) {
            (Format::Plain | Format::Percent, Cell::Float(value)) => {
                self.write_float(text, value, cell);
            }
            (Format::Plain | Format::Percent, Cell::Float32(value)) => {
                self.write_float(text, value.into(), cell);
            }
            (Format::Plain, cell) => format::write_plain(text, cell),
            (Format::IpAddress, Cell::Bytes(bytes)) => {
                let bytes = self.address_bytes(row, bytes);
                format::write(text, Cell::Bytes(bytes), self.format, names);
            }
            (Format::Flags, cell) if cell.as_integer().is_some() => self.write_flags(text, cell),
            (Format::FileFlags, cell) => {
                match cell.as_integer().and_then(|n| u64::try_from(n).ok()) {
                    Some(bits) => {
                        let (names, rest) = file_flags(bits);
                        write_words(text, names.into_iter(), rest.into());
                    }
                    None => format::write_plain(text, cell),
                }
            }
            (format, cell) => format::write(text, cell, format, names),
        }
    }

    /// The bytes of an address that count, by its family: in a union of both, the first four.
    pub(super) fn address_bytes<'b>(&self, row: &Row<'_>, bytes: &'b [u8]) -> &'b [u8] {
        const AF_INET: i128 = 2;
        const IPV4: i128 = 4;
        let family = self.family.and_then(|field| number(row, field));
        match (family, bytes.get(..4)) {
            (Some(AF_INET | IPV4), Some(first)) => first,
            _ => bytes,
        }
    }

    fn write_float(&self, text: &mut Vec<u8>, value: f64, cell: Cell<'_>) {
        match self.precision {
            Some(digits) => format::append(text, format_args!("{value:.digits$}")),
            None => format::write_plain(text, cell),
        }
        if self.format == Format::Percent {
            text.push(b'%');
        }
    }

    fn write_flags(&self, text: &mut Vec<u8>, cell: Cell<'_>) {
        let number = cell.as_integer().unwrap_or(0);
        // The bits of a negative number are those of its 64.
        let mut rest =
            u128::try_from(number).unwrap_or(number.cast_unsigned() & u128::from(u64::MAX));
        let mut set = Vec::new();
        for (bits, name) in &self.flags {
            if rest & bits == *bits {
                rest &= !bits;
                set.push((*bits, name.as_str()));
            }
        }
        set.sort_unstable();
        if set.is_empty() && rest == 0 {
            return format::write_plain(text, cell);
        }
        write_words(text, set.into_iter().map(|(_, name)| name), rest);
    }
}

/// Names with `|` between, and the bits that have none.
fn write_words<'a>(text: &mut Vec<u8>, words: impl Iterator<Item = &'a str>, rest: u128) {
    let start = text.len();
    for word in words {
        if text.len() > start {
            text.push(b'|');
        }
        text.extend_from_slice(word.as_bytes());
    }
    if rest > 0 {
        if text.len() > start {
            text.push(b'|');
        }
        format::append(text, format_args!("{rest:#x}"));
    }
}

fn number(row: &Row<'_>, field: usize) -> Option<i128> {
    match row.get(field) {
        Datum::One(cell) => cell.as_integer(),
        _ => None,
    }
}
