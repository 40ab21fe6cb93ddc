//! Walking over, emptying and filling maps, many entries with one system call where the kernel can.

use std::io;

use eunomia_host_abi::kernel::{Cursor, Entries};
use rustix::io::Errno;

use super::map_fd::{BatchRead, MapFd};
use super::map_kind;

/// How often a call that the kernel asks to repeat is repeated: a map that changes that fast is
/// left for later.
const RETRIES_MAX: u32 = 16;

/// `ENOTSUPP` of the kernel, which libc does not know.
const ENOTSUPP: i32 = 524;

/// See [`Map::next_entries`](eunomia_host_abi::kernel::Map::next_entries).
pub(super) fn next_entries(
    map: &MapFd,
    cursor: &mut Cursor,
    entries: &mut Entries,
    entries_max: u32,
) -> io::Result<u32> {
    if cursor.done || entries_max == 0 {
        return Ok(0);
    }
    if map_kind::is_queue(map.shape().map_type) {
        return pop_all(map, cursor, entries, entries_max);
    }
    if !cursor.single {
        match next_batch(map, cursor, entries, entries_max) {
            Err(error) if cursor.position.is_none() && is_unsupported(&error) => {
                cursor.single = true;
            }
            outcome => return outcome,
        }
    }
    if cursor.drain {
        take_singly(map, cursor, entries, entries_max)
    } else {
        walk_singly(map, cursor, entries, entries_max)
    }
}

/// Where a walk in batches is: the kernel's place, and entries that it returned beyond what was
/// wanted. As bytes: whether the kernel has more (1), its place, then keys and values in turn.
struct Place {
    more: bool,
    kernel: Option<Vec<u8>>,
    surplus: Vec<u8>,
}

impl Place {
    fn decode(map: &MapFd, position: Option<&[u8]>) -> Self {
        let bytes = place_bytes(map);
        match position {
            Some([more, rest @ ..]) if rest.len() >= bytes => Self {
                more: *more != 0,
                kernel: Some(rest[..bytes].to_vec()),
                surplus: rest[bytes..].to_vec(),
            },
            _ => Self {
                more: true,
                kernel: None,
                surplus: Vec::new(),
            },
        }
    }

    fn encode(self, map: &MapFd) -> Vec<u8> {
        let mut position = vec![u8::from(self.more)];
        position.extend(self.kernel.unwrap_or_else(|| vec![0; place_bytes(map)]));
        position.extend(self.surplus);
        position
    }
}

fn place_bytes(map: &MapFd) -> usize {
    map.shape().key_size.max(8)
}

fn next_batch(
    map: &MapFd,
    cursor: &mut Cursor,
    entries: &mut Entries,
    entries_max: u32,
) -> io::Result<u32> {
    let mut place = Place::decode(map, cursor.position.as_deref());
    let mut returned = hand_out(map, &mut place.surplus, entries, entries_max);
    while returned == 0 && place.more {
        returned = read_batch(map, cursor.drain, &mut place, entries, entries_max)?;
    }
    cursor.done = returned == 0;
    cursor.position = Some(place.encode(map));
    Ok(returned)
}

/// One batch of the kernel's, appended to `entries`, what is too much to the surplus.
fn read_batch(
    map: &MapFd,
    drain: bool,
    place: &mut Place,
    entries: &mut Entries,
    entries_max: u32,
) -> io::Result<u32> {
    let shape = map.shape();
    let read = if drain {
        BatchRead::LookupAndDelete
    } else {
        BatchRead::Lookup
    };
    let mut count = (entries_max.min(shape.max_entries.max(1))) as usize;
    let (keys_before, values_before) = (entries.keys.len(), entries.values.len());
    let mut retries = 0;
    let (done, last) = loop {
        entries.keys.resize(keys_before + count * shape.key_size, 0);
        entries
            .values
            .resize(values_before + count * shape.user_value_size, 0);
        let outcome = map.read_batch(
            read,
            &mut place.kernel,
            &mut entries.keys[keys_before..],
            &mut entries.values[values_before..],
        );
        match outcome {
            Ok(outcome) => break outcome,
            // A bucket of the hash map has more entries than there is room for.
            Err(error) if is(&error, Errno::NOSPC) && count < shape.max_entries as usize => {
                count = (count * 2).min(shape.max_entries as usize);
            }
            Err(error) if is_transient(&error) && retries < RETRIES_MAX => retries += 1,
            Err(error) => {
                entries.keys.truncate(keys_before);
                entries.values.truncate(values_before);
                return Err(error);
            }
        }
    };
    place.more = !last;
    let returned = done.min(entries_max as usize);
    for index in returned..done {
        let key = keys_before + index * shape.key_size;
        let value = values_before + index * shape.user_value_size;
        place
            .surplus
            .extend_from_slice(&entries.keys[key..key + shape.key_size]);
        place
            .surplus
            .extend_from_slice(&entries.values[value..value + shape.user_value_size]);
    }
    entries
        .keys
        .truncate(keys_before + returned * shape.key_size);
    entries
        .values
        .truncate(values_before + returned * shape.user_value_size);
    Ok(count_of(returned))
}

/// Move entries from the surplus to `entries`.
fn hand_out(map: &MapFd, surplus: &mut Vec<u8>, entries: &mut Entries, entries_max: u32) -> u32 {
    let shape = map.shape();
    let entry_bytes = shape.key_size + shape.user_value_size;
    let count = (surplus.len() / entry_bytes).min(entries_max as usize);
    for entry in surplus
        .drain(..count * entry_bytes)
        .as_slice()
        .chunks(entry_bytes)
    {
        let (key, value) = entry.split_at(shape.key_size);
        entries.keys.extend_from_slice(key);
        entries.values.extend_from_slice(value);
    }
    count_of(count)
}

