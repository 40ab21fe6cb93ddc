//! Global variables of an object.

use eunomia_host_abi::{Error, ErrorKind, Result};
use libbpf_rs::OpenObject;

use super::map::LibbpfMap;
use super::object::{LibbpfObject, Phase};

pub(super) fn get(object: &LibbpfObject, name: &str) -> Result<Vec<u8>> {
    let global = object.catalog.global(name)?;
    let (offset, size) = (global.info.offset as usize, global.info.size as usize);
    if let Phase::Opened(opened) = &object.phase {
        let map = opened.maps().nth(global.map);
        return map
            .as_ref()
            .and_then(|map| map.initial_value()?.get(offset..offset + size))
            .map(<[u8]>::to_vec)
            .ok_or_else(|| no_value(name));
    }
    let map = object.map_at(global.map)?;
    if is_mapped(&map) {
        return eunomia_host_abi::kernel::Map::read_memory(&*map, offset as u64, size);
    }
    let section = read_section(&map, name)?;
    let value = section.get(offset..offset + size);
    value.map(<[u8]>::to_vec).ok_or_else(|| no_value(name))
}

pub(super) fn set(object: &mut LibbpfObject, name: &str, value: &[u8]) -> Result<()> {
    let global = object.catalog.global(name)?;
    let (map, offset) = (global.map, global.info.offset as usize);
    if value.len() != global.info.size as usize {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!(
                "set global variable `{name}`: {} bytes were given, it has {}",
                value.len(),
                global.info.size
            ),
        ));
    }
    let constant = global.info.constant;
    if let Phase::Opened(opened) = &mut object.phase {
        return set_initial(opened, map, offset, value).ok_or_else(|| no_value(name));
    }
    if constant {
        return Err(Error::new(
            ErrorKind::InvalidState,
            format!(
                "set global variable `{name}`: it is a constant, to be set before the object is \
                 loaded"
            ),
        ));
    }
    let map = object.map_at(map)?;
    if is_mapped(&map) {
        return eunomia_host_abi::kernel::Map::write_memory(&*map, offset as u64, value);
    }
    // Kernels before 5.5: only the whole section can be written.
    let mut section = read_section(&map, name)?;
    section
        .get_mut(offset..offset + value.len())
        .ok_or_else(|| no_value(name))?
        .copy_from_slice(value);
    eunomia_host_abi::kernel::Map::update(&*map, &0u32.to_ne_bytes(), &section, 0)
}

fn set_initial(opened: &mut OpenObject, map: usize, offset: usize, value: &[u8]) -> Option<()> {
    let mut map = opened.maps_mut().nth(map)?;
    let place = map.initial_value_mut()?;
    place
        .get_mut(offset..offset + value.len())?
        .copy_from_slice(value);
    Some(())
}

fn is_mapped(map: &LibbpfMap) -> bool {
    map.fd().shape().map_flags & libbpf_sys::BPF_F_MMAPABLE != 0
}

fn read_section(map: &LibbpfMap, name: &str) -> Result<Vec<u8>> {
    eunomia_host_abi::kernel::Map::lookup(map, &0u32.to_ne_bytes(), 0)?
        .ok_or_else(|| no_value(name))
}

fn no_value(name: &str) -> Error {
    Error::new(
        ErrorKind::NotSupported,
        format!("global variable `{name}`: its section has no memory"),
    )
}
