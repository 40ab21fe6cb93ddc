//! A loaded map.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use eunomia_host_abi::kernel::{
    Cursor, Entries, Map, MapInfo, PerfBuffer, RingBuffer as RingBufferTrait, UserRingBuffer,
    map_type,
};
use eunomia_host_abi::{Error, ErrorKind, Result};

use super::event_buffer;
use super::failure::from_io;
use super::inner_map::InnerTemplate;
use super::map_fd::MapFd;
use super::map_kind;
use super::memory::Memory;
use super::perf_buffer;
use super::readers::Reservation;
use super::ring_buffer;
use super::user_ring_buffer;
use super::walk;

/// See the trait's documentation.
#[derive(Debug)]
pub(super) struct LibbpfMap {
    info: MapInfo,
    /// The same, once this process has frozen it.
    frozen: OnceLock<MapInfo>,
    fd: MapFd,
    possible_cpus: u32,
    /// Mapped by the first access, then kept.
    memory: Mutex<Option<Memory>>,
    inner: Option<InnerTemplate>,
    /// It is a perf event array in the place of a ring buffer, of this many bytes.
    ring_bytes: Option<usize>,
}

impl LibbpfMap {
    /// `declared`: what the object says of it, from which names and types are taken; sizes are the
    /// kernel's.
    pub(super) fn new(
        fd: OwnedFd,
        declared: MapInfo,
        inner: Option<InnerTemplate>,
        possible_cpus: u32,
    ) -> Result<Self> {
        let name = declared.name.clone();
        let fd = MapFd::new(fd, possible_cpus)
            .map_err(|error| from_io(&error, format!("ask the kernel about map `{name}`")))?;
        Ok(Self {
            info: described(declared, &fd),
            frozen: OnceLock::new(),
            fd,
            possible_cpus,
            memory: Mutex::new(None),
            inner,
            ring_bytes: None,
        })
    }

    /// The same map, which is what it stands for to all who ask.
    pub(super) fn in_place_of(mut self, ring: Option<MapInfo>) -> Self {
        if let Some(ring) = ring {
            self.ring_bytes = Some(ring.max_entries as usize);
            self.info = MapInfo {
                id: self.info.id,
                ..ring
            };
        }
        self
    }

    /// The map with an id of the kernel's, found in `outer`.
    fn from_id(id: u32, outer: &Self) -> Result<Self> {
        let name = format!("{}[]", outer.info.name);
        let fd = MapFd::from_id(id, outer.possible_cpus)
            .map_err(|error| from_io(&error, format!("open map {id} in `{}`", outer.info.name)))?;
        let (key_type_id, value_type_id) =
            outer.inner.as_ref().map_or((0, 0), InnerTemplate::type_ids);
        let declared = MapInfo {
            name,
            type_name: super::raw::map_type_name(fd.shape().map_type),
            key_type_id,
            value_type_id,
            // Others may hold it, too.
            pin_name: outer.info.pin_name.clone(),
            ..MapInfo::default()
        };
        Ok(Self {
            info: described(declared, &fd),
            frozen: OnceLock::new(),
            fd,
            possible_cpus: outer.possible_cpus,
            memory: Mutex::new(None),
            inner: None,
            ring_bytes: None,
        })
    }

    pub(super) fn fd(&self) -> &MapFd {
        &self.fd
    }

    pub(super) fn name(&self) -> &str {
        &self.info.name
    }

    fn failed(&self, error: &std::io::Error, operation: &str) -> Error {
        from_io(error, format!("{operation} map `{}`", self.info.name))
    }

    fn check_key(&self, key: &[u8]) -> Result<()> {
        self.check_size("key", key.len(), self.fd.shape().key_size)
    }

    fn check_value(&self, value: &[u8]) -> Result<()> {
        self.check_size("value", value.len(), self.fd.shape().user_value_size)
    }

