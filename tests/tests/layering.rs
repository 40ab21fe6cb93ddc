//! Who may import whom, as ARCHITECTURE.md says it, checked on what cargo knows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Every crate of the workspace with the workspace crates that it may import. Imports of its tests
/// (dev-dependencies) are free, apart from [`STRANGERS`].
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("eunomia-btf", &[]),
    ("eunomia-host-abi", &["eunomia-btf"]),
    ("eunomia-runtime", &["eunomia-btf", "eunomia-host-abi"]),
    ("eunomia-image", &[]),
    ("ecli", &["eunomia-btf", "eunomia-image", "eunomia-runtime"]),
    ("eunomia-bpf", &[]),
    ("eunomia-tests", EVERY_HOST_CRATE),
];

const EVERY_HOST_CRATE: &[&str] = &[
    "eunomia-btf",
    "eunomia-host-abi",
    "eunomia-image",
    "eunomia-runtime",
];

/// The two sides of the contract, which share its text and nothing else, not even in tests.
const STRANGERS: [&str; 2] = ["eunomia-host-abi", "eunomia-bpf"];

/// Foreign crates that only some of ours may name, and why.
const RESERVED: &[(&str, &[&str], &str)] = &[
    (
        "libbpf-rs",
        &["eunomia-runtime"],
        "one crate talks to the kernel",
    ),
    (
        "libbpf-sys",
        &["eunomia-runtime"],
        "one crate talks to the kernel",
    ),
    (
        "oci-client",
        &["eunomia-image"],
        "one crate talks to registries",
    ),
    (
        "wasmtime",
        &["eunomia-host-abi", "eunomia-runtime"],
        "the sandbox has one home",
    ),
    (
        "wasmtime-wasi",
        &["eunomia-host-abi", "eunomia-runtime"],
        "the sandbox has one home",
    ),
    (
        "wit-bindgen",
        &["eunomia-bpf"],
        "guest bindings have one home",
    ),
    ("clap", &["ecli"], "libraries have no command line"),
    (
        "anyhow",
        &["ecli", "eunomia-tests"],
        "libraries have typed errors",
    ),
    (
        "tracing-subscriber",
        &["ecli"],
        "only binaries install subscribers",
    ),
];

#[test]
fn workspace_crates_import_only_what_the_architecture_allows() -> Result<()> {
    let mut wrong = Vec::new();
    for member in members()? {
        let (_, allowed) = MAY_IMPORT
            .iter()
            .find(|(name, _)| *name == member.name)
            .with_context(|| format!("say in MAY_IMPORT what {} may import", member.name))?;
        for import in &member.imports {
            let ours = MAY_IMPORT.iter().any(|(name, _)| *name == import.name);
            if ours && !import.only_tests && !allowed.contains(&import.name.as_str()) {
                wrong.push(format!("{} must not import {}", member.name, import.name));
            }
        }
    }
    none("imports that the architecture forbids", &wrong)
}

#[test]
fn host_and_guest_share_the_contract_and_never_import_each_other() -> Result<()> {
    let mut wrong = Vec::new();
    for member in members()?
        .iter()
        .filter(|member| STRANGERS.contains(&member.name.as_str()))
    {
        for import in member
            .imports
            .iter()
            .filter(|it| STRANGERS.contains(&it.name.as_str()))
        {
            wrong.push(format!("{} imports {}", member.name, import.name));
        }
    }
    none("imports across the contract", &wrong)
}

#[test]
fn foreign_crates_with_one_home_are_named_only_there() -> Result<()> {
    let mut wrong = Vec::new();
    for member in members()? {
        for import in member.imports.iter().filter(|import| !import.only_tests) {
            for (reserved, homes, reason) in RESERVED {
                if import.name == *reserved && !homes.contains(&member.name.as_str()) {
                    wrong.push(format!("{} imports {reserved}, but {reason}", member.name));
                }
            }
        }
    }
    none("foreign crates out of place", &wrong)
}

