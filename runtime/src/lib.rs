//! Runs eBPF tools whose user-space half is a sandboxed WebAssembly component.
//!
//! A [`Tool`] is what an image holds: BPF objects and a component. [`Runtime::open`] checks its
//! parts, [`Opened::load`] compiles the component (or takes it from a cache), [`Loaded::run`]
//! starts the guest on a thread of its own, [`Running::wait`] tells how it ended. Each state is a
//! type, and whatever ends the guest detaches its BPF programs.
//!
//! ```no_run
//! use eunomia_runtime::{Runtime, Settings, Tool, rows};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Runtime::builder().build()?;
//! let tool = Tool {
//!     name: "syscount".into(),
//!     objects: vec![("syscount".into(), std::fs::read("syscount.bpf.o")?.into())],
//!     component: std::fs::read("syscount.wasm")?.into(),
//! };
//! let (sender, receiver) = rows::channel(1024);
//! let running = runtime
//!     .open(tool)?
//!     .load()?
//!     .run(Settings { rows: Box::new(sender), ..Settings::default() })?;
//! for event in receiver.iter().take(10) {
//!     if let rows::Event::Row(row) = event {
//!         println!("{}", row.to_json()?);
//!     }
//! }
//! running.control().stop();
//! println!("{:?}", running.wait().outcome);
//! # Ok(())
//! # }
//! ```
//!
//! # A build without a compiler
//! Without the feature `compiler` (on by default) nothing is compiled here: only components that
//! are in the cache ([`RuntimeBuilder::cache_dir`]) can run, put there by a build of the same
//! version that has one, on a CPU of the same kind. The compiler is two thirds of a program's size.

mod c_format;
mod cache;
mod command;
pub mod console;
mod engine;
mod error;
pub mod headers;
mod kept;
mod kernel_only;
pub mod libbpf;
mod lifecycle;
pub mod linker;
mod module;
pub mod permissions;
mod plugin;
pub mod preflight;
mod preview1;
mod recorded;
pub mod rows;
mod sandbox;
mod settings;
mod state;
mod terminal;
mod tool;
mod virtual_time;
pub mod vmlinux;

#[cfg(feature = "compiler")]
pub use engine::Compilation;
pub use engine::{Runtime, RuntimeBuilder};
pub use error::{Error, ErrorKind, Result};
/// Plans of packages without a guest, as [`KernelTool`] takes them.
pub use eunomia_formats as formats;
pub use eunomia_host_abi::wasm_bpf::CallbackNames;
/// What sinks of rows and policies return.
pub use eunomia_host_abi::{Error as HostError, ErrorKind as HostErrorKind};
pub use eunomia_host_abi::{fake, glob, kernel, limits, output, policy, record, stop, target};
pub use kept::KeepingKernel;
pub use kernel_only::KernelTool;
pub use lifecycle::{Control, Exit, Outcome, Running};
pub use permissions::Permissions;
pub use recorded::{Recorded, Recorder, RecordingKernel};
pub use sandbox::Sandbox;
pub use settings::{Settings, Stdio};
pub use tool::{Loaded, Opened, Tool, World};
pub use virtual_time::Time;
