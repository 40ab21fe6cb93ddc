//! The headers that BPF programs are compiled with, from the libbpf that this crate is linked with:
//! so
//! `ecli build` needs no libbpf development package.

use std::fs;
use std::io;
use std::path::Path;

/// Name and content of each header, made by `build.rs`.
const BPF_HEADERS: [(&str, &[u8]); 6] = include!(concat!(env!("OUT_DIR"), "/bpf_headers.rs"));

/// What `usdt.bpf.h` includes, and a system without development packages does not have.
const LINUX_ERRNO: &str = include_str!("headers/errno.h");

/// Events through ring buffers or perf buffers.
const EVENT_BUFFER: &str = include_str!("headers/event_buffer.bpf.h");

/// Write `bpf_helpers.h` and the like to the folder `bpf` below `directory`, which is created, so
/// that
/// `clang -I directory` finds `<bpf/bpf_helpers.h>`; `linux/errno.h`, which `usdt.bpf.h` includes;
/// and `eunomia/event_buffer.bpf.h`. Files that are there are replaced.
///
/// # Errors
/// Those of creating folders and writing files.
pub fn write_bpf_headers(directory: &Path) -> io::Result<()> {
    let folder = directory.join("bpf");
    fs::create_dir_all(&folder)?;
    for (name, content) in BPF_HEADERS {
        fs::write(folder.join(name), content)?;
    }
    let folder = directory.join("eunomia");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("event_buffer.bpf.h"), EVENT_BUFFER)?;
    let folder = directory.join("linux");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("errno.h"), LINUX_ERRNO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_is_guarded_and_not_empty() {
        for (name, content) in BPF_HEADERS {
            let text = std::str::from_utf8(content).unwrap();
            assert!(
                text.contains("#ifndef") || name == "bpf_helper_defs.h",
                "{name}"
            );
            assert!(text.len() > 1000, "{name}");
        }
    }
}
