//! What cargo says about a guest's package.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize;

use super::manifest::MANIFEST_FILE;
use crate::environment::variable;
use crate::failure::HintExt;

/// A cargo workspace and the guest's package in it.
#[derive(Debug)]
pub(super) struct Workspace {
    /// The root's folder.
    pub(super) root: PathBuf,
    /// Cargo's target folder for the host.
    pub(super) target_folder: PathBuf,
    /// The guest's.
    pub(super) package: Package,
}

/// A package, as `cargo metadata` describes it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Package {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) description: Option<String>,
    pub(super) license: Option<String>,
    pub(super) repository: Option<String>,
    pub(super) manifest_path: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

/// A cargo command, without what an outer cargo or the user set for programs of the host.
pub(super) fn command() -> Command {
    let mut command = Command::new(variable("CARGO").unwrap_or_else(|| "cargo".into()));
    for variable in [
        "CARGO_BUILD_TARGET",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_MAKEFLAGS",
        "RUSTFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
    ] {
        command.env_remove(variable);
    }
    command
}

impl Workspace {
    /// Reads the workspace of the project in `folder`; the guest is the package `wanted`, or the
    /// one whose manifest is there.
    pub(super) fn read(folder: &Path, wanted: Option<&str>) -> Result<Self> {
        let manifest = folder.join("Cargo.toml");
        let metadata =
            ask(&manifest).with_context(|| format!("ask cargo about {}", manifest.display()))?;
        let package = choose(&metadata.packages, &manifest, wanted)?.clone();
        Ok(Self {
            root: metadata.workspace_root,
            target_folder: metadata.target_directory,
            package,
        })
    }
}

fn ask(manifest: &Path) -> Result<Metadata> {
    let outcome = command()
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--manifest-path",
        ])
        .arg(manifest)
        .output();
    let output = match outcome {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(error)
                .context("run cargo")
                .hint("install Rust with rustup (rust-lang.org/tools)");
        }
        Err(error) => return Err(error).context("run cargo"),
    };
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    serde_json::from_slice(&output.stdout).context("read what cargo metadata printed")
}

fn choose<'p>(
    packages: &'p [Package],
    manifest: &Path,
    wanted: Option<&str>,
) -> Result<&'p Package> {
    let found = match wanted {
        Some(name) => packages.iter().find(|package| package.name == name),
        None => packages
            .iter()
            .find(|package| package.manifest_path == manifest)
            .or(match packages {
                [only] => Some(only),
                _ => None,
            }),
    };
    let names = || {
        let names: Vec<&str> = packages.iter().map(|package| &*package.name).collect();
        names.join(", ")
    };
    found
        .ok_or_else(|| match wanted {
            Some(name) => anyhow!("{}: no package {name:?}", manifest.display()),
            None => anyhow!("{}: which package is the guest?", manifest.display()),
        })
        .with_hint(|| {
            format!(
                "set guest.package in {MANIFEST_FILE} to one of: {}",
                names()
            )
        })
}
