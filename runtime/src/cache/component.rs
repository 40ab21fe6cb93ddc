//! Compiled components, so that a tool starts without compiling.
//!
//! Loading compiled code runs it outside the sandbox: see the module above for why it is trusted.
#![allow(unsafe_code)] // `Component::deserialize`, `Module::deserialize`.

use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

use super::{Cache, name_of};

/// What a guest can be: a component, or a core module of the older ABI.
pub(crate) trait Compiled: Sized {
    /// Machine code, as it can be kept on disk.
    #[cfg(feature = "compiler")]
    fn precompiled(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Vec<u8>>;

    /// Compile, to keep nothing.
    #[cfg(feature = "compiler")]
    fn compiled(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Self>;

    /// What was kept on disk.
    ///
    /// # Safety
    /// `compiled` is what `precompiled` returned, unchanged.
    unsafe fn deserialized(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Self>;
}

impl Compiled for Component {
    #[cfg(feature = "compiler")]
    fn precompiled(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Vec<u8>> {
        engine.precompile_component(bytes)
    }

    #[cfg(feature = "compiler")]
    fn compiled(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Self> {
        Self::new(engine, bytes)
    }

    unsafe fn deserialized(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Self> {
        // SAFETY: the caller's.
        unsafe { Self::deserialize(engine, compiled) }
    }
}

impl Compiled for Module {
    #[cfg(feature = "compiler")]
    fn precompiled(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Vec<u8>> {
        engine.precompile_module(bytes)
    }

    #[cfg(feature = "compiler")]
    fn compiled(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Self> {
        Self::new(engine, bytes)
    }

    unsafe fn deserialized(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Self> {
        // SAFETY: the caller's.
        unsafe { Self::deserialize(engine, compiled) }
    }
}

impl Cache {
    /// The compiled form of `component`, if it is here.
    pub(crate) fn component<C: Compiled>(&self, engine: &Engine, component: &[u8]) -> Option<C> {
        self.load(engine, &Names::of(component).careful)
    }

    pub(super) fn load<C: Compiled>(&self, engine: &Engine, name: &str) -> Option<C> {
        let compiled = self.read(name)?;
        deserialize(engine, &compiled)
            .inspect_err(|error| tracing::debug!(%error, name, "pass over a compiled component"))
            .ok()
    }
}

/// Files of one component.
pub(super) struct Names {
    pub(super) careful: String,
    #[cfg(feature = "compiler")]
    pub(super) hurried: String,
    /// Those of the careful code that are done, while others are not.
    #[cfg(feature = "compiler")]
    pub(super) functions: String,
}

impl Names {
    /// What else machine code depends on (the engine's version and settings, the CPU) the engine
    /// checks; code that it refuses is compiled anew.
    pub(super) fn of(component: &[u8]) -> Self {
        let digest = name_of(&Sha256::digest(component));
        let name = format!("{digest}-{}", env!("CARGO_PKG_VERSION"));
        Self {
            careful: format!("{name}.cwasm"),
            #[cfg(feature = "compiler")]
            hurried: format!("{name}-hurried.cwasm"),
            #[cfg(feature = "compiler")]
            functions: format!("{name}.functions"),
        }
    }
}

pub(super) fn deserialize<C: Compiled>(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<C> {
    // SAFETY: `compiled` was made by an engine of this version with settings that `engine` accepts
    // (it checks), just now or by this user earlier (`Cache::open` checked the folder, the file's
    // name holds the component's digest), and is unchanged (its own digest).
    unsafe { C::deserialized(engine, compiled) }
}
