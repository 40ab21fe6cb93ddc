//! Rows as JSON: one object a line, its members in the order of the table.
//!
//! Numbers are exact to 64 bits; larger ones and pointers are text, bytes are text in hexadecimal,
//! enums their names. Hints do not change JSON: it is for programs.

use std::io::Write as _;

use eunomia_btf::decode::{Decoder, Group, Label, Scalar, Visitor};
use eunomia_runtime::output::{Cardinality, Field, Layout, Table, Values};

use super::Renderer;
use super::cell::{Cell, CharacterByte};

/// The renderer of a table.
pub(super) fn renderer(table: &Table) -> Result<Box<dyn Renderer>, String> {
    match &table.layout {
        Layout::Fields(fields) => Ok(Box::new(FieldsJson {
            keys: fields.iter().map(|field| key(&field.name)).collect(),
            fields: fields.clone(),
        })),
        Layout::Btf { btf, type_id, .. } => {
            let decoder = Decoder::new(btf, *type_id).map_err(|error| error.to_string())?;
            let keys = decoder
                .labels()
                .iter()
                .map(|label| key(label.name()))
                .collect();
            Ok(Box::new(BtfJson { decoder, keys }))
        }
        _ => Err("this version of ecli does not know the layout of its rows".to_owned()),
    }
}

/// A member's name with its colon; empty for what has no name.
fn key(name: &str) -> Box<[u8]> {
    let mut key = Vec::new();
    if !name.is_empty() {
        write_text(&mut key, name.as_bytes());
        key.push(b':');
    }
    key.into()
}

#[derive(Debug)]
struct FieldsJson {
    fields: Vec<Field>,
    keys: Vec<Box<[u8]>>,
}

impl Renderer for FieldsJson {
    fn row(&mut self, payload: &[u8], text: &mut Vec<u8>) -> Result<(), String> {
        let mut row = Values::new(&self.fields, payload);
        let mut separator = b'{';
        let mut keys = self.keys.iter();
        while let (Some((field, values)), Some(key)) = (row.next_field()?, keys.next()) {
            text.push(separator);
            separator = b',';
            text.extend_from_slice(key);
            let mut cells = values.map(Cell::from);
            match field.cardinality {
                Cardinality::Repeated => write_array(text, cells),
                _ => match cells.next() {
                    Some(cell) => write_cell(text, cell),
                    None => text.extend_from_slice(b"null"),
                },
            }
        }
        if separator == b'{' {
            text.push(b'{');
        }
        text.extend_from_slice(b"}\n");
        Ok(())
    }
}

fn write_array<'a>(text: &mut Vec<u8>, cells: impl Iterator<Item = Cell<'a>>) {
    text.push(b'[');
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            text.push(b',');
        }
        write_cell(text, cell);
    }
    text.push(b']');
}

#[derive(Debug)]
struct BtfJson {
    decoder: Decoder,
    /// By label.
    keys: Vec<Box<[u8]>>,
}

impl Renderer for BtfJson {
    fn row(&mut self, payload: &[u8], text: &mut Vec<u8>) -> Result<(), String> {
        let mut writer = BtfWriter {
            keys: &self.keys,
            text,
            is_first: true,
        };
        self.decoder
            .decode(payload, &mut writer)
            .map_err(|error| error.to_string())?;
        text.push(b'\n');
        Ok(())
    }
}

struct BtfWriter<'a> {
    keys: &'a [Box<[u8]>],
    text: &'a mut Vec<u8>,
    /// Of its group.
    is_first: bool,
}

impl BtfWriter<'_> {
    fn introduce(&mut self, label: &Label) {
        if !self.is_first {
            self.text.push(b',');
        }
        self.is_first = false;
        self.text.extend_from_slice(&self.keys[label.index()]);
    }
}

impl Visitor for BtfWriter<'_> {
    fn begin(&mut self, label: &Label, group: Group) {
        self.introduce(label);
        self.text.push(if matches!(group, Group::Array(_)) {
            b'['
        } else {
            b'{'
        });
        self.is_first = true;
    }

    fn end(&mut self, _: &Label, group: Group) {
        self.text.push(if matches!(group, Group::Array(_)) {
            b']'
        } else {
            b'}'
        });
        self.is_first = false;
    }

    fn scalar(&mut self, label: &Label, value: Scalar<'_>) {
        self.introduce(label);
        let mut character = CharacterByte::default();
        write_cell(self.text, Cell::of_scalar(value, &mut character));
    }
}

fn write_cell(text: &mut Vec<u8>, cell: Cell<'_>) {
    // Writing to a Vec cannot fail.
    let _ = match cell {
        Cell::Unsigned(value) => return write_unsigned(text, value),
        Cell::Signed(value) => {
            if value < 0 {
                text.push(b'-');
            }
            return write_unsigned(text, value.unsigned_abs());
        }
        Cell::Unsigned128(value) => write!(text, "\"{value}\""),
        Cell::Signed128(value) => write!(text, "\"{value}\""),
        Cell::Boolean(value) => write!(text, "{value}"),
        // JSON has no numbers for these.
        Cell::Float(value) if !value.is_finite() => write!(text, "null"),
        Cell::Float32(value) if !value.is_finite() => write!(text, "null"),
        // With `.0`, so that readers that guess types see the same one in every row.
        Cell::Float(value) => write!(text, "{value:?}"),
        Cell::Float32(value) => write!(text, "{value:?}"),
        Cell::Text(value) => return write_text(text, value),
        Cell::Bytes(bytes) => {
            text.push(b'"');
            super::format::write_hex(text, bytes);
            text.push(b'"');
            Ok(())
        }
        Cell::Pointer(value) => write!(text, "\"{value:#x}\""),
    };
}

/// Digits by hand: most of what rows consist of, and `write!` takes several times as long.
fn write_unsigned(text: &mut Vec<u8>, mut value: u64) {
    const DIGITS_MAX: usize = 20;
    let mut digits = [0; DIGITS_MAX];
    let mut start = DIGITS_MAX;
    loop {
        start -= 1;
        // The remainder is below 10.
        digits[start] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    text.extend_from_slice(&digits[start..]);
}

fn write_text(text: &mut Vec<u8>, value: &[u8]) {
    text.push(b'"');
    match std::str::from_utf8(value) {
        Ok(valid) => write_escaped(text, valid.as_bytes()),
        Err(_) => write_escaped(text, String::from_utf8_lossy(value).as_bytes()),
    }
    text.push(b'"');
}

/// Escapes what RFC 8259, section 7, demands, and DEL: bytes that control terminals. C1 control
/// characters are left: terminals of our days, which read UTF-8, take them for text.
fn write_escaped(text: &mut Vec<u8>, value: &[u8]) {
    let is_plain = |byte: &u8| !matches!(byte, 0..0x20 | b'"' | b'\\' | 0x7f);
    let mut rest = value;
    while let Some(at) = rest.iter().position(|byte| !is_plain(byte)) {
        text.extend_from_slice(&rest[..at]);
        match rest[at] {
            b'"' => text.extend_from_slice(b"\\\""),
            b'\\' => text.extend_from_slice(b"\\\\"),
            b'\n' => text.extend_from_slice(b"\\n"),
            b'\r' => text.extend_from_slice(b"\\r"),
            b'\t' => text.extend_from_slice(b"\\t"),
            byte => {
                text.extend_from_slice(b"\\u00");
                super::format::write_hex(text, &[byte]);
            }
        }
        rest = &rest[at + 1..];
    }
    text.extend_from_slice(rest);
}
