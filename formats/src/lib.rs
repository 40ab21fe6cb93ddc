//! eBPF images and packages of other projects: what they say, as a [`Plan`] for the runtime.
//!
//! Such packages are kernel-only: a BPF object, and a description of what to show of it, in place
//! of a program in user space. Each format has a module of its own, which reads hostile bytes into
//! a neutral [`Plan`]: options of the command line, places to attach, maps to read and how rows
//! look. This crate loads nothing and does no I/O: bytes in, a plan out.
//!
//! | module | what it reads |
//! |---|---|
//! | [`bare`] | any BPF object, by its own BTF |
//! | [`eunomia`] | `package.json` and its tar archive |
//! | [`bumblebee`] | objects that follow bumblebee's names of maps and sections |
//! | [`bpfman`] | bytecode images and their labels |
//! | [`gadget`] | Inspektor Gadget's `gadget.yaml` and symbols |
//!
//! Reading takes two steps. First the bytes become a [`Package`]; the host opens its object and
//! takes down the [`Facts`]; then [`Package::plan`] puts both together. [`options::parse`] reads
//! the user's arguments, and [`Plan::apply`] puts what they chose into the plan.
#![forbid(unsafe_code)]

pub mod bare;
pub mod bpfman;
pub mod bumblebee;
mod elf;
mod error;
pub mod eunomia;
mod facts;
pub mod gadget;
mod kernel_types;
pub mod limits;
mod map_sections;
pub mod options;
mod package;
mod places;
mod plan;
mod rows;
mod sources;
mod variables;

pub use elf::check_object;
pub use error::{Error, Result};
pub use facts::{Facts, Global};
pub use kernel_types::HostKernel;
pub use package::{Package, PackageKind};
pub use plan::{
    About, EntryLayout, Integers, MapChange, PerCpu, Plan, Shape, Source, SourceKind, StackLookup,
};
