//! Building a guest with cargo.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize;

use super::cargo::{self, Workspace};
use super::component;
use super::toolchain::{TARGET, Toolchain};
use crate::environment::variable;
use crate::failure::HintExt;

/// The variable by which a guest finds its generated types.
const BINDINGS_VARIABLE: &str = "ECLI_BINDINGS";

/// Flags for the guest alone, not for build scripts.
const RUSTFLAGS_VARIABLE: &str = "CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS";

/// Every engine has vector instructions, the compiler uses them only when told. Loops over the
/// words of a record are twice as fast with them.
const TARGET_FLAGS: &str = "-Ctarget-feature=+simd128";

/// A profile that a workspace may define for its guests.
const GUEST_PROFILE: &str = "guest";

/// What is set for guests where the workspace's manifest says nothing: one small, fast file.
const PROFILE_SETTINGS: [(&str, &str); 4] = [
    ("lto", "true"),
    ("codegen-units", "1"),
    ("panic", "abort"),
    ("strip", "true"),
];

/// Builds the guest, telling it where its generated types are.
pub(super) fn build(workspace: &Workspace, bindings: Option<&Path>) -> Result<Vec<u8>> {
    let package = &workspace.package;
    let folder = package.manifest_path.parent().unwrap_or(&workspace.root);
    let toolchain = Toolchain::find(folder)?;
    let mut command = cargo::command();
    command
        .args([
            "build",
            "--target",
            TARGET,
            "--message-format",
            "json-render-diagnostics",
        ])
        .arg("--manifest-path")
        .arg(&package.manifest_path)
        .args(["--package", &package.name])
        .arg("--target-dir")
        .arg(
            workspace
                .target_folder
                .join(format!("guest-{}", toolchain.key)),
        )
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    set_profile(&mut command, workspace);
    let flags = path_flags(&[(workspace.root.as_path(), ".")]);
    let flags = [TARGET_FLAGS, flags.as_deref().unwrap_or_default()].join(" ");
    command.env(RUSTFLAGS_VARIABLE, flags.trim_end());
    if let Some(rustc) = &toolchain.rustc {
        command.env("RUSTC", rustc);
    }
    match bindings {
        Some(file) => command.env(BINDINGS_VARIABLE, file),
        None => command.env_remove(BINDINGS_VARIABLE),
    };
    let products = run(command, &package.id)
        .with_context(|| format!("build guest {:?} with cargo", package.name))?;
    let path = choose(&products).with_context(|| format!("build guest {:?}", package.name))?;
    let bytes = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
    component::check(&bytes, || {
        format!("the toolchain's linker for {TARGET} must be wasm-component-ld")
    })
    .with_context(|| format!("use {}", path.display()))?;
    Ok(bytes)
}

/// The workspace's own profile for guests, or its release profile with what it leaves open.
fn set_profile(command: &mut Command, workspace: &Workspace) {
    let profiles = std::fs::read_to_string(workspace.root.join("Cargo.toml"))
        .ok()
        .and_then(|text| text.parse::<toml::Table>().ok())
        .and_then(|mut manifest| manifest.remove("profile"));
    let profile = |name: &str| profiles.as_ref().and_then(|profiles| profiles.get(name));
    if profile(GUEST_PROFILE).is_some() {
        command.args(["--profile", GUEST_PROFILE]);
        return;
    }
    command.arg("--release");
    for (key, value) in PROFILE_SETTINGS {
        if profile("release").is_none_or(|release| release.get(key).is_none()) {
            let key = key.replace('-', "_").to_uppercase();
            command.env(format!("CARGO_PROFILE_RELEASE_{key}"), value);
        }
    }
}

/// Flags that keep this machine's paths out of what is built, where they would show in messages of
/// panics: the same sources make the same everywhere. Cargo's packages are among those paths;
/// `more` are others, with what is shown for them. The variable separates flags by spaces; `None`
/// for paths that have some.
pub(super) fn path_flags(more: &[(&Path, &str)]) -> Option<String> {
    let home = variable("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cargo")))?;
    // Of several that fit, the compiler takes the last.
    let flags = more
        .iter()
        .chain(&[(home.as_path(), "/cargo")])
        .map(|(path, shown)| {
            let path = path
                .to_str()
                .filter(|path| !path.contains(char::is_whitespace))?;
            Some(format!("--remap-path-prefix={path}={shown}"))
        })
        .collect::<Option<Vec<_>>>()?;
    Some(flags.join(" "))
}

