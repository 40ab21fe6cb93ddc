//! Types for what BPF objects hold, in the language of the guest.
//!
//! Rust: one file with one module for each object, included with
//! `include!(env!("ECLI_BINDINGS"));`; the module of a single object is called `bpf`, those of
//! several as the objects. C and C++: one header `OBJECT.skel.h` for each object. Go: one file of
//! package `main`. Zig: one file, which is the module `types`. TypeScript: one module `bpf`, with
//! one namespace for each of several objects. Python: a module `bpf`; for several objects a package
//! with a module for each.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use eunomia_btf::{Btf, c_types, go_types, python_types, rust_types, ts_types, zig_types};

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
        Language::Ts => write_ts(objects, types, &products.join("bpf.ts")).map(Some),
        Language::Python => write_python(objects, types, &products.join("python")).map(Some),
        Language::C | Language::Cpp => {
            for object in objects {
                write_c(object, types, products)?;
            }
            Ok(None)
        }
    }
}

fn write_rust(objects: &[Object], types: &[String], path: &Path) -> Result<PathBuf> {
    write_file(
        objects,
        path,
        "Rust",
        "",
        |btf, object, is_one_of_several| {
            let mut options = rust_types::Options::new(object);
            if is_one_of_several {
                options.module = object.replace(['-', '.'], "_");
            }
            options.types = types.to_vec();
            rust_types::generate(btf, &options)
        },
    )
}

fn write_go(objects: &[Object], types: &[String], path: &Path) -> Result<PathBuf> {
    write_file(
        objects,
        path,
        "Go",
        go_types::HEAD,
        |btf, object, is_one_of_several| {
            let mut options = go_types::Options::new(object);
            if is_one_of_several {
                options.prefix = object.to_owned();
            }
            options.types = types.to_vec();
            go_types::generate(btf, &options)
        },
    )
}

fn write_zig(objects: &[Object], types: &[String], path: &Path) -> Result<PathBuf> {
    write_file(
        objects,
        path,
        "Zig",
        zig_types::HEAD,
        |btf, object, is_one_of_several| {
            let mut options = zig_types::Options::new(object);
            options.namespace = is_one_of_several.then(|| object.to_owned());
            options.types = types.to_vec();
            zig_types::generate(btf, &options)
        },
    )
}

fn write_ts(objects: &[Object], types: &[String], path: &Path) -> Result<PathBuf> {
    write_file(
        objects,
        path,
        "TypeScript",
        ts_types::HEAD,
        |btf, object, is_one_of_several| {
            let mut options = ts_types::Options::new(object);
            options.namespace = is_one_of_several.then(|| object.to_owned());
            options.types = types.to_vec();
            ts_types::generate(btf, &options)
        },
    )
}

/// One file: a head, then what `generate` makes of each object, which it keeps apart from others if
/// it is one of several.
fn write_file(
    objects: &[Object],
    path: &Path,
    language: &str,
    head: &str,
    generate: impl Fn(&Btf, &str, bool) -> eunomia_btf::Result<String>,
) -> Result<PathBuf> {
    let mut text = head.to_owned();
    for object in objects {
        let part = read(object)
            .and_then(|btf| generate(&btf, &object.name, objects.len() > 1))
            .with_context(|| {
                format!("generate {language} types for BPF object {:?}", object.name)
            })?;
        text.push_str(&part);
    }
    file::write_if_changed(path, text.as_bytes())?;
    Ok(path.to_owned())
}

/// The folder in which the module or package is, and nothing else.
fn write_python(objects: &[Object], types: &[String], folder: &Path) -> Result<PathBuf> {
    let package = folder.join("bpf");
    for stale in [&package.with_extension("py"), &package] {
        remove(stale)?;
    }
    for object in objects {
        let mut options = python_types::Options::new(&object.name);
        options.types = types.to_vec();
        let text = read(object)
            .and_then(|btf| python_types::generate(&btf, &options))
            .with_context(|| format!("generate Python types for BPF object {:?}", object.name))?;
        let path = match objects.len() {
            1 => package.with_extension("py"),
            _ => package.join(format!("{}.py", object.name.replace(['-', '.'], "_"))),
        };
        file::write(&path, text.as_bytes())?;
    }
    Ok(folder.to_owned())
}

/// Removes a file or folder, if it is there.
fn remove(path: &Path) -> Result<()> {
    let outcome = match path.is_dir() {
        true => std::fs::remove_dir_all(path),
        false => std::fs::remove_file(path),
    };
    match outcome {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", path.display()))
        }
        _ => Ok(()),
    }
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
