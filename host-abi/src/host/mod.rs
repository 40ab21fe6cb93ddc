//! The host functions: one file for each interface or resource of the contract.
//!
//! What arrives here comes from an untrusted guest. Each function checks lengths and phases, asks
//! the policy, and only then the kernel.

pub(crate) mod bpf_map;
pub(crate) mod bpf_object;
pub(crate) mod btf;
pub(crate) mod cursor;
pub(crate) mod driver;
mod error;
mod info;
mod lifecycle;
pub(crate) mod link;
mod lowering;
pub(crate) mod object_state;
pub(crate) mod output;
pub(crate) mod perf_buffer;
pub(crate) mod program;
pub(crate) mod ring_buffer;
mod symbols;
mod target;
pub(crate) mod user_ring_buffer;
pub(crate) mod wait;

use std::sync::Arc;

use wasmtime::component::{HasData, Linker, ResourceTable};

use crate::bindings::eunomia::bpf;
use crate::error::{ErrorKind, Result};
use crate::kernel::Kernel;
use crate::limits::Limits;
use crate::output::OutputSink;
use crate::policy::{Overrides, OwnObjects, Policy};
use crate::stop::StopSignal;

pub use driver::{Driver, Source};
pub use error::HostError;
pub use lifecycle::GuestExit;
pub use perf_buffer::PerfBuffer;
pub use ring_buffer::RingBuffer;

/// What the host functions know of one guest.
#[derive(Debug)]
pub struct BpfCtx {
    kernel: Arc<dyn Kernel>,
    objects: Vec<(String, Arc<[u8]>)>,
    pub(crate) policy: Arc<dyn Policy>,
    pub(crate) overrides: Overrides,
    limits: Limits,
    stop: StopSignal,
    output: Box<dyn OutputSink>,
    /// Nobody takes rows any more.
    output_closed: bool,
    /// Links whose handle the guest gave up with `link.keep`.
    kept_links: Vec<link::Link>,
    /// Set while a plugin's `start` runs.
    driver: Option<Driver>,
    /// Names of the tables declared so far.
    tables: Vec<String>,
    /// Cloned into every object; the strong count says how many there are.
    object_token: Arc<()>,
    /// Cloned into every link.
    link_token: Arc<()>,
}

impl BpfCtx {
    /// A guest of `kernel` whose image has no objects, whose rows go to `output`, under the default
    /// limits and the policy [`OwnObjects`].
    pub fn new(kernel: Arc<dyn Kernel>, output: Box<dyn OutputSink>) -> Self {
        Self {
            kernel,
            objects: Vec::new(),
            policy: Arc::new(OwnObjects),
            overrides: Overrides::default(),
            limits: Limits::default(),
            stop: StopSignal::default(),
            output,
            output_closed: false,
            kept_links: Vec::new(),
            driver: None,
            tables: Vec::new(),
            object_token: Arc::new(()),
            link_token: Arc::new(()),
        }
    }

    /// Add a BPF object (the bytes of an ELF file) that the guest may open; the first is the
    /// default.
    #[must_use]
    pub fn object(mut self, name: impl Into<String>, elf: impl Into<Arc<[u8]>>) -> Self {
        self.objects.push((name.into(), elf.into()));
        self
    }

    /// Decide by `policy`.
    #[must_use]
    pub fn policy(mut self, policy: Arc<dyn Policy>) -> Self {
        self.policy = policy;
        self
    }

    /// Let the operator's decisions take precedence.
    #[must_use]
    pub fn overrides(mut self, overrides: Overrides) -> Self {
        self.overrides = overrides;
        self
    }

    /// Bound the guest by `limits`.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether the guest was told that nobody takes its rows any more.
    pub fn is_output_closed(&self) -> bool {
        self.output_closed
    }

    /// Remember when nobody takes rows any more.
    pub(crate) fn noted(&mut self, taken: Result<()>) -> Result<()> {
        let error = taken.as_ref().err();
        self.output_closed |= error.is_some_and(|error| error.kind() == ErrorKind::Closed);
        taken
    }

    /// Stop the guest through `stop`.
    #[must_use]
    pub fn stop_signal(mut self, stop: StopSignal) -> Self {
        self.stop = stop;
        self
    }

    /// The signal by which this guest is asked to stop.
    pub fn stop(&self) -> &StopSignal {
        &self.stop
    }

    /// Where the guest's rows go.
    pub fn output(&mut self) -> &mut dyn OutputSink {
        self.output.as_mut()
    }

    /// The kernel.
    pub fn kernel(&self) -> &Arc<dyn Kernel> {
        &self.kernel
    }

    /// Let the guest register with the `driver` interface, until [`BpfCtx::take_driver`].
    pub fn open_driver(&mut self) {
        self.driver = Some(Driver::default());
    }

    /// What a plugin registered while its `start` ran.
    pub fn take_driver(&mut self) -> Driver {
        self.driver.take().unwrap_or_default()
    }
}

/// A guest's context and handles, as the host functions see them.
#[derive(Debug)]
pub struct BpfCtxView<'a> {
    /// The context.
    pub ctx: &'a mut BpfCtx,
    /// The handles of the guest, shared with WASI.
    pub table: &'a mut ResourceTable,
}

/// A store's data that holds a [`BpfCtx`].
pub trait BpfView: Send {
    /// Borrow the context and the handles.
    fn bpf(&mut self) -> BpfCtxView<'_>;
}

/// Stands for [`BpfCtxView`] in the signatures of generated code.
#[derive(Debug)]
pub struct HasBpf;

impl HasData for HasBpf {
    type Data<'a> = BpfCtxView<'a>;
}

/// Give guests every interface of the contract but `driver`.
///
/// # Errors
/// When the linker has one of them already.
pub fn add_to_linker<T: BpfView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    bpf::errors::add_to_linker::<T, HasBpf>(linker, T::bpf)?;
    bpf::bpf_object::add_to_linker::<T, HasBpf>(linker, T::bpf)?;
    bpf::attach::add_to_linker::<T, HasBpf>(linker, T::bpf)?;
    bpf::bpf_map::add_to_linker::<T, HasBpf>(linker, T::bpf)?;
    ring_buffer::add_to_linker(linker)?;
    perf_buffer::add_to_linker(linker)?;
    bpf::user_ring_buffer::add_to_linker::<T, HasBpf>(linker, T::bpf)?;
    bpf::btf::add_to_linker::<T, HasBpf>(linker, T::bpf)?;
    bpf::output::add_to_linker::<T, HasBpf>(linker, T::bpf)?;
    bpf::lifecycle::add_to_linker::<T, HasBpf>(linker, T::bpf)?;
    bpf::symbols::add_to_linker::<T, HasBpf>(linker, T::bpf)?;
    bpf::host::add_to_linker::<T, HasBpf>(linker, T::bpf)?;
    Ok(())
}

/// Give plugins the `driver` interface.
///
/// # Errors
/// When the linker has it already.
pub fn add_driver_to_linker<T: BpfView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    bpf::driver::add_to_linker::<T, HasBpf>(linker, T::bpf)
}
