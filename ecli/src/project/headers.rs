//! The headers that BPF C includes: `vmlinux.h`, made from the running kernel's types, and libbpf's
//! `bpf/*.h`. They are made once for each kernel and kept.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use eunomia_runtime::{headers, vmlinux};

use super::file::temporary_beside;
use crate::failure::HintExt;
use crate::kernel;

/// Where kernels describe their types.
const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";
const VMLINUX_HEADER: &str = "vmlinux.h";

/// Returns a folder of headers for `sources` of the project in `folder`, made in `cache` if it is
/// not there.
pub(super) fn prepare(folder: &Path, sources: &[PathBuf], cache: &Path) -> Result<PathBuf> {
    let with_vmlinux = needs_vmlinux_header(folder, sources)?;
    let ready = cache.join(key(with_vmlinux)?);
    if ready.is_dir() {
        return Ok(ready);
    }
    let making = temporary_beside(&ready);
    let outcome =
        make(&making, with_vmlinux).and_then(|()| match std::fs::rename(&making, &ready) {
            // Another process was faster.
            Err(_) if ready.is_dir() => Ok(()),
            outcome => outcome.with_context(|| format!("create {}", ready.display())),
        });
    // After the rename there is nothing left to remove.
    let _ = std::fs::remove_dir_all(&making);
    outcome.map(|()| ready)
}

fn make(folder: &Path, with_vmlinux: bool) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    headers::write_bpf_headers(folder).context("write libbpf's headers")?;
    if with_vmlinux {
        let text = vmlinux::vmlinux_header(None)
            .context("make vmlinux.h from the kernel's types")
            .hint(NO_BTF_HINT)?;
        let path = folder.join(VMLINUX_HEADER);
        std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

const NO_BTF_HINT: &str = "vmlinux.h needs a kernel built with CONFIG_DEBUG_INFO_BTF, which shows \
    as /sys/kernel/btf/vmlinux; elsewhere, put a vmlinux.h into the project's folder";

/// What the headers depend on: the kernel, and the libbpf in this program.
fn key(with_vmlinux: bool) -> Result<String> {
    let version = env!("CARGO_PKG_VERSION");
    if !with_vmlinux {
        return Ok(format!("headers-{version}"));
    }
    let size = std::fs::metadata(KERNEL_BTF)
        .with_context(|| format!("read the kernel's types in {KERNEL_BTF}"))
        .hint(NO_BTF_HINT)?
        .len();
    Ok(format!("headers-{version}-{}-{size}", kernel::release()?))
}

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