/// Runs cargo, whose words go to stderr, and returns the products of the package.
pub(super) fn run(mut command: Command, package: &str) -> Result<Vec<Artifact>> {
    let mut child = command.spawn().context("run cargo")?;
    let products = child
        .stdout
        .take()
        .map(|stdout| read_products(stdout, package));
    let status = child.wait().context("wait for cargo")?;
    if !status.success() {
        bail!("cargo ended with {status}");
    }
    products.unwrap_or_else(|| Ok(Vec::new()))
}

fn read_products(stdout: ChildStdout, package: &str) -> Result<Vec<Artifact>> {
    let mut products = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let line = line.context("read what cargo prints")?;
        // Build scripts of dependencies may print other lines.
        let Ok(Message::CompilerArtifact(artifact)) = serde_json::from_str(&line) else {
            continue;
        };
        if artifact.package_id == package && artifact.is_guest() {
            products.push(artifact);
        }
    }
    Ok(products)
}

/// A line of cargo's report.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact(Artifact),
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
pub(super) struct Artifact {
    package_id: String,
    pub(super) target: Target,
    filenames: Vec<PathBuf>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Target {
    pub(super) name: String,
    kind: Vec<String>,
}

impl Artifact {
    /// A program, or a dynamic library, which exports functions.
    fn is_guest(&self) -> bool {
        self.is_program() || self.is_kind("cdylib")
    }

    pub(super) fn is_program(&self) -> bool {
        self.is_kind("bin")
    }

    fn is_kind(&self, wanted: &str) -> bool {
        self.target.kind.iter().any(|kind| kind == wanted)
    }

    /// What was made, without what may lie beside it.
    pub(super) fn file(&self) -> Option<&Path> {
        self.filenames.first().map(PathBuf::as_path)
    }

    fn wasm(&self) -> Option<&PathBuf> {
        self.filenames
            .iter()
            .find(|path| path.extension().is_some_and(|end| end == "wasm"))
    }
}

fn choose(products: &[Artifact]) -> Result<PathBuf> {
    let names: Vec<&str> = products
        .iter()
        .map(|artifact| &*artifact.target.name)
        .collect();
    match products {
        [] => Err(anyhow!("it makes neither a program nor a dynamic library")).hint(
            "a command has src/main.rs; a plugin has `crate-type = [\"cdylib\"]` under [lib]",
        ),
        [artifact] => {
            let wasm = artifact.wasm().cloned();
            wasm.with_context(|| format!("cargo made no .wasm file of {:?}", artifact.target.name))
        }
        _ => Err(anyhow!("it makes several products: {}", names.join(", ")))
            .hint("make a package of its own for each guest"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(kind: &str) -> Artifact {
        let line = format!(
            r#"{{"reason":"compiler-artifact","package_id":"p","target":{{"name":"x",
                "kind":["{kind}"],"src_path":"/x"}},"filenames":["/t/x.d","/t/x.wasm"]}}"#
        );
        match serde_json::from_str(&line) {
            Ok(Message::CompilerArtifact(artifact)) => artifact,
            _ => panic!("not an artifact: {line}"),
        }
    }

    #[test]
    fn programs_and_dynamic_libraries_are_guests() {
        for (kind, is_guest) in [("bin", true), ("cdylib", true), ("lib", false)] {
            assert_eq!(artifact(kind).is_guest(), is_guest, "{kind}");
        }
        let chosen = choose(&[artifact("bin")]).unwrap();
        assert_eq!(chosen, PathBuf::from("/t/x.wasm"));
    }

    #[test]
    fn no_product_and_several_are_errors() {
        assert!(choose(&[]).is_err());
        assert!(choose(&[artifact("bin"), artifact("cdylib")]).is_err());
    }

    #[test]
    fn other_lines_of_the_report_are_passed_over() {
        let line = r#"{"reason":"build-finished","success":true}"#;
        assert!(matches!(serde_json::from_str(line), Ok(Message::Other)));
    }
}
