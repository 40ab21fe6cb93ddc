//! A created map: what it holds, shared by all handles to it.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::error::{Error, ErrorKind, Result};
use crate::fake::errno::Errno;
use crate::fake::map::array::ArrayTable;
use crate::fake::map::hash::{HashTable, WhenFull};
use crate::fake::map::lpm::LpmTable;
use crate::fake::map::queue::{BloomTable, QueueOrder, QueueTable};
use crate::fake::map::shape::{self, F_INNER_MAP};
use crate::fake::map::table::Table;
use crate::fake::perf::PerfRings;
use crate::fake::ring::Ring;
use crate::fake::shared::Shared;
use crate::fake::user_ring::UserRing;
use crate::kernel::{MapInfo, map_type};

/// A map of the fake kernel.
#[derive(Debug)]
pub(crate) struct MapState {
    pub(crate) info: MapInfo,
    /// The same, once it is frozen.
    frozen_info: OnceLock<MapInfo>,
    /// What maps in the slots of a map of maps look like.
    pub(crate) inner: Option<Box<MapInfo>>,
    pub(crate) contents: Contents,
    /// The value has a `struct bpf_spin_lock`.
    pub(crate) has_lock: bool,
}

/// What a map holds, by how it is reached.
#[derive(Debug)]
pub(crate) enum Contents {
    Table(Shared<Box<dyn Table>>),
    /// Maps by key, of a map of maps.
    Inner(Shared<BTreeMap<Vec<u8>, Arc<MapState>>>),
    /// Names of programs by index, of a program array.
    Programs(Shared<BTreeMap<u32, String>>),
    Ring(Arc<Shared<Ring>>),
    Perf(Arc<Shared<PerfRings>>),
    UserRing(Arc<Shared<UserRing>>),
    /// Of a type that is declared and loaded but not reached from user space.
    Opaque,
}

impl MapState {
    /// Creates a map as `info` wants it, adjusted. Its id stays the caller's to set.
    pub(crate) fn create(mut info: MapInfo, inner: Option<&MapInfo>, cpus: u32) -> Result<Self> {
        shape::adjust(&mut info, cpus);
        shape::check(&info)?;
        let contents = contents(&info, cpus);
        if matches!(contents, Contents::Inner(_)) && inner.is_none() {
            return Err(Errno::Invalid.error(format!(
                "create map \"{}\": it declares no map for its slots",
                info.name
            )));
        }
        let inner = inner.map(|inner| {
            let mut inner = inner.clone();
            shape::adjust(&mut inner, cpus);
            Box::new(inner)
        });
        Ok(Self {
            info,
            frozen_info: OnceLock::new(),
            inner,
            contents,
            has_lock: false,
        })
    }

    pub(crate) fn current_info(&self) -> &MapInfo {
        self.frozen_info.get().unwrap_or(&self.info)
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen_info.get().is_some()
    }

    /// False when it was frozen already.
    pub(crate) fn freeze(&self) -> bool {
        let info = MapInfo {
            frozen: true,
            ..self.info.clone()
        };
        self.frozen_info.set(info).is_ok()
    }

    /// Whether other instances reach it by its name, so that it cannot have the one reader.
    pub(crate) fn is_shared(&self) -> bool {
        self.info.pin_name.is_some()
    }

    pub(crate) fn table(&self, what: &str) -> Result<&Shared<Box<dyn Table>>> {
        match &self.contents {
            Contents::Table(table) => Ok(table),
            _ => Err(self.not_supported(what)),
        }
    }

    pub(crate) fn not_supported(&self, what: &str) -> Error {
        Error::new(
            ErrorKind::NotSupported,
            format!(
                "{what} map \"{}\": not possible for maps of type {}",
                self.info.name, self.info.type_name
            ),
        )
    }

