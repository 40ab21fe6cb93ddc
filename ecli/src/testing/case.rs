//! What a test says: a file `NAME.toml` beside its expected output. docs/testing.md shows it in
//! full.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use clap::ValueEnum as _;
use eunomia_btf::encode::Literal;
use serde::{Deserialize, Deserializer};

use crate::duration;
use crate::render::Format;

/// The end of the names of files with expected output.
const EXPECTED_END: &str = "expected";

/// Bytes of a test's file, or of a recording: what fits in memory many times.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// A test.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) manifest: Manifest,
    /// Where its expected output is.
    pub(super) expected: PathBuf,
}

/// The document.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Manifest {
    /// Of the guest.
    pub(super) arguments: Vec<String>,
    /// How its rows are shown.
    #[serde(deserialize_with = "format")]
    pub(super) output: Option<Format>,
    /// The code with which it is to end.
    pub(super) exit_code: u8,
    /// Part of what is said when it is to fail, by a trap or a limit.
    pub(super) error: Option<String>,
    /// When it is asked to stop, counted from the last event.
    #[serde(deserialize_with = "optional_duration")]
    pub(super) stop_after: Option<Duration>,
    /// Global variables that the operator sets, as `ecli run --global` does.
    pub(super) globals: BTreeMap<String, String>,
    /// Types of the records of buffers, by map.
    pub(super) types: BTreeMap<String, String>,
    /// A file with recorded events, before those that are written here.
    pub(super) recording: Option<String>,
    pub(super) machine: Machine,
    #[serde(rename = "symbol")]
    pub(super) symbols: Vec<Symbol>,
    #[serde(rename = "event")]
    pub(super) events: Vec<Event>,
}

/// What the guest sees of the machine.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Machine {
    pub(super) cpus: Option<u32>,
    /// `6.12.0`.
    pub(super) release: Option<String>,
    /// Seconds since 1970 at which its clocks were 0.
    pub(super) boot: Option<u64>,
}

/// A symbol of the kernel.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Symbol {
    pub(super) name: String,
    /// As text in hexadecimal digits: TOML has no such large numbers.
    #[serde(deserialize_with = "address")]
    pub(super) address: u64,
    #[serde(default = "default_symbol_bytes")]
    pub(super) size: u64,
}

/// One thing that happens. Which fields there may be depends on where it happens.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Event {
    /// When, since the start.
    #[serde(deserialize_with = "optional_duration")]
    pub(super) at: Option<Duration>,
    /// When, since the event before.
    #[serde(deserialize_with = "optional_duration")]
    pub(super) after: Option<Duration>,
    pub(super) repeat: Option<u32>,

    pub(super) ring: Option<String>,
    pub(super) perf: Option<String>,
    pub(super) map: Option<String>,
    pub(super) global: Option<String>,
    pub(super) stop: bool,

    /// A record, by its type.
    pub(super) data: Option<Literal>,
    /// A record's bytes.
    pub(super) hex: Option<String>,
    #[serde(rename = "type")]
    pub(super) type_name: Option<String>,
    /// The record was reserved, then given up.
    pub(super) discarded: bool,
    pub(super) cpu: Option<u32>,
    /// Records that a perf event array drops.
    pub(super) lost: Option<u64>,

    pub(super) key: Option<Literal>,
    pub(super) key_hex: Option<String>,
    pub(super) value: Option<Literal>,
    pub(super) value_hex: Option<String>,
    pub(super) add: Option<u64>,
    pub(super) remove: bool,
}

fn default_symbol_bytes() -> u64 {
    1
}

impl Case {
    /// All tests of a folder, by name; those that `wanted` names, if it names any.
    pub(super) fn read_all(folder: &Path, wanted: &[String]) -> Result<Vec<Self>> {
        let mut cases = Vec::new();
        let entries = match folder.read_dir() {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(cases),
            Err(error) => {
                return Err(error).with_context(|| format!("read {}", folder.display()));
            }
        };
        for entry in entries {
            let path = entry
                .with_context(|| format!("read {}", folder.display()))?
                .path();
            let name = path.file_stem().and_then(|name| name.to_str());
            if let Some(name) = name
                && path.extension().is_some_and(|end| end == "toml")
                && (wanted.is_empty() || wanted.iter().any(|wanted| wanted == name))
            {
                cases.push(Self::read(&path, name)?);
            }
        }
        cases.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(cases)
    }

    fn read(path: &Path, name: &str) -> Result<Self> {
        let operation = || format!("read test {}", path.display());
        let text = read_text(path).with_context(operation)?;
        // `toml` explains in several lines, with the line that is wrong.
        let manifest: Manifest = toml::from_str(&text)
            .map_err(|error| anyhow!("{}", error.to_string().trim_end()))
            .with_context(operation)?;
        Ok(Self {
            name: name.to_owned(),
            manifest,
            expected: path.with_extension(EXPECTED_END),
        })
    }

    /// Its recorded events: one JSON object a line.
    pub(super) fn recorded(&self) -> Result<Vec<Event>> {
        let Some(name) = &self.manifest.recording else {
            return Ok(Vec::new());
        };
        let path = self.expected.with_file_name(name);
        let operation = || format!("read recording {}", path.display());
        let text = read_text(&path).with_context(operation)?;
        let lines = text.lines().enumerate();
        lines
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(number, line)| {
                serde_json::from_str(line)
                    .with_context(|| format!("line {}", number + 1))
                    .with_context(operation)
            })
            .collect()
    }
}

fn read_text(path: &Path) -> Result<String> {
    let size = std::fs::metadata(path)?.len();
    if size > FILE_BYTES_MAX {
        anyhow::bail!("{size} bytes, at most {FILE_BYTES_MAX} are read");
    }
    Ok(std::fs::read_to_string(path)?)
}

fn format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Format>, D::Error> {
    let name = String::deserialize(deserializer)?;
    Format::from_str(&name, false)
        .map(Some)
        .map_err(|_| serde::de::Error::custom(format!("there is no output format {name:?}")))
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    u64::from_str_radix(digits, 16)
        .map_err(|_| serde::de::Error::custom(format!("{text:?} is no address: write \"0x...\"")))
}

/// With microseconds and nanoseconds, which command lines do not need.
fn optional_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let small = [("us", 1_000), ("ns", 1)]
        .into_iter()
        .find_map(|(unit, ns)| {
            let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
            Some(Duration::from_nanos(number.checked_mul(ns)?))
        });
    match small {
        Some(duration) => Ok(Some(duration)),
        None => duration::parse(&text)
            .map(Some)
            .map_err(serde::de::Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_of_the_documentation_is_valid() {
        let documentation = include_str!("../../../docs/testing.md")
            .lines()
            .skip_while(|line| *line != "```toml")
            .skip(1)
            .take_while(|line| *line != "```")
            .collect::<Vec<_>>()
            .join("\n");
        let manifest: Manifest = toml::from_str(&documentation).unwrap();
        assert_eq!(manifest.output, Some(Format::Json));
        assert!(manifest.events.len() > 5);
        assert_eq!(manifest.events[0].at, Some(Duration::from_millis(10)));
    }

    #[test]
    fn times_have_units_down_to_nanoseconds() {
        let at = |text: &str| {
            let event: Result<Event, _> = toml::from_str(&format!("at = \"{text}\""));
            event.ok().and_then(|event| event.at)
        };
        assert_eq!(at("7us"), Some(Duration::from_micros(7)));
        assert_eq!(at("7ns"), Some(Duration::from_nanos(7)));
        assert_eq!(at("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(at("soon"), None);
    }
}
