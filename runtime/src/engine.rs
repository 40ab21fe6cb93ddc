//! The engine that all guests of a process share.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use eunomia_host_abi::kernel::Kernel;
use wasmtime::component::Linker;
use wasmtime::{Config, Engine};

use crate::cache::Cache;
use crate::error::{Error, ErrorKind, Result};
use crate::libbpf::{self, LibbpfKernel};
use crate::state::GuestState;
use crate::tool::{Opened, Tool};

/// How often a running guest is looked at for limits and the end of its grace. A guest notices the
/// end of its time at most this much later.
const EPOCH_INTERVAL: Duration = Duration::from_millis(10);

/// An engine, a kernel and a cache: what opening and running tools needs. Clones share it.
///
/// Dropping the last clone ends the engine's timer thread; tools that still run keep what they
/// need.
#[derive(Clone)]
pub struct Runtime {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<GuestState>,
    pub(crate) kernel: Arc<dyn Kernel>,
    pub(crate) cache: Option<Cache>,
    #[cfg(feature = "compiler")]
    pub(crate) compilation: Compilation,
    ticker: Arc<Ticker>,
}

/// How components are compiled.
#[cfg(feature = "compiler")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compilation {
    /// With care, before they run.
    #[default]
    Careful,
    /// In a hurry, to slower code that runs sooner, and once more with care on a thread of low
    /// priority, for later starts. What that has not finished when the process ends, a later start
    /// goes on with.
    Twice,
    /// In a hurry only, for what is soon compiled anew: functions are kept, so that what changes
    /// little compiles in a fraction of the time.
    Hurried,
}

/// Settings of a [`Runtime`], see [`Runtime::builder`].
#[derive(Debug, Default)]
pub struct RuntimeBuilder {
    cache_dir: Option<PathBuf>,
    #[cfg(feature = "compiler")]
    compilation: Compilation,
    kernel: Option<Arc<dyn Kernel>>,
}

impl RuntimeBuilder {
    /// Keep compiled components and the kernel's types that objects need in this folder. Default:
    /// nowhere, each start compiles.
    #[must_use]
    pub fn cache_dir(mut self, dir: Option<PathBuf>) -> Self {
        self.cache_dir = dir;
        self
    }

    /// How a component that is not in the cache is compiled. Without a cache always with care.
    #[cfg(feature = "compiler")]
    #[must_use]
    pub fn compilation(mut self, compilation: Compilation) -> Self {
        self.compilation = compilation;
        self
    }

    /// Load BPF objects into this kernel. Default: the kernel of this machine, through libbpf.
    #[must_use]
    pub fn kernel(mut self, kernel: Arc<dyn Kernel>) -> Self {
        self.kernel = Some(kernel);
        self
    }

    /// Start the engine.
    ///
    /// # Errors
    /// `Host` when this CPU or system cannot run it. A cache that cannot be used is logged and left
    /// out.
    pub fn build(self) -> Result<Runtime> {
        let failed = |error: wasmtime::Error| {
            Error::new(ErrorKind::Host, "start the WebAssembly engine").with_source(error)
        };
        let engine = Engine::new(&config()).map_err(failed)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).map_err(failed)?;
        eunomia_host_abi::host::add_to_linker(&mut linker).map_err(failed)?;
        eunomia_host_abi::host::add_driver_to_linker(&mut linker).map_err(failed)?;
        let cache = self.cache_dir.and_then(|dir| {
            let cache = Cache::open(&dir);
            cache
                .inspect_err(|error| {
                    tracing::warn!(%error, dir = %dir.display(), "do without compiled components");
                })
                .ok()
        });
        let kernel = match self.kernel {
            Some(kernel) => kernel,
            None => Arc::new(LibbpfKernel::with_options(libbpf::Options {
                cache_dir: cache.as_ref().map(|cache| cache.dir().to_owned()),
                ..libbpf::Options::default()
            })),
        };
        let ticker = Ticker::start(engine.clone())?;
        Ok(Runtime {
            shared: Arc::new(Shared {
                engine,
                linker,
                kernel,
                cache,
                #[cfg(feature = "compiler")]
                compilation: self.compilation,
                ticker,
            }),
        })
    }
}

/// Bytes of the stack of a guest. Compiled in a hurry, the main function of an interpreter written
/// in C (QuickJS, CPython) has 30 KiB of locals, and calls itself for each function of the program
/// that it interprets: this is room for some hundred of those. Only what is used takes memory.
const STACK_BYTES: usize = 16 << 20;
/// Of the same stack, for functions of the host.
const HOST_STACK_BYTES: usize = 1 << 20;

/// The engine's settings, those of compilers included.
pub(crate) fn config() -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.max_wasm_stack(STACK_BYTES);
    config.async_stack_size(STACK_BYTES + HOST_STACK_BYTES);
    // Backtraces of stripped guests say nothing; the kind of trap is kept without them.
    config.wasm_backtrace_max_frames(None);
    config
}

impl Runtime {
    /// Settings of a new runtime, all at their defaults.
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder::default()
    }

    /// Check the parts of a tool.
    ///
    /// # Errors
    /// `InvalidComponent` when its component is not one.
    pub fn open(&self, tool: Tool) -> Result<Opened> {
        Opened::new(Arc::clone(&self.shared), tool)
    }

    /// The kernel that BPF objects are loaded into.
    pub fn kernel(&self) -> &Arc<dyn Kernel> {
        &self.shared.kernel
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime")
            .field("kernel", &self.shared.kernel)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Let epochs pass while the returned value lives.
    pub(crate) fn tick(&self) -> Ticking {
        self.ticker.guests.fetch_add(1, Ordering::SeqCst);
        self.ticker.wake();
        Ticking {
            ticker: Arc::clone(&self.ticker),
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        *self
            .ticker
            .over
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
        self.ticker.changed.notify_all();
    }
}

/// The thread that lets epochs pass, asleep while no guest runs.
struct Ticker {
    guests: AtomicUsize,
    over: Mutex<bool>,
    changed: Condvar,
}

/// Held while a guest runs.
pub(crate) struct Ticking {
    ticker: Arc<Ticker>,
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.ticker.guests.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Ticker {
    fn start(engine: Engine) -> Result<Arc<Self>> {
        let ticker = Arc::new(Self {
            guests: AtomicUsize::new(0),
            over: Mutex::new(false),
            changed: Condvar::new(),
        });
        let shared = Arc::clone(&ticker);
        std::thread::Builder::new()
            .name("epochs".into())
            .spawn(move || shared.run(&engine))
            .map_err(|error| {
                Error::new(ErrorKind::Host, "start the timer thread").with_source(error)
            })?;
        Ok(ticker)
    }

    fn wake(&self) {
        // Taking the lock orders this after a check of `guests` that is about to sleep.
        drop(self.over.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    fn run(&self, engine: &Engine) {
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        while !*over {
            over = if self.guests.load(Ordering::SeqCst) == 0 {
                self.changed
                    .wait(over)
                    .unwrap_or_else(PoisonError::into_inner)
            } else {
                let waited = self.changed.wait_timeout(over, EPOCH_INTERVAL);
                engine.increment_epoch();
                waited.unwrap_or_else(PoisonError::into_inner).0
            };
        }
    }
}
