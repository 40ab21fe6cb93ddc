//! Reading arguments.

use std::time::Duration;

use eunomia_host_abi::global_value;

use super::{Choices, OptionSpec, Request, Sets};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::limits::{ARGUMENTS_MAX, INTERVAL_MAX, INTERVAL_MIN};

/// What `arguments` ask for.
///
/// # Errors
/// Names the option, and says what is wrong with it or with its value.
pub fn parse(options: &[OptionSpec], facts: &Facts, arguments: &[String]) -> Result<Request> {
    if arguments.len() > ARGUMENTS_MAX {
        return Err(Error::usage(format!(
            "{} arguments, at most {ARGUMENTS_MAX}",
            arguments.len()
        )));
    }
    let mut reader = Reader {
        options,
        facts,
        choices: Choices::default(),
        given: vec![false; options.len()],
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let (index, inline) = match reader.find(argument)? {
            Found::Option(index, inline) => (index, inline),
            Found::Help => return Ok(Request::Help),
            Found::Version => return Ok(Request::Version),
        };
        let option = &options[index];
        reader.given[index] = true;
        let value =
            match (&option.value, inline) {
                (_, Some(inline)) => Some(inline),
                (None, None) => None,
                (Some(wanted), None) => Some(rest.next().cloned().ok_or_else(|| {
                    Error::usage(format!("--{}: {wanted} is missing", option.long))
                })?),
            };
        reader
            .set(option, value)
            .map_err(|error| error.within(format!("--{}", option.long)))?;
    }
    let missing = options.iter().zip(&reader.given);
    if let Some((option, _)) = missing
        .into_iter()
        .find(|(it, given)| it.required && !**given)
    {
        return Err(Error::usage(format!("--{} must be given", option.long)));
    }
    reader.set_initial()?;
    Ok(Request::Run(reader.choices))
}

enum Found {
    Option(usize, Option<String>),
    Help,
    Version,
}

struct Reader<'a> {
    options: &'a [OptionSpec],
    facts: &'a Facts,
    choices: Choices,
    given: Vec<bool>,
}

impl Reader<'_> {
    fn find(&self, argument: &str) -> Result<Found> {
        if let Some(text) = argument.strip_prefix("--").filter(|text| !text.is_empty()) {
            let (name, inline) = match text.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (text, None),
            };
            return match self.options.iter().position(|it| it.is_called(name)) {
                Some(index) => Ok(Found::Option(index, inline)),
                None if name == "help" => Ok(Found::Help),
                None if name == "version" => Ok(Found::Version),
                None => Err(self.unknown(argument)),
            };
        }
        let mut letters = argument.strip_prefix('-').unwrap_or_default().chars();
        let Some(letter) = letters.next() else {
            return Err(Error::usage(format!(
                "`{argument}`: this tool takes options only, see --help"
            )));
        };
        let inline = Some(letters.as_str()).filter(|rest| !rest.is_empty());
        let inline = inline.map(|rest| rest.strip_prefix('=').unwrap_or(rest).to_owned());
        match self.options.iter().position(|it| it.short == Some(letter)) {
            Some(index) if inline.is_some() && self.options[index].value.is_none() => {
                Err(Error::usage(format!("-{letter} takes no value")))
            }
            Some(index) => Ok(Found::Option(index, inline)),
            None if letter == 'h' && inline.is_none() => Ok(Found::Help),
            None if letter == 'V' && inline.is_none() => Ok(Found::Version),
            None => Err(self.unknown(argument)),
        }
    }

    fn unknown(&self, argument: &str) -> Error {
        let names: Vec<String> = self
            .options
            .iter()
            .map(|it| format!("--{}", it.long))
            .collect();
        Error::usage(format!(
            "unknown option `{argument}`; there are: {}",
            names.join(", ")
        ))
    }

    /// Sets the variables that no option was given for to what their package says.
    fn set_initial(&mut self) -> Result<()> {
        for option in self.options {
            let (Some(initial), Sets::Global { name, .. }) = (&option.initial, &option.sets) else {
                continue;
            };
            if self.choices.globals.iter().any(|(set, _)| set == name) {
                continue;
            }
            self.set(option, Some(initial.clone()))
                .map_err(|error| error.within(format!("the default of --{}", option.long)))?;
        }
        Ok(())
    }

    fn set(&mut self, option: &OptionSpec, value: Option<String>) -> Result<()> {
        let pair = |value: &str| match value.split_once('=') {
            Some((left, right)) if !left.is_empty() && !right.is_empty() => {
                Ok((left.to_owned(), right.to_owned()))
            }
            _ => Err(Error::usage(format!("`{value}` has no `=`"))),
        };
        let text = value.as_deref().unwrap_or_default();
        match &option.sets {
            Sets::Global { name, ty, fixed } => {
                let text = match (fixed, &value) {
                    // `--verbose=false`
                    (_, Some(text)) => text,
                    (fixed, None) => fixed.unwrap_or("true"),
                };
                let bytes = global_value::parse(self.facts.btf()?, *ty, text)
                    .map_err(|error| Error::usage(error.to_string()))?;
                self.choices.globals.push((name.clone(), bytes));
            }
            Sets::GlobalBytes => {
                let (name, digits) = pair(text)?;
                let global = self.facts.globals.iter().find(|it| it.info.name == name);
                let global =
                    global.ok_or_else(|| Error::usage(format!("there is no variable `{name}`")))?;
                let bytes = bytes(&digits, global.info.size as usize)?;
                self.choices.globals.push((name, bytes));
            }
            Sets::Place(place) => self.choices.places.push((*place, text.to_owned())),
            Sets::Attach => {
                let (program, target) = pair(text)?;
                if !self.facts.programs.iter().any(|it| it.name == program) {
                    return Err(Error::usage(format!("there is no program `{program}`")));
                }
                let target = target
                    .parse()
                    .map_err(|error| Error::usage(format!("`{target}`: {error}")))?;
                self.choices.targets.push((program, target));
            }
            Sets::Type => self.choices.types.push(pair(text)?),
            Sets::Map => self.choices.maps.push(text.to_owned()),
            Sets::Interval => self.choices.interval = Some(duration(text)?),
            Sets::MountNamespace => {
                // As the link in /proc has it, too: `mnt:[4026531841]`.
                let digits = text.trim_start_matches("mnt:[").trim_end_matches(']');
                let inode = digits
                    .parse()
                    .map_err(|_| Error::usage(format!("`{text}` is no number of an inode")))?;
                self.choices.mount_namespaces.push(inode);
            }
            Sets::Histogram(part) => {
                let (map, rest) = text
                    .split_once(',')
                    .ok_or_else(|| Error::usage(format!("`{text}` has no comma behind a map")))?;
                let said = (map.trim().to_owned(), *part, rest.trim().to_owned());
                self.choices.histograms.push(said);
            }
        }
        Ok(())
    }
}

