//! The headers that BPF C includes: `vmlinux.h`, made from the running kernel's types, and libbpf's
//! `bpf/*.h`. The former is made once for each kernel.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use eunomia_image::{Digest, Platform};
use eunomia_runtime::libbpf::KERNEL_BTF;
use eunomia_runtime::{headers, vmlinux};

use super::bpf::target_architecture;
use super::file::{self, temporary_beside};
use super::registers;
use crate::failure::HintExt;
use crate::kernel;

const VMLINUX_HEADER: &str = "vmlinux.h";

/// Digits of a digest that tell versions of libbpf apart.
const DIGEST_DIGITS: usize = 12;

/// Returns folders of headers for `sources` of the project in `folder`, made in `cache` if they are
/// not there; `architecture` is what `bpf_tracing.h` calls the CPU. A folder never changes: its
/// name says what is in it.
pub(super) fn prepare(
    folder: &Path,
    sources: &[PathBuf],
    cache: &Path,
    architecture: &str,
) -> Result<Vec<PathBuf>> {
    let mut folders = vec![prepare_libbpf(cache)?];
    if needs_vmlinux_header(folder, sources)? {
        folders.push(prepare_vmlinux(cache, architecture)?);
    }
    Ok(folders)
}

/// libbpf's headers come with this program: what they are, only their content tells.
fn prepare_libbpf(cache: &Path) -> Result<PathBuf> {
    let making = temporary_beside(&cache.join("libbpf"));
    let outcome = headers::write_bpf_headers(&making)
        .context("write libbpf's headers")
        .and_then(|()| digest_of(&making))
        .and_then(|digest| {
            let short: String = digest.hex().chars().take(DIGEST_DIGITS).collect();
            publish(&making, cache.join(format!("libbpf-{short}")))
        });
    // After it was published there is nothing left to remove.
    let _ = std::fs::remove_dir_all(&making);
    outcome
}

/// The kernel's types follow from its release and the size of their description. For another CPU
/// they are those of this machine, but for the registers.
fn prepare_vmlinux(cache: &Path, architecture: &str) -> Result<PathBuf> {
    let size = std::fs::metadata(KERNEL_BTF)
        .with_context(|| format!("read the kernel's types in {KERNEL_BTF}"))
        .hint(NO_BTF_HINT)?
        .len();
    let (version, release) = (env!("CARGO_PKG_VERSION"), kernel::release()?);
    let is_own = target_architecture(&Platform::host()).is_ok_and(|own| own == architecture);
    let cpu = match is_own {
        true => String::new(),
        false => format!("-{architecture}"),
    };
    let ready = cache.join(format!("vmlinux-{version}-{release}-{size}{cpu}"));
    if ready.is_dir() {
        return Ok(ready);
    }
    let own = vmlinux::vmlinux_header(None)
        .context("make vmlinux.h from the kernel's types")
        .hint(NO_BTF_HINT)?;
    let text = match is_own {
        true => own,
        // Tools that read no registers need none.
        false => registers::of_another_cpu(&own, architecture).unwrap_or(own),
    };
    let making = temporary_beside(&ready);
    let outcome = file::write(&making.join(VMLINUX_HEADER), text.as_bytes())
        .and_then(|()| publish(&making, ready));
    let _ = std::fs::remove_dir_all(&making);
    outcome
}

/// Gives a complete folder its name.
fn publish(making: &Path, ready: PathBuf) -> Result<PathBuf> {
    match std::fs::rename(making, &ready) {
        // It was there already, or another process was faster.
        Err(_) if ready.is_dir() => Ok(ready),
        outcome => outcome
            .with_context(|| format!("create {}", ready.display()))
            .map(|()| ready),
    }
}

/// Digest of the names and contents of the files in `folder`'s folders.
fn digest_of(folder: &Path) -> Result<Digest> {
    let operation = || format!("read {}", folder.display());
    let mut files = Vec::new();
    for inner in std::fs::read_dir(folder).with_context(operation)? {
        let inner = inner.with_context(operation)?.path();
        for entry in std::fs::read_dir(&inner).with_context(operation)? {
            let path = entry.with_context(operation)?.path();
            let content = std::fs::read(&path).with_context(operation)?;
            let name = path.strip_prefix(folder).unwrap_or(&path).to_owned();
            files.push((name, Digest::of(&content)));
        }
    }
    files.sort();
    let listed: String = files
        .iter()
        .map(|(name, digest)| format!("{} {digest}\n", name.display()))
        .collect();
    Ok(Digest::of(listed.as_bytes()))
}

const NO_BTF_HINT: &str = "vmlinux.h needs a kernel built with CONFIG_DEBUG_INFO_BTF, which shows \
    as /sys/kernel/btf/vmlinux; elsewhere, put a vmlinux.h into the project's folder";

/// Whether the project includes a `vmlinux.h` that is not its own.
fn needs_vmlinux_header(folder: &Path, sources: &[PathBuf]) -> Result<bool> {
    if folder.join(VMLINUX_HEADER).exists() {
        return Ok(false);
    }
    let mut files: Vec<PathBuf> = sources.iter().map(|source| folder.join(source)).collect();
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    files.extend(
        entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "h")),
    );
    for file in files {
        let text = std::fs::read(&file).with_context(|| format!("read {}", file.display()))?;
        if String::from_utf8_lossy(&text).contains(VMLINUX_HEADER) {
            return Ok(true);
        }
    }
    Ok(false)
}
