//! The user-space half of an eBPF tool, as a sandboxed WebAssembly guest of `ecli`.
//!
//! A guest opens the BPF object of its image, sets what can be set, loads and attaches it, and
//! reads what its programs write. The phases of an object are types: [`OpenObject`],
//! [`LoadedObject`].
//!
//! ```no_run
//! use std::io::{Write, stdout};
//! use std::process::ExitCode;
//!
//! use eunomia_bpf::{Object, Result};
//!
//! # mod bpf {
//! #     pub const OBJECT: &str = "execsnoop";
//! #     pub type Event = u32;
//! #     pub mod globals {
//! #         use eunomia_bpf::Global;
//! #         pub const TARG_UID: Global<u32> = Global::new("targ_uid");
//! #     }
//! #     pub mod maps {
//! #         use eunomia_bpf::RingBufferName;
//! #         pub const EVENTS: RingBufferName = RingBufferName::new("events");
//! #     }
//! # }
//! # macro_rules! include_bindings { () => {} }
//! # /*
//! // The types, globals and maps of the BPF object, which `ecli build` generates from it.
//! eunomia_bpf::include_bindings!();
//! # */
//!
//! fn main() -> ExitCode {
//!     eunomia_bpf::run(snoop)
//! }
//!
//! fn snoop() -> Result<()> {
//!     let object = Object::open(bpf::OBJECT)?;
//!     object.set(bpf::globals::TARG_UID, 1000)?;
//!     let object = object.load()?;
//!     let _links = object.attach()?;
//!
//!     let mut events = object.ring_buffer(bpf::maps::EVENTS)?;
//!     // None when the operator asks the guest to stop.
//!     while let Some(batch) = events.next_batch()? {
//!         for event in batch.records::<bpf::Event>() {
//!             writeln!(stdout(), "{event:?}")?;
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! | To | see |
//! |---|---|
//! | read events | [`RingBuffer`], [`PerfBuffer`], [`Batch`] |
//! | read and change maps | [`Map`], [`RawMap`], [`PerCpu`] |
//! | set globals | [`Object::set`], [`Object::get`] |
//! | attach where the guest chooses | [`Program::attach_to`], [`attach`] |
//! | print rows that the operator can have as JSON | [`output`] |
//! | wait for several things, or a time | [`poll`], [`lifecycle::sleep`] |
//! | be driven by the host | [`Plugin`] |
//! | print a histogram | [`histogram`] |
//!
//! What all functions of the host have in common, the limits included, is in `wit/errors.wit`.

mod array;
pub mod attach;
mod batch;
#[doc(hidden)]
pub mod bindings;
pub mod btf;
mod error;
pub mod histogram;
pub mod host;
pub mod lifecycle;
pub mod map;
mod names;
mod object;
pub mod output;
mod perf_buffer;
pub mod plugin;
pub mod poll;
mod program;
mod record;
mod ring_buffer;
mod run;
pub mod symbols;
mod user_ring_buffer;

pub use array::{Array, ArrayIter};
pub use attach::{Link, Target};
pub use batch::{Batch, BatchBuilder, PAYLOAD_BYTES_MAX, RawRecord, RawRecords, Records};
pub use error::{Error, ErrorCode, Result};
pub use map::{Map, PerCpu, PerCpuMap, RawMap, UpdateFlags};
pub use names::{
    Global, MapName, PerCpuMapName, PerfEventArrayName, RingBufferName, UserRingBufferName,
};
pub use object::{GlobalInfo, Loaded, LoadedObject, Object, Open, OpenObject, list_objects};
pub use perf_buffer::{PerfBatch, PerfBuffer};
pub use plugin::Plugin;
pub use program::{OpenProgram, Program, ProgramInfo, ProgramStatistics, RunInput, RunOutput};
pub use record::{NamedRecord, Record, RecordRef, nul_padded};
pub use ring_buffer::RingBuffer;
pub use run::run;
pub use user_ring_buffer::UserRingBuffer;

/// Includes the types, global variables and maps of the guest's BPF object, which `ecli build`
/// generates: module `bpf`, with `bpf::OBJECT`, `bpf::globals` and `bpf::maps`. A guest with
/// several objects gets a module for each, called like the object.
///
/// They are in the file that the environment variable `ECLI_BINDINGS` names while the guest is
/// compiled.
#[macro_export]
macro_rules! include_bindings {
    () => {
        ::core::include!(::core::env!(
            "ECLI_BINDINGS",
            "the bindings of the BPF object are missing: build the guest with `ecli build`, or set \
             ECLI_BINDINGS to the file that `ecli build` generated"
        ));
    };
}
