//! The contract `eunomia:bpf` (`wit/`) as Rust: bindings, host functions, policy and limits.
//!
//! This crate knows no libbpf and does no I/O of its own: it reaches the kernel through the traits
//! of [`kernel`], and the operator through [`output`] and [`stop`].

pub mod bindings;
pub mod error;
pub mod fake;
pub mod glob;
pub mod global_value;
pub mod host;
pub mod kernel;
pub mod limits;
pub mod output;
pub mod policy;
pub mod record;
pub mod stop;
pub mod target;
pub mod wasm_bpf;

pub use error::{Error, ErrorKind, Result};
pub use target::Target;
