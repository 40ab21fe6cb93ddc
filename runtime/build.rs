//! Embeds the BPF-side headers of the libbpf that this crate is linked with.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// What a BPF program includes as `<bpf/...>`; the other headers of libbpf are for user space.
const HEADERS: [&str; 6] = [
    "bpf_core_read.h",
    "bpf_endian.h",
    "bpf_helper_defs.h",
    "bpf_helpers.h",
    "bpf_tracing.h",
    "usdt.bpf.h",
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // libbpf-sys has `links = "bpf"` and installs its headers there.
    let include = env::var_os("DEP_BPF_INCLUDE")
        .map(PathBuf::from)
        .expect("libbpf-sys says where its headers are");
    let mut table = String::from("[\n");
    for header in HEADERS {
        let path = include.join("bpf").join(header);
        println!("cargo::rerun-if-changed={}", path.display());
        assert!(
            path.is_file(),
            "libbpf-sys has no {header}: is its feature `vendored-libbpf` off?"
        );
        table.push_str(&format!("    ({header:?}, include_bytes!({path:?})),\n"));
    }
    table.push_str("]\n");
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join("bpf_headers.rs"), table).expect("write the table of headers");
}
