//! BPF programs.

use crate::attach::{Link, Target};
use crate::bindings::eunomia::bpf::bpf_object as host;
use crate::error::Result;
use crate::map::RawMap;

pub use host::{ProgramInfo, ProgramStatistics, RunInput, RunOutput};

/// A program of an object that is not loaded yet.
#[derive(Debug)]
pub struct OpenProgram {
    handle: host::Program,
}

impl OpenProgram {
    pub(crate) fn new(handle: host::Program) -> Self {
        Self { handle }
    }

    /// Name, section and type.
    pub fn info(&self) -> ProgramInfo {
        self.handle.info()
    }

    /// Set whether loading the object also loads this program.
    ///
    /// # Errors
    /// The host's.
    pub fn set_autoload(&self, load: bool) -> Result<()> {
        Ok(self.handle.set_autoload(load)?)
    }

    /// Set whether [`LoadedObject::attach`](crate::LoadedObject::attach) also attaches it.
    ///
    /// # Errors
    /// The host's.
    pub fn set_autoattach(&self, attach: bool) -> Result<()> {
        Ok(self.handle.set_autoattach(attach)?)
    }

    /// Set the kernel function (or tracepoint, or LSM hook) that the program is verified against;
    /// `module:function` for one of a module.
    ///
    /// # Errors
    /// The host's.
    pub fn set_attach_target(&self, function: &str) -> Result<()> {
        Ok(self.handle.set_attach_target(function)?)
    }
}

/// A program of a loaded object. Dropping it changes nothing.
#[derive(Debug)]
pub struct Program {
    handle: host::Program,
}

impl Program {
    pub(crate) fn new(handle: host::Program) -> Self {
        Self { handle }
    }

    /// Name, section, type and the kernel's id.
    pub fn info(&self) -> ProgramInfo {
        self.handle.info()
    }

    /// Attach to where the program's section (or the operator) says.
    ///
    /// # Errors
    /// `InvalidArgument` when the section says nothing; `NotFound`, `DeniedByPolicy`...
    pub fn attach(&self) -> Result<Link> {
        Ok(Link::new(self.handle.attach(None)?))
    }

    /// Attach to a target; see [`crate::attach`] for the kinds. One that the operator gave for
    /// this program takes its place.
    ///
    /// # Errors
    /// `NotFound` when the target does not exist; `DeniedByPolicy`, `NotSupported`...
    pub fn attach_to(&self, target: impl Into<Target>) -> Result<Link> {
        Ok(Link::new(self.handle.attach(Some(&target.into()))?))
    }

    /// Put this program in the place of the one that the link holds, without a gap.
    ///
    /// # Errors
    /// The host's.
    pub fn replace_in(&self, link: &Link) -> Result<()> {
        Ok(self.handle.replace_in(link.handle())?)
    }

    /// Put this program into a slot of a program array, for tail calls.
    ///
    /// # Errors
    /// The host's.
    pub fn store_in(&self, map: impl AsRef<RawMap>, index: u32) -> Result<()> {
        Ok(self.handle.store_in(map.as_ref().handle(), index)?)
    }

    /// Run it now (`BPF_PROG_TEST_RUN`); the only way to run `SEC("syscall")` programs.
    ///
    /// # Errors
    /// The host's.
    pub fn test_run(&self, input: &RunInput) -> Result<RunOutput> {
        Ok(self.handle.test_run(input)?)
    }

    /// How often it ran and for how long.
    ///
    /// # Errors
    /// The host's.
    pub fn statistics(&self) -> Result<ProgramStatistics> {
        Ok(self.handle.statistics()?)
    }
}

/// Runs once, with no data and no context.
impl Default for RunInput {
    fn default() -> Self {
        Self {
            data: Vec::new(),
            context: Vec::new(),
            repeat: 1,
            flags: 0,
            cpu: None,
            batch_size: 0,
        }
    }
}
