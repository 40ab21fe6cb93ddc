//! Values of global variables as operators write them (`--global NAME=VALUE`).

use eunomia_btf::{Btf, Definition, TypeId};

use crate::error::{Error, ErrorKind};

/// Why a text is not a value of a type.
#[derive(Debug, PartialEq, Eq)]
pub struct ValueError(String);

impl std::fmt::Display for ValueError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ValueError {}

impl ValueError {
    /// The same as an error of setting the variable `name`.
    pub fn for_global(self, name: &str) -> Error {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("set global `{name}`: {}", self.0),
        )
    }
}

/// Names of an enum that an error lists.
const NAMES_SHOWN_MAX: usize = 16;

/// The bytes of `text` as a value of a type: an integer (decimal, `0x` hexadecimal), `true` or
/// `false`, the name of an enumerator, one character that is no digit for a `char`, text for an
/// array of `char`.
///
/// # Errors
/// Says why the text is no value of the type.
pub fn parse(btf: &Btf, id: TypeId, text: &str) -> Result<Vec<u8>, ValueError> {
    let unreadable = |error: eunomia_btf::Error| ValueError(error.to_string());
    let size = btf.size_of(id).map_err(unreadable)? as usize;
    let ty = btf.resolve(id).map_err(unreadable)?;
    match ty.definition() {
        Definition::Int(int) if int.boolean => match text {
            "true" | "1" | "yes" | "on" => Ok(vec![1]),
            "false" | "0" | "no" | "off" => Ok(vec![0]),
            _ => Err(ValueError(format!("`{text}` is neither true nor false"))),
        },
        Definition::Int(int) => match text.as_bytes() {
            // Digits are the numbers that they are.
            [byte] if int.character && !byte.is_ascii_digit() => Ok(vec![*byte]),
            _ => integer(text, size, int.signed),
        },
        Definition::Enum(enumeration) => {
            let named = enumeration
                .enumerators()
                .find(|enumerator| enumerator.name == text);
            match named {
                Some(enumerator) => Ok(enumerator.value.to_le_bytes()[..size].to_vec()),
                None => integer(text, size, enumeration.signed).map_err(|error| {
                    let names = enumeration.enumerators().map(|known| known.name);
                    let names: Vec<&str> = names.take(NAMES_SHOWN_MAX).collect();
                    ValueError(format!("{error}, and none of {}", names.join(", ")))
                }),
            }
        }
        Definition::Float { size: 4 } => number::<f32>(text).map(|n| n.to_le_bytes().to_vec()),
        Definition::Float { size: 8 } => number::<f64>(text).map(|n| n.to_le_bytes().to_vec()),
        Definition::Array(array) if is_char(btf, array.item) => {
            let mut value = text.as_bytes().to_vec();
            if value.len() >= size {
                return Err(ValueError(format!(
                    "`{text}` has {} bytes, at most {} fit",
                    value.len(),
                    size.saturating_sub(1)
                )));
            }
            value.resize(size, 0);
            Ok(value)
        }
        _ => Err(ValueError(format!(
            "a variable of type `{}` has no text form",
            ty.name()
        ))),
    }
}

fn is_char(btf: &Btf, id: TypeId) -> bool {
    btf.resolve(id)
        .is_ok_and(|ty| matches!(ty.definition(), Definition::Int(int) if int.size == 1))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, ValueError> {
    text.parse()
        .map_err(|_| ValueError(format!("`{text}` is not a number")))
}

fn integer(text: &str, size: usize, signed: bool) -> Result<Vec<u8>, ValueError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let magnitude = match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => digits.parse::<u64>(),
    }
    .map_err(|_| ValueError(format!("`{text}` is not a whole number")))?;
    let value = if negative {
        -i128::from(magnitude)
    } else {
        i128::from(magnitude)
    };
    let bits = u32::try_from(size * 8).unwrap_or(128).min(128);
    let (least, most) = match (signed, bits) {
        (_, 0) | (_, 65..) => (i128::from(i64::MIN), i128::from(u64::MAX)),
        (true, bits) => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
        (false, bits) => (0, (1 << bits) - 1),
    };
    if value < least || value > most {
        return Err(ValueError(format!(
            "{text} is not between {least} and {most}"
        )));
    }
    let mut bytes = value.to_le_bytes().to_vec();
    bytes.resize(size, if negative { 0xff } else { 0 });
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_bounded_by_their_size() {
        assert_eq!(integer("255", 1, false).unwrap(), [255]);
        assert_eq!(integer("-1", 4, true).unwrap(), [0xff; 4]);
        assert_eq!(integer("0x10", 2, false).unwrap(), [16, 0]);
        assert_eq!(
            integer("18446744073709551615", 8, false).unwrap(),
            [0xff; 8]
        );
        for (text, size, signed) in [
            ("256", 1, false),
            ("-1", 1, false),
            ("128", 1, true),
            ("", 4, true),
            ("1x", 4, true),
        ] {
            assert!(integer(text, size, signed).is_err(), "{text}");
        }
    }
}