#[test]
fn members_take_every_version_and_the_lints_from_the_root_manifest() -> Result<()> {
    let mut wrong = Vec::new();
    for member in members()? {
        let manifest = read_manifest(&member.manifest)?;
        for (name, dependency) in dependencies(&manifest) {
            if dependency.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                wrong.push(format!("{}: {name} is not `workspace = true`", member.name));
            }
        }
        let lints = manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"));
        if lints.and_then(toml::Value::as_bool) != Some(true) {
            wrong.push(format!("{}: no `lints.workspace = true`", member.name));
        }
    }
    none("manifests that go their own way", &wrong)
}

#[test]
fn example_guests_import_only_the_guest_sdk() -> Result<()> {
    /// The one example that is a host program.
    const EMBEDDING: &str = "embed";
    let root = workspace_root();
    let sdk = root.join("guest-sdk/rust");
    let mut wrong = Vec::new();
    let mut guests = 0;
    for manifest_path in manifests_below(&root.join("examples"))? {
        if manifest_path
            .components()
            .any(|part| part.as_os_str() == EMBEDDING)
        {
            continue;
        }
        let folder = manifest_path
            .parent()
            .context("a manifest lies in a folder")?;
        guests += 1;
        for (name, dependency) in dependencies(&read_manifest(&manifest_path)?) {
            let Some(path) = dependency.get("path").and_then(toml::Value::as_str) else {
                continue;
            };
            let target = folder.join(path);
            let target = target
                .canonicalize()
                .with_context(|| format!("{}", target.display()))?;
            // A guest may have crates of its own, in its own folder.
            if target != sdk && !target.starts_with(folder) {
                wrong.push(format!("{}: {name} at {path}", manifest_path.display()));
            }
        }
    }
    ensure!(guests > 0, "no guest was found below examples/");
    none("guests that reach into the host", &wrong)
}

struct Member {
    name: String,
    manifest: PathBuf,
    imports: Vec<Import>,
}

struct Import {
    name: String,
    /// A dev-dependency.
    only_tests: bool,
}

fn members() -> Result<Vec<Member>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(workspace_root())
        .output()
        .context("run cargo metadata")?;
    let problem = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo metadata failed: {problem}");
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"]
        .as_array()
        .context("metadata without packages")?;
    packages.iter().map(read_member).collect()
}

fn read_member(package: &Value) -> Result<Member> {
    let dependencies = package["dependencies"]
        .as_array()
        .context("no dependencies")?;
    let imports = dependencies.iter().map(|dependency| {
        Ok(Import {
            name: text(dependency, "name")?,
            only_tests: dependency["kind"] == "dev",
        })
    });
    Ok(Member {
        name: text(package, "name")?,
        manifest: text(package, "manifest_path")?.into(),
        imports: imports.collect::<Result<_>>()?,
    })
}

fn text(value: &Value, key: &str) -> Result<String> {
    let text = value[key]
        .as_str()
        .with_context(|| format!("metadata without {key}"))?;
    Ok(text.to_owned())
}

fn read_manifest(path: &Path) -> Result<toml::Table> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    text.parse()
        .with_context(|| format!("parse {}", path.display()))
}

/// Dependencies of every kind and of every target, by name.
fn dependencies(manifest: &toml::Table) -> Vec<(String, toml::Value)> {
    const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let of_targets = manifest.get("target").and_then(toml::Value::as_table);
    let tables = of_targets.into_iter().flat_map(|targets| targets.values());
    let tables = tables.filter_map(toml::Value::as_table).chain([manifest]);
    let mut found = Vec::new();
    for table in tables {
        for kind in KINDS {
            let entries = table.get(kind).and_then(toml::Value::as_table);
            let entries = entries.into_iter().flatten();
            found.extend(entries.map(|(name, value)| (name.clone(), value.clone())));
        }
    }
    found
}

/// Guests are no members of the workspace, so cargo does not list them.
fn manifests_below(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = folder
            .read_dir()
            .with_context(|| format!("list {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() && entry.file_name() != "target" {
                folders.push(entry.path());
            } else if entry.file_name() == "Cargo.toml" {
                found.insert(entry.path());
            }
        }
    }
    Ok(found)
}

fn workspace_root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("tests/ lies in the workspace")
        .to_owned()
}

fn none(what: &str, wrong: &[String]) -> Result<()> {
    ensure!(wrong.is_empty(), "{what}:\n  {}", wrong.join("\n  "));
    Ok(())
}
