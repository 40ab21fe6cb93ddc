//! Changes to programs and maps before load.

use std::os::fd::{AsRawFd, OwnedFd};

use eunomia_host_abi::kernel::{MapSetting, ProgramSetting, map_type};
use eunomia_host_abi::{Error, ErrorKind, Result};
use libbpf_rs::{OpenMapMut, OpenProgramMut};

use super::failure::{errno_of, from_io, with_words};
use super::map_fd::user_value_size;
use super::object::LibbpfObject;
use super::{attach, host, log, raw};

/// Bytes of a name under which a map is pinned; the contract promises this number.
const PIN_NAME_BYTES_MAX: usize = 64;

pub(super) fn set_program(
    object: &mut LibbpfObject,
    name: &str,
    setting: ProgramSetting<'_>,
) -> Result<()> {
    let place = object.catalog.program(name)?;
    if let ProgramSetting::Autoattach(attach) = setting {
        // Attaching an object is the host's loop over its programs; libbpf need not know.
        object.catalog.programs[place].autoattach = attach;
        return Ok(());
    }
    let operation = format!("set up program `{name}`");
    let (opened, catalog) = object.opened(&operation)?;
    let mut program = opened
        .progs_mut()
        .nth(place)
        .ok_or_else(|| Error::new(ErrorKind::NotFound, operation.clone()))?;
    match setting {
        ProgramSetting::Autoload(load) => {
            program.set_autoload(load);
            catalog.programs[place].autoload = load;
            Ok(())
        }
        ProgramSetting::AttachTarget(function) => {
            let other = set_attach_target(&mut program, name, function)?;
            catalog.programs[place].attach_target = function.to_owned();
            // libbpf notes the number of the file descriptor, for load.
            object.verified_against.extend(other);
            Ok(())
        }
        _ => Err(Error::new(
            ErrorKind::NotSupported,
            format!("{operation}: {setting:?}"),
        )),
    }
}

/// `FUNCTION` or `MODULE:FUNCTION` of the kernel; for programs that replace a function of another
/// program, `PROGRAM_ID:FUNCTION`, and that program is returned.
fn set_attach_target(
    program: &mut OpenProgramMut<'_>,
    name: &str,
    function: &str,
) -> Result<Option<OwnedFd>> {
    let operation = format!("verify program `{name}` against `{function}`");
    let replaces = raw::program_type(program) == libbpf_sys::BPF_PROG_TYPE_EXT;
    let other = function
        .split_once(':')
        .filter(|_| replaces)
        .and_then(|(id, function)| Some((id.parse().ok()?, function)));
    let (other, function) = match other {
        Some((id, function)) => {
            let other =
                attach::program_by_id(id).map_err(|error| from_io(&error, operation.clone()))?;
            (Some(other), function)
        }
        None => (None, function),
    };
    // libbpf takes 0 for the kernel itself.
    let number = other.as_ref().map_or(0, AsRawFd::as_raw_fd);
    let (outcome, messages) =
        log::captured(|| program.set_attach_target(number, Some(function.to_owned())));
    match outcome {
        Ok(()) => Ok(other),
        Err(error) => Err(Error::from_errno(
            errno_of(&error),
            with_words(&operation, &messages),
        )),
    }
}

pub(super) fn set_map(
    object: &mut LibbpfObject,
    name: &str,
    setting: MapSetting<'_>,
) -> Result<()> {
    let place = object.catalog.map(name)?;
    let possible_cpus = object.possible_cpus as usize;
    let pin_root = object.pin_root.clone();
    let operation = format!("set up map `{name}`");
    let (opened, catalog) = object.opened(&operation)?;
    let mut map = opened
        .maps_mut()
        .nth(place)
        .ok_or_else(|| Error::new(ErrorKind::NotFound, operation.clone()))?;
    let (outcome, messages) = log::captured(|| match setting {
        MapSetting::MaxEntries(entries) => refused(map.set_max_entries(entries)),
        MapSetting::ValueSize(bytes) => refused(map.set_value_size(bytes)),
        MapSetting::Autocreate(create) => refused(map.set_autocreate(create)),
        MapSetting::MapType(map_type) => set_type(&mut map, name, map_type),
        MapSetting::PinName(pin_name) => {
            check_pin_name(name, pin_name)?;
            std::fs::create_dir_all(&pin_root).map_err(|error| {
                from_io(&error, format!("create folder {}", pin_root.display()))
            })?;
            refused(map.set_pin_path(pin_root.join(pin_name)))
        }
        _ => Err(Error::new(
            ErrorKind::NotSupported,
            format!("{operation}: {setting:?}"),
        )),
    });
    outcome.map_err(|error| match messages.is_empty() {
        true => error,
        false => Error::new(error.kind(), with_words(&operation, &messages)).with_source(error),
    })?;
    let declared = &mut catalog.maps[place].info;
    declared.map_type = raw::map_declaration(&map).map_type;
    declared.type_name = raw::map_type_name(declared.map_type);
    declared.max_entries = map.max_entries();
    declared.key_size = map.key_size();
    declared.value_size = map.value_size();
    let user_value_size = user_value_size(
        declared.map_type,
        declared.value_size as usize,
        possible_cpus,
    );
    declared.user_value_size = u32::try_from(user_value_size).unwrap_or(u32::MAX);
    if let MapSetting::PinName(pin_name) = setting {
        declared.pin_name = Some(pin_name.to_owned());
    }
    Ok(())
}

