//! BTF, the BPF type format: parsing it, decoding values by it, generating Rust types from it.
#![forbid(unsafe_code)]

mod btf;
mod composite;
pub mod decode;
mod elf;
mod enumeration;
mod error;
mod kind;
mod layout;
mod parse;
pub mod rust_types;
mod ty;

pub use btf::{Btf, TypeId};
pub use composite::{BitRange, Composite, Member, Place};
pub use enumeration::{Enumeration, Enumerator};
pub use error::{Error, ErrorKind, Result};
pub use kind::Kind;
pub use layout::{CHAIN_LENGTH_MAX, NESTING_MAX, POINTER_BYTES};
pub use parse::{NAME_BYTES_MAX, SECTION_BYTES_MAX, TYPES_MAX};
pub use ty::{
    Array, DataSection, Definition, FunctionPrototype, Int, Linkage, SectionVariable, Type,
    Variable,
};
