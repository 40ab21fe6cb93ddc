//! `bpf-map`: keys, values, batches.

use std::sync::Arc;

use wasmtime::component::Resource;

use super::BpfCtxView;
use super::cursor::Cursor;
use super::error::{HostResult, checked_length};
use super::object_state::ObjectRef;
use crate::bindings::eunomia::bpf::bpf_map::{Host, HostBpfMap, MapInfo};
use crate::error::{Error, ErrorKind, Result};
use crate::kernel::{self, Map, MapSetting, map_type};
use crate::limits::{BATCH_BYTES_MAX, PIN_NAME_BYTES_MAX};

/// The host's side of a `bpf-map` handle.
#[derive(Debug)]
pub struct BpfMap {
    object: ObjectRef,
    name: String,
    /// Known once the object is loaded, or from the start for inner maps.
    map: Option<Arc<dyn Map>>,
}

impl BpfMap {
    pub(super) fn find(object: ObjectRef, name: String) -> Result<Self> {
        let maps = object.state().object.maps();
        if !maps.iter().any(|map| map.name == name) {
            let names: Vec<&str> = maps.iter().map(|map| &*map.name).collect();
            return Err(Error::new(
                ErrorKind::NotFound,
                format!(
                    "find map `{name}`: object `{}` has: {}",
                    object.name(),
                    names.join(", ")
                ),
            ));
        }
        Ok(Self {
            object,
            name,
            map: None,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn object(&self) -> &ObjectRef {
        &self.object
    }

    /// The map of a loaded object.
    pub(super) fn loaded(&mut self, doing: &str) -> Result<Arc<dyn Map>> {
        if let Some(map) = &self.map {
            return Ok(Arc::clone(map));
        }
        let map = self.object.loaded(doing)?.object.map(&self.name)?;
        self.map = Some(Arc::clone(&map));
        Ok(map)
    }

    fn inner(&self, map: Arc<dyn Map>) -> Self {
        Self {
            object: self.object.clone(),
            name: map.info().name.clone(),
            map: Some(map),
        }
    }

    fn set(&self, setting: MapSetting<'_>) -> HostResult<()> {
        let doing = format!("configure map `{}`", self.name);
        Ok(self
            .object
            .opened(&doing)?
            .object
            .set_map(&self.name, setting)?)
    }

    fn info(&self) -> kernel::MapInfo {
        if let Some(map) = &self.map {
            return map.info().clone();
        }
        let maps = self.object.state().object.maps();
        maps.into_iter()
            .find(|map| map.name == self.name)
            .unwrap_or_default()
    }
}

pub(super) fn info_to_guest(info: kernel::MapInfo) -> MapInfo {
    MapInfo {
        name: info.name,
        map_type: info.map_type,
        type_name: info.type_name,
        key_size: info.key_size,
        value_size: info.value_size,
        user_value_size: info.user_value_size,
        max_entries: info.max_entries,
        map_flags: info.map_flags,
        key_type_id: info.key_type_id,
        value_type_id: info.value_type_id,
        map_extra: info.map_extra,
        pin_name: info.pin_name,
        frozen: info.frozen,
        id: info.id,
    }
}

/// What an access does with the bytes of a map, for [`check_descriptors`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access<'a> {
    /// Names keys only.
    Keys,
    /// Reads values.
    Values,
    /// Writes these values.
    Write(&'a [u8]),
}

/// Keep guests from naming the host's descriptors: the kernel reads (or shows) descriptors and ids
/// in the bytes of these maps.
pub(crate) fn check_descriptors(info: &kernel::MapInfo, access: Access<'_>) -> Result<()> {
    let refused = match info.map_type {
        map_type::PROG_ARRAY
        | map_type::PERF_EVENT_ARRAY
        | map_type::CGROUP_ARRAY
        | map_type::ARRAY_OF_MAPS
        | map_type::HASH_OF_MAPS
        | map_type::SOCKMAP
        | map_type::XSKMAP
        | map_type::SOCKHASH
        | map_type::REUSEPORT_SOCKARRAY => access != Access::Keys,
        map_type::SK_STORAGE
        | map_type::STRUCT_OPS
        | map_type::INODE_STORAGE
        | map_type::TASK_STORAGE
        | map_type::CGRP_STORAGE => true,
        // struct bpf_devmap_val, bpf_cpumap_val: u32, then the descriptor of a program.
        map_type::DEVMAP | map_type::DEVMAP_HASH | map_type::CPUMAP => match access {
            Access::Write(values) if info.value_size == 8 => values
                .chunks_exact(8)
                .any(|value| value[4..].iter().any(|byte| *byte != 0)),
            _ => false,
        },
        _ => false,
    };
    if refused {
        return Err(Error::new(
            ErrorKind::NotSupported,
            format!(
                "access map `{}`: the bytes of a {} map name descriptors of the host",
                info.name, info.type_name
            ),
        ));
    }
    Ok(())
}

fn check_key(info: &kernel::MapInfo, key: &[u8]) -> Result<()> {
    // Bloom filters have no key: user space passes the value in its place.
    let expected = if info.map_type == map_type::BLOOM_FILTER {
        info.value_size
    } else {
        info.key_size
    };
    check_size(info, "key", key.len(), expected)
}

fn check_size(info: &kernel::MapInfo, what: &str, length: usize, expected: u32) -> Result<()> {
    if length as u64 == u64::from(expected) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidArgument,
        format!(
            "access map `{}`: the {what} has {length} bytes, not {expected}",
            info.name
        ),
    ))
}

pub(crate) fn check_flags(info: &kernel::MapInfo, flags: u64) -> Result<()> {
    // BPF_NOEXIST, BPF_EXIST, BPF_F_LOCK: the others name CPUs or mean other commands.
    if flags & !0b111 == 0 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidArgument,
        format!("access map `{}`: unknown flags {flags:#x}", info.name),
    ))
}

