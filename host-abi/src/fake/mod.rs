//! A deterministic fake kernel: guests are run and tested on it without root, without Linux, and
//! with the same result every time.
//!
//! It keeps maps, buffers, globals and links as Linux does, but runs no BPF instructions: what
//! programs would do, the test does, at once ([`FakeKernel::ring`], [`FakeKernel::map`]) or at a
//! time of the virtual clock ([`Script`]). Time passes only when everybody waits
//! ([`FakeKernel::block_on`], [`FakeKernel::drive`]) or when the test says so
//! ([`FakeKernel::advance`]).
//!
//! ```
//! use std::time::Duration;
//! use eunomia_host_abi::fake::{FakeKernel, FakeObject, FakeProgram, Script, SectionName};
//! use eunomia_host_abi::kernel::{Kernel, MapInfo, map_type};
//! use eunomia_host_abi::record::Records;
//!
//! let kernel = FakeKernel::new();
//! let events = MapInfo {
//!     name: "events".into(),
//!     map_type: map_type::RINGBUF,
//!     max_entries: 4096,
//!     ..MapInfo::default()
//! };
//! let program = FakeProgram::new("handle_exec", SectionName("tp/sched/sched_process_exec"));
//! kernel.register("exec", FakeObject::builder().program(program).map(events).build());
//! kernel.play(Script::new().at(Duration::from_secs(60)).push("events", b"hello"));
//!
//! // What a host does for a guest:
//! let mut object = kernel.open_object("exec", &[])?;
//! object.load()?;
//! let link = object.attach("handle_exec", None)?;
//! let mut events = object.map("events")?.open_ring_buffer()?;
//! kernel.block_on(events.ready())?;
//! let record = Records::new(events.batch(0, 4096)?).next();
//! assert_eq!(record.map(|record| record.payload), Some(&b"hello"[..]));
//!
//! assert_eq!(kernel.now(), Duration::from_secs(60));
//! drop(link);
//! let calls: Vec<String> = kernel.calls().iter().map(ToString::to_string).collect();
//! assert_eq!(calls[1..3], ["load exec", "attach handle_exec (section)"]);
//! assert_eq!(calls.last().unwrap(), "detach handle_exec tracepoint:sched:sched_process_exec");
//! # Ok::<(), eunomia_host_abi::Error>(())
//! ```

mod buffers;
mod clock;
mod drive;
mod errno;
mod global;
mod journal;
mod kernel;
mod link;
mod map;
mod object;
mod perf;
mod ring;
mod script;
mod shared;
mod symbols;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod user_ring;

pub use buffers::{PerfHandle, Reservation, RingHandle, UserRingHandle};
pub use drive::Drive;
pub use journal::{Call, Operation};
pub use kernel::{FakeKernel, Machine};
pub use link::AttachedProgram;
pub use map::MapHandle;
pub use object::{
    DeclaredMap, FakeGlobal, FakeObject, FakeObjectBuilder, FakeProgram, SectionName,
};
pub use script::Script;
