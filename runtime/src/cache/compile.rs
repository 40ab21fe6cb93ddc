//! Compiling what is not in the cache; a build without the feature `compiler` has none of this.
//!
//! The first start of a component should not take long either. So there it can be compiled in a
//! hurry, to slower code, and once more with care in the background, for later starts. Both kinds
//! of code do the same.

use std::sync::Arc;

use wasmtime::{Config, Engine, OptLevel, RegallocAlgorithm};

use super::Cache;
use super::component::{Compiled, Names, deserialize};
use super::functions::Functions;
use crate::engine::config;

/// Niceness of the thread that compiles with care: a tenth of the time of others that have work, so
/// that it gets done on a busy machine, too.
const NICENESS: i32 = 10;

/// The file of functions that were compiled in a hurry.
const HURRIED_FUNCTIONS: &str = "hurried.functions";

impl Cache {
    /// Compile `component` with care, and keep it.
    pub(crate) fn compile<C: Compiled>(
        &self,
        engine: &Engine,
        component: &[u8],
    ) -> wasmtime::Result<C> {
        let compiled = C::precompiled(engine, component)?;
        self.write(&Names::of(component).careful, &compiled);
        deserialize(engine, &compiled)
    }

    /// Compile `component` in a hurry, or take what was, and begin to compile it with care.
    pub(crate) fn compile_twice<C: Compiled>(
        &self,
        engine: &Engine,
        component: &Arc<[u8]>,
    ) -> wasmtime::Result<C> {
        let loaded = self.hurried(engine, component, || hurried(config()))?;
        self.compile_behind::<C>(component, Names::of(component));
        Ok(loaded)
    }

    /// Compile `component` in a hurry, or take what was. Its functions are kept for components that
    /// differ little.
    pub(crate) fn compile_hurried<C: Compiled>(
        &self,
        engine: &Engine,
        component: &[u8],
    ) -> wasmtime::Result<C> {
        let config = || self.with_functions(hurried(config()), HURRIED_FUNCTIONS);
        self.hurried(engine, component, config)
    }

    fn hurried<C: Compiled>(
        &self,
        engine: &Engine,
        component: &[u8],
        config: impl FnOnce() -> Config,
    ) -> wasmtime::Result<C> {
        let name = Names::of(component).hurried;
        if let Some(loaded) = self.load(engine, &name) {
            return Ok(loaded);
        }
        let compiled = C::precompiled(&Engine::new(&config())?, component)?;
        self.write(&name, &compiled);
        deserialize(engine, &compiled)
    }

    /// Compile with care on a thread of low priority. If the process ends before, the next start
    /// goes on where this one ended, function by function.
    fn compile_behind<C: Compiled>(&self, component: &Arc<[u8]>, names: Names) {
        let (cache, component) = (self.clone(), Arc::clone(component));
        let compile = move || {
            let _ = rustix::process::setpriority_process(None, NICENESS); // Else as it is.
            let mut config = cache.with_functions(config(), &names.functions);
            config.parallel_compilation(false);
            let compiled =
                Engine::new(&config).and_then(|engine| C::precompiled(&engine, &component));
            match compiled {
                Ok(compiled) => {
                    cache.write(&names.careful, &compiled);
                    cache.remove(&names.hurried);
                    cache.remove(&names.functions);
                }
                Err(error) => tracing::warn!(%error, "compile a component with care"),
            }
        };
        let thread = std::thread::Builder::new().name("compile".into());
        if let Err(error) = thread.spawn(compile) {
            tracing::debug!(%error, "start a thread that compiles");
        }
    }

    /// Let a compiler take the functions that are in this file already, and add those that it
    /// compiles.
    fn with_functions(&self, mut config: Config, file: &str) -> Config {
        let functions = Functions::open(&self.dir().join(file)).map_err(wasmtime::Error::from);
        let enabled = functions.and_then(|functions| {
            config.enable_incremental_compilation(Arc::new(functions))?;
            Ok(())
        });
        if let Err(error) = enabled {
            tracing::warn!(%error, file, "keep functions that are compiled");
        }
        config
    }
}

/// Half of the time of compiling with care, for code that takes about twice its time.
fn hurried(mut config: Config) -> Config {
    config.cranelift_opt_level(OptLevel::None);
    config.cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass);
    config
}