/// Key by key. The position is the number of entries returned so far (8 bytes) and the last key.
fn walk_singly(
    map: &MapFd,
    cursor: &mut Cursor,
    entries: &mut Entries,
    entries_max: u32,
) -> io::Result<u32> {
    let shape = map.shape();
    let (mut total, mut last) = match cursor.position.take() {
        Some(position) if position.len() == 8 + shape.key_size => {
            let (total, key) = position.split_at(8);
            let total = total.try_into().map_or(0, u64::from_le_bytes);
            (total, Some(key.to_vec()))
        }
        _ => (0, None),
    };
    // A key that is deleted while it is the last one makes the kernel start again: without a bound
    // a busy map could be walked for ever.
    let total_max = 2 * u64::from(shape.max_entries);
    let mut value = vec![0; shape.user_value_size];
    let mut key = vec![0; shape.key_size];
    let mut returned = 0;
    while returned < entries_max {
        if total >= total_max || !map.next_key(last.as_deref(), &mut key)? {
            cursor.done = true;
            break;
        }
        total += 1;
        if map.lookup(&key, &mut value, 0)? {
            entries.keys.extend_from_slice(&key);
            entries.values.extend_from_slice(&value);
            returned += 1;
        }
        last = Some(key.clone());
    }
    cursor.position = last.map(|key| [total.to_le_bytes().to_vec(), key].concat());
    Ok(returned)
}

/// Always the first key, since the last one is gone.
fn take_singly(
    map: &MapFd,
    cursor: &mut Cursor,
    entries: &mut Entries,
    entries_max: u32,
) -> io::Result<u32> {
    let mut key = vec![0; map.shape().key_size];
    let mut returned = 0;
    while returned < entries_max {
        if !map.next_key(None, &mut key)? {
            cursor.done = true;
            break;
        }
        if let Some(value) = take(map, &key, 0)? {
            entries.keys.extend_from_slice(&key);
            entries.values.extend_from_slice(&value);
            returned += 1;
        }
    }
    Ok(returned)
}

fn pop_all(
    map: &MapFd,
    cursor: &mut Cursor,
    entries: &mut Entries,
    entries_max: u32,
) -> io::Result<u32> {
    let mut value = vec![0; map.shape().user_value_size];
    let mut returned = 0;
    while returned < entries_max {
        if !map.lookup_and_delete(&[], &mut value, 0)? {
            cursor.done = true;
            break;
        }
        entries.values.extend_from_slice(&value);
        returned += 1;
    }
    Ok(returned)
}

/// Take out the value of a key.
pub(super) fn take(map: &MapFd, key: &[u8], flags: u64) -> io::Result<Option<Vec<u8>>> {
    let mut value = vec![0; map.shape().user_value_size];
    match map.lookup_and_delete(key, &mut value, flags) {
        Ok(found) => Ok(found.then_some(value)),
        // Hash maps before Linux 5.14: in two steps.
        Err(error) if is_unsupported(&error) && map_kind::can_be_drained(map.shape().map_type) => {
            let found = map.lookup(key, &mut value, flags)? && map.delete(key)?;
            Ok(found.then_some(value))
        }
        Err(error) => Err(error),
    }
}

/// Set `count` entries in order. Returns how many were set, and the error of the one behind.
pub(super) fn update_batch(
    map: &MapFd,
    keys: &[u8],
    values: &[u8],
    count: usize,
    flags: u64,
) -> (u32, io::Result<()>) {
    let shape = map.shape();
    if count == 0 {
        return (0, Ok(()));
    }
    if shape.key_size > 0 {
        match map.update_batch(keys, values, flags) {
            // Flags, too, are refused in batches by some kinds of maps.
            (0, Err(error)) if is_unsupported(&error) => {}
            (done, outcome) => return (count_of(done), outcome),
        }
    }
    for index in 0..count {
        let key = &keys[index * shape.key_size..][..shape.key_size];
        let value = &values[index * shape.user_value_size..][..shape.user_value_size];
        if let Err(error) = map.update(key, value, flags) {
            return (count_of(index), Err(error));
        }
    }
    (count_of(count), Ok(()))
}

/// Remove keys, passing over those that are not there. Returns how many were removed.
pub(super) fn delete_batch(map: &MapFd, keys: &[u8]) -> io::Result<u32> {
    let key_size = map.shape().key_size;
    let mut rest = keys;
    let mut removed = 0;
    while !rest.is_empty() {
        let (done, outcome) = map.delete_batch(rest);
        removed += count_of(done);
        rest = &rest[done * key_size..];
        match outcome {
            Ok(()) => {}
            Err(error) if is(&error, Errno::NOENT) => rest = &rest[key_size..],
            Err(error) if done == 0 && is_unsupported(&error) => {
                let (key, further) = rest.split_at(key_size);
                removed += u32::from(map.delete(key)?);
                rest = further;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(removed)
}

fn is(error: &io::Error, errno: Errno) -> bool {
    error.raw_os_error() == Some(errno.raw_os_error())
}

/// The kernel was interrupted or the map changed under it.
fn is_transient(error: &io::Error) -> bool {
    is(error, Errno::INTR) || is(error, Errno::AGAIN)
}

/// This kernel does not have the call, or not for this kind of map.
fn is_unsupported(error: &io::Error) -> bool {
    is(error, Errno::INVAL) || is(error, Errno::OPNOTSUPP) || error.raw_os_error() == Some(ENOTSUPP)
}

fn count_of(entries: usize) -> u32 {
    // Bounded by what the caller asked for, a u32.
    u32::try_from(entries).unwrap_or(u32::MAX)
}
