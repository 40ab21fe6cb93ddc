//! The guest SDKs and the contract, which come with this program.
//!
//! A project outside of the repository depends on the files that [`write()`] puts beside it: they
//! are those that this ecli was built with, so guest and host agree on the contract.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use eunomia_image::Digest;

use super::file;

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

/// The workspace's manifest, which the Rust SDK's refers to.
const WORKSPACE: &str = include_str!("../../../Cargo.toml");

const RUST_MANIFEST: &str = "guest-sdk/rust/Cargo.toml";

/// The files of the contract: names (`wit/world.wit`) and texts.
pub(super) fn contract() -> impl Iterator<Item = (&'static str, &'static str)> {
    files("wit").filter_map(|(name, bytes)| Some((name, std::str::from_utf8(bytes).ok()?)))
}

/// Tells versions of the contract apart.
pub(super) fn contract_digest() -> String {
    let text: String = contract().map(|(_, text)| text).collect();
    Digest::of(text.as_bytes()).to_string()
}

/// Files below a folder of the repository, by their names from its root.
pub(crate) fn files(folder: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let prefix = format!("{folder}/");
    embedded::FILES
        .iter()
        .copied()
        .filter(move |(name, _)| name.starts_with(&prefix))
}

/// Writes an SDK (`c`, `go`, `rust`, `ts`) with what it needs into `folder`, as far as it changed;
/// returns where it is.
pub(super) fn write(name: &str, folder: &Path) -> Result<PathBuf> {
    let own = format!("guest-sdk/{name}");
    // These read the contract when a guest is compiled.
    let contract = matches!(name, "rust" | "ts")
        .then(|| files("wit"))
        .into_iter()
        .flatten();
    for (name, bytes) in files(&own).chain(contract) {
        let path = folder.join(name);
        if name == RUST_MANIFEST {
            let manifest = standalone(std::str::from_utf8(bytes)?)
                .with_context(|| format!("write {}", path.display()))?;
            file::write_if_changed(&path, manifest.as_bytes())?;
        } else {
            file::write_if_changed(&path, bytes)?;
        }
    }
    Ok(folder.join(own))
}

/// The folder, beside a project's manifest, in which the project finds an SDK.
const FOLDER: &str = ".ecli";

/// Writes an SDK into the project's folder, if the manifest of its language (`Cargo.toml`,
/// `go.mod`) expects it there.
pub(super) fn write_beside(project: &Path, name: &str, manifest: &str) -> Result<()> {
    if expects(project, manifest, &format!("{FOLDER}/guest-sdk/{name}")) {
        write(name, &project.join(FOLDER))?;
    }
    Ok(())
}

/// Whether a manifest of a project names a file or folder that ecli has to write beside it.
pub(super) fn expects(project: &Path, manifest: &str, path: &str) -> bool {
    let text = std::fs::read_to_string(project.join(manifest)).unwrap_or_default();
    text.contains(path)
}

/// The manifest of a member of our workspace, with what it inherits filled in.
fn standalone(manifest: &str) -> Result<String> {
    let workspace: toml::Table = WORKSPACE.parse().context("read the workspace's manifest")?;
    let workspace = workspace
        .get("workspace")
        .and_then(toml::Value::as_table)
        .context("the workspace's manifest has no [workspace]")?;
    let mut member: toml::Table = manifest.parse().context("read the SDK's manifest")?;
    for (section, source) in [("package", "package"), ("dependencies", "dependencies")] {
        let inherited = workspace.get(source).and_then(toml::Value::as_table);
        let entries = member.get_mut(section).and_then(toml::Value::as_table_mut);
        for (key, value) in entries.into_iter().flatten() {
            let from = inherited.and_then(|inherited| inherited.get(key.as_str()));
            if let (true, Some(from)) = (is_inherited(value), from) {
                *value = from.clone();
            }
        }
    }
    // Lints are for those who change the SDK.
    member.remove("lints");
    // A workspace of its own, so that one around the project does not claim it.
    member.insert("workspace".to_owned(), toml::Table::new().into());
    let mut text = String::from("# Written by ecli; it changes with ecli's version.\n");
    write_table(&mut text, &member)?;
    Ok(text)
}

fn is_inherited(value: &toml::Value) -> bool {
    value.get("workspace").and_then(toml::Value::as_bool) == Some(true)
}

/// Sections of simple values, which are all that the manifest has.
fn write_table(text: &mut String, table: &toml::Table) -> Result<()> {
    for (section, entries) in table {
        let entries = entries
            .as_table()
            .with_context(|| format!("{section} is no section"))?;
        text.push_str(&format!("\n[{section}]\n"));
        for (key, value) in entries {
            text.push_str(&format!("{key} = {}\n", literal(value)?));
        }
    }
    Ok(())
}

/// A value as TOML writes it, of the kinds that manifests of packages have.
fn literal(value: &toml::Value) -> Result<String> {
    Ok(match value {
        // Rust's escapes for what stands in these manifests are TOML's.
        toml::Value::String(text) => format!("{text:?}"),
        toml::Value::Boolean(is) => is.to_string(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Array(items) => {
            let items: Vec<String> = items.iter().map(literal).collect::<Result<_>>()?;
            format!("[{}]", items.join(", "))
        }
        toml::Value::Table(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| Ok(format!("{key} = {}", literal(value)?)))
                .collect::<Result<_>>()?;
            format!("{{ {} }}", entries.join(", "))
        }
        other => bail!("{other:?} is no value of a manifest"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rust_sdk_needs_no_workspace() {
        let manifest = files("guest-sdk/rust").find(|(name, _)| *name == RUST_MANIFEST);
        let (_, manifest) = manifest.unwrap();
        let text = standalone(std::str::from_utf8(manifest).unwrap()).unwrap();
        assert!(!text.contains("workspace = true"), "{text}");
        assert!(text.contains("name = \"eunomia-bpf\""), "{text}");
        assert!(text.contains("wit-bindgen = { "), "{text}");
        text.parse::<toml::Table>().unwrap();
    }

    #[test]
    fn the_contract_comes_with_the_program() {
        let names: Vec<&str> = contract().map(|(name, _)| name).collect();
        assert!(names.contains(&"wit/world.wit"), "{names:?}");
        assert!(names.contains(&"wit/deps/io.wit"), "{names:?}");
    }
}
