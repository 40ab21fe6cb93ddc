//! Compiling BPF C with clang.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use eunomia_image::Platform;
use eunomia_runtime::linker;

use super::file::{self, create_folder_of};
use super::stamp::{self, Recipe, Stamp};
use super::{Object, sources};
use crate::environment::variable;
use crate::failure::HintExt;

/// Names another clang than that of the PATH.
const CLANG_VARIABLE: &str = "ECLI_CLANG";

const NO_CLANG_HINT: &str = "install clang:\n  \
    Debian, Ubuntu: apt install clang\n  \
    Fedora, openEuler: dnf install clang\n  \
    Arch: pacman -S clang\n  \
    openSUSE: zypper install clang\n  \
    macOS: brew install llvm\n  \
    ECLI_CLANG names a clang that is not in the PATH";

/// The instruction set. Version 3 (32-bit subregisters, Linux 5.1, and atomic operations that
/// return a value, 5.12) is in every kernel since 5.15, the oldest that we support; version 4 is
/// not, and 2 costs instructions.
const CPU: &str = "-mcpu=v3";

/// Part of the stamp: raised when objects are made in another way that their flags do not show.
const RECIPE: u32 = 2;

/// Where and how to compile.
#[derive(Debug)]
pub(super) struct Setting<'a> {
    /// The project's; sources are relative to it.
    pub(super) folder: &'a Path,
    /// Folders that hold `vmlinux.h` and `bpf/`.
    pub(super) headers: &'a [PathBuf],
    /// Flags of the manifest.
    pub(super) flags: &'a [String],
    /// Where the objects go.
    pub(super) products: &'a Path,
    /// What `bpf_tracing.h` calls the CPU, whose registers the programs read.
    pub(super) architecture: &'static str,
}

/// A clang and its flags.
#[derive(Debug)]
pub(super) struct Compiler<'a> {
    setting: Setting<'a>,
    clang: OsString,
    /// Part of the stamp: another clang makes another object.
    version: String,
}

impl<'a> Compiler<'a> {
    /// Finds clang.
    pub(super) fn find(setting: Setting<'a>) -> Result<Self> {
        let clang = variable(CLANG_VARIABLE).unwrap_or_else(|| "clang".into());
        let operation = || format!("run {} --version", clang.display());
        let output = match Command::new(&clang).arg("--version").output() {
            Ok(output) => output,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(error).with_context(operation).hint(NO_CLANG_HINT);
            }
            Err(error) => return Err(error).with_context(operation),
        };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() || !text.contains("clang version") {
            bail!("{}: this is no clang ({})", operation(), output.status);
        }
        let version = text.lines().next().unwrap_or_default().to_owned();
        Ok(Self {
            setting,
            clang,
            version,
        })
    }

    /// Compiles a source, if it or what it includes has changed.
    pub(super) fn compile(&self, source: &Path) -> Result<Object> {
        let name = sources::object_name(source)?.to_owned();
        let product = self.setting.products.join(format!("{name}.bpf.o"));
        let stamp_file = product.with_extension("stamp.json");
        if !Stamp::is_current(&stamp_file, &self.recipe(), self.setting.folder)
            || !product.is_file()
        {
            self.run(source, &product).with_context(|| {
                format!("compile {}", self.setting.folder.join(source).display())
            })?;
            self.stamp(&product)?.write(&stamp_file)?;
        }
        let bytes =
            std::fs::read(&product).with_context(|| format!("read {}", product.display()))?;
        Ok(Object { name, bytes })
    }

    fn run(&self, source: &Path, product: &Path) -> Result<()> {
        create_folder_of(product)
            .with_context(|| format!("create the folder of {}", product.display()))?;
        let temporary = file::temporary_beside(product);
        tracing::info!("compiling {}", source.display());
        // In the project's folder, so that messages and debug information name files from there.
        let status = Command::new(&self.clang)
            .current_dir(self.setting.folder)
            .args(self.flags())
            .args(["-MD", "-MF"])
            .arg(dependencies_file(product))
            .arg("-c")
            .arg(source)
            .arg("-o")
            .arg(&temporary)
            .status()
            .with_context(|| format!("run {}", self.clang.display()))?;
        if !status.success() {
            bail!("clang ended with {status}");
        }
        let outcome = without_debug_information(&temporary, product);
        // No harm if it stays.
        let _ = std::fs::remove_file(&temporary);
        outcome
    }

    fn flags(&self) -> Vec<String> {
        let folder = self.setting.folder.display();
        let mut flags: Vec<String> = [
            "-target",
            "bpf",
            CPU,
            "-O2",
            "-g",
            "-Wall",
            // Some distributions switch this on for every target; BPF has no such thing.
            "-fno-stack-protector",
        ]
        .map(str::to_owned)
        .to_vec();
        flags.extend([
            format!("-D__TARGET_ARCH_{}", self.setting.architecture),
            format!("-I{folder}"),
            // The same object wherever it is built, and no path of this machine in it.
            format!("-ffile-prefix-map={folder}=."),
            "-fdebug-compilation-dir=.".to_owned(),
        ]);
        for headers in self.setting.headers {
            let headers = headers.display();
            // Not our headers to warn about.
            flags.extend(["-isystem".to_owned(), headers.to_string()]);
            flags.push(format!("-ffile-prefix-map={headers}=ecli"));
        }
        // Where Debian keeps <asm/types.h>, which clang only finds for the machine itself.
        let multiarch = format!("/usr/include/{}-linux-gnu", std::env::consts::ARCH);
        if Path::new(&multiarch).is_dir() {
            flags.extend(["-idirafter".to_owned(), multiarch]);
        }
        flags.extend(self.setting.flags.iter().cloned());
        flags
    }

    /// What an object is made from, but for the files.
    fn recipe(&self) -> Recipe {
        Recipe {
            version: RECIPE,
            compiler: self.version.clone(),
            flags: self.flags(),
        }
    }

    fn stamp(&self, product: &Path) -> Result<Stamp> {
        let is_ours = |input: &Path| {
            self.setting
                .headers
                .iter()
                .any(|folder| input.starts_with(folder))
        };
        let mut inputs = stamp::read_dependencies(&dependencies_file(product))?;
        // Their folders are part of the flags, and never change.
        inputs.retain(|input| !is_ours(input));
        Stamp::of(self.recipe(), self.setting.folder, inputs)
    }
}

