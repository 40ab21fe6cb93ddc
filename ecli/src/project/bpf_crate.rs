//! Compiling BPF programs in Rust: a package, usually one that uses `aya-ebpf`, each program
//! (`[[bin]]`) of which becomes a BPF object.
//!
//! Rust publishes no library for BPF: cargo builds `core` from its sources, which is an unstable
//! feature of it, and bpf-linker makes the object of what the compiler leaves. Where neither is to
//! be had otherwise, `scripts/bpf-toolchain` of the repository makes both.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow};
use eunomia_image::Platform;
use object::Object as _;

use super::cargo::{self, Workspace};
use super::program::Wanted;
use super::{Object, bpf, guest};
use crate::environment::variable;
use crate::failure::{HintExt, hinted};

/// What programs are compiled for, with this machine's order of bytes.
const TARGET: &str = match cfg!(target_endian = "big") {
    true => "bpfeb-unknown-none",
    false => "bpfel-unknown-none",
};

/// Names another rustc than that of the PATH.
const RUSTC_VARIABLE: &str = "ECLI_BPF_RUSTC";
/// Names another bpf-linker than that of the PATH.
const LINKER_VARIABLE: &str = "ECLI_BPF_LINKER";

/// Where a compiler has the sources of its library, and in there that of `core`.
const SOURCE: &str = "lib/rustlib/src/rust";
const CORE: &str = "library/core/src/lib.rs";

const INSTALL_SOURCE: &str = "install the sources of Rust's library, of the compiler's version:\n  \
    rustup, on any system: rustup component add rust-src\n  \
    Debian, Ubuntu: apt install rust-src (beside rustc of the distribution)\n  \
    Fedora: dnf install rust-src\n  \
    Arch: pacman -S rust-src\n  \
    openEuler: dnf install rust-src\n  \
    macOS: rustup, or ECLI_BPF_RUSTC for another rustc";

const INSTALL_LINKER: &str = "install bpf-linker, with the compiler's LLVM or a newer one:\n  \
    any system with rustup: cargo binstall bpf-linker (or the archive of its releases)\n  \
    Debian, Ubuntu, Fedora, openEuler: eval \"$(scripts/bpf-toolchain)\" of ecli's repository, or \
    cargo install bpf-linker with the distribution's llvm-dev\n  \
    Arch: pacman -S bpf-linker\n  \
    macOS: brew install bpf-linker\n  \
    ECLI_BPF_LINKER names one that is not in the PATH";

/// What is to be built.
pub(super) struct Setting<'a> {
    /// The package's folder.
    pub(super) folder: &'a Path,
    /// Where cargo has its products, and where the objects go.
    pub(super) products: &'a Path,
    pub(super) platform: &'a Platform,
}

/// Builds the package's programs; cargo does nothing when nothing changed.
pub(super) fn build(setting: &Setting<'_>) -> Result<Vec<Object>> {
    let operation = || format!("build the BPF programs in {}", setting.folder.display());
    let workspace = Workspace::read(setting.folder, None).with_context(operation)?;
    let rustc = variable(RUSTC_VARIABLE);
    let compiler = Compiler::find(rustc.as_ref(), setting.folder).with_context(operation)?;
    let linker = find_linker().with_context(operation)?;
    let mut command = cargo::command();
    command
        .args(["build", "--release", "-Z", "build-std=core"])
        .args(["--target", TARGET])
        .args(["--message-format", "json-render-diagnostics"])
        .args(["--package", &workspace.package.name])
        // A folder of the project's own: in one that is shared, packages of one name at the same
        // place of their workspaces are one to cargo (it tells them apart by relative paths), and
        // one project would get what another has built.
        .arg("--target-dir")
        .arg(setting.products.join(format!("cargo-{}", compiler.version)))
        .current_dir(setting.folder)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        // Of a compiler that is stable, too, which all of it was tested with.
        .env("RUSTC_BOOTSTRAP", "1")
        // BTF is made of debug information.
        .env("CARGO_PROFILE_RELEASE_DEBUG", "2");
    let variable = TARGET.to_uppercase().replace('-', "_");
    command.env(format!("CARGO_TARGET_{variable}_LINKER"), linker);
    let flags = compiler.flags(setting.platform);
    command.env(format!("CARGO_TARGET_{variable}_RUSTFLAGS"), flags);
    if let Some(rustc) = rustc {
        command.env("RUSTC", rustc);
    }
    let programs = guest::run(command, &workspace.package.id).with_context(operation)?;
    let programs = programs.into_iter().filter(guest::Artifact::is_program);
    let objects = programs
        .map(|program| object(&program, setting.products))
        .collect::<Result<Vec<_>>>()
        .with_context(operation)?;
    if objects.is_empty() {
        let error = anyhow!("the package has no program");
        return Err(error).with_context(operation).hint(
            "each program, in src/main.rs, src/bin/ or [[bin]], becomes a BPF object of its name",
        );
    }
    Ok(objects)
}

