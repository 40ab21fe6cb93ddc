//! A kernel whose events are written down as a guest reads them: for `ecli run --record`, whose
//! files `ecli test` plays on the fake kernel.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use eunomia_host_abi::Result;
use eunomia_host_abi::kernel::{
    BoxFuture, Cursor, Entries, Failure, GlobalInfo, Kernel, Link, Map, MapInfo, MapSetting,
    Object, PerfBuffer, ProgramInfo, ProgramSetting, ProgramStatistics, RingBuffer, RunInput,
    RunOutput, Symbol, UserRingBuffer,
};
use eunomia_host_abi::record::{Records, record_bytes};
use eunomia_host_abi::target::Target;

/// What a guest has read.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Recorded<'a> {
    /// A record of a ring buffer.
    Ring {
        /// The map.
        map: &'a str,
        /// The record's bytes.
        payload: &'a [u8],
    },
    /// A record of a perf event array.
    Perf {
        /// The map.
        map: &'a str,
        /// Where it was written.
        cpu: u32,
        /// The record's bytes.
        payload: &'a [u8],
    },
    /// Records that a perf event array has dropped.
    Lost {
        /// The map.
        map: &'a str,
        /// How many.
        count: u64,
    },
    /// A value that differs from what was read there before.
    Value {
        /// The map.
        map: &'a str,
        /// The key's bytes.
        key: &'a [u8],
        /// The value's bytes, for per-CPU maps of all CPUs.
        value: &'a [u8],
    },
}

/// Takes down what is read; `at` counts from when the recording began.
pub trait Recorder: Send {
    /// Takes down one event.
    fn record(&mut self, at: Duration, event: Recorded<'_>);
}

/// A kernel that tells a [`Recorder`] of everything that guests read from maps and buffers. Not
/// told: what guests write, global variables, iterators, and what programs return.
#[derive(Clone, Debug)]
pub struct RecordingKernel {
    inner: Arc<dyn Kernel>,
    tape: Tape,
}

/// Values that are remembered to tell changes. Beyond it every value counts as changed.
const VALUES_MAX: usize = 1 << 20;

#[derive(Clone)]
struct Tape(Arc<Mutex<State>>);

struct State {
    start: Instant,
    recorder: Box<dyn Recorder>,
    values: HashMap<Place, Box<[u8]>>,
}

/// A map and a key in it.
type Place = (Box<str>, Box<[u8]>);

impl fmt::Debug for Tape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Tape")
    }
}

impl Tape {
    fn state(&self) -> MutexGuard<'_, State> {
        // A recorder that panicked is not called again by the guest whose thread that ends.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, event: Recorded<'_>) {
        let mut state = self.state();
        let at = state.start.elapsed();
        state.recorder.record(at, event);
    }

    fn value(&self, map: &MapInfo, key: &[u8], value: &[u8]) {
        let mut state = self.state();
        let place: Place = (map.name.as_str().into(), key.into());
        if state
            .values
            .get(&place)
            .is_some_and(|known| **known == *value)
        {
            return;
        }
        if state.values.len() < VALUES_MAX {
            state.values.insert(place, value.into());
        }
        drop(state);
        let map = &map.name;
        self.record(Recorded::Value { map, key, value });
    }

    /// The guest took a value out, so that it is new when it is there again.
    fn forget(&self, map: &MapInfo, key: &[u8]) {
        let place = (map.name.as_str().into(), key.into());
        self.state().values.remove(&place);
    }
}

impl RecordingKernel {
    /// Tells `recorder` what guests read from `inner`, from now on.
    pub fn new(inner: Arc<dyn Kernel>, recorder: Box<dyn Recorder>) -> Self {
        let state = State {
            start: Instant::now(),
            recorder,
            values: HashMap::new(),
        };
        Self {
            inner,
            tape: Tape(Arc::new(Mutex::new(state))),
        }
    }
}

