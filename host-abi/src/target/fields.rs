//! The fields of a target in text form, and what single fields hold.

use std::collections::VecDeque;

use crate::limits::{NAME_BYTES_MAX, PATH_BYTES_MAX, TARGET_SYMBOLS_MAX};
use crate::target::{Position, ProcessFilter, escape};

/// What may be wrong with one part of the text; the caller adds the text and an example.
pub(super) type Part<T> = std::result::Result<T, String>;

// Symbols take at least two bytes each, so that the text cannot name too many.
const _: () = assert!(PATH_BYTES_MAX / 2 <= TARGET_SYMBOLS_MAX);

/// The fields of a target, from left to right.
pub(super) struct Fields<'a>(VecDeque<&'a str>);

impl<'a> Fields<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(escape::split(text, ':').into())
    }

    pub(super) fn next(&mut self) -> Option<&'a str> {
        self.0.pop_front()
    }

    pub(super) fn required(&mut self, what: &str) -> Part<&'a str> {
        let field = self.next().filter(|field| !field.is_empty());
        field.ok_or_else(|| format!("the {what} is missing"))
    }

    pub(super) fn network_interface(&mut self) -> Part<String> {
        name("network interface", self.required("network interface")?)
    }

    /// Whether one of the remaining fields is this word; it is taken out.
    pub(super) fn flag(&mut self, word: &str) -> bool {
        let place = self.0.iter().position(|field| *field == word);
        place.and_then(|place| self.0.remove(place)).is_some()
    }

    /// The number of a remaining field `KEY=NUMBER`, which is taken out.
    pub(super) fn option<T: TryFrom<u64>>(&mut self, key: &str) -> Part<Option<T>> {
        let value = |field: &&'a str| field.strip_prefix(key)?.strip_prefix('=');
        let Some(place) = self.0.iter().position(|field| value(field).is_some()) else {
            return Ok(None);
        };
        let field = self.0.remove(place);
        field.as_ref().and_then(value).map(number).transpose()
    }

    pub(super) fn position(&mut self) -> Part<Position> {
        let mut chosen = Vec::new();
        chosen.extend(self.flag("first").then_some(Position::First));
        chosen.extend(self.flag("last").then_some(Position::Last));
        chosen.extend(self.option("before")?.map(Position::Before));
        chosen.extend(self.option("after")?.map(Position::After));
        match chosen.as_slice() {
            [] => Ok(Position::Anywhere),
            [position] => Ok(*position),
            _ => Err("first, last, before and after exclude each other".to_owned()),
        }
    }

    /// `@PID` or `@host` at the end of the text, which is cut off. Other text behind an `@` belongs
    /// to the last field: the version of a symbol.
    pub(super) fn process(&mut self) -> Part<ProcessFilter> {
        let Some((last, process)) = self
            .0
            .back()
            .and_then(|last| escape::split_last(last, '@'))
            .filter(|(_, process)| is_process(process))
        else {
            return Ok(ProcessFilter::Any);
        };
        self.0.pop_back();
        self.0.push_back(last);
        if process == HOST_PROCESS {
            return Ok(ProcessFilter::HostProcess);
        }
        number(process).map(ProcessFilter::Pid)
    }

    pub(super) fn end(&mut self) -> Part<()> {
        match self.next() {
            None => Ok(()),
            Some(field) => Err(format!(
                "\"{field}\" is not expected there (a colon inside of a name is written `\\:`)"
            )),
        }
    }
}

/// What stands for the host process behind an `@`.
pub(super) const HOST_PROCESS: &str = "host";

/// Whether the text behind an `@` is read as a process.
pub(super) fn is_process(text: &str) -> bool {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number || text == HOST_PROCESS
}

/// `0xOFFSET`, which no symbol starts with.
pub(super) fn file_offset(text: &str) -> Part<Option<u64>> {
    match text.starts_with("0x") {
        true => number(text).map(Some),
        false => Ok(None),
    }
}

pub(super) fn symbol_and_offset(text: &str) -> Part<(String, u64)> {
    match escape::split_last(text, '+') {
        Some((symbol, offset)) => Ok((name("function", symbol)?, number(offset)?)),
        None => Ok((name("function", text)?, 0)),
    }
}

pub(super) fn names(what: &str, text: &str) -> Part<Vec<String>> {
    escape::split(text, ',')
        .into_iter()
        .map(|part| name(what, part))
        .collect()
}

pub(super) fn name(what: &str, text: &str) -> Part<String> {
    let plain = escape::unescape(text).ok_or("nothing follows the backslash")?;
    if plain.is_empty() {
        return Err(format!("the {what} is empty"));
    }
    if plain.len() > NAME_BYTES_MAX {
        return Err(format!(
            "the {what} has {} bytes, more than {NAME_BYTES_MAX}",
            plain.len()
        ));
    }
    Ok(plain)
}

/// The text as a whole is no longer than a path may be.
pub(super) fn path(text: &str) -> Part<String> {
    let plain = escape::unescape(text).ok_or("nothing follows the backslash")?;
    if plain.is_empty() {
        return Err("the path is empty".to_owned());
    }
    Ok(plain)
}

/// Decimal, or hexadecimal with `0x`.
pub(super) fn number<T: TryFrom<u64>>(text: &str) -> Part<T> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    // `parse` would take a sign.
    parsed
        .filter(|_| !text.contains('+'))
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(|| format!("\"{text}\" is no number, or too large"))
}