/// Makes an object of one that was compiled, without the debug information that only debuggers
/// read.
pub(super) fn without_debug_information(compiled: &Path, product: &Path) -> Result<()> {
    let linked = file::temporary_beside(product).with_extension("linked");
    let outcome = linker::link(compiled, &linked)
        .context("drop the debug information that only debuggers read")
        .and_then(|()| {
            std::fs::rename(&linked, product)
                .with_context(|| format!("create {}", product.display()))
        });
    // It is gone when all went well.
    let _ = std::fs::remove_file(&linked);
    outcome
}

/// What `bpf_tracing.h` calls the CPU of `platform`.
///
/// # Errors
/// CPUs that it does not know, and those of the other byte order: their objects cannot be read
/// here.
pub(super) fn target_architecture(platform: &Platform) -> Result<&'static str> {
    let (name, is_big_endian) = match platform.architecture.as_str() {
        "amd64" | "386" => ("x86", false),
        "arm64" => ("arm64", false),
        "arm" => ("arm", false),
        "riscv64" => ("riscv", false),
        "loong64" => ("loongarch", false),
        "ppc64le" => ("powerpc", false),
        "mipsle" | "mips64le" => ("mips", false),
        "ppc64" => ("powerpc", true),
        "s390x" => ("s390", true),
        other => bail!("build for {platform}: {other} is no CPU that BPF programs are built for"),
    };
    if platform.os != "linux" {
        bail!("build for {platform}: BPF programs are for linux");
    }
    if is_big_endian != cfg!(target_endian = "big") {
        bail!("build for {platform}: its byte order is not that of this machine; build it there");
    }
    Ok(name)
}

fn dependencies_file(product: &Path) -> PathBuf {
    product.with_extension("d")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_cpus_of_this_byte_order_are_built_for() {
        let name = |text: &str| target_architecture(&text.parse().unwrap()).ok();
        assert!(target_architecture(&Platform::host()).is_ok());
        assert_eq!(name("linux/vax"), None);
        assert_eq!(name("windows/amd64"), None);
        let little = [
            name("linux/amd64"),
            name("linux/arm64"),
            name("linux/ppc64le"),
        ];
        let big = [
            name("linux/s390x"),
            name("linux/ppc64"),
            name("linux/ppc64"),
        ];
        let (ours, theirs) = match cfg!(target_endian = "big") {
            true => (big, little),
            false => (little, big),
        };
        assert!(ours.iter().all(Option::is_some));
        assert_eq!(theirs, [None; 3]);
    }
}
