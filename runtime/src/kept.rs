//! BPF objects that stay loaded while guests come and go: for `ecli dev`, which restarts a guest on
//! each change of its sources.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eunomia_host_abi::Result;
use eunomia_host_abi::kernel::{
    BoxFuture, Failure, GlobalInfo, Kernel, Link, Map, MapInfo, MapSetting, Object, ProgramInfo,
    ProgramSetting, ProgramStatistics, RunInput, RunOutput, Symbol,
};
use eunomia_host_abi::target::Target;
use sha2::{Digest as _, Sha256};

/// A kernel that hands a loaded object to the next guest that opens the same bytes and makes the
/// same settings: neither is it verified again, nor do its maps and variables lose what is in them.
/// Links are the guest's; they end with it.
#[derive(Clone, Debug)]
pub struct KeepingKernel {
    inner: Arc<dyn Kernel>,
    kept: Arc<Mutex<HashMap<Fingerprint, Shared>>>,
}

/// SHA-256 of what decides how an object is loaded.
type Fingerprint = [u8; 32];

/// An object, which has one user at a time beside the list of those that are kept.
type Shared = Arc<Mutex<Box<dyn Object>>>;

impl KeepingKernel {
    /// Keeps what is loaded into `inner`.
    pub fn new(inner: Arc<dyn Kernel>) -> Self {
        Self {
            inner,
            kept: Arc::default(),
        }
    }

    /// Unloads every object that no guest uses and that none has used since the last call.
    pub fn forget_unused(&self) {
        let kept = &mut *lock(&self.kept);
        kept.retain(|_, object| Arc::strong_count(object) > 1);
    }

    /// How many objects are loaded.
    pub fn count(&self) -> usize {
        lock(&self.kept).len()
    }
}

impl Kernel for KeepingKernel {
    fn open_object(&self, name: &str, elf: &[u8]) -> Result<Box<dyn Object>> {
        let object = self.inner.open_object(name, elf)?;
        let mut settings = Sha256::new();
        settings.update(Sha256::digest(elf));
        Ok(Box::new(KeptObject {
            object: Arc::new(Mutex::new(object)),
            settings,
            kept: Arc::clone(&self.kept),
            is_loaded: false,
        }))
    }

    fn prepare_object(&self, elf: &[u8]) {
        self.inner.prepare_object(elf);
    }

    fn resolve_symbols(&self, addresses: &[u64]) -> Result<Vec<Option<Symbol>>> {
        self.inner.resolve_symbols(addresses)
    }

    fn symbol_address(&self, name: &str) -> Result<Option<u64>> {
        self.inner.symbol_address(name)
    }

    fn possible_cpus(&self) -> u32 {
        self.inner.possible_cpus()
    }

    fn version(&self) -> (u32, u32, u32) {
        self.inner.version()
    }

    fn take_failure(&self) -> Option<Failure> {
        self.inner.take_failure()
    }

    fn monotonic_epoch(&self) -> Duration {
        self.inner.monotonic_epoch()
    }

    fn boot_epoch(&self) -> Duration {
        self.inner.boot_epoch()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.inner.sleep(duration)
    }
}

/// An object of a guest: its own until it is loaded.
#[derive(Debug)]
struct KeptObject {
    object: Shared,
    /// Of the bytes, then of each setting in order.
    settings: Sha256,
    kept: Arc<Mutex<HashMap<Fingerprint, Shared>>>,
    is_loaded: bool,
}

impl KeptObject {
    fn object(&self) -> MutexGuard<'_, Box<dyn Object>> {
        lock(&self.object)
    }

    /// Counts a setting, which is made before load.
    fn note(&mut self, setting: &dyn std::fmt::Debug) {
        if !self.is_loaded {
            // Its length first, so that two settings are not taken for another one.
            let text = format!("{setting:?}");
            self.settings.update(text.len().to_le_bytes());
            self.settings.update(text);
        }
    }
}

impl Object for KeptObject {
    fn programs(&self) -> Vec<ProgramInfo> {
        self.object().programs()
    }

    fn maps(&self) -> Vec<MapInfo> {
        self.object().maps()
    }

    fn globals(&self) -> Vec<GlobalInfo> {
        self.object().globals()
    }

    fn btf(&self) -> Result<Arc<[u8]>> {
        self.object().btf()
    }

    fn get_global(&self, name: &str) -> Result<Vec<u8>> {
        self.object().get_global(name)
    }