/// Bytes in hexadecimal, in the order of memory, padded with zeros to a variable's size.
fn bytes(digits: &str, size: usize) -> Result<Vec<u8>> {
    let wrong = || {
        Error::usage(format!(
            "`{digits}` is no even number of hexadecimal digits"
        ))
    };
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|it| it.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let pairs = digits.as_bytes().chunks_exact(2);
    let mut bytes = pairs
        .map(|pair| {
            let text = std::str::from_utf8(pair).map_err(|_| wrong())?;
            u8::from_str_radix(text, 16).map_err(|_| wrong())
        })
        .collect::<Result<Vec<u8>>>()?;
    if bytes.len() > size {
        return Err(Error::usage(format!(
            "{} bytes, the variable has {size}",
            bytes.len()
        )));
    }
    bytes.resize(size, 0);
    Ok(bytes)
}

/// `500ms`, `1s`, `2m`, or a number of seconds.
pub(crate) fn duration(text: &str) -> Result<Duration> {
    let digits = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        unit => return Err(Error::usage(format!("`{unit}` is no unit: ms, s, m, h"))),
    };
    let number: f64 = digits
        .parse()
        .map_err(|_| Error::usage(format!("`{text}` is no duration, as 500ms or 1s")))?;
    Duration::try_from_secs_f64(number * unit)
        .ok()
        .filter(|it| (INTERVAL_MIN..=INTERVAL_MAX).contains(it))
        .ok_or_else(|| {
            Error::usage(format!(
                "`{text}` is not between {INTERVAL_MIN:?} and {INTERVAL_MAX:?}"
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_padded_and_bounded() {
        assert_eq!(bytes("0a0B", 4).unwrap(), [10, 11, 0, 0]);
        assert_eq!(bytes("0x01", 1).unwrap(), [1]);
        for text in ["1", "0102", "zz", "\u{e9}\u{e9}", "+1"] {
            assert!(bytes(text, 1).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_have_units_and_bounds() {
        assert_eq!(duration("500ms").unwrap(), Duration::from_millis(500));
        assert_eq!(duration("1.5").unwrap(), Duration::from_millis(1500));
        assert_eq!(duration("2m").unwrap(), Duration::from_secs(120));
        for text in [
            "", "s", "0", "1ms", "-1s", "1w", "nan", "inf", "100h", "1e30s",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
