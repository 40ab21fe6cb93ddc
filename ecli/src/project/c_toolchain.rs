//! The toolchain for guests in C and C++: clang, wasm-ld, a C library for WASI, and clang's
//! run-time library for it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, anyhow, bail};

use crate::environment::variable;
use crate::failure::hinted;

/// What guests are compiled for.
const TARGET: &str = "--target=wasm32-wasi";

/// Folder of an installed wasi-sdk, which has everything.
const SDK_VARIABLE: &str = "WASI_SDK_PATH";
/// Names another clang than that of the PATH.
const CLANG_VARIABLE: &str = "ECLI_CLANG";
/// Names the folder of the C library.
const SYSROOT_VARIABLE: &str = "ECLI_WASI_SYSROOT";

/// Where distributions have wasi-libc: Debian and Ubuntu, Arch, Fedora, Homebrew on either CPU.
const SYSROOTS: [&str; 5] = [
    "/usr",
    "/usr/share/wasi-sysroot",
    "/usr/wasm32-wasi",
    "/opt/homebrew/opt/wasi-libc/share/wasi-sysroot",
    "/usr/local/opt/wasi-libc/share/wasi-sysroot",
];

/// How to get all of it.
const INSTALL: &str = "install the toolchain for WebAssembly:\n  \
    Debian, Ubuntu: apt install clang lld wasi-libc libclang-rt-dev-wasm32\n  \
    Fedora: dnf install clang lld wasi-libc-static compiler-rt\n  \
    Arch: pacman -S clang lld wasi-libc wasi-compiler-rt\n  \
    macOS: brew install llvm lld wasi-libc wasi-runtimes\n  \
    openEuler and others: unpack a release of github.com/WebAssembly/wasi-sdk and set \
    WASI_SDK_PATH to its folder";

/// A clang that can build guests.
#[derive(Debug)]
pub(super) struct Toolchain {
    clang: PathBuf,
    sysroot: Option<PathBuf>,
    /// The first line of `--version`: another clang makes other objects.
    pub(super) version: String,
    /// Whether C++ guests have a standard library.
    has_libcxx: bool,
}

impl Toolchain {
    /// Finds clang and what belongs to it, which is less for guests without a C library.
    ///
    /// # Errors
    /// Names every part that is missing, and how to get it.
    pub(super) fn find(is_freestanding: bool) -> Result<Self> {
        let sdk = variable(SDK_VARIABLE).map(PathBuf::from);
        let clang = match &sdk {
            Some(folder) => folder.join("bin/clang"),
            None => variable(CLANG_VARIABLE)
                .unwrap_or_else(|| "clang".into())
                .into(),
        };
        let Some(version) = version(&clang)? else {
            return Err(missing(&[format!(
                "clang ({} is not there)",
                clang.display()
            )]));
        };
        let sysroot = match (&sdk, variable(SYSROOT_VARIABLE)) {
            _ if is_freestanding => None,
            (_, Some(folder)) => Some(PathBuf::from(folder)),
            (Some(folder), None) => Some(folder.join("share/wasi-sysroot")),
            (None, None) => SYSROOTS.iter().map(PathBuf::from).find(|it| has_libc(it)),
        };
        let mut toolchain = Self {
            clang,
            sysroot,
            version,
            has_libcxx: false,
        };
        let lacking = toolchain.lacking(is_freestanding)?;
        if !lacking.is_empty() {
            return Err(missing(&lacking));
        }
        let libraries = toolchain
            .sysroot
            .iter()
            .flat_map(|root| library_folders(root));
        toolchain.has_libcxx = libraries
            .into_iter()
            .any(|it| it.join("libc++.a").is_file());
        Ok(toolchain)
    }

    fn lacking(&self, is_freestanding: bool) -> Result<Vec<String>> {
        let mut lacking = Vec::new();
        let linker = self.ask("-print-prog-name=wasm-ld")?;
        if !Path::new(&linker).is_absolute() && which(&linker).is_none() {
            lacking.push("wasm-ld, the linker".to_owned());
        }
        if is_freestanding {
            return Ok(lacking);
        }
        if !self.sysroot.as_deref().is_some_and(has_libc) {
            lacking.push("wasi-libc, the C library for WASI".to_owned());
        }
        let runtime = self.ask("-print-libgcc-file-name")?;
        if !Path::new(&runtime).is_file() {
            lacking.push(format!("clang's run-time library for wasm32 ({runtime})"));
        }
        Ok(lacking)
    }

    /// A clang command for C or C++ sources of the target.
    pub(super) fn command(&self, is_cpp: bool) -> Command {
        let mut command = Command::new(match is_cpp {
            true => cpp_driver(&self.clang),
            false => self.clang.clone(),
        });
        command.args(self.target_flags());
        if is_cpp && !self.has_libcxx {
            command.arg("-nostdlib++");
        }
        command
    }

    /// Flags of every call.
    pub(super) fn target_flags(&self) -> Vec<String> {
        let mut flags = vec![TARGET.to_owned()];
        if let Some(sysroot) = &self.sysroot {
            flags.push(format!("--sysroot={}", sysroot.display()));
        }
        flags
    }

    fn ask(&self, question: &str) -> Result<String> {
        let output = Command::new(&self.clang)
            .args(self.target_flags())
            .args(["--rtlib=compiler-rt", question])
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("run {} {question}", self.clang.display()))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

fn missing(parts: &[String]) -> anyhow::Error {
    let error = anyhow!(
        "find a C toolchain for guests: there is no {}",
        parts.join(", no ")
    );
    hinted(error, INSTALL)
}

/// `None`: there is no such program.
fn version(clang: &Path) -> Result<Option<String>> {
    let operation = || format!("run {} --version", clang.display());
    let output = match Command::new(clang).arg("--version").output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(operation),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() || !text.contains("clang version") {
        bail!("{}: this is no clang ({})", operation(), output.status);
    }
    Ok(Some(text.lines().next().unwrap_or_default().to_owned()))
}

/// `clang` is `clang++`, `/opt/clang-19` is `/opt/clang++-19`.
fn cpp_driver(clang: &Path) -> PathBuf {
    let name = clang
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("clang");
    clang.with_file_name(name.replacen("clang", "clang++", 1))
}

fn has_libc(sysroot: &Path) -> bool {
    library_folders(sysroot)
        .iter()
        .any(|it| it.join("libc.a").is_file())
}

/// Where a sysroot has libraries for one thread.
fn library_folders(sysroot: &Path) -> [PathBuf; 2] {
    ["lib/wasm32-wasi", "lib/wasm32-wasip1"].map(|folder| sysroot.join(folder))
}

fn which(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpp_driver_is_beside_the_c_driver() {
        for (c, cpp) in [
            ("clang", "clang++"),
            ("clang-19", "clang++-19"),
            ("/opt/clang/bin/clang", "/opt/clang/bin/clang++"),
        ] {
            assert_eq!(cpp_driver(Path::new(c)), Path::new(cpp));
        }
    }

    #[test]
    fn what_is_missing_is_named_with_a_way_to_get_it() {
        let error = missing(&["wasm-ld".to_owned(), "libc".to_owned()]);
        assert!(
            error.to_string().ends_with("no wasm-ld, no libc"),
            "{error}"
        );
        for system in ["Debian", "Fedora", "Arch", "openEuler", "macOS"] {
            assert!(INSTALL.contains(system), "{system}");
        }
    }
}
