//! Maps as bytes.

use crate::bindings::eunomia::bpf::bpf_map::{self as host, MapInfo};
use crate::error::{Error, ErrorCode, Result};
use crate::map::{Map, UpdateFlags, Value};
use crate::record::Record;

pub use host::Entries as RawEntries;

/// A loaded map whose keys and values are bytes, in the layout that `wit/bpf-map.wit` describes.
/// Dropping it closes the handle.
///
/// A key or value of the wrong length fails with `InvalidArgument`. Queues, stacks and bloom
/// filters have empty keys.
#[derive(Debug)]
pub struct RawMap {
    handle: host::BpfMap,
}

impl RawMap {
    pub(crate) fn new(handle: host::BpfMap) -> Self {
        Self { handle }
    }

    pub(crate) fn handle(&self) -> &host::BpfMap {
        &self.handle
    }

    /// The same map with types for keys and values.
    ///
    /// # Errors
    /// `InvalidArgument` when the sizes of keys or values are not those of the types.
    pub fn typed<K: Record, V: Value>(self) -> Result<Map<K, V>> {
        let info = self.info();
        for (what, bytes, type_bytes) in [
            ("key", info.key_size as usize, K::SIZE),
            ("value", info.value_size as usize, V::BYTES),
        ] {
            if bytes != type_bytes {
                return Err(Error::new(
                    ErrorCode::InvalidArgument,
                    format!(
                        "use map \"{}\": its {what} has {bytes} bytes, \
                         the guest's type {type_bytes}",
                        info.name
                    ),
                ));
            }
        }
        Ok(Map::new(self))
    }

    /// Name, type and sizes.
    pub fn info(&self) -> MapInfo {
        self.handle.info()
    }

    /// The value of a key, or none.
    ///
    /// # Errors
    /// The host's.
    pub fn lookup(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.handle.lookup(key, UpdateFlags::ANY.bits())?)
    }

    /// The same, with the spin lock in the value taken meanwhile (`BPF_F_LOCK`).
    ///
    /// # Errors
    /// The host's.
    pub fn lookup_locked(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.handle.lookup(key, UpdateFlags::LOCK.bits())?)
    }

    /// The key after `key`, or the first one; none at the end. Where the map can be walked
    /// [`RawMap::iterate`] is faster, and safe from keys that vanish.
    ///
    /// # Errors
    /// The host's.
    pub fn next_key(&self, key: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        Ok(self.handle.next_key(key)?)
    }

    /// Set the value of a key.
    ///
    /// # Errors
    /// `LimitExceeded` when the map is full; `AlreadyExists` and `NotFound` by the flags.
    pub fn update(&self, key: &[u8], value: &[u8], flags: UpdateFlags) -> Result<()> {
        Ok(self.handle.update(key, value, flags.bits())?)
    }

    /// Remove a key; true if it was there.
    ///
    /// # Errors
    /// `InvalidArgument` for arrays, which keep their keys.
    pub fn delete(&self, key: &[u8]) -> Result<bool> {
        Ok(self.handle.delete(key)?)
    }

    /// Take a value out in one step.
    ///
    /// # Errors
    /// The host's.
    pub fn lookup_and_delete(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self
            .handle
            .lookup_and_delete(key, UpdateFlags::ANY.bits())?)
    }

    /// Walk over all entries.
    ///
    /// # Errors
    /// `NotSupported` for kinds of map that cannot be walked.
    pub fn iterate(&self) -> Result<RawCursor> {
        Ok(RawCursor(self.handle.iterate()?))
    }

    /// Walk over all entries and remove them. Dropping the cursor before the end may lose some.
    ///
    /// # Errors
    /// `NotSupported` for kinds of map that cannot be drained.
    pub fn drain(&self) -> Result<RawCursor> {
        Ok(RawCursor(self.handle.drain()?))
    }

    /// Set many entries, laid end to end, of at most 1 MiB; returns how many were set.
    ///
    /// # Errors
    /// The host's.
    pub fn update_batch(&self, keys: &[u8], values: &[u8], flags: UpdateFlags) -> Result<u32> {
        Ok(self.handle.update_batch(keys, values, flags.bits())?)
    }

    /// Remove many keys, laid end to end, of at most 1 MiB; returns how many were there.
    ///
    /// # Errors
    /// The host's.
    pub fn delete_batch(&self, keys: &[u8]) -> Result<u32> {
        Ok(self.handle.delete_batch(keys)?)
    }

    /// The map in a slot of a map of maps, or none.
    ///
    /// # Errors
    /// `NotSupported` when this is no map of maps.
    pub fn lookup_inner(&self, key: &[u8]) -> Result<Option<RawMap>> {
        Ok(self.handle.lookup_inner(key)?.map(RawMap::new))
    }

    /// Put a map into a slot of a map of maps.
    ///
    /// # Errors
    /// The host's.
    pub fn update_inner(
        &self,
        key: &[u8],
        inner: impl AsRef<RawMap>,
        flags: UpdateFlags,
    ) -> Result<()> {
        let inner = &inner.as_ref().handle;
        Ok(self.handle.update_inner(key, inner, flags.bits())?)
    }

    /// A new map in the shape that this map of maps declares for its slots.
    ///
    /// # Errors
    /// `NotSupported` when it declares none.
    pub fn create_inner(&self) -> Result<RawMap> {
        Ok(RawMap::new(self.handle.create_inner()?))
    }

    /// Read the memory of an array that is mapped into the host, at most 1 MiB, without a system
    /// call.
    ///
    /// # Errors
    /// `NotSupported` for other maps, `InvalidArgument` outside of the memory.
    pub fn read_memory(&self, offset: u64, bytes: u32) -> Result<Vec<u8>> {
        Ok(self.handle.read_memory(offset, bytes)?)
    }

    /// Write to the memory of such an array.
    ///
    /// # Errors
    /// As [`RawMap::read_memory`].
    pub fn write_memory(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        Ok(self.handle.write_memory(offset, bytes)?)
    }

    /// Forbid further changes from user space, for good.
    ///
    /// # Errors
    /// The host's.
    pub fn freeze(&self) -> Result<()> {
        Ok(self.handle.freeze()?)
    }
}

impl AsRef<RawMap> for RawMap {
    fn as_ref(&self) -> &RawMap {
        self
    }
}

/// A walk over a [`RawMap`].
#[derive(Debug)]
pub struct RawCursor(host::Cursor);

impl RawCursor {
    /// Further entries; none at the end. `entries_max` 0: as many as fit into 1 MiB.
    ///
    /// # Errors
    /// The host's.
    pub fn next_entries(&mut self, entries_max: u32) -> Result<Option<RawEntries>> {
        let entries = self.0.next(entries_max)?;
        Ok((entries.count > 0).then_some(entries))
    }
}