    fn check_size(&self, what: &str, given: usize, expected: usize) -> Result<()> {
        if given == expected {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::InvalidArgument,
            format!(
                "{what} of map `{}`: {given} bytes were given, it has {expected}",
                self.info.name
            ),
        ))
    }

    fn check_kind(&self, operation: &str, allowed: bool) -> Result<()> {
        if allowed {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::NotSupported,
            format!(
                "{operation} map `{}`: maps of type {} do not allow that",
                self.info.name, self.info.type_name
            ),
        ))
    }

    fn check_keys_are_data(&self, operation: &str) -> Result<()> {
        let map_type = self.fd.shape().map_type;
        self.check_kind(operation, !map_kind::keys_are_descriptors(map_type))
    }

    fn check_writable(&self, operation: &str, values: &[u8]) -> Result<()> {
        let shape = self.fd.shape();
        self.check_keys_are_data(operation)?;
        self.check_kind(operation, !map_kind::names_descriptors(shape, values))
    }

    /// Bloom filters take the value in the place of the key.
    fn may_contain(&self, value: &[u8]) -> Result<Option<Vec<u8>>> {
        self.check_value(value)?;
        let found = self
            .fd
            .lookup(&[], &mut value.to_vec(), 0)
            .map_err(|error| self.failed(&error, "look up in"))?;
        Ok(found.then(Vec::new))
    }

    fn check_count(&self, keys: &[u8], values: &[u8]) -> Result<usize> {
        let shape = self.fd.shape();
        let whole = |bytes: &[u8], size: usize| match size {
            0 => bytes.is_empty().then_some(0),
            size => bytes.len().is_multiple_of(size).then(|| bytes.len() / size),
        };
        let values_count = whole(values, shape.user_value_size);
        let count = match shape.key_size {
            0 => values_count.filter(|_| keys.is_empty()),
            size => whole(keys, size).filter(|count| Some(*count) == values_count),
        };
        count.ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "batch for map `{}`: {} bytes of keys and {} of values are not as many whole \
                     keys of {} and values of {} bytes",
                    self.info.name,
                    keys.len(),
                    values.len(),
                    shape.key_size,
                    shape.user_value_size
                ),
            )
        })
    }

    fn reservation(&self) -> Result<Reservation> {
        Reservation::new(self.fd.shape().id, &self.info.name)
    }

    /// The id in a slot of a map of maps.
    fn inner_id(&self, key: &[u8]) -> Result<Option<u32>> {
        self.check_kind(
            "look up an inner map of",
            map_kind::is_map_of_maps(self.fd.shape().map_type),
        )?;
        self.check_key(key)?;
        let mut value = [0; 4];
        let found = self
            .fd
            .lookup(key, &mut value, 0)
            .map_err(|error| self.failed(&error, "look up an inner map of"))?;
        Ok(found.then(|| u32::from_ne_bytes(value)))
    }
}

impl AsFd for LibbpfMap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Map for LibbpfMap {
    fn info(&self) -> &MapInfo {
        self.frozen.get().unwrap_or(&self.info)
    }

    fn lookup(&self, key: &[u8], flags: u64) -> Result<Option<Vec<u8>>> {
        if self.fd.shape().map_type == libbpf_sys::BPF_MAP_TYPE_BLOOM_FILTER {
            return self.may_contain(key);
        }
        self.check_keys_are_data("look up in")?;
        self.check_key(key)?;
        let mut value = vec![0; self.fd.shape().user_value_size];
        let found = self
            .fd
            .lookup(key, &mut value, flags)
            .map_err(|error| self.failed(&error, "look up in"))?;
        Ok(found.then_some(value))
    }

    fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<()> {
        self.check_key(key)?;
        self.check_value(value)?;
        self.check_writable("update", value)?;
        self.fd
            .update(key, value, flags)
            .map_err(|error| self.failed(&error, "update"))
    }

    fn delete(&self, key: &[u8]) -> Result<bool> {
        self.check_keys_are_data("delete from")?;
        self.check_key(key)?;
        self.fd
            .delete(key)
            .map_err(|error| self.failed(&error, "delete from"))
    }

    fn lookup_and_delete(&self, key: &[u8], flags: u64) -> Result<Option<Vec<u8>>> {
        self.check_keys_are_data("take from")?;
        self.check_key(key)?;
        walk::take(&self.fd, key, flags).map_err(|error| self.failed(&error, "take from"))
    }

    fn next_key(&self, key: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        self.check_keys_are_data("walk over")?;
        if let Some(key) = key {
            self.check_key(key)?;
        }
        let mut next = vec![0; self.fd.shape().key_size];
        let found = self
            .fd
            .next_key(key, &mut next)
            .map_err(|error| self.failed(&error, "walk over"))?;
        Ok(found.then_some(next))
    }

    fn next_entries(
        &self,
        cursor: &mut Cursor,
        entries: &mut Entries,
        entries_max: u32,
    ) -> Result<u32> {
        let map_type = self.fd.shape().map_type;
        let (operation, allowed) = if cursor.drain {
            ("drain", map_kind::can_be_drained(map_type))
        } else {
            ("walk over", map_kind::can_be_walked(map_type))
        };
        self.check_kind(operation, allowed)?;
        walk::next_entries(&self.fd, cursor, entries, entries_max)
            .map_err(|error| self.failed(&error, operation))
    }

    fn update_batch(&self, keys: &[u8], values: &[u8], flags: u64) -> Result<u32> {
        let count = self.check_count(keys, values)?;
        self.check_writable("update", values)?;
        let (done, outcome) = walk::update_batch(&self.fd, keys, values, count, flags);
        match outcome {
            Err(error) if done == 0 => {
                let error = self.failed(&error, "update");
                match error.kind() {
                    // The first entry's fault, which `update` with it tells.
                    ErrorKind::AlreadyExists | ErrorKind::NotFound | ErrorKind::LimitExceeded => {
                        Ok(0)
                    }
                    _ => Err(error),
                }
            }
            // The caller sees from the number that one failed.
            _ => Ok(done),
        }
    }

