//! Types of kernels that do not show their own, as packages bring them along: an archive of BTF
//! files laid out as btfhub's, `OS/VERSION/ARCHITECTURE/RELEASE.btf`.

use std::io::Read;

use crate::error::{Error, Result};
use crate::limits::{ARCHIVE_ENTRIES_MAX, KERNEL_TYPES_BYTES_MAX};

/// The kernel whose types are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostKernel {
    /// `ID` of `/etc/os-release`: `ubuntu`.
    pub os: String,
    /// `VERSION_ID` there: `20.04`.
    pub version: String,
    /// As `uname -m` prints it.
    pub architecture: String,
    /// As `uname -r` prints it.
    pub release: String,
}

impl HostKernel {
    /// What `/etc/os-release` says, beside what the kernel itself does.
    pub fn new(os_release: &str, architecture: &str, release: &str) -> Self {
        let value = |wanted: &str| {
            let mut lines = os_release.lines();
            let line = lines.find_map(|line| line.trim().strip_prefix(wanted)?.strip_prefix('='));
            let quotes = |it: char| it == '"' || it == '\'';
            line.unwrap_or_default().trim_matches(quotes).to_owned()
        };
        Self {
            os: value("ID"),
            version: value("VERSION_ID"),
            architecture: architecture.to_owned(),
            release: release.to_owned(),
        }
    }

    /// How well a file suits: 2 for this kernel of this system, 1 for this kernel of another system
    /// or none, 0 for another kernel.
    fn suits(&self, path: &str) -> u8 {
        let mut parts = path.rsplit('/');
        let file = parts.next().and_then(|file| file.strip_suffix(".btf"));
        let architecture = parts.next().unwrap_or_default();
        let is_ours = architecture == self.architecture
            || (architecture == "arm64" && self.architecture == "aarch64");
        if file != Some(&self.release) || !is_ours {
            return 0;
        }
        let system = (parts.next(), parts.next());
        match system == (Some(&self.version), Some(&self.os)) {
            true => 2,
            false => 1,
        }
    }
}

/// The file of a tar archive that has the types of `kernel`; `None` when there is none.
pub(crate) fn find(archive: impl Read, kernel: &HostKernel) -> Result<Option<Vec<u8>>> {
    let broken = |error: std::io::Error| Error::new(format!("read the archive of types: {error}"));
    let mut archive = tar::Archive::new(archive);
    let mut best: (u8, Option<Vec<u8>>) = (0, None);
    for (count, entry) in archive.entries().map_err(broken)?.enumerate() {
        if count >= ARCHIVE_ENTRIES_MAX {
            return Err(Error::new(format!(
                "the archive of types has more than {ARCHIVE_ENTRIES_MAX} files"
            )));
        }
        let entry = entry.map_err(broken)?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let suits = kernel.suits(&path);
        if suits <= best.0 || !entry.header().entry_type().is_file() {
            continue;
        }
        let mut content = Vec::new();
        let limit = KERNEL_TYPES_BYTES_MAX as u64 + 1;
        entry
            .take(limit)
            .read_to_end(&mut content)
            .map_err(broken)?;
        if content.len() > KERNEL_TYPES_BYTES_MAX {
            return Err(Error::new(format!(
                "{path}: more than {KERNEL_TYPES_BYTES_MAX} bytes"
            )));
        }
        eunomia_btf::Btf::parse(&content).map_err(|error| Error::from(error).within(&path))?;
        best = (suits, Some(content));
    }
    Ok(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OS_RELEASE: &str = "NAME=\"Ubuntu\"\nID=ubuntu\nVERSION_ID=\"20.04\"\nID_LIKE=debian\n";

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, content) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, *content).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn types(name: &str) -> Vec<u8> {
        // A header, no types, and strings.
        let strings = format!("\0{name}\0");
        let words = [24, 0, 0, 0, strings.len()];
        let mut bytes = vec![0x9f, 0xeb, 1, 0];
        bytes.extend(words.iter().flat_map(|word| (*word as u32).to_le_bytes()));
        [&bytes, strings.as_bytes()].concat()
    }

    #[test]
    fn the_file_of_this_kernel_is_found_by_system_and_release() {
        let kernel = HostKernel::new(OS_RELEASE, "x86_64", "5.4.0-42-generic");
        assert_eq!((&*kernel.os, &*kernel.version), ("ubuntu", "20.04"));
        let (ours, other) = (types("ours"), types("other"));
        let files: &[(&str, &[u8])] = &[
            ("package.json", b"{}"),
            (
                "btfhub-archive/debian/10/x86_64/5.4.0-42-generic.btf",
                &other,
            ),
            (
                "./btfhub-archive/ubuntu/20.04/x86_64/5.4.0-42-generic.btf",
                &ours,
            ),
            (
                "btfhub-archive/ubuntu/20.04/arm64/5.4.0-42-generic.btf",
                b"damaged",
            ),
            (
                "btfhub-archive/ubuntu/20.04/x86_64/5.4.0-43-generic.btf",
                b"damaged",
            ),
        ];
        let packed = archive(files);
        assert_eq!(find(&*packed, &kernel).unwrap().as_ref(), Some(&ours));
        // The same kernel of another system has the same types.
        let packed = archive(&files[..2]);
        assert_eq!(find(&*packed, &kernel).unwrap().as_ref(), Some(&other));
        assert_eq!(find(&*archive(&files[..1]), &kernel).unwrap(), None);
        let arm = HostKernel::new(OS_RELEASE, "aarch64", "5.4.0-42-generic");
        let error = find(&*archive(files), &arm).unwrap_err().to_string();
        assert!(error.contains("arm64/5.4.0-42-generic.btf"), "{error}");
    }
}
