//! Maps, as guests reach them.

mod array;
mod handle;
mod hash;
mod inner;
mod lpm;
mod queue;
pub(crate) mod shape;
mod state;
pub(crate) mod table;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::sync::Arc;

pub use handle::MapHandle;
pub(crate) use state::{Contents, MapState};

use crate::error::{Error, ErrorKind, Result};
use crate::fake::errno::Errno;
use crate::fake::journal::Operation;
use crate::fake::kernel::FakeKernel;
use crate::fake::map::shape::{F_MMAPABLE, F_RDONLY, F_WRONLY};
use crate::fake::map::table::{Existence, Table};
use crate::fake::perf::FakePerfBuffer;
use crate::fake::ring::FakeRingBuffer;
use crate::fake::user_ring::FakeUserRingBuffer;
use crate::kernel::{
    Cursor, Entries, Map, MapInfo, PerfBuffer, RingBuffer, UserRingBuffer, map_type,
};

/// A handle to a map, as a guest has it.
#[derive(Debug)]
pub(crate) struct FakeMap {
    kernel: FakeKernel,
    state: Arc<MapState>,
}

/// `BPF_F_LOCK`.
const F_LOCK: u64 = 4;

impl FakeMap {
    pub(crate) fn new(kernel: FakeKernel, state: Arc<MapState>) -> Self {
        Self { kernel, state }
    }

    pub(crate) fn state(&self) -> &Arc<MapState> {
        &self.state
    }

    fn enter(&self, operation: Operation) -> Result<()> {
        self.kernel.enter(operation, &self.state.info.name)
    }

    fn may_read(&self, what: &str) -> Result<()> {
        if self.state.info.map_flags & F_WRONLY != 0 {
            return Err(self.refused(what, "it is write-only for user space"));
        }
        Ok(())
    }

    fn may_write(&self, what: &str) -> Result<()> {
        if self.state.info.map_flags & F_RDONLY != 0 {
            return Err(self.refused(what, "it is read-only for user space"));
        }
        if self.state.is_frozen() {
            return Err(self.refused(what, "it is frozen"));
        }
        Ok(())
    }

    fn refused(&self, what: &str, why: &str) -> Error {
        self.state.explain(what, Errno::Perm.error(why))
    }

    fn check_lock(&self, what: &str, flags: u64) -> Result<()> {
        if flags & F_LOCK != 0 && !self.state.has_lock {
            let error = Errno::Invalid.error("BPF_F_LOCK: its values have no lock");
            return Err(self.state.explain(what, error));
        }
        Ok(())
    }

    fn check_lookup_flags(&self, what: &str, flags: u64) -> Result<()> {
        if flags & !F_LOCK != 0 {
            let error = Errno::Invalid.error(format!("flags {flags:#x}: unknown to lookups"));
            return Err(self.state.explain(what, error));
        }
        self.check_lock(what, flags)
    }

    fn with_table<T>(
        &self,
        what: &str,
        run: impl FnOnce(&mut dyn Table) -> Result<T>,
    ) -> Result<T> {
        let mut table = self.state.table(what)?.lock();
        run(table.as_mut()).map_err(|error| self.state.explain(what, error))
    }

    fn with_memory<T>(
        &self,
        what: &str,
        offset: u64,
        length: usize,
        run: impl FnOnce(&mut [u8]) -> T,
    ) -> Result<T> {
        if self.state.info.map_flags & F_MMAPABLE == 0 {
            return Err(self.state.not_supported(what));
        }
        self.with_table(what, |table| {
            let memory = table.memory().unwrap_or_default();
            let bytes = memory.len();
            let place = usize::try_from(offset)
                .ok()
                .and_then(|start| memory.get_mut(start..start.checked_add(length)?));
            place.map(run).ok_or_else(|| {
                Error::new(
                    ErrorKind::InvalidArgument,
                    format!("{length} bytes at {offset}: its memory has {bytes}"),
                )
            })
        })
    }

    fn is_walkable(&self, drain: bool) -> bool {
        use map_type::*;
        match self.state.info.map_type {
            HASH | PERCPU_HASH | LRU_HASH | LRU_PERCPU_HASH => true,
            QUEUE | STACK => drain,
            ARRAY | PERCPU_ARRAY | LPM_TRIE | STACK_TRACE => !drain,
            _ => false,
        }
    }
}

impl Map for FakeMap {
    fn info(&self) -> &MapInfo {
        self.state.current_info()
    }

    fn lookup(&self, key: &[u8], flags: u64) -> Result<Option<Vec<u8>>> {
        const WHAT: &str = "look up in";
        self.enter(Operation::Lookup)?;
        self.state.table(WHAT)?;
        self.state.check_key(WHAT, key)?;
        self.check_lookup_flags(WHAT, flags)?;
        self.may_read(WHAT)?;
        self.with_table(WHAT, |table| table.lookup(key))
    }

    fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<()> {
        const WHAT: &str = "update";
        self.enter(Operation::Update)?;
        self.state.table(WHAT)?;
        self.state.check_key(WHAT, key)?;
        self.state.check_value(WHAT, value)?;
        self.check_lock(WHAT, flags)?;
        self.may_write(WHAT)?;
        if self.state.info.map_type == map_type::STACK_TRACE {
            let error = Errno::Invalid.error("only programs write stack traces");
            return Err(self.state.explain(WHAT, error));
        }
        self.with_table(WHAT, |table| {
            table.update(key, value, Existence::from_flags(flags)?)
        })
    }

    fn delete(&self, key: &[u8]) -> Result<bool> {
        const WHAT: &str = "delete from";
        self.enter(Operation::Delete)?;
        self.state.check_key(WHAT, key)?;
        self.may_write(WHAT)?;
        match self.state.delete_slot(key) {
            Some(removed) => removed,
            None => self.with_table(WHAT, |table| table.delete(key)),
        }
    }

    fn lookup_and_delete(&self, key: &[u8], flags: u64) -> Result<Option<Vec<u8>>> {
        const WHAT: &str = "take from";
        self.enter(Operation::LookupAndDelete)?;
        self.state.table(WHAT)?;
        self.state.check_key(WHAT, key)?;
        self.check_lookup_flags(WHAT, flags)?;
        self.may_read(WHAT)?;
        self.may_write(WHAT)?;
        self.with_table(WHAT, |table| table.take(key))
    }

    fn next_key(&self, key: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        const WHAT: &str = "find the next key in";
        self.enter(Operation::NextKey)?;
        if let Some(key) = key {
            self.state.check_key(WHAT, key)?;
        }
        self.may_read(WHAT)?;
        if let Some(next) = self.state.next_slot(key) {
            return Ok(next);
        }
        self.with_table(WHAT, |table| {
            // As in the kernel, a key that is gone starts again.
            table.key_after(key.filter(|key| table.contains(key)))
        })
    }

    fn next_entries(
        &self,
        cursor: &mut Cursor,
        entries: &mut Entries,
        entries_max: u32,
    ) -> Result<u32> {
        let what = if cursor.drain { "drain" } else { "walk over" };
        self.enter(Operation::NextEntries)?;
        if !self.is_walkable(cursor.drain) {
            return Err(self.state.not_supported(what));
        }
        self.may_read(what)?;
        if cursor.drain {
            self.may_write(what)?;
        }
        let mut count = 0;
        while count < entries_max && !cursor.done {
            let has_more = self.with_table(what, |table| step(table, cursor, entries))?;
            if has_more {
                count += 1;
            } else {
                cursor.done = true;
            }
        }
        Ok(count)
    }

    fn update_batch(&self, keys: &[u8], values: &[u8], flags: u64) -> Result<u32> {
        const WHAT: &str = "update";
        self.enter(Operation::UpdateBatch)?;
        self.state.table(WHAT)?;
        self.may_write(WHAT)?;
        let existence = Existence::from_flags(flags)?;
        let keys = self.split(WHAT, keys, self.state.info.key_size)?;
        let values = self.split(WHAT, values, self.state.info.user_value_size)?;
        if keys.len() != values.len() {
            let message = format!("{} keys and {} values", keys.len(), values.len());
            let error = Error::new(ErrorKind::InvalidArgument, message);
            return Err(self.state.explain(WHAT, error));
        }
        let mut count = 0;
        for (key, value) in keys.into_iter().zip(values) {
            let updated = self.with_table(WHAT, |table| table.update(key, value, existence));
            if updated.is_err() {
                break;
            }
            count += 1;
        }
        Ok(count)
    }

    fn delete_batch(&self, keys: &[u8]) -> Result<u32> {
        const WHAT: &str = "delete from";
        self.enter(Operation::DeleteBatch)?;
        self.may_write(WHAT)?;
        let mut count = 0;
        for key in self.split(WHAT, keys, self.state.info.key_size)? {
            count += u32::from(self.with_table(WHAT, |table| table.delete(key))?);
        }
        Ok(count)
    }

    fn lookup_inner(&self, key: &[u8]) -> Result<Option<Arc<dyn Map>>> {
        self.enter(Operation::InnerMap)?;
        let inner = self.state.inner_map(key)?;
        Ok(inner.map(|state| Arc::new(Self::new(self.kernel.clone(), state)) as Arc<dyn Map>))
    }

