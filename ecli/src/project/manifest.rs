//! `ecli.toml`: what a tool is called and how it is built. All of it may be left out.
//! docs/project.md shows it in full.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use clap::ValueEnum;
use serde::Deserialize;

use super::{c_guest, go_guest, python_guest, ts_guest, zig_guest};
use crate::failure::HintExt;

/// The manifest's file name.
pub(crate) const MANIFEST_FILE: &str = "ecli.toml";

/// The document.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Manifest {
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) version: Option<String>,
    pub(super) license: Option<String>,
    pub(super) source: Option<String>,
    pub(super) arguments: Vec<String>,
    pub(super) bpf: Bpf,
    pub(super) guest: Guest,
    pub(super) kernel: Kernel,
    pub(super) resources: Resources,
}

/// The kernel side.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Bpf {
    /// `None`: whatever [`super::sources::DEFAULT_PATTERN`] finds, perhaps nothing.
    pub(super) sources: Option<Vec<String>>,
    pub(super) flags: Vec<String>,
    pub(super) types: Vec<String>,
    /// The folder of a package with programs in Rust.
    #[serde(rename = "crate")]
    pub(super) rust_crate: Option<String>,
}

/// The user side.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Guest {
    pub(super) language: Option<Language>,
    /// The package of a workspace, for Rust.
    pub(super) package: Option<String>,
    /// For C and C++; of TypeScript and Python the main module; `None`: what is found.
    pub(super) sources: Option<Vec<String>>,
    /// For the compiler of C, C++ and Zig.
    pub(super) flags: Vec<String>,
    /// C and C++ without a C library: what the SDK has instead of it.
    pub(super) freestanding: bool,
}

/// What it needs from the kernel.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Kernel {
    pub(super) release_min: Option<String>,
}

/// What it needs from the machine.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Resources {
    pub(super) memory: Option<String>,
}

/// The language of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Language {
    // No documentation, which would make the help of `ecli build` long.
    Rust,
    C,
    Cpp,
    Go,
    Ts,
    Python,
    Zig,
}

impl Language {
    /// By the files that are there: `Cargo.toml`, `*.go`, `guest.zig`, `guest.ts` and its like,
    /// `*.cpp`, `*.c`, `guest.py`, in this order.
    pub(super) fn detect(folder: &Path) -> Result<Option<Self>> {
        if folder.join("Cargo.toml").is_file() {
            return Ok(Some(Self::Rust));
        }
        if go_guest::has_sources(folder) {
            return Ok(Some(Self::Go));
        }
        if zig_guest::root(folder).is_some() {
            return Ok(Some(Self::Zig));
        }
        if ts_guest::find_entry(folder).is_some() {
            return Ok(Some(Self::Ts));
        }
        let sources = c_guest::find_sources(folder)?;
        let is_cpp = |path: &PathBuf| c_guest::end_of(path) == Some(true);
        if sources.iter().any(is_cpp) {
            return Ok(Some(Self::Cpp));
        }
        if !sources.is_empty() {
            return Ok(Some(Self::C));
        }
        Ok(python_guest::has_main(folder).then_some(Self::Python))
    }
}

impl Manifest {
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST_FILE);
        let operation = || format!("read manifest {}", path.display());
        match std::fs::read_to_string(&path) {
            Ok(text) => parse(&text).with_context(operation),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(error).with_context(operation).hint(format!(
                    "a project has a file {MANIFEST_FILE}, which may be empty; is this the right \
                     folder?"
                ))
            }
            Err(error) => Err(error).with_context(operation),
        }
    }
}

/// `toml` explains in several lines, with the line that is wrong.
pub(super) fn parse(text: &str) -> Result<Manifest> {
    toml::from_str(text).map_err(|error| anyhow!("{}", error.to_string().trim_end()))
}

/// The manifest of the documentation, which has all keys.
#[cfg(test)]
pub(super) fn documented() -> String {
    let lines = include_str!("../../../docs/project.md").lines();
    let lines = lines.skip_while(|line| *line != "```toml").skip(1);
    let lines: Vec<&str> = lines.take_while(|line| *line != "```").collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_manifest_is_complete() {
        let manifest = parse("").unwrap();
        assert_eq!(manifest.bpf.sources, None);
        assert_eq!(manifest.guest.language, None);
    }

    #[test]
    fn the_manifest_of_the_documentation_is_valid() {
        let manifest = parse(&documented()).unwrap();
        assert_eq!(manifest.guest.language, Some(Language::Rust));
        assert_eq!(manifest.kernel.release_min.as_deref(), Some("5.15"));
    }

    #[test]
    fn a_wrong_key_is_named_with_its_line_and_what_there_is() {
        let message = parse("name = \"x\"\n[guest]\nlang = \"rust\"")
            .unwrap_err()
            .to_string();
        for part in ["line 3", "unknown field `lang`", "`language`"] {
            assert!(message.contains(part), "{part} is not in: {message}");
        }
    }
}
