//! The kernel itself: what all objects, maps and links of one fake machine share.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::fake::clock::{Clock, Event};
use crate::fake::journal::{Call, Journal, Operation};
use crate::fake::link::{AttachedProgram, Links};
use crate::fake::map::MapState;
use crate::fake::object::{FakeObject, OpenObject};
use crate::fake::shared::Shared;
use crate::fake::symbols::Symbols;
use crate::kernel::{BoxFuture, GlobalInfo, Kernel, Object, ProgramStatistics, Symbol};

/// The machine that a [`FakeKernel`] runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// CPUs for which per-CPU values are kept; at least 1. Default: 2.
    pub possible_cpus: u32,
    /// Linux version. Default: 6.12.0.
    pub version: (u32, u32, u32),
    /// Time since the Unix epoch at which the clock was 0. Default: the start of 2025 (UTC).
    pub epoch: Duration,
    /// How long a run may last, so that one that never ends is an error instead of a test that
    /// hangs; see [`FakeKernel::drive`]. Default: an hour of the virtual clock.
    pub run_time_max: Duration,
    /// How far each call to the kernel moves the clock, for guests that watch it without ever
    /// waiting. Default: not at all.
    pub call_time: Duration,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            possible_cpus: 2,
            version: (6, 12, 0),
            epoch: Duration::from_secs(1_735_689_600),
            run_time_max: Duration::from_secs(60 * 60),
            call_time: Duration::ZERO,
        }
    }
}

/// A kernel without a kernel: deterministic, without root, and controlled by the test. Clones are
/// handles to the same one.
#[derive(Clone, Default)]
pub struct FakeKernel {
    world: Arc<World>,
}

#[derive(Default)]
struct World {
    machine: Machine,
    clock: Clock,
    last_id: AtomicU32,
    journal: Shared<Journal>,
    objects: Shared<BTreeMap<String, Arc<FakeObject>>>,
    symbols: Shared<Symbols>,
    maps: Shared<Vec<RegisteredMap>>,
    pinned: Shared<BTreeMap<String, Arc<MapState>>>,
    links: Shared<Links>,
    statistics: Shared<BTreeMap<String, ProgramStatistics>>,
    problems: Shared<Vec<String>>,
}

/// A map that was loaded, for the test to find.
struct RegisteredMap {
    object: String,
    name: String,
    map: Weak<MapState>,
    /// The variables that it holds.
    globals: Vec<GlobalInfo>,
}

impl FakeKernel {
    /// A kernel of the default [`Machine`].
    pub fn new() -> Self {
        Self::default()
    }

    /// A kernel of this machine.
    pub fn with_machine(mut machine: Machine) -> Self {
        machine.possible_cpus = machine.possible_cpus.max(1);
        let world = World {
            machine,
            ..World::default()
        };
        Self {
            world: Arc::new(world),
        }
    }

    /// Makes [`Kernel::open_object`] open `object` when it is asked for this name, whatever the
    /// bytes are. Names that were not registered are parsed from their ELF file.
    pub fn register(&self, name: impl Into<String>, object: FakeObject) {
        let mut objects = self.world.objects.lock();
        objects.insert(name.into(), Arc::new(object));
    }

    /// Makes the next call of this kind fail; several orders fail as many calls, in order.
    pub fn fail_next(&self, operation: Operation, error: Error) {
        self.world.journal.lock().fail_next(operation, error);
    }

