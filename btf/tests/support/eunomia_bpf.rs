//! What generated types need of the guest SDK (crate `eunomia_bpf`): its own files, without the
//! rest, which is for wasm.
//!
//! Tests compile this file as a crate of that name and the generated code against it; see the
//! documentation of `eunomia_btf::rust_types`.
#![forbid(unsafe_code)]

#[path = "../../../guest-sdk/rust/src/array.rs"]
mod array;
#[path = "../../../guest-sdk/rust/src/names.rs"]
mod names;
#[path = "../../../guest-sdk/rust/src/record.rs"]
#[allow(dead_code)] // Some of it is for the rest of the SDK.
mod record;

pub use array::Array;
pub use names::{
    Global, MapName, PerCpuMapName, PerfEventArrayName, RingBufferName, UserRingBufferName,
};
pub use record::{NamedRecord, Record, RecordRef};