/// How many items of `size` bytes `length` bytes are.
fn count_of(info: &kernel::MapInfo, what: &str, length: usize, size: u32) -> Result<usize> {
    checked_length(what, length, BATCH_BYTES_MAX)?;
    let size = size as usize;
    if size == 0 || !length.is_multiple_of(size) {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!(
                "access map `{}`: {length} bytes are not {what} of {size}",
                info.name
            ),
        ));
    }
    Ok(length / size)
}

/// Map types between which a guest may change: they differ in where values live, not in what the
/// program may do.
fn check_retype(info: &kernel::MapInfo, to: u32) -> Result<()> {
    const TABLES: [u32; 6] = [
        map_type::HASH,
        map_type::ARRAY,
        map_type::PERCPU_HASH,
        map_type::PERCPU_ARRAY,
        map_type::LRU_HASH,
        map_type::LRU_PERCPU_HASH,
    ];
    let from = info.map_type;
    let fine = from == to
        || (from == map_type::RINGBUF && to == map_type::PERF_EVENT_ARRAY)
        || (TABLES.contains(&from) && TABLES.contains(&to));
    if fine {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::NotSupported,
        format!(
            "change the type of map `{}` from {} to {to}",
            info.name, info.type_name
        ),
    ))
}

impl Host for BpfCtxView<'_> {}

