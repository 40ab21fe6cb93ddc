//! The values in a filter, as their fields have them.

use std::net::IpAddr;

use eunomia_runtime::output::Format;

use super::super::format::duration_unit;
use super::super::names::{Names, errno_number, signal_number, syscall_number};
use super::super::shape::{Class, Shape};
use crate::similar::similar;

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Integer(i128),
    /// Beyond `i128`.
    Large(u128),
    Float(f64),
    Text(Vec<u8>),
    /// Addresses whose first bits are these.
    Network(IpAddr, u8),
}

/// The literal that a word means for a field.
pub(super) fn read(
    word: &str,
    shape: &Shape,
    field: usize,
    names: &mut Names,
) -> Result<Literal, String> {
    let shape_field = &shape.fields[field];
    let wrong = |what: &str| format!("field `{}` is {what}, `{word}` is none", shape_field.path);
    let format = shape_field.hints.format;
    match format {
        Format::IpAddress => return network(word).ok_or_else(|| wrong("an IP address")),
        Format::MacAddress => {
            return hex_bytes(&word.replace(':', "")).ok_or_else(|| wrong("a MAC address"));
        }
        _ => {}
    }
    match shape_field.kind.class {
        Class::Text | Class::Character => Ok(Literal::Text(word.as_bytes().to_vec())),
        Class::Bytes => hex_bytes(word).ok_or_else(|| wrong("bytes (hexadecimal digits)")),
        Class::Mixed => Err(format!(
            "field `{}` holds structs: it can only be matched with ~",
            shape_field.path
        )),
        Class::Boolean => match word {
            "true" | "1" => Ok(Literal::Integer(1)),
            "false" | "0" => Ok(Literal::Integer(0)),
            _ => Err(wrong("true or false")),
        },
        Class::Enum => enumerator(word, shape, field),
        Class::Float => number(word).ok_or_else(|| wrong("a number")),
        Class::Integer(_) | Class::Pointer => {
            if let Some(number) = named(word, format, names) {
                return Ok(Literal::Integer(number.into()));
            }
            number(word)
                .or_else(|| with_unit(word, format))
                .ok_or_else(|| wrong(what_is(format)))
        }
    }
}

fn what_is(format: Format) -> &'static str {
    match format {
        Format::Errno => "an errno",
        Format::Signal => "a signal",
        Format::Syscall => "a system call",
        Format::Uid => "a user",
        Format::Gid => "a group",
        Format::Bytes => "a size (10, 4KiB)",
        _ if duration_unit(format).is_some() => "a duration (10, 10ms, 1.5s)",
        _ => "a number",
    }
}

/// The number that a name stands for in a format.
fn named(word: &str, format: Format, names: &mut Names) -> Option<i64> {
    match format {
        Format::Errno => errno_number(word),
        Format::Signal => signal_number(word),
        Format::Syscall => syscall_number(word),
        Format::Uid => names.users.number(word),
        Format::Gid => names.groups.number(word),
        _ => None,
    }
}

fn enumerator(word: &str, shape: &Shape, field: usize) -> Result<Literal, String> {
    let enumerators = shape.enumerators(field);
    if let Some((number, _)) = enumerators.iter().find(|(_, name)| *name == word) {
        return Ok(Literal::Integer(*number));
    }
    number(word).ok_or_else(|| {
        let names = enumerators.iter().map(|(_, name)| *name);
        let close = similar(word, names);
        let path = &shape.fields[field].path;
        match close.as_slice() {
            [] => format!("field `{path}` is an enum without `{word}`"),
            close => format!(
                "field `{path}` is an enum without `{word}`; close are {}",
                close.join(", ")
            ),
        }
    })
}

/// `10`, `-1`, `0x1f`, `0o17`, `1_000`, `1.5`.
fn number(word: &str) -> Option<Literal> {
    let plain = word.replace('_', "");
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, plain.as_str()),
    };
    let radix = |prefix, radix| {
        let digits: &str = digits.strip_prefix(prefix)?;
        u128::from_str_radix(digits, radix).ok()
    };
    let integer = radix("0x", 16).or_else(|| radix("0o", 8));
    if let Some(value) = integer.or_else(|| digits.parse::<u128>().ok()) {
        return Some(match (i128::try_from(value), sign) {
            (Ok(value), sign) => Literal::Integer(value * sign),
            (Err(_), 1) => Literal::Large(value),
            // The least one has no counterpart above 0.
            (Err(_), _) => Literal::Integer(0_i128.checked_sub_unsigned(value)?),
        });
    }
    // Words such as `inf` and `nan` are no numbers here.
    let is_float = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let value: f64 = plain.parse().ok().filter(|_| is_float)?;
    value.is_finite().then_some(Literal::Float(value))
}

/// `10ms` of a field with a duration, in its own unit; `4KiB` of one with bytes.
fn with_unit(word: &str, format: Format) -> Option<Literal> {
    let (sign, word) = match word.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, word),
    };
    let digits = word.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_')?;
    let (value, unit) = word.split_at(digits);
    let value: f64 = value.replace('_', "").parse().ok()?;
    let factor = match duration_unit(format) {
        Some(own) => nanoseconds(unit)? / own as f64,
        None if format == Format::Bytes => bytes(unit)?,
        None => return None,
    };
    Some(Literal::Float(sign * value * factor))
}

fn nanoseconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1.0,
        "us" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        "h" => 3600e9,
        "d" => 86_400e9,
        _ => return None,
    })
}

fn bytes(unit: &str) -> Option<f64> {
    const STEP: f64 = 1024.0;
    Some(match unit {
        "B" => 1.0,
        "K" | "KiB" => STEP,
        "M" | "MiB" => STEP * STEP,
        "G" | "GiB" => STEP * STEP * STEP,
        "T" | "TiB" => STEP * STEP * STEP * STEP,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        _ => return None,
    })
}

/// `10.0.0.1`, `10.0.0.0/8`, `::1`.
fn network(word: &str) -> Option<Literal> {
    let (address, bits) = match word.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse().ok()?)),
        None => (word, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let bits_max = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(bits_max);
    (bits <= bits_max).then_some(Literal::Network(address, bits))
}

fn hex_bytes(word: &str) -> Option<Literal> {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex || !digits.len().is_multiple_of(2) {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
    bytes.map(Literal::Text)
}
