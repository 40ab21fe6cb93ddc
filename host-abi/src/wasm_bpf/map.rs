//! `wasm_bpf_map_fd_by_name`, `wasm_bpf_map_operate`.

use std::sync::Arc;

use wasmtime::Caller;

use super::buffer::Buffer;
use super::memory::GuestMemory;
use super::{GuestMap, View, WasmBpfView, unknown};
use crate::error::{Error, ErrorKind, Result};
use crate::host::bpf_map::{Access, check_descriptors, check_flags};
use crate::kernel::{Map, map_type};

/// What a guest asks of a map. Pointers were i64 in some bindings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub(super) fd: i32,
    pub(super) command: i32,
    pub(super) key: u64,
    pub(super) value: u64,
    pub(super) next_key: u64,
    pub(super) flags: u64,
}

/// `enum bpf_cmd`, as far as guests may use it.
const LOOKUP: i32 = 1;
const UPDATE: i32 = 2;
const DELETE: i32 = 3;
const NEXT_KEY: i32 = 4;

const ENOENT: i32 = 2;
const EINVAL: i32 = 22;

impl View<'_> {
    /// The number of a map. The same for the same map.
    pub(super) fn map_by_name(&mut self, handle: u64, name: &str) -> Result<i32> {
        let object = self.guest.object(handle)?.object.clone();
        let known = self.guest.maps.iter();
        let mut same = known.filter(|(_, map)| map.object == handle && map.name == name);
        if let Some((fd, _)) = same.next() {
            return Ok(*fd);
        }
        let map = object.loaded("find a map")?.object.map(name)?;
        // An object has fewer maps than there are numbers.
        let fd = self.guest.last_map.checked_add(1);
        let fd = fd.ok_or_else(|| unknown("map"))?;
        self.guest.last_map = fd;
        let map = GuestMap {
            object: handle,
            name: name.to_owned(),
            map,
            buffer: Buffer::Closed,
        };
        self.guest.maps.insert(fd, map);
        Ok(fd)
    }
}

/// Do what a guest asks of one of its maps.
pub(super) fn operate<T: WasmBpfView + 'static>(
    caller: &mut Caller<'_, T>,
    memory: GuestMemory,
    operation: &Operation,
) -> Result<()> {
    let map = Arc::clone(&caller.data_mut().wasm_bpf().guest.map(operation.fd)?.map);
    let Operation { key, value, .. } = *operation;
    let info = map.info();
    let (key_bytes, value_bytes) = (u64::from(info.key_size), u64::from(info.user_value_size));
    match operation.command {
        LOOKUP => {
            check_descriptors(info, Access::Values)?;
            check_flags(info, operation.flags)?;
            // Bloom filters have no key: the value is in its place, and is not written.
            let by_value = info.map_type == map_type::BLOOM_FILTER;
            let key = match by_value {
                true => memory.bytes(caller, value, u64::from(info.value_size))?,
                false => memory.bytes(caller, key, key_bytes)?,
            };
            let found = map.lookup(key, operation.flags)?;
            let found = found.ok_or_else(|| no_key(&*map))?;
            if !by_value {
                write(caller, memory, value, &found)?;
            }
            Ok(())
        }
        UPDATE => {
            let value = memory.bytes(caller, value, value_bytes)?;
            check_descriptors(info, Access::Write(value))?;
            check_flags(info, operation.flags)?;
            map.update(
                memory.bytes(caller, key, key_bytes)?,
                value,
                operation.flags,
            )
        }
        DELETE => {
            check_descriptors(info, Access::Keys)?;
            if operation.flags != 0 {
                return Err(refused(&*map, "no flags are known for deleting"));
            }
            match map.delete(memory.bytes(caller, key, key_bytes)?)? {
                true => Ok(()),
                false => Err(no_key(&*map)),
            }
        }
        NEXT_KEY => {
            check_descriptors(info, Access::Keys)?;
            let key = match key {
                0 => None,
                key => Some(memory.bytes(caller, key, key_bytes)?),
            };
            let next = map.next_key(key)?.ok_or_else(|| no_key(&*map))?;
            write(caller, memory, operation.next_key, &next)
        }
        command => Err(refused(&*map, &format!("there is no command {command}"))),
    }
}

fn write<T: 'static>(
    caller: &mut Caller<'_, T>,
    memory: GuestMemory,
    pointer: u64,
    bytes: &[u8],
) -> Result<()> {
    memory
        .bytes_mut(caller, pointer, bytes.len() as u64)?
        .copy_from_slice(bytes);
    Ok(())
}

fn no_key(map: &dyn Map) -> Error {
    Error::from_errno(ENOENT, format!("access map `{}`", map.info().name))
}

fn refused(map: &dyn Map, reason: &str) -> Error {
    Error::from_errno(
        EINVAL,
        format!("access map `{}`: {reason}", map.info().name),
    )
    .with_kind(ErrorKind::InvalidArgument)
}
