//! The Rust toolchain for guests: one that has the standard library for `wasm32-wasip2`.
//!
//! `scripts/guest-toolchain` of the repository makes one where rustup cannot, and documents the
//! variables.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, bail};

use crate::environment::variable;
use crate::failure::{HintExt, hinted};

/// What guests are compiled for.
pub(super) const TARGET: &str = "wasm32-wasip2";

/// Path of the rustc to use in place of the one of the PATH.
const RUSTC_VARIABLE: &str = "ECLI_GUEST_RUSTC";
/// A short name of the toolchain.
const KEY_VARIABLE: &str = "ECLI_GUEST_KEY";

const NO_RUST_HINT: &str = "install Rust with rustup (rust-lang.org/tools)";

/// A toolchain that can build guests.
#[derive(Debug)]
pub(super) struct Toolchain {
    /// `None`: the rustc that cargo finds.
    pub(super) rustc: Option<OsString>,
    /// Names it in the guests' target folder: objects of two compilers do not mix.
    pub(super) key: String,
}

impl Toolchain {
    /// Finds the toolchain for the guest in `folder`, which may choose one by a file.
    pub(super) fn find(folder: &Path) -> Result<Self> {
        let chosen = variable(RUSTC_VARIABLE);
        let rustc = chosen
            .clone()
            .or_else(|| variable("RUSTC"))
            .unwrap_or_else(|| "rustc".into());
        if !has_target(&rustc, folder)? {
            let error = anyhow!(
                "find a Rust toolchain for guests: {} has no standard library for {TARGET}",
                rustc.display()
            );
            let hint = format!(
                "run `rustup target add {TARGET}`; where that cannot download, \
                 `eval \"$(scripts/guest-toolchain)\"` of ecli's repository makes one"
            );
            return Err(hinted(error, hint));
        }
        let key = match variable(KEY_VARIABLE).and_then(|key| key.into_string().ok()) {
            Some(key) => key,
            None => key(&rustc, folder)?,
        };
        Ok(Self { rustc: chosen, key })
    }
}

fn has_target(rustc: &OsString, folder: &Path) -> Result<bool> {
    let libraries = ask(
        rustc,
        folder,
        &["--print", "target-libdir", "--target", TARGET],
    )?;
    // A folder that does not exist has no standard library.
    let Ok(entries) = std::fs::read_dir(PathBuf::from(libraries)) else {
        return Ok(false);
    };
    Ok(entries.filter_map(Result::ok).any(|entry| {
        entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with("libstd-") && name.ends_with(".rlib"))
    }))
}

/// `rustc 1.95.0 (59807616e 2026-04-14)` is `rust-1.95.0-59807616e`.
fn key(rustc: &OsString, folder: &Path) -> Result<String> {
    let version = ask(rustc, folder, &["--version"])?;
    let words = version
        .split_whitespace()
        .skip(1)
        .take(2)
        .map(|word| word.trim_start_matches('('));
    Ok(["rust"]
        .into_iter()
        .chain(words)
        .collect::<Vec<_>>()
        .join("-"))
}

fn ask(rustc: &OsString, folder: &Path, arguments: &[&str]) -> Result<String> {
    let operation = || format!("run {} {}", rustc.display(), arguments.join(" "));
    let output = match Command::new(rustc)
        .args(arguments)
        .current_dir(folder)
        .output()
    {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(error).with_context(operation).hint(NO_RUST_HINT);
        }
        Err(error) => return Err(error).with_context(operation),
    };
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("{}: {}", operation(), words.trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned())
}
