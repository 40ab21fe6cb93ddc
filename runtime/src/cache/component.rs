//! Compiled components on disk, so that a tool starts without compiling.
//!
//! A file is found by the digest of the component and of everything that its machine code depends
//! on: engine version, engine settings, CPU. It is trusted like a program of the operator's:
//! loading it runs its code outside the sandbox. So it is only taken from a folder that nobody else
//! can write to, and its own digest must be right, which finds files that a crash cut short.
#![allow(unsafe_code)] // `Component::deserialize`, `Module::deserialize`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

/// Bytes of the digest at the head of a file.
const DIGEST_BYTES: usize = 32;

/// Machine code of a guest: a component, or a core module of the older ABI.
pub(crate) trait Compiled: Sized {
    /// What can be kept on disk.
    fn serialized(&self) -> wasmtime::Result<Vec<u8>>;

    /// What was kept on disk.
    ///
    /// # Safety
    /// The bytes are those of `serialized`, of an engine of the same version and settings.
    unsafe fn deserialized(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Self>;
}

impl Compiled for Component {
    fn serialized(&self) -> wasmtime::Result<Vec<u8>> {
        self.serialize()
    }

    unsafe fn deserialized(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Self> {
        // SAFETY: the caller's.
        unsafe { Self::deserialize(engine, bytes) }
    }
}

impl Compiled for Module {
    fn serialized(&self) -> wasmtime::Result<Vec<u8>> {
        self.serialize()
    }

    unsafe fn deserialized(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Self> {
        // SAFETY: the caller's.
        unsafe { Self::deserialize(engine, bytes) }
    }
}

/// A folder with compiled components.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// The cache in `dir`, which is made when it is missing.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)?;
        let metadata = std::fs::metadata(dir)?;
        let mine = metadata.uid() == rustix::process::geteuid().as_raw();
        if !mine || metadata.permissions().mode() & 0o022 != 0 {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "others could put machine code there: it must be writable by its owner only",
            ));
        }
        Ok(Self {
            dir: dir.to_owned(),
        })
    }

    /// The compiled form of `component`, if it is here and sound.
    pub(crate) fn load<C: Compiled>(&self, engine: &Engine, component: &[u8]) -> Option<C> {
        let path = self.path(engine, component);
        let file = std::fs::read(&path).ok()?;
        let (digest, compiled) = file.split_at_checked(DIGEST_BYTES)?;
        if Sha256::digest(compiled).as_slice() != digest {
            tracing::warn!(path = %path.display(), "remove a damaged compiled component");
            let _ = std::fs::remove_file(&path); // It is written anew below.
            return None;
        }
        // SAFETY: `compiled` was made by `Compiled::serialized` of the same engine (the file's name
        // holds its version and settings) and written by this user (`open` checked the folder),
        // unchanged (digest).
        match unsafe { C::deserialized(engine, compiled) } {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::debug!(%error, path = %path.display(), "pass over a compiled component");
                None
            }
        }
    }

    /// Keep the compiled form. A failure costs time at the next start, no more.
    pub(crate) fn store(&self, engine: &Engine, component: &[u8], compiled: &impl Compiled) {
        if let Err(error) = self.try_store(engine, component, compiled) {
            tracing::warn!(%error, dir = %self.dir.display(), "keep a compiled component");
        }
    }

    fn try_store(
        &self,
        engine: &Engine,
        component: &[u8],
        compiled: &impl Compiled,
    ) -> io::Result<()> {
        let compiled = compiled.serialized().map_err(io::Error::other)?;
        let mut file = Sha256::digest(&compiled).to_vec();
        file.extend_from_slice(&compiled);
        let path = self.path(engine, component);
        // Unique among the threads and processes that may be writing the same file.
        let unique = format!(
            "{}.{:?}.part",
            std::process::id(),
            std::thread::current().id()
        );
        let part = path.with_extension(unique);
        let outcome = std::fs::write(&part, &file).and_then(|()| std::fs::rename(&part, &path));
        if outcome.is_err() {
            let _ = std::fs::remove_file(&part); // It is the first failure that counts.
        }
        outcome
    }

    fn path(&self, engine: &Engine, component: &[u8]) -> PathBuf {
        let mut settings = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut settings);
        let digest = Sha256::digest(component);
        let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.dir
            .join(format!("{name}-{:016x}.cwasm", settings.finish()))
    }
}
