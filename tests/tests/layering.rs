//! Who may import whom, as ARCHITECTURE.md says it, checked on what cargo knows.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Every crate of the workspace with the workspace crates that it may import; for guests see
/// [`GUESTS_MAY_IMPORT`]. Imports of tests (dev-dependencies) are free, apart from [`STRANGERS`].
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("eunomia-btf", &[]),
    ("eunomia-host-abi", &["eunomia-btf"]),
    ("eunomia-formats", &["eunomia-btf", "eunomia-host-abi"]),
    (
        "eunomia-runtime",
        &["eunomia-btf", "eunomia-formats", "eunomia-host-abi"],
    ),
    ("eunomia-image", &[]),
    (
        "ecli",
        &[
            "eunomia-btf",
            "eunomia-formats",
            "eunomia-image",
            "eunomia-runtime",
        ],
    ),
    ("eunomia-bpf", &[]),
    ("embed", &["eunomia-image", "eunomia-runtime"]),
    ("eunomia-bench", &["eunomia-image", "eunomia-runtime"]),
    (
        "eunomia-tests",
        &[
            "eunomia-btf",
            "eunomia-formats",
            "eunomia-host-abi",
            "eunomia-image",
            "eunomia-runtime",
        ],
    ),
];

/// Guests are the members that `ecli build` builds.
const GUESTS_MAY_IMPORT: &[&str] = &["eunomia-bpf"];
const GUEST_MANIFEST: &str = "ecli.toml";

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
    // The guest that breaks the contract cannot do so through the SDK.
    (
        "wit-bindgen",
        &["eunomia-bpf", "guest-hostile"],
        "guest bindings have one home",
    ),
    ("clap", &[PROGRAMS], "libraries have no command line"),
    (
        "anyhow",
        &["eunomia-tests", PROGRAMS],
        "libraries have typed errors",
    ),
    (
        "tracing-subscriber",
        &[PROGRAMS],
        "only binaries install subscribers",
    ),
];

/// Stands for every member that is no library.
const PROGRAMS: &str = "programs";

#[test]
fn workspace_crates_import_only_what_the_architecture_allows() -> Result<()> {
    let mut wrong = Vec::new();
    for member in members()? {
        let allowed = allowed_imports(&member)?;
        for import in member
            .imports
            .iter()
            .filter(|it| it.is_ours && !it.only_tests)
        {
            if !allowed.contains(&import.name.as_str()) {
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
                let at_home = homes.contains(&member.name.as_str())
                    || homes.contains(&PROGRAMS) && !member.is_library;
                if import.name == *reserved && !at_home {
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
        let manifest = member.manifest()?;
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

fn allowed_imports(member: &Member) -> Result<&'static [&'static str]> {
    if member.is_guest() {
        return Ok(GUESTS_MAY_IMPORT);
    }
    let row = MAY_IMPORT.iter().find(|(name, _)| *name == member.name);
    let (_, allowed) =
        row.with_context(|| format!("say in MAY_IMPORT what {} may import", member.name))?;
    Ok(allowed)
}

/// `cargo build` and the scripts' `host_crates` must choose the same features of what wasmtime is
/// made of, or it is compiled twice, which takes minutes.
#[test]
fn what_is_built_by_default_is_all_that_is_no_guest() -> Result<()> {
    let manifest = std::fs::read_to_string(workspace_root().join("Cargo.toml"))?;
    let manifest: toml::Table = manifest.parse()?;
    let default = manifest["workspace"].get("default-members");
    let default = default.and_then(toml::Value::as_array);
    let default = default.context("find default-members")?;
    let mut default: Vec<PathBuf> = default
        .iter()
        .filter_map(|folder| Some(workspace_root().join(folder.as_str()?)))
        .collect();
    let members = members()?.into_iter();
    let mut others: Vec<PathBuf> = members
        .filter(|member| !member.is_guest())
        .map(|member| member.folder)
        .collect();
    default.sort();
    others.sort();
    ensure!(default == others, "{default:?} are not {others:?}");
    Ok(())
}

struct Member {
    name: String,
    folder: PathBuf,
    /// Whether other crates can import it.
    is_library: bool,
    imports: Vec<Import>,
}

impl Member {
    fn is_guest(&self) -> bool {
        self.folder.join(GUEST_MANIFEST).exists()
    }

    fn manifest(&self) -> Result<toml::Table> {
        let path = self.folder.join("Cargo.toml");
        let text = std::fs::read_to_string(&path);
        let text = text.with_context(|| format!("read {}", path.display()))?;
        text.parse()
            .with_context(|| format!("parse {}", path.display()))
    }
}

struct Import {
    name: String,
    /// A crate of this repository.
    is_ours: bool,
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
            is_ours: dependency["path"].is_string(),
            only_tests: dependency["kind"] == "dev",
        })
    });
    let manifest = PathBuf::from(text(package, "manifest_path")?);
    let folder = manifest.parent().context("a manifest lies in a folder")?;
    let targets = package["targets"].as_array().context("no targets")?;
    Ok(Member {
        name: text(package, "name")?,
        folder: folder.to_owned(),
        is_library: targets.iter().any(|target| target["kind"][0] == "lib"),
        imports: imports.collect::<Result<_>>()?,
    })
}

fn text(value: &Value, key: &str) -> Result<String> {
    let text = value[key]
        .as_str()
        .with_context(|| format!("metadata without {key}"))?;
    Ok(text.to_owned())
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