    fn set_global(&mut self, name: &str, value: &[u8]) -> Result<()> {
        self.object().set_global(name, value)?;
        self.note(&(name, value));
        Ok(())
    }

    fn set_program(&mut self, program: &str, setting: ProgramSetting<'_>) -> Result<()> {
        self.object().set_program(program, setting)?;
        self.note(&(program, setting));
        Ok(())
    }

    fn set_map(&mut self, map: &str, setting: MapSetting<'_>) -> Result<()> {
        self.object().set_map(map, setting)?;
        self.note(&(map, setting));
        Ok(())
    }

    fn load(&mut self) -> Result<()> {
        let fingerprint: Fingerprint = self.settings.clone().finalize().into();
        // Held meanwhile: of two guests that load the same, one must find what the other did.
        let kept = Arc::clone(&self.kept);
        let mut kept = lock(&kept);
        match kept.get(&fingerprint) {
            // Nobody else uses it.
            Some(object) if Arc::strong_count(object) == 1 => self.object = Arc::clone(object),
            _ => {
                self.object().load()?;
                kept.insert(fingerprint, Arc::clone(&self.object));
            }
        }
        self.is_loaded = true;
        Ok(())
    }

    fn map(&self, name: &str) -> Result<Arc<dyn Map>> {
        self.object().map(name)
    }

    fn can_attach_by_section(&self, program: &str) -> bool {
        self.object().can_attach_by_section(program)
    }

    fn attach(&self, program: &str, target: Option<&Target>) -> Result<Box<dyn Link>> {
        self.object().attach(program, target)
    }

    fn attach_struct_ops(&self, map: &str) -> Result<Box<dyn Link>> {
        self.object().attach_struct_ops(map)
    }

    fn replace_in(&self, program: &str, link: &mut dyn Link) -> Result<()> {
        self.object().replace_in(program, link)
    }

    fn store_in(&self, program: &str, map: &dyn Map, index: u32) -> Result<()> {
        self.object().store_in(program, map, index)
    }

    fn test_run(&self, program: &str, input: &RunInput) -> Result<RunOutput> {
        self.object().test_run(program, input)
    }

    fn statistics(&self, program: &str) -> Result<ProgramStatistics> {
        self.object().statistics(program)
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What it guards is whole at every point at which a panic could poison the lock.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use eunomia_host_abi::fake::{FakeGlobal, FakeKernel, FakeObject, Operation};

    use super::*;

    fn kernels() -> (FakeKernel, KeepingKernel) {
        let fake = FakeKernel::new();
        let global = FakeGlobal::variable("count", &[0; 4]);
        let constant = FakeGlobal::constant("limit", &[0; 4]);
        let object = FakeObject::builder().global(global).global(constant);
        fake.register("tool", object.build());
        let keeping = KeepingKernel::new(Arc::new(fake.clone()));
        (fake, keeping)
    }

    fn loaded(kernel: &KeepingKernel, elf: &[u8], limit: u8) -> Box<dyn Object> {
        let mut object = kernel.open_object("tool", elf).unwrap();
        object.set_global("limit", &[limit, 0, 0, 0]).unwrap();
        object.load().unwrap();
        object
    }

    #[test]
    fn the_same_object_is_loaded_once_and_keeps_its_variables() {
        let (fake, kernel) = kernels();
        let mut first = loaded(&kernel, b"elf", 1);
        first.set_global("count", &[7, 0, 0, 0]).unwrap();
        drop(first);
        let second = loaded(&kernel, b"elf", 1);
        assert_eq!(second.get_global("count").unwrap(), [7, 0, 0, 0]);
        assert_eq!(fake.count(Operation::Load), 1);
    }

    #[test]
    fn other_bytes_other_settings_and_a_second_user_are_loaded_anew() {
        let (fake, kernel) = kernels();
        drop(loaded(&kernel, b"elf", 1));
        drop(loaded(&kernel, b"other", 1));
        let _user = loaded(&kernel, b"elf", 2);
        assert_eq!(fake.count(Operation::Load), 3);
        let _another = loaded(&kernel, b"elf", 2);
        assert_eq!(fake.count(Operation::Load), 4);
    }

    #[test]
    fn what_nobody_uses_can_be_forgotten() {
        let (_fake, kernel) = kernels();
        drop(loaded(&kernel, b"elf", 1));
        let _user = loaded(&kernel, b"elf", 2);
        assert_eq!(kernel.count(), 2);
        kernel.forget_unused();
        assert_eq!(kernel.count(), 1);
    }
}
