//! A surrounding in which a program makes the same product from the same input, although it looks
//! at random numbers, clocks and the order of folders.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use super::file;

/// `still.c`, compiled; empty where programs cannot be preloaded into.
const LIBRARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/still.so"));

/// A file system in memory, which lists the files of a folder in the order in which they were made;
/// others have orders of their own.
const MEMORY: &str = "/dev/shm";

/// A folder for one run of a program.
pub(super) struct Scratch {
    folder: TempDir,
}

impl Scratch {
    pub(super) fn new() -> Result<Self> {
        let named = || {
            let mut builder = tempfile::Builder::new();
            builder.prefix("ecli-build-");
            builder
        };
        let folder = named()
            .tempdir_in(MEMORY)
            .or_else(|_| named().tempdir())
            .context("create a folder for the build")?;
        Ok(Self { folder })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A new folder in it.
    pub(super) fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.path().join(name);
        std::fs::create_dir(&path).with_context(|| format!("create {}", path.display()))?;
        Ok(path)
    }

    /// Has the program see the same numbers and times always, and work in this folder. `products`
    /// keeps the library for it: memory may be mounted so that nothing in it is run. Where its path
    /// is none for ld.so(8), memory has it after all.
    pub(super) fn still(&self, command: &mut Command, products: &Path) -> Result<()> {
        command.env("TMPDIR", self.folder("temporary")?);
        if LIBRARY.is_empty() {
            return Ok(());
        }
        let splits = |c: char| c == ':' || c.is_whitespace();
        let folder = match products.to_str() {
            Some(path) if !path.contains(splits) => products,
            _ => self.path(),
        };
        let library = folder.join("still.so");
        file::write_if_changed(&library, LIBRARY)?;
        command.env("LD_PRELOAD", library);
        Ok(())
    }
}