impl HostBpfMap for BpfCtxView<'_> {
    fn info(&mut self, self_: Resource<BpfMap>) -> wasmtime::Result<MapInfo> {
        Ok(info_to_guest(self.table.get(&self_)?.info()))
    }

    fn set_max_entries(&mut self, self_: Resource<BpfMap>, max_entries: u32) -> HostResult<()> {
        self.table
            .get(&self_)?
            .set(MapSetting::MaxEntries(max_entries))
    }

    fn set_value_size(&mut self, self_: Resource<BpfMap>, bytes: u32) -> HostResult<()> {
        self.table.get(&self_)?.set(MapSetting::ValueSize(bytes))
    }

    fn set_map_type(&mut self, self_: Resource<BpfMap>, map_type: u32) -> HostResult<()> {
        let map = self.table.get(&self_)?;
        check_retype(&map.info(), map_type)?;
        map.set(MapSetting::MapType(map_type))
    }

    fn set_autocreate(&mut self, self_: Resource<BpfMap>, create: bool) -> HostResult<()> {
        self.table.get(&self_)?.set(MapSetting::Autocreate(create))
    }

    fn set_pin_name(&mut self, self_: Resource<BpfMap>, name: String) -> HostResult<()> {
        checked_length("pin a map: its name", name.len(), PIN_NAME_BYTES_MAX)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if name.is_empty() || name.starts_with('.') || !name.bytes().all(plain) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("pin a map as `{name}`: names are letters, digits, `_`, `-` and `.`"),
            )
            .into());
        }
        self.ctx.policy.pin_map(&name)?;
        self.table.get(&self_)?.set(MapSetting::PinName(&name))
    }

    fn lookup(
        &mut self,
        self_: Resource<BpfMap>,
        key: Vec<u8>,
        flags: u64,
    ) -> HostResult<Option<Vec<u8>>> {
        let map = self.table.get_mut(&self_)?.loaded("look up a key")?;
        check_descriptors(map.info(), Access::Values)?;
        check_key(map.info(), &key)?;
        check_flags(map.info(), flags)?;
        Ok(map.lookup(&key, flags)?)
    }

    fn update(
        &mut self,
        self_: Resource<BpfMap>,
        key: Vec<u8>,
        value: Vec<u8>,
        flags: u64,
    ) -> HostResult<()> {
        let map = self.table.get_mut(&self_)?.loaded("update a key")?;
        check_descriptors(map.info(), Access::Write(&value))?;
        check_size(map.info(), "key", key.len(), map.info().key_size)?;
        check_size(map.info(), "value", value.len(), map.info().user_value_size)?;
        check_flags(map.info(), flags)?;
        Ok(map.update(&key, &value, flags)?)
    }

    fn delete(&mut self, self_: Resource<BpfMap>, key: Vec<u8>) -> HostResult<bool> {
        let map = self.table.get_mut(&self_)?.loaded("delete a key")?;
        check_descriptors(map.info(), Access::Keys)?;
        check_size(map.info(), "key", key.len(), map.info().key_size)?;
        Ok(map.delete(&key)?)
    }

    fn lookup_and_delete(
        &mut self,
        self_: Resource<BpfMap>,
        key: Vec<u8>,
        flags: u64,
    ) -> HostResult<Option<Vec<u8>>> {
        let map = self.table.get_mut(&self_)?.loaded("take out a key")?;
        check_descriptors(map.info(), Access::Values)?;
        check_size(map.info(), "key", key.len(), map.info().key_size)?;
        check_flags(map.info(), flags)?;
        Ok(map.lookup_and_delete(&key, flags)?)
    }

    fn next_key(
        &mut self,
        self_: Resource<BpfMap>,
        key: Option<Vec<u8>>,
    ) -> HostResult<Option<Vec<u8>>> {
        let map = self.table.get_mut(&self_)?.loaded("find the next key")?;
        check_descriptors(map.info(), Access::Keys)?;
        if let Some(key) = &key {
            check_size(map.info(), "key", key.len(), map.info().key_size)?;
        }
        Ok(map.next_key(key.as_deref())?)
    }

    fn iterate(&mut self, self_: Resource<BpfMap>) -> HostResult<Resource<Cursor>> {
        let cursor = Cursor::open(self.table.get_mut(&self_)?, false)?;
        Ok(self.table.push(cursor)?)
    }

    fn drain(&mut self, self_: Resource<BpfMap>) -> HostResult<Resource<Cursor>> {
        let cursor = Cursor::open(self.table.get_mut(&self_)?, true)?;
        Ok(self.table.push(cursor)?)
    }

    fn update_batch(
        &mut self,
        self_: Resource<BpfMap>,
        keys: Vec<u8>,
        values: Vec<u8>,
        flags: u64,
    ) -> HostResult<u32> {
        let map = self.table.get_mut(&self_)?.loaded("update keys")?;
        let info = map.info();
        check_descriptors(info, Access::Write(&values))?;
        check_flags(info, flags)?;
        let value_count = count_of(info, "values", values.len(), info.user_value_size)?;
        let key_count = match info.key_size {
            0 => value_count,
            size => count_of(info, "keys", keys.len(), size)?,
        };
        if key_count != value_count || (info.key_size == 0 && !keys.is_empty()) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "update map `{}`: {key_count} keys, {value_count} values",
                    info.name
                ),
            )
            .into());
        }
        if key_count == 0 {
            return Ok(0);
        }
        Ok(map.update_batch(&keys, &values, flags)?)
    }

    fn delete_batch(&mut self, self_: Resource<BpfMap>, keys: Vec<u8>) -> HostResult<u32> {
        let map = self.table.get_mut(&self_)?.loaded("delete keys")?;
        check_descriptors(map.info(), Access::Keys)?;
        if count_of(map.info(), "keys", keys.len(), map.info().key_size)? == 0 {
            return Ok(0);
        }
        Ok(map.delete_batch(&keys)?)
    }

    fn lookup_inner(
        &mut self,
        self_: Resource<BpfMap>,
        key: Vec<u8>,
    ) -> HostResult<Option<Resource<BpfMap>>> {
        let outer = self.table.get_mut(&self_)?;
        let map = outer.loaded("look up an inner map")?;
        check_size(map.info(), "key", key.len(), map.info().key_size)?;
        let Some(inner) = map.lookup_inner(&key)? else {
            return Ok(None);
        };
        let inner = outer.inner(inner);
        Ok(Some(self.table.push(inner)?))
    }

    fn update_inner(
        &mut self,
        self_: Resource<BpfMap>,
        key: Vec<u8>,
        inner: Resource<BpfMap>,
        flags: u64,
    ) -> HostResult<()> {
        let inner = self.table.get_mut(&inner)?.loaded("store an inner map")?;
        let map = self.table.get_mut(&self_)?.loaded("store an inner map")?;
        check_size(map.info(), "key", key.len(), map.info().key_size)?;
        check_flags(map.info(), flags)?;
        Ok(map.update_inner(&key, &*inner, flags)?)
    }

    fn create_inner(&mut self, self_: Resource<BpfMap>) -> HostResult<Resource<BpfMap>> {
        let outer = self.table.get_mut(&self_)?;
        let inner = outer.loaded("create an inner map")?.create_inner()?;
        let inner = outer.inner(inner);
        Ok(self.table.push(inner)?)
    }

    fn read_memory(
        &mut self,
        self_: Resource<BpfMap>,
        offset: u64,
        length: u32,
    ) -> HostResult<Vec<u8>> {
        checked_length("read the memory of a map", length as usize, BATCH_BYTES_MAX)?;
        let map = self
            .table
            .get_mut(&self_)?
            .loaded("read the memory of a map")?;
        Ok(map.read_memory(offset, length as usize)?)
    }

    fn write_memory(
        &mut self,
        self_: Resource<BpfMap>,
        offset: u64,
        bytes: Vec<u8>,
    ) -> HostResult<()> {
        checked_length("write the memory of a map", bytes.len(), BATCH_BYTES_MAX)?;
        let map = self
            .table
            .get_mut(&self_)?
            .loaded("write the memory of a map")?;
        Ok(map.write_memory(offset, &bytes)?)
    }

    fn freeze(&mut self, self_: Resource<BpfMap>) -> HostResult<()> {
        let map = self.table.get_mut(&self_)?.loaded("freeze a map")?;
        if let Some(pin) = &map.info().pin_name {
            return Err(Error::new(
                ErrorKind::NotSupported,
                format!("freeze map `{}`: it is shared as `{pin}`", map.info().name),
            )
            .into());
        }
        Ok(map.freeze()?)
    }

    fn drop(&mut self, rep: Resource<BpfMap>) -> wasmtime::Result<()> {
        self.table.delete(rep)?;
        Ok(())
    }
}