/// Make a perf event array of the ring buffer at `place`; what the catalog says of it stays.
pub(super) fn make_perf(object: &mut LibbpfObject, place: usize) -> Result<()> {
    let name = object.catalog.maps[place].info.name.clone();
    let operation = format!("make a perf buffer of ring buffer `{name}`");
    let (opened, _) = object.opened(&operation)?;
    let mut map = opened
        .maps_mut()
        .nth(place)
        .ok_or_else(|| Error::new(ErrorKind::NotFound, operation.clone()))?;
    set_type(&mut map, &name, map_type::PERF_EVENT_ARRAY)
}

/// Have `struct_ops` maps registered by links, which end with their process, where the kernel has
/// them; libbpf does it for `SEC(".struct_ops.link")` only.
pub(super) fn link_struct_ops(object: &mut LibbpfObject) -> Result<()> {
    /// `BPF_F_LINK` for these maps came with 6.4.
    const SINCE: (u32, u32) = (6, 4);
    let (major, minor, _) = host::kernel_version();
    if (major, minor) < SINCE {
        return Ok(());
    }
    let (opened, _) = object.opened("load")?;
    for mut map in opened.maps_mut() {
        if raw::map_declaration(&map).map_type == map_type::STRUCT_OPS {
            let flags = map.map_flags() | libbpf_sys::BPF_F_LINK;
            refused(map.set_map_flags(flags))?;
        }
    }
    Ok(())
}

fn refused(outcome: libbpf_rs::Result<()>) -> Result<()> {
    outcome.map_err(|error| Error::from_errno(errno_of(&error), "libbpf refuses the setting"))
}

/// Hash maps and arrays and their per-CPU and LRU forms can stand for each other, and a perf event
/// array for a ring buffer.
fn set_type(map: &mut OpenMapMut<'_>, name: &str, new: u32) -> Result<()> {
    let old = raw::map_declaration(map).map_type;
    let compatible = match old {
        map_type::RINGBUF | map_type::PERF_EVENT_ARRAY => {
            matches!(new, map_type::RINGBUF | map_type::PERF_EVENT_ARRAY)
        }
        _ => holds_values(old) && holds_values(new),
    };
    if !compatible {
        return Err(Error::new(
            ErrorKind::NotSupported,
            format!(
                "change the type of map `{name}` from {} to {}",
                raw::map_type_name(old),
                raw::map_type_name(new)
            ),
        ));
    }
    let operation = || {
        format!(
            "change the type of map `{name}` to {}",
            raw::map_type_name(new)
        )
    };
    raw::set_map_type(map, new).map_err(|error| from_io(&error, operation()))?;
    if old == new {
        return Ok(());
    }
    match new {
        map_type::PERF_EVENT_ARRAY => {
            // One slot for each CPU, which libbpf fills in when there are 0.
            refused(map.set_key_size(4))?;
            refused(map.set_value_size(4))?;
            refused(map.set_max_entries(0))
        }
        map_type::RINGBUF => {
            refused(map.set_key_size(0))?;
            refused(map.set_value_size(0))
        }
        map_type::ARRAY | map_type::PERCPU_ARRAY => refused(map.set_key_size(4)),
        _ => Ok(()),
    }
}

fn holds_values(map_type: u32) -> bool {
    matches!(
        map_type,
        map_type::HASH
            | map_type::ARRAY
            | map_type::PERCPU_HASH
            | map_type::PERCPU_ARRAY
            | map_type::LRU_HASH
            | map_type::LRU_PERCPU_HASH
    )
}

fn check_pin_name(map: &str, name: &str) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let well_formed = !name.is_empty()
        && name.len() <= PIN_NAME_BYTES_MAX
        && name.bytes().all(allowed)
        && !matches!(name, "." | "..");
    if well_formed {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidArgument,
        format!(
            "pin map `{map}` as `{name}`: a name is 1 to {PIN_NAME_BYTES_MAX} letters, digits, \
             `_`, `-` or `.`"
        ),
    ))
}