/// What Rust calls the CPU of `platform`.
fn rust_name(platform: &Platform) -> &str {
    match platform.architecture.as_str() {
        "amd64" => "x86_64",
        "386" => "x86",
        "arm64" => "aarch64",
        "loong64" => "loongarch64",
        "ppc64le" | "ppc64" => "powerpc64",
        "mipsle" => "mips",
        "mips64le" => "mips64",
        same => same,
    }
}

fn object(program: &guest::Artifact, products: &Path) -> Result<Object> {
    let name = &program.target.name;
    let product = products.join(format!("{name}.bpf.o"));
    let built = program.file();
    let built = built.with_context(|| format!("cargo made no file of program {name:?}"))?;
    bpf::without_debug_information(built, &product)?;
    let bytes = std::fs::read(&product).with_context(|| format!("read {}", product.display()))?;
    check_maps(name, &bytes)?;
    Ok(Object {
        name: name.clone(),
        bytes,
    })
}

/// Refuses maps that libbpf would.
fn check_maps(name: &str, object: &[u8]) -> Result<()> {
    let elf = object::File::parse(object).with_context(|| format!("read object {name:?}"))?;
    if elf.section_by_name("maps").is_none() {
        return Ok(());
    }
    let error = anyhow!("program {name:?} has maps of aya's older form, which libbpf cannot load");
    Err(hinted(
        error,
        "declare them with `#[btf_map]` in place of `#[map]`, and types of `aya_ebpf::btf_maps`",
    ))
}

/// A rustc that can compile for BPF.
struct Compiler {
    version: String,
    /// Its library's sources.
    source: PathBuf,
}

impl Compiler {
    /// The chosen rustc or that of the PATH, if it has the sources of its library.
    fn find(rustc: Option<&OsString>, folder: &Path) -> Result<Self> {
        let program = rustc.cloned().unwrap_or_else(|| "rustc".into());
        let ask = |arguments: &[&str]| {
            let mut command = Command::new(&program);
            let output = command.args(arguments).current_dir(folder).output();
            let output = output
                .with_context(|| format!("run {} {}", program.display(), arguments.join(" ")))
                .hint("install Rust with rustup (rust-lang.org/tools)")?;
            let text = String::from_utf8_lossy(&output.stdout);
            Ok::<_, anyhow::Error>(text.trim_end().to_owned())
        };
        let source = PathBuf::from(ask(&["--print", "sysroot"])?).join(SOURCE);
        if !source.join(CORE).is_file() {
            let error = anyhow!(
                "find a Rust compiler for BPF: {} has no sources of its library in {}",
                program.display(),
                source.display()
            );
            return Err(hinted(error, INSTALL_SOURCE));
        }
        let said = ask(&["--version"])?;
        let version = said.split_whitespace().nth(1).map(str::to_owned);
        let version = version
            .with_context(|| format!("read the version of {}: {said}", program.display()))?;
        Ok(Self { version, source })
    }

    /// Flags for the programs alone, not for build scripts.
    fn flags(&self, platform: &Platform) -> String {
        let mut flags = vec![
            "-Clink-arg=--btf".to_owned(),
            // The project's folder is not named: cargo orders what is linked by a sum of the flags,
            // and code depends on that order.
            "-Zremap-cwd-prefix=.".to_owned(),
            // Whose registers the programs read; aya's crates ask for it.
            format!("--cfg=bpf_target_arch=\"{}\"", rust_name(platform)),
        ];
        flags.extend(guest::path_flags(&[(self.source.as_path(), "/rust")]));
        flags.join(" ")
    }
}

fn find_linker() -> Result<PathBuf> {
    let wanted = Wanted {
        what: "bpf-linker",
        variable: LINKER_VARIABLE,
        name: "bpf-linker",
        argument: "--version",
        install: INSTALL_LINKER,
    };
    // The first that makes BTF.
    let (linker, _) = wanted.find(linker_version, |version| *version >= (0, 9), "0.9")?;
    Ok(linker)
}

/// Of `bpf-linker 0.13.0`.
fn linker_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().strip_prefix("bpf-linker ")?.split('.');
    let mut number = || numbers.next()?.parse().ok();
    Some((number()?, number()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_the_linker_are_read() {
        assert_eq!(linker_version("bpf-linker 0.13.0\n"), Some((0, 13)));
        assert_eq!(linker_version("GNU ld 2.40"), None);
    }

    #[test]
    fn a_compiler_without_the_sources_of_its_library_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        // Prints its arguments, which are no folder with sources.
        let error = Compiler::find(Some(&"echo".into()), folder.path());
        let error = error.err().unwrap();
        let text = format!("{error:#}");
        assert!(
            text.contains("echo has no sources of its library"),
            "{text}"
        );
    }
}
