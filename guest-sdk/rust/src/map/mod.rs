//! BPF maps: typed, raw, and before they are loaded.

mod cursor;
mod flags;
mod keyless;
mod open;
mod raw;
mod typed;
mod value;

pub use cursor::{Cursor, Entries, EntriesIter};
pub use flags::UpdateFlags;
pub use open::OpenMap;
pub use raw::{RawCursor, RawEntries, RawMap};
pub use typed::Map;
pub use value::{PerCpu, PerCpuView, Value};

pub use crate::bindings::eunomia::bpf::bpf_map::MapInfo;
use crate::error::Result;
use crate::names::{
    MapName, PerCpuMapName, PerfEventArrayName, RingBufferName, UserRingBufferName,
};
use crate::record::Record;

/// A per-CPU map: each value is one [`PerCpu`] with the values of all CPUs.
pub type PerCpuMap<K, V> = Map<K, PerCpu<V>>;

/// What names a map: a constant that was generated from the BPF object, or text.
///
/// It decides as what [`LoadedObject::map`](crate::LoadedObject::map) returns the map: constants
/// with types give a [`Map`], others a [`RawMap`].
pub trait AnyMapName {
    /// The map, once it is loaded.
    type Map;

    /// The name in the BPF object.
    fn map_name(&self) -> &str;

    /// Gives a map its type.
    ///
    /// # Errors
    /// `InvalidArgument` when the sizes of keys or values are not those of the types.
    fn typed(&self, map: RawMap) -> Result<Self::Map>;
}

impl<K: Record, V: Record> AnyMapName for MapName<K, V> {
    type Map = Map<K, V>;

    fn map_name(&self) -> &str {
        self.name()
    }

    fn typed(&self, map: RawMap) -> Result<Map<K, V>> {
        map.typed()
    }
}

impl<K: Record, V: Record> AnyMapName for PerCpuMapName<K, V> {
    type Map = PerCpuMap<K, V>;

    fn map_name(&self) -> &str {
        self.name()
    }

    fn typed(&self, map: RawMap) -> Result<PerCpuMap<K, V>> {
        map.typed()
    }
}

macro_rules! raw_names {
    ($($name:ty),*) => {$(
        impl AnyMapName for $name {
            type Map = RawMap;

            fn map_name(&self) -> &str {
                self.name()
            }

            fn typed(&self, map: RawMap) -> Result<RawMap> {
                Ok(map)
            }
        }
    )*};
}

raw_names!(RingBufferName, PerfEventArrayName, UserRingBufferName);

impl AnyMapName for &str {
    type Map = RawMap;

    fn map_name(&self) -> &str {
        self
    }

    fn typed(&self, map: RawMap) -> Result<RawMap> {
        Ok(map)
    }
}
