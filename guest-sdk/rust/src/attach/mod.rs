//! Where programs are attached, and what holds them there.
//!
//! Each kind of target is a struct with a constructor and public fields; those of them that one
//! seldom needs have a default, and a method to set them:
//!
//! ```
//! use eunomia_bpf::attach::{ProcessFilter, Target, UprobeTarget};
//!
//! let target: Target = UprobeTarget::new("/bin/bash", "readline")
//!     .process(ProcessFilter::Pid(42))
//!     .into();
//! ```

mod link;
mod target;

pub use link::{IteratorOutput, Link};

pub use crate::bindings::eunomia::bpf::attach::{
    CgroupOrder, CgroupTarget, CgroupWalk, IteratorTarget, KprobeMultiTarget, KprobeTarget,
    KsyscallTarget, LinkInfo, NetfilterTarget, NetkitSide, NetkitTarget, PerfEventTarget,
    PerfSampling, Position, ProcessFilter, ProgramFunction, RawTracepointTarget, SymbolLocation,
    Target, TcDirection, TcTarget, TraceTarget, TracepointTarget, UprobeLocation, UprobeLocations,
    UprobeMultiTarget, UprobeTarget, UsdtTarget, XdpMode, XdpTarget,
};
