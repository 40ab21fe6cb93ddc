//! Linking BPF object files, as `bpftool gen object` does.

use std::path::Path;

use eunomia_host_abi::{Error, ErrorKind, Result};

/// Link the BPF object file `input` into `output`, which is replaced: the same programs, maps and
/// types, with the sizes and offsets of global variables filled in, without the debug information
/// (DWARF) that only debuggers read.
///
/// # Errors
/// `InvalidArgument`, naming both files, when `input` is not a BPF object or `output` cannot be
/// written.
pub fn link(input: &Path, output: &Path) -> Result<()> {
    let link = || {
        let mut linker = libbpf_rs::Linker::new(output)?;
        linker.add_file(input)?;
        linker.link()
    };
    link().map_err(|error| {
        let message = format!("link {} into {}", input.display(), output.display());
        Error::new(ErrorKind::InvalidArgument, message).with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_bpf_object_is_refused_with_both_names() {
        let input = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let output = std::env::temp_dir().join(format!("linked-{}.o", std::process::id()));
        let error = link(&input, &output).expect_err("a manifest is no BPF object");
        let _ = std::fs::remove_file(&output); // It may not exist.
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains("Cargo.toml into "), "{error}");
    }
}