    fn delete_batch(&self, keys: &[u8]) -> Result<u32> {
        self.check_keys_are_data("delete from")?;
        let key_size = self.fd.shape().key_size;
        if key_size == 0 || !keys.len().is_multiple_of(key_size) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "batch for map `{}`: {} bytes are not whole keys of {key_size} bytes",
                    self.info.name,
                    keys.len()
                ),
            ));
        }
        walk::delete_batch(&self.fd, keys).map_err(|error| self.failed(&error, "delete from"))
    }

    fn lookup_inner(&self, key: &[u8]) -> Result<Option<Arc<dyn Map>>> {
        let Some(id) = self.inner_id(key)? else {
            return Ok(None);
        };
        Ok(Some(Arc::new(Self::from_id(id, self)?)))
    }

    fn update_inner(&self, key: &[u8], inner: &dyn Map, flags: u64) -> Result<()> {
        self.check_kind(
            "put a map into",
            map_kind::is_map_of_maps(self.fd.shape().map_type),
        )?;
        self.check_key(key)?;
        let inner = of_libbpf(inner)?;
        let fd = map_kind::descriptor_value(inner.fd.as_fd());
        self.fd.update(key, &fd, flags).map_err(|error| {
            from_io(
                &error,
                format!(
                    "put map `{}` into map `{}`",
                    inner.info.name, self.info.name
                ),
            )
        })
    }

    fn create_inner(&self) -> Result<Arc<dyn Map>> {
        let Some(template) = &self.inner else {
            return Err(Error::new(
                ErrorKind::NotSupported,
                format!(
                    "create an inner map for `{}`: it declares no shape for its slots",
                    self.info.name
                ),
            ));
        };
        let (fd, declared) = template.create(&self.info.name)?;
        Ok(Arc::new(Self::new(fd, declared, None, self.possible_cpus)?))
    }

    fn read_memory(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        Memory::mapped(&mut memory, &self.fd, self.name(), false)?.read(offset, length)
    }

    fn write_memory(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        Memory::mapped(&mut memory, &self.fd, self.name(), true)?.write(offset, bytes)
    }

    fn freeze(&self) -> Result<()> {
        // The kernel does not freeze a map that is mapped for writing.
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.fd
            .freeze()
            .map_err(|error| self.failed(&error, "freeze"))?;
        self.frozen.get_or_init(|| MapInfo {
            frozen: true,
            ..self.info.clone()
        });
        Ok(())
    }

    fn open_ring_buffer(&self) -> Result<Box<dyn RingBufferTrait>> {
        if let Some(ring_bytes) = self.ring_bytes {
            let ring = event_buffer::PerfRing::open(self, ring_bytes, self.reservation()?)?;
            return Ok(Box::new(ring));
        }
        let shape = self.fd.shape();
        let overwrites = shape.map_flags & map_kind::RING_OVERWRITE != 0;
        self.check_kind(
            "open as a ring buffer",
            shape.map_type == map_type::RINGBUF && !overwrites,
        )?;
        let ring = ring_buffer::RingBuffer::open(
            self.name(),
            self.fd.as_fd(),
            shape.max_entries as usize,
            self.reservation()?,
        )?;
        Ok(Box::new(ring))
    }

    fn open_perf_buffer(&self, pages_per_cpu: u32) -> Result<Box<dyn PerfBuffer>> {
        self.check_kind(
            "open as a perf buffer",
            self.info.map_type == map_type::PERF_EVENT_ARRAY,
        )?;
        let buffer = perf_buffer::PerfBuffer::open(self, pages_per_cpu, self.reservation()?)?;
        Ok(Box::new(buffer))
    }

    fn open_user_ring_buffer(&self) -> Result<Box<dyn UserRingBuffer>> {
        let shape = self.fd.shape();
        self.check_kind(
            "open as a user ring buffer",
            shape.map_type == map_type::USER_RINGBUF,
        )?;
        let ring = user_ring_buffer::UserRingBuffer::open(
            self.name(),
            self.fd.as_fd(),
            shape.max_entries as usize,
            self.reservation()?,
        )?;
        Ok(Box::new(ring))
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// A map of this kernel.
pub(super) fn of_libbpf(map: &dyn Map) -> Result<&LibbpfMap> {
    map.as_any().downcast_ref().ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("map `{}` is of another kernel", map.info().name),
        )
    })
}

fn described(declared: MapInfo, fd: &MapFd) -> MapInfo {
    let shape = fd.shape();
    // Kernels before 5.2 do not freeze, and do not say so.
    let details = libbpf_rs::MapFdInfo::from_fd(fd.as_fd());
    let frozen = details.ok().and_then(|details| details.frozen);
    // The kernel's sizes are u32 in the first place.
    let bytes = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
    MapInfo {
        map_type: shape.map_type,
        key_size: bytes(shape.key_size),
        value_size: bytes(shape.value_size),
        user_value_size: bytes(shape.user_value_size),
        max_entries: shape.max_entries,
        map_flags: shape.map_flags,
        frozen: frozen.unwrap_or(false),
        id: shape.id,
        ..declared
    }
}
