//! Building a guest in Zig: zig makes a core module, a reactor, of it with the SDK.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, anyhow};

use super::manifest::Guest;
use super::program::Wanted;
use super::{component, file, sdk};
use crate::failure::HintExt;

/// Names another zig command than that of the PATH.
const ZIG_VARIABLE: &str = "ECLI_ZIG";

/// The version that the SDK is written for: Zig's library changes with every second number.
const VERSION: (u32, u32) = (0, 17);

/// Where the guest begins: the first of these that is there.
const ROOTS: [&str; 2] = ["guest.zig", "src/guest.zig"];

/// Safety is checked, as in Rust: a mistake traps with a message. Every engine has vector
/// instructions.
const FLAGS: [&str; 11] = [
    "-target",
    "wasm32-wasi",
    "-mcpu=baseline+simd128",
    "-mexec-model=reactor",
    "-fno-entry",
    "-rdynamic",
    "-fstrip",
    "-O",
    "ReleaseSafe",
    "--stack",
    "262144",
];

const INSTALL: &str = "install Zig 0.17, and have ECLI_ZIG name it where it is not in the PATH:\n  \
    Debian, Ubuntu, openEuler: pip install ziglang==0.17.1, which brings .../ziglang/zig\n  \
    Fedora: dnf install zig\n  \
    Arch: pacman -S zig\n  \
    macOS: brew install zig";

/// The guest's first file in a folder.
pub(super) fn root(folder: &Path) -> Option<&'static str> {
    ROOTS.into_iter().find(|name| folder.join(name).is_file())
}

/// What is to be built.
pub(super) struct Setting<'a> {
    pub(super) folder: &'a Path,
    pub(super) guest: &'a Guest,
    /// The generated types, if there are some.
    pub(super) bindings: Option<&'a Path>,
    pub(super) products: &'a Path,
    /// Where the SDK and what zig keeps go, for all guests.
    pub(super) cache: &'a Path,
}

/// Builds the component.
pub(super) fn build(setting: &Setting<'_>) -> Result<Vec<u8>> {
    let zig = find()?;
    let folder = setting.folder;
    let root = root(folder)
        .with_context(|| format!("find the guest in {}", folder.display()))
        .hint(format!(
            "a guest in Zig begins in one of {}",
            ROOTS.join(", ")
        ))?;
    let sdk = sdk::write("zig", &setting.cache.join("sdk"))?;
    let module = setting.products.join("zig-guest.wasm");
    file::create_folder_of(&module)
        .with_context(|| format!("create the folder of {}", module.display()))?;
    let mut command = Command::new(&zig);
    command.arg("build-exe").args(FLAGS);
    command.args(["--dep", "bpf", "--dep", "guest"]);
    command.arg(is_module("root", &sdk.join("root.zig")));
    command.arg(is_module("bpf", &sdk.join("bpf.zig")));
    command.args(["--dep", "bpf"]);
    if setting.bindings.is_some() {
        command.args(["--dep", "types"]);
    }
    command.args(&setting.guest.flags);
    command.arg(is_module("guest", &folder.join(root)));
    if let Some(bindings) = setting.bindings {
        command.args(["--dep", "bpf"]);
        command.arg(is_module("types", bindings));
    }
    let mut emit = OsString::from("-femit-bin=");
    emit.push(&module);
    command
        .arg(emit)
        .arg("--cache-dir")
        .arg(setting.cache.join("zig"))
        .current_dir(folder)
        .stdin(Stdio::null());
    let status = command.status().context("run zig")?;
    if !status.success() {
        return Err(anyhow!("zig ended with {status}"))
            .with_context(|| format!("build the guest in {}", folder.display()));
    }
    component::of_file(&module)
}

/// `-Mname=path`.
fn is_module(name: &str, path: &Path) -> OsString {
    let mut flag = OsString::from(format!("-M{name}="));
    flag.push(path);
    flag
}

/// A zig command of the right version.
fn find() -> Result<PathBuf> {
    let wanted = Wanted {
        what: "Zig",
        variable: ZIG_VARIABLE,
        name: "zig",
        argument: "version",
        install: INSTALL,
    };
    let (zig, _) = wanted.find(version, |version| *version == VERSION, "0.17")?;
    Ok(zig)
}

/// Of `0.17.1` or `0.18.0-dev.12+abc`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().split('.');
    let mut number = || numbers.next()?.parse().ok();
    Some((number()?, number()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        for (text, expected) in [
            ("0.17.1\n", Some((0, 17))),
            ("0.18.0-dev.12+abc", Some((0, 18))),
            ("zig", None),
            ("", None),
        ] {
            assert_eq!(version(text), expected, "{text}");
        }
    }

    #[test]
    fn a_guest_begins_in_the_first_file_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(root(folder.path()), None);
        std::fs::create_dir(folder.path().join("src")).unwrap();
        std::fs::write(folder.path().join("src/guest.zig"), "").unwrap();
        assert_eq!(root(folder.path()), Some("src/guest.zig"));
        std::fs::write(folder.path().join("guest.zig"), "").unwrap();
        assert_eq!(root(folder.path()), Some("guest.zig"));
    }

    #[test]
    fn every_system_has_a_way_to_install_it() {
        for system in ["Debian", "Fedora", "Arch", "openEuler", "macOS"] {
            assert!(INSTALL.contains(system), "{system}");
        }
    }
}
