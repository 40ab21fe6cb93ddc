//! Rows as comma-separated values: RFC 4180, with every record on one line.

use eunomia_runtime::output::Format;

use super::cell::Cell;
use super::format::{port, write_unsigned};
use super::json::{Dialect, write_cell, write_nested, write_quoted};
use super::line::push_visible;
use super::names::Names;
use super::shape::{Datum, Row, Shape};
use super::style::Style;
use super::{Begin, Renderer};

/// Shows rows as comma-separated values.
#[derive(Debug)]
pub(super) struct Csv {
    header: Vec<u8>,
    fields: Vec<(usize, Style)>,
    /// Memory for a value.
    value: Vec<u8>,
}

impl Csv {
    /// Shows the selected fields, in this order.
    pub(super) fn new(shape: &Shape, fields: &[usize]) -> Self {
        let mut header = Vec::new();
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                header.push(b',');
            }
            write_value(&mut header, shape.fields[*field].path.as_bytes(), true);
        }
        header.extend_from_slice(b"\r\n");
        let style = |field: &usize| (*field, Style::of(shape, *field));
        Self {
            header,
            fields: fields.iter().map(style).collect(),
            value: Vec::new(),
        }
    }
}

impl Renderer for Csv {
    fn row(&mut self, row: &Row<'_>, names: &mut Names, text: &mut Vec<u8>) {
        for (index, (field, style)) in self.fields.iter().enumerate() {
            if index > 0 {
                text.push(b',');
            }
            self.value.clear();
            let is_text = write_datum(&mut self.value, row, &row.get(*field), style, names);
            write_value(text, &self.value, is_text);
        }
        text.extend_from_slice(b"\r\n");
    }

    fn begin(&mut self, begin: Begin, text: &mut Vec<u8>) {
        if begin == Begin::Table {
            text.extend_from_slice(b"\r\n");
        }
        if begin != Begin::Interval {
            text.extend_from_slice(&self.header);
        }
    }
}

/// Writes the value as JSON has it, but without quotes; whether it is text from outside.
fn write_datum(
    value: &mut Vec<u8>,
    row: &Row<'_>,
    datum: &Datum<'_>,
    style: &Style,
    names: &mut Names,
) -> bool {
    match datum {
        Datum::Absent => false,
        _ if style.is_stack() => {
            for (index, frame) in style.frames(row, datum, names).iter().enumerate() {
                if index > 0 {
                    value.push(b';');
                }
                value.extend_from_slice(frame.as_bytes());
            }
            true
        }
        Datum::One(cell) => write_one(value, row, *cell, style, names),
        Datum::Many(values) => {
            value.push(b'[');
            for (index, item) in values.map(Cell::from).enumerate() {
                if index > 0 {
                    value.push(b',');
                }
                match item {
                    Cell::Text(text) => write_quoted(value, text, Dialect::Json),
                    item => write_cell(value, item, Dialect::Json),
                }
            }
            value.push(b']');
            false
        }
        Datum::Array(array) => {
            write_nested(value, array, Dialect::Json);
            false
        }
    }
}

fn write_one(
    value: &mut Vec<u8>,
    row: &Row<'_>,
    cell: Cell<'_>,
    style: &Style,
    names: &mut Names,
) -> bool {
    match (style.format, cell) {
        (Format::IpAddress | Format::MacAddress | Format::Flags, cell) => {
            style.write_cell(value, row, cell, names);
            false
        }
        (Format::Port, cell) if port(cell).is_some() => {
            write_unsigned(value, port(cell).unwrap_or_default().into());
            false
        }
        (_, Cell::Float(number)) if !number.is_finite() => false,
        (_, Cell::Float32(number)) if !number.is_finite() => false,
        (_, Cell::Float(_) | Cell::Float32(_)) => {
            write_cell(value, cell, Dialect::Json);
            false
        }
        (_, cell) => {
            super::format::write_plain(value, cell);
            matches!(cell, Cell::Text(_) | Cell::Character(_))
        }
    }
}

/// Appends a value, quoted where it must be. Spreadsheets take `text` with some first characters
/// for a formula.
fn write_value(text: &mut Vec<u8>, value: &[u8], is_text: bool) {
    const FORMULA: &[u8] = b"=+-@";
    let is_formula = is_text && value.first().is_some_and(|byte| FORMULA.contains(byte));
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !b"\",".contains(byte);
    let has_spaces = value.first() == Some(&b' ') || value.last() == Some(&b' ');
    if !is_formula && !has_spaces && value.iter().all(is_plain) {
        text.extend_from_slice(value);
        return;
    }
    text.push(b'"');
    if is_formula {
        text.push(b'\'');
    }
    for character in String::from_utf8_lossy(value).chars() {
        if character == '"' {
            text.push(b'"');
        }
        push_visible(text, character);
    }
    text.push(b'"');
}