impl Kernel for RecordingKernel {
    fn open_object(&self, name: &str, elf: &[u8]) -> Result<Box<dyn Object>> {
        Ok(Box::new(RecordedObject {
            inner: self.inner.open_object(name, elf)?,
            tape: self.tape.clone(),
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

#[derive(Debug)]
struct RecordedObject {
    inner: Box<dyn Object>,
    tape: Tape,
}

impl Object for RecordedObject {
    fn programs(&self) -> Vec<ProgramInfo> {
        self.inner.programs()
    }

    fn maps(&self) -> Vec<MapInfo> {
        self.inner.maps()
    }

    fn globals(&self) -> Vec<GlobalInfo> {
        self.inner.globals()
    }

    fn btf(&self) -> Result<Arc<[u8]>> {
        self.inner.btf()
    }

    fn get_global(&self, name: &str) -> Result<Vec<u8>> {
        self.inner.get_global(name)
    }

    fn set_global(&mut self, name: &str, value: &[u8]) -> Result<()> {
        self.inner.set_global(name, value)
    }

    fn set_program(&mut self, program: &str, setting: ProgramSetting<'_>) -> Result<()> {
        self.inner.set_program(program, setting)
    }

    fn set_map(&mut self, map: &str, setting: MapSetting<'_>) -> Result<()> {
        self.inner.set_map(map, setting)
    }

    fn load(&mut self) -> Result<()> {
        self.inner.load()
    }

    fn map(&self, name: &str) -> Result<Arc<dyn Map>> {
        Ok(self.tape.map(self.inner.map(name)?))
    }

    fn can_attach_by_section(&self, program: &str) -> bool {
        self.inner.can_attach_by_section(program)
    }

    fn attach(&self, program: &str, target: Option<&Target>) -> Result<Box<dyn Link>> {
        self.inner.attach(program, target)
    }

    fn attach_struct_ops(&self, map: &str) -> Result<Box<dyn Link>> {
        self.inner.attach_struct_ops(map)
    }

    fn replace_in(&self, program: &str, link: &mut dyn Link) -> Result<()> {
        self.inner.replace_in(program, link)
    }

    fn store_in(&self, program: &str, map: &dyn Map, index: u32) -> Result<()> {
        self.inner.store_in(program, map, index)
    }

    fn test_run(&self, program: &str, input: &RunInput) -> Result<RunOutput> {
        self.inner.test_run(program, input)
    }

    fn statistics(&self, program: &str) -> Result<ProgramStatistics> {
        self.inner.statistics(program)
    }
}

impl Tape {
    fn map(&self, inner: Arc<dyn Map>) -> Arc<dyn Map> {
        Arc::new(RecordedMap {
            inner,
            tape: self.clone(),
        })
    }
}

#[derive(Debug)]
struct RecordedMap {
    inner: Arc<dyn Map>,
    tape: Tape,
}

impl RecordedMap {
    fn tell(&self, key: &[u8], value: Option<&Vec<u8>>) {
        if let Some(value) = value {
            self.tape.value(self.inner.info(), key, value);
        }
    }
}

impl Map for RecordedMap {
    fn info(&self) -> &MapInfo {
        self.inner.info()
    }

    fn lookup(&self, key: &[u8], flags: u64) -> Result<Option<Vec<u8>>> {
        let value = self.inner.lookup(key, flags)?;
        self.tell(key, value.as_ref());
        Ok(value)
    }

    fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<()> {
        self.inner.update(key, value, flags)
    }

    fn delete(&self, key: &[u8]) -> Result<bool> {
        self.tape.forget(self.inner.info(), key);
        self.inner.delete(key)
    }

    fn lookup_and_delete(&self, key: &[u8], flags: u64) -> Result<Option<Vec<u8>>> {
        let value = self.inner.lookup_and_delete(key, flags)?;
        self.tell(key, value.as_ref());
        self.tape.forget(self.inner.info(), key);
        Ok(value)
    }

    fn next_key(&self, key: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        self.inner.next_key(key)
    }

    fn next_entries(
        &self,
        cursor: &mut Cursor,
        entries: &mut Entries,
        entries_max: u32,
    ) -> Result<u32> {
        let (keys, values) = (entries.keys.len(), entries.values.len());
        let count = self.inner.next_entries(cursor, entries, entries_max)?;
        let info = self.inner.info();
        let sizes = (info.key_size as usize, info.user_value_size as usize);
        let keys = entries.keys[keys..].chunks_exact(sizes.0.max(1));
        let values = entries.values[values..].chunks_exact(sizes.1.max(1));
        for (key, value) in keys.zip(values) {
            self.tape.value(info, key, value);
            if cursor.drain {
                self.tape.forget(info, key);
            }
        }
        Ok(count)
    }

    fn update_batch(&self, keys: &[u8], values: &[u8], flags: u64) -> Result<u32> {
        self.inner.update_batch(keys, values, flags)
    }

    fn delete_batch(&self, keys: &[u8]) -> Result<u32> {
        let info = self.inner.info();
        for key in keys.chunks_exact((info.key_size as usize).max(1)) {
            self.tape.forget(info, key);
        }
        self.inner.delete_batch(keys)
    }

    fn lookup_inner(&self, key: &[u8]) -> Result<Option<Arc<dyn Map>>> {
        let inner = self.inner.lookup_inner(key)?;
        Ok(inner.map(|inner| self.tape.map(inner)))
    }

    fn update_inner(&self, key: &[u8], inner: &dyn Map, flags: u64) -> Result<()> {
        self.inner.update_inner(key, inner, flags)
    }

    fn create_inner(&self) -> Result<Arc<dyn Map>> {
        self.inner.create_inner()
    }

    fn read_memory(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        self.inner.read_memory(offset, length)
    }

    fn write_memory(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.inner.write_memory(offset, bytes)
    }

    fn freeze(&self) -> Result<()> {
        self.inner.freeze()
    }

    fn open_ring_buffer(&self) -> Result<Box<dyn RingBuffer>> {
        Ok(Box::new(RecordedRing {
            inner: self.inner.open_ring_buffer()?,
            map: self.inner.info().name.clone(),
            tape: self.tape.clone(),
            told: 0,
        }))
    }

    fn open_perf_buffer(&self, pages_per_cpu: u32) -> Result<Box<dyn PerfBuffer>> {
        Ok(Box::new(RecordedPerf {
            inner: self.inner.open_perf_buffer(pages_per_cpu)?,
            map: self.inner.info().name.clone(),
            tape: self.tape.clone(),
        }))
    }

    fn open_user_ring_buffer(&self) -> Result<Box<dyn UserRingBuffer>> {
        self.inner.open_user_ring_buffer()
    }

    /// Of the map behind it: the kernel recognises its own.
    fn as_any(&self) -> &dyn Any {
        self.inner.as_any()
    }
}

#[derive(Debug)]
struct RecordedRing {
    inner: Box<dyn RingBuffer>,
    map: String,
    tape: Tape,
    /// Bytes of the last batch, all of which were told; those that are not consumed come again.
    told: usize,
}

impl RingBuffer for RecordedRing {
    fn batch(&mut self, consumed: usize, bytes_max: usize) -> Result<&[u8]> {
        let batch = self.inner.batch(consumed, bytes_max)?;
        let told = self.told.saturating_sub(consumed);
        let mut start = 0;
        for record in Records::new(batch) {
            let payload = record.payload;
            if start >= told && !record.discarded {
                let map = &self.map;
                self.tape.record(Recorded::Ring { map, payload });
            }
            start += record_bytes(payload.len());
        }
        self.told = told.max(batch.len());
        Ok(batch)
    }

    fn ready(&mut self) -> BoxFuture<'_, ()> {
        self.inner.ready()
    }

    fn gather(&mut self, waited: Duration) {
        self.inner.gather(waited);
    }

    fn available(&self) -> u64 {
        self.inner.available()
    }

    fn take_lost(&mut self) -> u64 {
        self.inner.take_lost()
    }
}

#[derive(Debug)]
struct RecordedPerf {
    inner: Box<dyn PerfBuffer>,
    map: String,
    tape: Tape,
}

impl PerfBuffer for RecordedPerf {
    fn take(&mut self, taken: &mut Vec<u8>, bytes_max: usize) -> Result<u64> {
        let before = taken.len();
        let count = self.inner.take(taken, bytes_max)?;
        let map = &self.map;
        if count > 0 {
            self.tape.record(Recorded::Lost { map, count });
        }
        for record in Records::new(&taken[before..]) {
            self.tape.record(Recorded::Perf {
                map,
                cpu: record.auxiliary,
                payload: record.payload,
            });
        }
        Ok(count)
    }

    fn ready(&mut self) -> BoxFuture<'_, ()> {
        self.inner.ready()
    }
}

#[cfg(test)]
mod tests {
    use eunomia_host_abi::fake::{FakeKernel, FakeObject};
    use eunomia_host_abi::kernel::map_type;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<String>>>);

    impl Recorder for Lines {
        fn record(&mut self, _at: Duration, event: Recorded<'_>) {
            self.0.lock().unwrap().push(format!("{event:?}"));
        }
    }

    fn map(name: &str, map_type: u32) -> MapInfo {
        let (key_size, value_size) = match map_type {
            map_type::HASH => (1, 1),
            _ => (0, 0),
        };
        MapInfo {
            name: name.into(),
            map_type,
            key_size,
            value_size,
            user_value_size: value_size,
            max_entries: 4096,
            ..MapInfo::default()
        }
    }

    fn loaded() -> (FakeKernel, Box<dyn Object>, Lines) {
        let fake = FakeKernel::new();
        let object = FakeObject::builder()
            .map(map("events", map_type::RINGBUF))
            .map(map("counts", map_type::HASH));
        fake.register("tool", object.build());
        let lines = Lines::default();
        let kernel = RecordingKernel::new(Arc::new(fake.clone()), Box::new(lines.clone()));
        let mut object = kernel.open_object("tool", &[]).unwrap();
        object.load().unwrap();
        (fake, object, lines)
    }

    #[test]
    fn a_record_is_told_once_however_often_it_is_read() {
        let (fake, object, lines) = loaded();
        let mut ring = object.map("events").unwrap().open_ring_buffer().unwrap();
        for byte in 1..4 {
            fake.ring("events").unwrap().push(&[byte]);
        }
        let first = ring.batch(0, 16).unwrap().len();
        assert_eq!(ring.batch(0, 4096).unwrap().len(), 3 * first);
        assert_eq!(ring.batch(first, 4096).unwrap().len(), 2 * first);
        fake.ring("events").unwrap().push(&[4]);
        assert_eq!(ring.batch(0, 4096).unwrap().len(), 3 * first);
        let lines = lines.0.lock().unwrap();
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert!(lines[3].contains("payload: [4]"), "{lines:?}");
    }

    #[test]
    fn values_are_told_when_they_change_or_were_taken_out() {
        let (fake, object, lines) = loaded();
        let counts = object.map("counts").unwrap();
        let set = |value| fake.map("counts").unwrap().set(&[1], &[value]).unwrap();
        set(5);
        for _ in 0..2 {
            assert_eq!(counts.lookup(&[1], 0).unwrap(), Some(vec![5]));
        }
        set(6);
        let mut cursor = Cursor {
            drain: true,
            ..Cursor::default()
        };
        let mut entries = Entries::default();
        assert_eq!(
            counts.next_entries(&mut cursor, &mut entries, 8).unwrap(),
            1
        );
        set(6);
        counts.lookup(&[1], 0).unwrap();
        let lines = lines.0.lock().unwrap();
        assert_eq!(lines.len(), 3, "{lines:?}");
    }
}