    fn update_inner(&self, key: &[u8], inner: &dyn Map, flags: u64) -> Result<()> {
        self.enter(Operation::InnerMap)?;
        self.may_write("update")?;
        let inner = inner.as_any().downcast_ref::<Self>().ok_or_else(|| {
            let error = Error::new(ErrorKind::InvalidArgument, "the map is of another kernel");
            self.state.explain("update", error)
        })?;
        self.state
            .set_inner_map(key, &inner.state, Existence::from_flags(flags)?)
    }

    fn create_inner(&self) -> Result<Arc<dyn Map>> {
        self.enter(Operation::InnerMap)?;
        let wanted = self.state.inner.as_deref();
        let wanted = wanted.ok_or_else(|| self.state.not_supported("create a map for"))?;
        let info = MapInfo {
            id: self.kernel.next_id(),
            ..wanted.clone()
        };
        let state = MapState::create(info, None, self.kernel.machine().possible_cpus)?;
        Ok(Arc::new(Self::new(self.kernel.clone(), Arc::new(state))))
    }

    fn read_memory(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        self.enter(Operation::ReadMemory)?;
        self.with_memory("read the memory of", offset, length, |bytes| bytes.to_vec())
    }

    fn write_memory(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        const WHAT: &str = "write the memory of";
        self.enter(Operation::WriteMemory)?;
        self.may_write(WHAT)?;
        self.with_memory(WHAT, offset, bytes.len(), |place| {
            place.copy_from_slice(bytes);
        })
    }

    fn freeze(&self) -> Result<()> {
        const WHAT: &str = "freeze";
        self.enter(Operation::Freeze)?;
        if self.state.info.map_type == map_type::STRUCT_OPS {
            return Err(self.state.not_supported(WHAT));
        }
        if !self.state.freeze() {
            // A frozen map lets nobody write, and freezing asks for leave to write.
            let error = Errno::Perm.error("it is frozen already");
            return Err(self.state.explain(WHAT, error));
        }
        Ok(())
    }

    fn open_ring_buffer(&self) -> Result<Box<dyn RingBuffer>> {
        self.enter(Operation::OpenBuffer)?;
        match &self.state.contents {
            Contents::Ring(ring) if !self.state.is_shared() => {
                let name = &self.state.info.name;
                FakeRingBuffer::open(self.kernel.clone(), name, ring).map(|it| Box::new(it) as _)
            }
            Contents::Ring(_) => Err(Error::new(
                ErrorKind::NotSupported,
                format!(
                    "read ring buffer \"{}\": it is shared by pinning",
                    self.state.info.name
                ),
            )),
            _ => Err(self.state.not_supported("read as a ring buffer the")),
        }
    }

    fn open_perf_buffer(&self, pages_per_cpu: u32) -> Result<Box<dyn PerfBuffer>> {
        self.enter(Operation::OpenBuffer)?;
        let Contents::Perf(rings) = &self.state.contents else {
            return Err(self.state.not_supported("read as a perf event array the"));
        };
        let name = &self.state.info.name;
        let buffer = FakePerfBuffer::open(self.kernel.clone(), name, rings, pages_per_cpu)?;
        Ok(Box::new(buffer))
    }

    fn open_user_ring_buffer(&self) -> Result<Box<dyn UserRingBuffer>> {
        self.enter(Operation::OpenBuffer)?;
        let Contents::UserRing(ring) = &self.state.contents else {
            return Err(self.state.not_supported("write as a user ring buffer the"));
        };
        let name = &self.state.info.name;
        let buffer = FakeUserRingBuffer::open(self.kernel.clone(), name, ring)?;
        Ok(Box::new(buffer))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl FakeMap {
    fn split<'a>(&self, what: &str, bytes: &'a [u8], size: u32) -> Result<Vec<&'a [u8]>> {
        let size = size as usize;
        if size == 0 || !bytes.len().is_multiple_of(size) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "{what} map \"{}\": {} bytes are not whole multiples of {size}",
                    self.state.info.name,
                    bytes.len()
                ),
            ));
        }
        Ok(bytes.chunks_exact(size).collect())
    }
}

/// One step of a walk; false at its end.
fn step(table: &mut dyn Table, cursor: &mut Cursor, entries: &mut Entries) -> Result<bool> {
    if cursor.drain
        && let Some(value) = table.take_next()
    {
        entries.values.extend_from_slice(&value);
        return Ok(true);
    }
    if cursor.drain && table.len() == 0 {
        return Ok(false);
    }
    let Some(key) = table.key_after(cursor.position.as_deref())? else {
        return Ok(false);
    };
    let value = if cursor.drain {
        table.take(&key)?
    } else {
        table.lookup(&key)?
    };
    entries.keys.extend_from_slice(&key);
    entries.values.extend_from_slice(&value.unwrap_or_default());
    cursor.position = Some(key);
    Ok(true)
}
