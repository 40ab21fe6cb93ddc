//! Compiled components, so that a tool starts without compiling.
//!
//! The first start of a component should not take long either. So there it can be compiled in a
//! hurry, to slower code, and once more with care in the background, for the next start. Both kinds
//! of code do the same.
//!
//! Loading compiled code runs it outside the sandbox: see the module above for why it is trusted.
#![allow(unsafe_code)] // `Component::deserialize`, `Module::deserialize`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wasmtime::{Config, Engine, Module, OptLevel, RegallocAlgorithm};

use super::{Cache, name_of};
use crate::engine::config;

/// Niceness of the thread that compiles with care: a tenth of the time of others that have work, so
/// that it gets done on a busy machine, too.
const NICENESS: i32 = 10;

/// What a guest can be: a component, or a core module of the older ABI.
pub(crate) trait Compiled: Sized {
    /// Machine code, as it can be kept on disk.
    fn precompiled(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Vec<u8>>;

    /// What was kept on disk.
    ///
    /// # Safety
    /// `compiled` is what `precompiled` returned, unchanged.
    unsafe fn deserialized(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Self>;
}

impl Compiled for Component {
    fn precompiled(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Vec<u8>> {
        engine.precompile_component(bytes)
    }

    unsafe fn deserialized(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Self> {
        // SAFETY: the caller's.
        unsafe { Self::deserialize(engine, compiled) }
    }
}

impl Compiled for Module {
    fn precompiled(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Vec<u8>> {
        engine.precompile_module(bytes)
    }

    unsafe fn deserialized(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Self> {
        // SAFETY: the caller's.
        unsafe { Self::deserialize(engine, compiled) }
    }
}

impl Cache {
    /// The compiled form of `component`, if it is here.
    pub(crate) fn component<C: Compiled>(&self, engine: &Engine, component: &[u8]) -> Option<C> {
        self.load(engine, &Names::of(engine, component).careful)
    }

    /// Compile `component` with care, and keep it.
    pub(crate) fn compile<C: Compiled>(
        &self,
        engine: &Engine,
        component: &[u8],
    ) -> wasmtime::Result<C> {
        let compiled = C::precompiled(engine, component)?;
        self.write(&Names::of(engine, component).careful, &compiled);
        deserialize(engine, &compiled)
    }

    /// Compile `component` in a hurry, or take what was, and begin to compile it with care.
    pub(crate) fn compile_twice<C: Compiled>(
        &self,
        engine: &Engine,
        component: &Arc<[u8]>,
    ) -> wasmtime::Result<C> {
        let names = Names::of(engine, component);
        let loaded = match self.load(engine, &names.hurried) {
            Some(loaded) => loaded,
            None => {
                let compiled = C::precompiled(&Engine::new(&hurried(config()))?, component)?;
                self.write(&names.hurried, &compiled);
                deserialize(engine, &compiled)?
            }
        };
        self.compile_behind::<C>(component, names);
        Ok(loaded)
    }

    fn load<C: Compiled>(&self, engine: &Engine, name: &str) -> Option<C> {
        let compiled = self.read(name)?;
        deserialize(engine, &compiled)
            .inspect_err(|error| tracing::debug!(%error, name, "pass over a compiled component"))
            .ok()
    }

    /// Compile with care on a thread of low priority. If the process ends before, or there is no
    /// such thread to be had, the next start begins again.
    fn compile_behind<C: Compiled>(&self, component: &Arc<[u8]>, names: Names) {
        let (cache, component) = (self.clone(), Arc::clone(component));
        let compile = move || {
            let _ = rustix::process::setpriority_process(None, NICENESS); // Else as it is.
            let mut config = config();
            config.parallel_compilation(false);
            let compiled =
                Engine::new(&config).and_then(|engine| C::precompiled(&engine, &component));
            match compiled {
                Ok(compiled) => {
                    cache.write(&names.careful, &compiled);
                    cache.remove(&names.hurried);
                }
                Err(error) => tracing::warn!(%error, "compile a component with care"),
            }
        };
        let thread = std::thread::Builder::new().name("compile".into());
        if let Err(error) = thread.spawn(compile) {
            tracing::debug!(%error, "start a thread that compiles");
        }
    }
}

/// Files of one component.
struct Names {
    careful: String,
    hurried: String,
}

impl Names {
    fn of(engine: &Engine, component: &[u8]) -> Self {
        let digest = name_of(&Sha256::digest(component));
        let name = format!("{digest}-{:016x}", settings_hash(engine));
        Self {
            careful: format!("{name}.cwasm"),
            hurried: format!("{name}-hurried.cwasm"),
        }
    }
}

/// Of everything that machine code depends on beside the component: the engine's version and
/// settings, the CPU.
fn settings_hash(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// Half of the time of compiling with care, for code that takes about twice its time.
fn hurried(mut config: Config) -> Config {
    config.cranelift_opt_level(OptLevel::None);
    config.cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass);
    config
}

fn deserialize<C: Compiled>(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<C> {
    // SAFETY: `compiled` was made by an engine of this version with settings that `engine` accepts
    // (it checks), just now or by this user earlier (`Cache::open` checked the folder, the file's
    // name holds settings and component), and is unchanged (digest).
    unsafe { C::deserialized(engine, compiled) }
}
