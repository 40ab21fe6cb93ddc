use std::fmt;
use std::marker::PhantomData;

use crate::error::{Error, ErrorCode, Result};
use crate::map::{Cursor, MapInfo, RawMap, UpdateFlags, Value};
use crate::record::{self, Record};

/// Bytes of keys or values that one call of the host gets; it takes 1 MiB.
const CALL_BYTES: usize = 256 << 10;

/// Entries that were given, and that the host has set.
#[derive(Default)]
struct Total {
    given: u32,
    done: u32,
}

impl Total {
    fn is_behind(&self) -> bool {
        self.done < self.given
    }
}

/// A loaded map with keys `K` and values `V`. Dropping it closes the handle.
///
/// ```no_run
/// # use eunomia_bpf::map::UpdateFlags;
/// # use eunomia_bpf::{LoadedObject, MapName, Result};
/// # fn count(object: &LoadedObject) -> Result<()> {
/// # const COUNTS: MapName<u32, u64> = MapName::new("counts");
/// let counts = object.map(COUNTS)?;
/// counts.update(&1, &0, UpdateFlags::ANY)?;
/// for entry in counts.iterate()? {
///     let (pid, count) = entry?;
///     println!("{pid} {count}");
/// }
/// # Ok(())
/// # }
/// ```
///
/// Values of per-CPU maps are [`PerCpu`](crate::map::PerCpu). Queues, stacks and bloom filters have
/// the key `()`, and functions of their own.
pub struct Map<K, V> {
    raw: RawMap,
    types: PhantomData<fn(K) -> V>,
}

impl<K, V> Map<K, V> {
    pub(super) fn new(raw: RawMap) -> Self {
        Self {
            raw,
            types: PhantomData,
        }
    }

    /// The map as bytes.
    pub fn raw(&self) -> &RawMap {
        &self.raw
    }

    /// Name, type and sizes.
    pub fn info(&self) -> MapInfo {
        self.raw.info()
    }
}

impl<K: Record, V: Value> Map<K, V> {
    /// The value of a key, or none.
    ///
    /// # Errors
    /// The host's.
    pub fn lookup(&self, key: &K) -> Result<Option<V>> {
        let value = record::with_bytes(key, |key| self.raw.lookup(key))?;
        value.map(|value| decode(&value)).transpose()
    }

    /// The same, with the spin lock in the value taken meanwhile (`BPF_F_LOCK`).
    ///
    /// # Errors
    /// The host's.
    pub fn lookup_locked(&self, key: &K) -> Result<Option<V>> {
        let value = record::with_bytes(key, |key| self.raw.lookup_locked(key))?;
        value.map(|value| decode(&value)).transpose()
    }

    /// Set the value of a key.
    ///
    /// # Errors
    /// `LimitExceeded` when the map is full; `AlreadyExists` and `NotFound` by the flags.
    pub fn update(&self, key: &K, value: &V, flags: UpdateFlags) -> Result<()> {
        let mut bytes = Vec::with_capacity(V::BYTES);
        value.encode(&mut bytes);
        record::with_bytes(key, |key| self.raw.update(key, &bytes, flags))
    }

    /// Remove a key; true if it was there.
    ///
    /// # Errors
    /// `InvalidArgument` for arrays, which keep their keys.
    pub fn delete(&self, key: &K) -> Result<bool> {
        record::with_bytes(key, |key| self.raw.delete(key))
    }

    /// Take a value out in one step.
    ///
    /// # Errors
    /// The host's.
    pub fn lookup_and_delete(&self, key: &K) -> Result<Option<V>> {
        let value = record::with_bytes(key, |key| self.raw.lookup_and_delete(key))?;
        value.map(|value| decode(&value)).transpose()
    }

    /// Walk over all entries, many with each call of the host. Entries that the BPF program
    /// inserts or deletes meanwhile may be missed or, in hash maps, met twice.
    ///
    /// # Errors
    /// `NotSupported` for kinds of map that cannot be walked.
    pub fn iterate(&self) -> Result<Cursor<K, V>> {
        Ok(Cursor::new(self.raw.iterate()?))
    }

    /// Walk over all entries and remove them. Dropping the cursor before the end may lose some.
    ///
    /// # Errors
    /// `NotSupported` for kinds of map that cannot be drained: arrays, for example.
    pub fn drain(&self) -> Result<Cursor<K, V>> {
        Ok(Cursor::new(self.raw.drain()?))
    }

    /// Set many entries. Returns how many were set: fewer than given when the next one failed; say
    /// [`Map::update`] with it to hear why.
    ///
    /// # Errors
    /// The host's.
    pub fn update_batch<'a>(
        &self,
        entries: impl IntoIterator<Item = (&'a K, &'a V)>,
        flags: UpdateFlags,
    ) -> Result<u32>
    where
        V: 'a,
    {
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let mut total = Total::default();
        for (key, value) in entries {
            key.encode(&mut keys);
            value.encode(&mut values);
            total.given += 1;
            if keys.len().max(values.len()) >= CALL_BYTES {
                total.done += self.raw.update_batch(&keys, &values, flags)?;
                if total.is_behind() {
                    return Ok(total.done);
                }
                keys.clear();
                values.clear();
            }
        }
        if total.is_behind() {
            total.done += self.raw.update_batch(&keys, &values, flags)?;
        }
        Ok(total.done)
    }

    /// Remove many keys; returns how many were there.
    ///
    /// # Errors
    /// The host's.
    pub fn delete_batch<'a>(&self, keys: impl IntoIterator<Item = &'a K>) -> Result<u32> {
        let mut bytes = Vec::new();
        let mut removed = 0;
        for key in keys {
            key.encode(&mut bytes);
            if bytes.len() >= CALL_BYTES {
                removed += self.raw.delete_batch(&bytes)?;
                bytes.clear();
            }
        }
        if !bytes.is_empty() {
            removed += self.raw.delete_batch(&bytes)?;
        }
        Ok(removed)
    }

    /// The map in a slot of a map of maps, or none.
    ///
    /// # Errors
    /// `NotSupported` when this is no map of maps.
    pub fn lookup_inner(&self, key: &K) -> Result<Option<RawMap>> {
        record::with_bytes(key, |key| self.raw.lookup_inner(key))
    }

    /// Put a map into a slot of a map of maps.
    ///
    /// # Errors
    /// The host's.
    pub fn update_inner(
        &self,
        key: &K,
        inner: impl AsRef<RawMap>,
        flags: UpdateFlags,
    ) -> Result<()> {
        record::with_bytes(key, |key| self.raw.update_inner(key, inner, flags))
    }
}

impl<K, V> AsRef<RawMap> for Map<K, V> {
    fn as_ref(&self) -> &RawMap {
        &self.raw
    }
}

impl<K, V> fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Map").field(&self.raw).finish()
    }
}

pub(super) fn decode<V: Value>(bytes: &[u8]) -> Result<V> {
    V::decode(bytes).ok_or_else(|| too_short(bytes.len(), V::BYTES))
}

/// The sizes were compared when the map got its types, so this is a fault of the host.
#[cold]
pub(super) fn too_short(bytes: usize, type_bytes: usize) -> Error {
    Error::new(
        ErrorCode::Other,
        format!("the host returned {bytes} bytes for a map value or key of {type_bytes}"),
    )
}