    /// The same error, saying what was done to which map.
    pub(crate) fn explain(&self, what: &str, error: Error) -> Error {
        let message = format!("{what} map \"{}\": {error}", self.info.name);
        match i32::try_from(error.errno()) {
            Ok(errno) if errno > 0 => Error::from_errno(errno, message).with_kind(error.kind()),
            _ => Error::new(error.kind(), message),
        }
    }

    pub(crate) fn check_key(&self, what: &str, key: &[u8]) -> Result<()> {
        // A bloom filter is asked for what others call a value.
        let expected = if self.info.map_type == map_type::BLOOM_FILTER && what == "look up in" {
            self.info.value_size
        } else {
            self.info.key_size
        };
        self.check_bytes(what, "key", key, expected)
    }

    pub(crate) fn check_value(&self, what: &str, value: &[u8]) -> Result<()> {
        self.check_bytes(what, "value", value, self.info.user_value_size)
    }

    fn check_bytes(&self, what: &str, part: &str, bytes: &[u8], expected: u32) -> Result<()> {
        if bytes.len() == expected as usize {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::InvalidArgument,
            format!(
                "{what} map \"{}\": a {part} of {} bytes, not {expected}",
                self.info.name,
                bytes.len()
            ),
        ))
    }

    /// Whether an object that declares `wanted` can use it (`map_is_reuse_compat` of libbpf).
    pub(crate) fn has_shape_of(&self, wanted: &MapInfo) -> bool {
        self.info.map_type == wanted.map_type
            && self.info.key_size == wanted.key_size
            && self.info.value_size == wanted.value_size
            && self.info.max_entries == wanted.max_entries
            && self.info.map_flags == wanted.map_flags
            && self.info.map_extra == wanted.map_extra
    }

    /// Whether it may go into a slot that wants maps like `wanted` (`bpf_map_meta_equal`).
    pub(crate) fn fits_slot(&self, wanted: &MapInfo) -> bool {
        let is_array = matches!(wanted.map_type, map_type::ARRAY);
        let any_length = !is_array || wanted.map_flags & F_INNER_MAP != 0;
        self.info.map_type == wanted.map_type
            && self.info.key_size == wanted.key_size
            && self.info.value_size == wanted.value_size
            && self.info.map_flags == wanted.map_flags
            && (any_length || self.info.max_entries == wanted.max_entries)
    }
}

fn contents(info: &MapInfo, cpus: u32) -> Contents {
    use map_type::*;
    let entries_max = info.max_entries;
    let table: Box<dyn Table> = match info.map_type {
        HASH | PERCPU_HASH | STACK_TRACE => Box::new(HashTable::new(entries_max, WhenFull::Refuse)),
        LRU_HASH | LRU_PERCPU_HASH => Box::new(HashTable::new(entries_max, WhenFull::Forget)),
        ARRAY | PERCPU_ARRAY => Box::new(ArrayTable::new(entries_max, info.user_value_size)),
        LPM_TRIE => Box::new(LpmTable::new(entries_max, info.key_size)),
        QUEUE => Box::new(QueueTable::new(entries_max, QueueOrder::OldestFirst)),
        STACK => Box::new(QueueTable::new(entries_max, QueueOrder::YoungestFirst)),
        BLOOM_FILTER => Box::new(BloomTable::default()),
        ARRAY_OF_MAPS | HASH_OF_MAPS => return Contents::Inner(Shared::default()),
        PROG_ARRAY => return Contents::Programs(Shared::default()),
        RINGBUF => return Contents::Ring(Arc::new(Shared::new(Ring::new(entries_max)))),
        PERF_EVENT_ARRAY => {
            return Contents::Perf(Arc::new(Shared::new(PerfRings::new(entries_max.min(cpus)))));
        }
        USER_RINGBUF => {
            return Contents::UserRing(Arc::new(Shared::new(UserRing::new(entries_max))));
        }
        _ => return Contents::Opaque,
    };
    Contents::Table(Shared::new(table))
}
