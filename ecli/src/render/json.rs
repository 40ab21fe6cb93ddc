//! Values as JSON, and as YAML, which takes JSON for itself.
//!
//! Numbers are exact to 64 bits; larger ones and pointers are text, bytes are text in hexadecimal,
//! enums their names.

use std::io::Write as _;

use eunomia_btf::decode::{Group, Label, Scalar, Visitor};

use super::cell::Cell;
use super::format::{write_hex, write_signed, write_unsigned};
use super::shape::Array;
use crate::terminal::is_hostile;

/// Whose rules text follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Json,
    Yaml,
}

/// Appends one value.
pub(super) fn write_cell(text: &mut Vec<u8>, cell: Cell<'_>, dialect: Dialect) {
    // Writing to a Vec cannot fail.
    let _ = match cell {
        Cell::Unsigned(value) => return write_unsigned(text, value),
        Cell::Signed(value) => return write_signed(text, value),
        Cell::Unsigned128(value) => write!(text, "\"{value}\""),
        Cell::Signed128(value) => write!(text, "\"{value}\""),
        Cell::Boolean(value) => write!(text, "{value}"),
        // JSON has no numbers for these.
        Cell::Float(value) if !value.is_finite() => write!(text, "null"),
        Cell::Float32(value) if !value.is_finite() => write!(text, "null"),
        // With `.0`, so that readers that guess types see the same one in every row.
        Cell::Float(value) => return write_float(text, format_args!("{value:?}"), dialect),
        Cell::Float32(value) => return write_float(text, format_args!("{value:?}"), dialect),
        Cell::Text(value) => return write_text(text, value, dialect),
        Cell::Character(0) => return write_text(text, b"", dialect),
        Cell::Character(value) => return write_text(text, &[value], dialect),
        Cell::Enum {
            name: Some(name), ..
        } => return write_text(text, name.as_bytes(), dialect),
        Cell::Enum { number, name: None } => match i64::try_from(number) {
            Ok(number) => return write_signed(text, number),
            Err(_) => write!(text, "{number}"),
        },
        Cell::Bytes(bytes) => {
            text.push(b'"');
            write_hex(text, bytes);
            text.push(b'"');
            Ok(())
        }
        Cell::Pointer(value) => write!(text, "\"{value:#x}\""),
    };
}

fn write_float(text: &mut Vec<u8>, value: std::fmt::Arguments<'_>, dialect: Dialect) {
    let start = text.len();
    let _ = text.write_fmt(value);
    let exponent = text[start..].iter().position(|byte| *byte == b'e');
    let (Some(at), Dialect::Yaml) = (exponent, dialect) else {
        return;
    };
    // For readers of YAML 1.1 only `1.0e+16` is a number.
    let at = start + at;
    if text[at + 1] != b'-' {
        text.insert(at + 1, b'+');
    }
    if !text[start..at].contains(&b'.') {
        text.splice(at..at, *b".0");
    }
}

/// Appends an array, with the structs and arrays in it.
pub(super) fn write_nested(text: &mut Vec<u8>, array: &Array<'_>, dialect: Dialect) {
    array.visit(&mut Nested {
        text,
        dialect,
        is_first: true,
        depth: 0,
    });
}

struct Nested<'a> {
    text: &'a mut Vec<u8>,
    dialect: Dialect,
    /// Of its group.
    is_first: bool,
    depth: usize,
}

impl Nested<'_> {
    fn introduce(&mut self, label: &Label) {
        if !self.is_first {
            self.text.push(b',');
        }
        self.is_first = false;
        // The name of the array itself stands in front of it already.
        if self.depth > 0 && !label.name().is_empty() {
            write_quoted(self.text, label.name().as_bytes(), self.dialect);
            self.text.push(b':');
        }
    }
}

impl Visitor for Nested<'_> {
    fn begin(&mut self, label: &Label, group: Group) {
        self.introduce(label);
        let is_array = matches!(group, Group::Array(_));
        self.text.push(if is_array { b'[' } else { b'{' });
        self.is_first = true;
        self.depth += 1;
    }

    fn end(&mut self, _: &Label, group: Group) {
        let is_array = matches!(group, Group::Array(_));
        self.text.push(if is_array { b']' } else { b'}' });
        self.is_first = false;
        self.depth -= 1;
    }

    fn scalar(&mut self, label: &Label, value: Scalar<'_>) {
        self.introduce(label);
        match Cell::from(value) {
            // In brackets YAML has more rules for text without quotes.
            Cell::Text(value) => write_quoted(self.text, value, self.dialect),
            Cell::Character(0) => write_quoted(self.text, b"", self.dialect),
            Cell::Character(value) => write_quoted(self.text, &[value], self.dialect),
            Cell::Enum {
                name: Some(name), ..
            } => write_quoted(self.text, name.as_bytes(), self.dialect),
            cell => write_cell(self.text, cell, self.dialect),
        }
    }
}

/// Appends text, in quotes unless the dialect takes it for text without.
pub(super) fn write_text(text: &mut Vec<u8>, value: &[u8], dialect: Dialect) {
    if dialect == Dialect::Yaml && is_plain_yaml(value) {
        text.extend_from_slice(value);
        return;
    }
    write_quoted(text, value, dialect);
}

/// Appends text in quotes.
pub(super) fn write_quoted(text: &mut Vec<u8>, value: &[u8], dialect: Dialect) {
    text.push(b'"');
    match (std::str::from_utf8(value), dialect) {
        (Ok(valid), Dialect::Json) => write_escaped(text, valid.as_bytes()),
        (Ok(valid), Dialect::Yaml) => write_escaped_yaml(text, valid),
        (Err(_), Dialect::Json) => {
            write_escaped(text, String::from_utf8_lossy(value).as_bytes());
        }
        (Err(_), Dialect::Yaml) => write_escaped_yaml(text, &String::from_utf8_lossy(value)),
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
                write_hex(text, &[byte]);
            }
        }
        rest = &rest[at + 1..];
    }
    text.extend_from_slice(rest);
}

/// The same for YAML's double quotes, in which also line ends of Unicode and characters that are
/// not printable have to be escaped (YAML 1.2, productions 1, 26 to 28 and 107).
fn write_escaped_yaml(text: &mut Vec<u8>, value: &str) {
    // What is below is escaped as in JSON.
    let is_odd = |c| c >= '\u{80}' && is_hostile(c) || matches!(c, '\u{fffe}' | '\u{ffff}');
    let mut rest = value;
    while let Some(at) = rest.find(is_odd) {
        let (before, behind) = rest.split_at(at);
        write_escaped(text, before.as_bytes());
        let mut behind = behind.chars();
        if let Some(character) = behind.next() {
            // All of them are in the basic plane.
            let _ = write!(text, "\\u{:04x}", u32::from(character));
        }
        rest = behind.as_str();
    }
    write_escaped(text, rest.as_bytes());
}

/// Whether YAML takes these bytes for the text that they are. Fewer than those that it would take:
/// what starts like a number, a date or a word for a truth value is left out.
fn is_plain_yaml(value: &[u8]) -> bool {
    const TAKEN: [&str; 10] = [
        "true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan",
    ];
    const LENGTH_MAX: usize = 256;
    let is_inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"_/.-+@".contains(byte);
    let starts_plainly = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_' || *byte == b'/';
    value.first().is_some_and(starts_plainly)
        && value.len() <= LENGTH_MAX
        && value.iter().all(is_inner)
        && !TAKEN
            .iter()
            .any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
}
