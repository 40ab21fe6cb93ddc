//! The part of the kernel's types that an object needs, kept for its next start.
//!
//! The whole has megabytes, in which libbpf compares names for every struct that an object uses:
//! the larger part of the time that opening takes. The part has some hundred bytes and leads to the
//! same instructions, see [`eunomia_btf::minimize`].

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::PathBuf;

use eunomia_btf::Btf;
use eunomia_btf::minimize::{Minimized, minimize};
use rustix::fs::MemfdFlags;
use sha2::{Digest as _, Sha256};

use super::host::KERNEL_BTF;
use crate::cache::{Cache, name_of};

/// Changes whenever the same object and kernel could lead to other bytes.
const FORMAT: &str = "1";

/// What tells the running kernel from others: the digest of its program file is in the first.
const KERNEL_IDENTITY: [&str; 3] = [
    "/sys/kernel/notes",
    "/proc/sys/kernel/osrelease",
    "/proc/sys/kernel/version",
];
/// One file for each part of the kernel that describes its types.
const KERNEL_BTF_FOLDER: &str = "/sys/kernel/btf";

/// The first byte of a kept file: what it says.
mod verdict {
    /// The object needs none, or all: leave it to libbpf.
    pub(super) const LEAVE: u8 = 0;
    /// The part follows.
    pub(super) const PART: u8 = 1;
    /// The part follows, in which a type is missing that a module may have.
    pub(super) const PART_WITHOUT_MODULES: u8 = 2;
}

/// The types of an object, as a file for libbpf.
#[derive(Debug)]
pub(super) struct TypesFile(OwnedFd);

impl TypesFile {
    /// Valid as long as the value lives.
    pub(super) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.0.as_raw_fd()))
    }
}

/// The part of the kernel's types for the object `elf`; `None`: leave it to libbpf.
pub(super) fn part_for(cache: &Cache, elf: &[u8]) -> Option<TypesFile> {
    let kept = kept(cache, elf)?;
    let (verdict, part) = kept.split_first()?;
    match *verdict {
        verdict::PART => {}
        verdict::PART_WITHOUT_MODULES if !modules_have_types() => {}
        _ => return None,
    }
    memory_file(part)
}

/// Make the part for `elf` if it is not kept yet.
pub(super) fn prepare(cache: &Cache, elf: &[u8]) {
    let _ = kept(cache, elf); // It is the file that counts.
}

fn kept(cache: &Cache, elf: &[u8]) -> Option<Vec<u8>> {
    let name = file_name(elf)
        .inspect_err(|error| tracing::debug!(%error, "tell the running kernel from others"))
        .ok()?;
    if let Some(kept) = cache.read(&name) {
        return Some(kept);
    }
    let made = make(elf).unwrap_or_else(|error| {
        tracing::debug!(%error, "leave the kernel's types to libbpf");
        vec![verdict::LEAVE]
    });
    cache.write(&name, &made);
    Some(made)
}

/// Of everything that the part depends on: object, kernel, this program.
fn file_name(elf: &[u8]) -> io::Result<String> {
    let mut kernel = Sha256::new();
    for file in KERNEL_IDENTITY {
        let text = std::fs::read(file)?;
        kernel.update(text.len().to_le_bytes());
        kernel.update(text);
    }
    kernel.update(std::fs::metadata(KERNEL_BTF)?.len().to_le_bytes());
    kernel.update(env!("CARGO_PKG_VERSION"));
    kernel.update(FORMAT);
    let kernel = name_of(&kernel.finalize());
    Ok(format!(
        "{}-{}.btf",
        name_of(&Sha256::digest(elf)),
        &kernel[..16]
    ))
}

fn make(elf: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let kernel = Btf::parse(&std::fs::read(KERNEL_BTF)?)?;
    Ok(match minimize(&kernel, &[elf])? {
        Minimized::Section {
            bytes,
            lacks_candidates,
        } => {
            let verdict = match lacks_candidates {
                true => verdict::PART_WITHOUT_MODULES,
                false => verdict::PART,
            };
            [&[verdict], &bytes[..]].concat()
        }
        Minimized::Whole(reason) => {
            tracing::debug!(reason, "leave the kernel's types to libbpf");
            vec![verdict::LEAVE]
        }
        _ => vec![verdict::LEAVE],
    })
}

fn modules_have_types() -> bool {
    let Ok(entries) = std::fs::read_dir(KERNEL_BTF_FOLDER) else {
        return true; // It may be.
    };
    entries
        .flatten()
        .any(|entry| entry.file_name() != "vmlinux")
}

/// Types for libbpf, which reads files.
pub(super) fn memory_file(bytes: &[u8]) -> Option<TypesFile> {
    let write = || -> io::Result<TypesFile> {
        let fd = rustix::fs::memfd_create("kernel-types", MemfdFlags::CLOEXEC)?;
        let mut file = File::from(fd);
        file.write_all(bytes)?;
        Ok(TypesFile(file.into()))
    };
    write()
        .inspect_err(|error| tracing::warn!(%error, "hand libbpf the kernel's types"))
        .ok()
}
