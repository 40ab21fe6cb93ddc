//! The kernel of this machine, through libbpf: the implementation of
//! [`host-abi`'s kernel traits](eunomia_host_abi::kernel).
//!
//! ```text
//! kernel -> kernel_types (those that an object needs)
//!        -> object -> catalog (what it declares), settings, load, globals, run
//!                  -> attach/ -> link -> pins (what survives a run)
//!                  -> map -> map_fd (system calls), walk (batches), memory, inner_map
//!                         -> ring_buffer, perf_buffer, user_ring_buffer -> mapping, readiness
//!                         -> event_buffer (perf buffers in place of ring buffers)
//! ```
//!
//! `unsafe` is confined to `raw`, `attach::raw`, `feature`, `map_fd`, `mapping` and `perf_event`,
//! each of which says why it is sound.

mod attach;
mod catalog;
pub(crate) mod event_buffer;
mod failure;
pub(crate) mod feature;
mod globals;
pub(crate) mod host;
mod inner_map;
mod kernel;
mod kernel_types;
mod link;
mod load;
mod log;
mod map;
mod map_fd;
mod map_kind;
mod mapping;
mod memory;
mod object;
mod perf_buffer;
mod perf_event;
pub mod pins;
pub mod places;
mod raw;
mod readers;
mod readiness;
mod ring_buffer;
mod run;
mod settings;
mod symbols;
mod user_ring_buffer;
mod walk;

pub use host::KERNEL_BTF;
pub use kernel::{LibbpfKernel, Options};
pub use load::VerifierLog;
