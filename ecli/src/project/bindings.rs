//! Rust types for what BPF objects hold: one file with one module for each object.
//!
//! Guests include it with `include!(env!("ECLI_BINDINGS"));`. The module of a single object is
//! called `bpf`, those of several as the objects.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use eunomia_btf::Btf;
use eunomia_btf::rust_types::{self, Options};

use super::{Object, file};

const FILE: &str = "bindings.rs";

/// Writes the file into `products`, if it changes; returns its path, or nothing without objects.
pub(super) fn write(
    objects: &[Object],
    types: &[String],
    products: &Path,
) -> Result<Option<PathBuf>> {
    if objects.is_empty() {
        return Ok(None);
    }
    let mut text = String::new();
    for object in objects {
        let mut options = Options::new(&object.name);
        if objects.len() > 1 {
            options.module = object.name.replace(['-', '.'], "_");
        }
        options.types = types.to_vec();
        let module = Btf::from_elf(&object.bytes)
            .and_then(|btf| rust_types::generate(&btf, &options))
            .with_context(|| format!("generate Rust types for BPF object {:?}", object.name))?;
        text.push_str(&module);
    }
    let path = products.join(FILE);
    file::write_if_changed(&path, text.as_bytes())?;
    Ok(Some(path))
}
