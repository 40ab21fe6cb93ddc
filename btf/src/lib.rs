//! BTF, the BPF type format: parsing it, decoding values by it, generating Rust types from it.
#![forbid(unsafe_code)]

pub mod rust_types;