    /// The calls that shaped the run so far ([`Operation::is_remembered`]), oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.world.journal.lock().calls()
    }

    /// How many calls of a kind were made, failed ones included.
    pub fn count(&self, operation: Operation) -> u64 {
        self.world.journal.lock().count(operation)
    }

    /// What is attached now, in the order of attaching.
    pub fn attached(&self) -> Vec<AttachedProgram> {
        self.world.links.lock().attached()
    }

    /// Adds a symbol of the kernel: `size` bytes from `address`.
    pub fn add_symbol(&self, name: impl Into<String>, address: u64, size: u64) {
        let mut symbols = self.world.symbols.lock();
        symbols.add(name.into(), None, address, size);
    }

    /// Adds a symbol of a kernel module.
    pub fn add_module_symbol(
        &self,
        module: impl Into<String>,
        name: impl Into<String>,
        address: u64,
        size: u64,
    ) {
        let mut symbols = self.world.symbols.lock();
        symbols.add(name.into(), Some(module.into()), address, size);
    }

    /// Sets what [`Object::statistics`] returns for programs of this name.
    pub fn set_statistics(&self, program: impl Into<String>, statistics: ProgramStatistics) {
        let mut table = self.world.statistics.lock();
        table.insert(program.into(), statistics);
    }

    /// The clock's time: what `bpf_ktime_get_ns` would return.
    pub fn now(&self) -> Duration {
        self.world.clock.now()
    }

    /// Lets time pass: everything that is due until then happens in order.
    pub fn advance(&self, duration: Duration) {
        let end = self.now().saturating_add(duration);
        while let Some(event) = self.world.clock.take_due(end) {
            match event {
                Event::Wake(waker) => waker.wake(),
                Event::Act(action) => action.perform(self),
            }
        }
    }

    /// Lets time pass until the next thing is due and has happened; false when nothing ever will.
    pub fn advance_to_next(&self) -> bool {
        let Some(due) = self.next_due() else {
            return false;
        };
        self.advance(due.saturating_sub(self.now()));
        true
    }

    /// When the next thing is due, by the clock; none: nothing ever will.
    pub fn next_due(&self) -> Option<Duration> {
        self.world.clock.next_due()
    }

    /// What went wrong in scripts: events for maps that were not there, values of a wrong size. A
    /// test whose list is not empty did not test what it meant to.
    pub fn script_problems(&self) -> Vec<String> {
        self.world.problems.lock().clone()
    }

    pub(crate) fn machine(&self) -> &Machine {
        &self.world.machine
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.world.clock
    }

    pub(crate) fn links(&self) -> &Shared<Links> {
        &self.world.links
    }

    pub(crate) fn add_problem(&self, problem: String) {
        self.world.problems.lock().push(problem);
    }

    /// Every call comes through here: it is recorded, takes its time and may have to fail.
    pub(crate) fn enter(&self, operation: Operation, subject: &dyn fmt::Display) -> Result<()> {
        self.world.journal.lock().record(operation, subject);
        if !self.world.machine.call_time.is_zero() {
            self.advance(self.world.machine.call_time);
        }
        self.world.journal.lock().take_failure(operation)
    }

    /// For what cannot fail.
    pub(crate) fn record(&self, operation: Operation, subject: &dyn fmt::Display) {
        self.world.journal.lock().record(operation, subject);
    }

    /// Ids of programs, maps and links count up together.
    pub(crate) fn next_id(&self) -> u32 {
        self.world.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn statistics_of(&self, program: &str) -> ProgramStatistics {
        let table = self.world.statistics.lock();
        table.get(program).copied().unwrap_or_default()
    }

    /// Lets the test find a map that an object declares as `name`.
    pub(crate) fn register_map(
        &self,
        object: &str,
        name: &str,
        map: &Arc<MapState>,
        globals: Vec<GlobalInfo>,
    ) {
        let mut maps = self.world.maps.lock();
        maps.retain(|registered| registered.map.strong_count() > 0);
        maps.push(RegisteredMap {
            object: object.to_owned(),
            name: name.to_owned(),
            map: Arc::downgrade(map),
            globals,
        });
    }

    /// The map that was loaded last under `MAP` or `OBJECT/MAP`.
    pub(crate) fn find_map(&self, name: &str) -> Result<Arc<MapState>> {
        self.find(name, |registered, map| {
            let is_it = registered.name == map;
            is_it.then(|| registered.map.upgrade()).flatten()
        })
        .ok_or_else(|| not_loaded("map", name))
    }

    /// The global variable that was loaded last under `NAME` or `OBJECT/NAME`, with its map.
    pub(crate) fn find_global(&self, name: &str) -> Result<(GlobalInfo, Arc<MapState>)> {
        self.find(name, |registered, name| {
            let mut globals = registered.globals.iter();
            let global = globals.find(|global| global.name == name)?;
            Some((global.clone(), registered.map.upgrade()?))
        })
        .ok_or_else(|| not_loaded("global variable", name))
    }

    fn find<T>(
        &self,
        name: &str,
        look_at: impl Fn(&RegisteredMap, &str) -> Option<T>,
    ) -> Option<T> {
        let (object, name) = match name.split_once('/') {
            Some((object, name)) => (Some(object), name),
            None => (None, name),
        };
        let maps = self.world.maps.lock();
        maps.iter()
            .rev()
            .filter(|registered| object.is_none_or(|object| registered.object == object))
            .find_map(|registered| look_at(registered, name))
    }

    /// The map that is shared under the name of this one: an earlier one of its shape, or this.
    pub(crate) fn share_map(&self, map: Arc<MapState>) -> Result<Arc<MapState>> {
        let name = map.info.pin_name.clone().unwrap_or_default();
        let mut pinned = self.world.pinned.lock();
        let shared = pinned.entry(name.clone()).or_insert_with(|| map.clone());
        if !shared.has_shape_of(&map.info) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "share map \"{}\" as \"{name}\": the map of this name is of another shape",
                    map.info.name
                ),
            ));
        }
        Ok(shared.clone())
    }
}

impl Kernel for FakeKernel {
    fn open_object(&self, name: &str, elf: &[u8]) -> Result<Box<dyn Object>> {
        self.enter(Operation::Open, &name)?;
        let registered = self.world.objects.lock().get(name).cloned();
        let object = match registered {
            Some(object) => object,
            None => Arc::new(FakeObject::from_elf(elf)?),
        };
        Ok(Box::new(OpenObject::new(self.clone(), name, object)))
    }

    fn resolve_symbols(&self, addresses: &[u64]) -> Result<Vec<Option<Symbol>>> {
        self.enter(Operation::Symbols, &addresses.len())?;
        let symbols = self.world.symbols.lock();
        Ok(addresses
            .iter()
            .map(|address| symbols.resolve(*address))
            .collect())
    }

    fn symbol_address(&self, name: &str) -> Result<Option<u64>> {
        self.enter(Operation::Symbols, &name)?;
        Ok(self.world.symbols.lock().address(name))
    }

    fn possible_cpus(&self) -> u32 {
        self.world.machine.possible_cpus
    }

    fn version(&self) -> (u32, u32, u32) {
        self.world.machine.version
    }

    fn monotonic_epoch(&self) -> Duration {
        self.world.machine.epoch
    }

    fn boot_epoch(&self) -> Duration {
        self.world.machine.epoch
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self.world.clock.sleep(duration))
    }
}

impl fmt::Debug for FakeKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeKernel")
            .field("machine", &self.world.machine)
            .field("now", &self.now())
            .finish_non_exhaustive()
    }
}

fn not_loaded(what: &str, name: &str) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("{what} \"{name}\" of the fake kernel: none of this name is loaded now"),
    )
}
