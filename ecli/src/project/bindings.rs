//! Types for what BPF objects hold, in the language of the guest.
//!
//! Rust: one file with one module for each object, included with
//! `include!(env!("ECLI_BINDINGS"));`; the module of a single object is called `bpf`, those of
//! several as the objects. C and C++: one header `OBJECT.skel.h` for each object. Go: one file of
//! package `main`. Zig: one file, which is the module `types`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use eunomia_btf::{Btf, c_types, go_types, rust_types, zig_types};

use super::manifest::Language;
use super::{Object, file};

/// Writes the files into `products`, as far as they change; returns the path of the one that the
/// compiler must be told of, if there is one.
pub(super) fn write(
    language: Language,
    objects: &[Object],
    types: &[String],
    products: &Path,
) -> Result<Option<PathBuf>> {
    match language {
        _ if objects.is_empty() => Ok(None),
        Language::Rust => write_rust(objects, types, &products.join("bindings.rs")).map(Some),
        Language::Go => write_go(objects, types, &products.join("bindings.go")).map(Some),
        Language::Zig => write_zig(objects, types, &products.join("types.zig")).map(Some),
        Language::C | Language::Cpp => {
            for object in objects {
                write_c(object, types, products)?;
            }
            Ok(None)
        }
    }
}

fn write_rust(objects: &[Object], types: &[String], path: &Path) -> Result<PathBuf> {
    let mut text = String::new();
    for object in objects {
        let mut options = rust_types::Options::new(&object.name);
        if objects.len() > 1 {
            options.module = object.name.replace(['-', '.'], "_");
        }
        options.types = types.to_vec();
        let module = read(object)
            .and_then(|btf| rust_types::generate(&btf, &options))
            .with_context(|| format!("generate Rust types for BPF object {:?}", object.name))?;
        text.push_str(&module);
    }
    file::write_if_changed(path, text.as_bytes())?;
    Ok(path.to_owned())
}

fn write_go(objects: &[Object], types: &[String], path: &Path) -> Result<PathBuf> {
    let mut text = go_types::HEAD.to_owned();
    for object in objects {
        let mut options = go_types::Options::new(&object.name);
        if objects.len() > 1 {
            options.prefix = object.name.clone();
        }
        options.types = types.to_vec();
        let part = read(object)
            .and_then(|btf| go_types::generate(&btf, &options))
            .with_context(|| format!("generate Go types for BPF object {:?}", object.name))?;
        text.push_str(&part);
    }
    file::write_if_changed(path, text.as_bytes())?;
    Ok(path.to_owned())
}

fn write_zig(objects: &[Object], types: &[String], path: &Path) -> Result<PathBuf> {
    let mut text = zig_types::HEAD.to_owned();
    for object in objects {
        let mut options = zig_types::Options::new(&object.name);
        options.namespace = (objects.len() > 1).then(|| object.name.clone());
        options.types = types.to_vec();
        let part = read(object)
            .and_then(|btf| zig_types::generate(&btf, &options))
            .with_context(|| format!("generate Zig types for BPF object {:?}", object.name))?;
        text.push_str(&part);
    }
    file::write_if_changed(path, text.as_bytes())?;
    Ok(path.to_owned())
}

fn write_c(object: &Object, types: &[String], products: &Path) -> Result<()> {
    let mut options = c_types::Options::new(&object.name);
    options.types = types.to_vec();
    let text = read(object)
        .and_then(|btf| c_types::generate(&btf, &options))
        .with_context(|| format!("generate C types for BPF object {:?}", object.name))?;
    let path = products.join(format!("{}.skel.h", object.name));
    file::write_if_changed(&path, text.as_bytes())
}

fn read(object: &Object) -> eunomia_btf::Result<Btf> {
    Btf::from_elf(&object.bytes)
}
