//! The system calls on one map.
//!
//! # Why `unsafe` is sound here
//! The kernel reads `key_size` and reads or writes `user_value_size` bytes through the pointers it
//! is given. Both sizes come from the kernel itself ([`Shape`]), never from an object file, and
//! every function checks the slices against them before it passes a pointer.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use eunomia_host_abi::kernel::map_type;

/// What the kernel says of a map; never changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) id: u32,
    pub(super) map_type: u32,
    pub(super) key_size: usize,
    pub(super) value_size: usize,
    /// Bytes of a value as the system calls pass it.
    pub(super) user_value_size: usize,
    pub(super) max_entries: u32,
    pub(super) map_flags: u32,
}

/// A file descriptor of a map, and what it leads to.
#[derive(Debug)]
pub(super) struct MapFd {
    fd: OwnedFd,
    shape: Shape,
}

/// A batch call of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BatchRead {
    Lookup,
    LookupAndDelete,
}

impl MapFd {
    pub(super) fn new(fd: OwnedFd, possible_cpus: u32) -> io::Result<Self> {
        let mut info = libbpf_sys::bpf_map_info::default();
        let mut length = size_of_u32::<libbpf_sys::bpf_map_info>();
        // SAFETY: `info` has `length` bytes, and any bytes make a valid `bpf_map_info`.
        let code = unsafe {
            libbpf_sys::bpf_map_get_info_by_fd(fd.as_raw_fd(), &raw mut info, &raw mut length)
        };
        checked(code)?;
        let value_size = info.value_size as usize;
        let shape = Shape {
            id: info.id,
            map_type: info.type_,
            key_size: info.key_size as usize,
            value_size,
            user_value_size: user_value_size(info.type_, value_size, possible_cpus as usize),
            max_entries: info.max_entries,
            map_flags: info.map_flags,
        };
        Ok(Self { fd, shape })
    }

    /// The map with an id of the kernel's.
    pub(super) fn from_id(id: u32, possible_cpus: u32) -> io::Result<Self> {
        // SAFETY: takes a number; what it returns is checked.
        let fd = unsafe { libbpf_sys::bpf_map_get_fd_by_id(id) };
        checked(fd)?;
        // SAFETY: a new file descriptor that nobody else owns.
        Self::new(unsafe { OwnedFd::from_raw_fd(fd) }, possible_cpus)
    }

    pub(super) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The value of `key`. `false`: there is none.
    pub(super) fn lookup(&self, key: &[u8], value: &mut [u8], flags: u64) -> io::Result<bool> {
        let key = self.key(key);
        let value = self.value_mut(value);
        // SAFETY: `key` and `value` have the sizes that the kernel goes by.
        let code = unsafe { libbpf_sys::bpf_map_lookup_elem_flags(self.raw(), key, value, flags) };
        found(code)
    }

    /// Take out the value of `key`. `false`: there is none.
    pub(super) fn lookup_and_delete(
        &self,
        key: &[u8],
        value: &mut [u8],
        flags: u64,
    ) -> io::Result<bool> {
        let key = self.key(key);
        let value = self.value_mut(value);
        // SAFETY: as in `lookup`.
        let code = unsafe {
            libbpf_sys::bpf_map_lookup_and_delete_elem_flags(self.raw(), key, value, flags)
        };
        found(code)
    }

    pub(super) fn update(&self, key: &[u8], value: &[u8], flags: u64) -> io::Result<()> {
        assert_eq!(value.len(), self.shape.user_value_size, "bytes of a value");
        let key = self.key(key);
        // SAFETY: `key` and `value` have the sizes that the kernel goes by.
        let code = unsafe {
            libbpf_sys::bpf_map_update_elem(self.raw(), key, value.as_ptr().cast(), flags)
        };
        checked(code)
    }

    /// Remove `key`. `false`: it was not there.
    pub(super) fn delete(&self, key: &[u8]) -> io::Result<bool> {
        let key = self.key(key);
        // SAFETY: `key` has the size that the kernel goes by.
        found(unsafe { libbpf_sys::bpf_map_delete_elem(self.raw(), key) })
    }

    /// The key behind `key`, or the first. `false`: there is none.
    pub(super) fn next_key(&self, key: Option<&[u8]>, next: &mut [u8]) -> io::Result<bool> {
        assert_eq!(next.len(), self.shape.key_size, "bytes of a key");
        let key = key.map_or(std::ptr::null(), |key| self.key(key));
        // SAFETY: `key` is null or has, like `next`, the size that the kernel goes by.
        found(unsafe {
            libbpf_sys::bpf_map_get_next_key(self.raw(), key, next.as_mut_ptr().cast())
        })
    }

    /// Read entries from `place` on (`None`: the start) into `keys` and `values`, and move `place`
    /// on. Returns how many, and whether they are the last.
    pub(super) fn read_batch(
        &self,
        read: BatchRead,
        place: &mut Option<Vec<u8>>,
        keys: &mut [u8],
        values: &mut [u8],
    ) -> io::Result<(usize, bool)> {
        let key_size = self.shape.key_size;
        assert!(key_size > 0, "a batch of a map without keys");
        let count = keys.len() / key_size;
        assert_eq!(
            (keys.len(), values.len()),
            (count * key_size, count * self.shape.user_value_size),
            "bytes of a batch"
        );
        let mut done = u32::try_from(count).unwrap_or(u32::MAX);
        let options = batch_options(0);
        // Hash maps keep a u32 as their place, other maps a key.
        let place_bytes = key_size.max(8);
        let mut next = vec![0; place_bytes];
        let from = match place {
            Some(place) => {
                assert_eq!(place.len(), place_bytes, "bytes of a batch position");
                place.as_mut_ptr().cast()
            }
            None => std::ptr::null_mut(),
        };
        let call = match read {
            BatchRead::Lookup => libbpf_sys::bpf_map_lookup_batch,
            BatchRead::LookupAndDelete => libbpf_sys::bpf_map_lookup_and_delete_batch,
        };
        // SAFETY: `keys` and `values` have room for `done` entries, `from` and `next` for a place
        // of either kind.
        let code = unsafe {
            call(
                self.raw(),
                from,
                next.as_mut_ptr().cast(),
                keys.as_mut_ptr().cast(),
                values.as_mut_ptr().cast(),
                &raw mut done,
                &raw const options,
            )
        };
        let last = !found(code)?;
        *place = Some(next);
        Ok((count.min(done as usize), last))
    }

    /// Set entries in order. Returns how many were set, and the error of the one behind.
    pub(super) fn update_batch(
        &self,
        keys: &[u8],
        values: &[u8],
        flags: u64,
    ) -> (usize, io::Result<()>) {
        let count = self.entries_in(keys);
        assert_eq!(
            values.len(),
            count * self.shape.user_value_size,
            "bytes of a batch of values"
        );
        let options = batch_options(flags);
        let mut done = u32::try_from(count).unwrap_or(u32::MAX);
        // SAFETY: `keys` and `values` hold `done` entries.
        let code = unsafe {
            libbpf_sys::bpf_map_update_batch(
                self.raw(),
                keys.as_ptr().cast(),
                values.as_ptr().cast(),
                &raw mut done,
                &raw const options,
            )
        };
        batch_outcome(code, count, done)
    }

    /// Remove keys in order. Returns how many were removed, and the error of the one behind.
    pub(super) fn delete_batch(&self, keys: &[u8]) -> (usize, io::Result<()>) {
        let count = self.entries_in(keys);
        let options = batch_options(0);
        let mut done = u32::try_from(count).unwrap_or(u32::MAX);
        // SAFETY: `keys` holds `done` keys.
        let code = unsafe {
            libbpf_sys::bpf_map_delete_batch(
                self.raw(),
                keys.as_ptr().cast(),
                &raw mut done,
                &raw const options,
            )
        };
        batch_outcome(code, count, done)
    }

    pub(super) fn freeze(&self) -> io::Result<()> {
        // SAFETY: takes a file descriptor that is open.
        checked(unsafe { libbpf_sys::bpf_map_freeze(self.raw()) })
    }

    fn raw(&self) -> i32 {
        self.fd.as_raw_fd()
    }

    fn key(&self, key: &[u8]) -> *const c_void {
        assert_eq!(key.len(), self.shape.key_size, "bytes of a key");
        if key.is_empty() {
            // The kernel wants no key where a map has none.
            std::ptr::null()
        } else {
            key.as_ptr().cast()
        }
    }

    fn value_mut(&self, value: &mut [u8]) -> *mut c_void {
        assert_eq!(value.len(), self.shape.user_value_size, "bytes of a value");
        value.as_mut_ptr().cast()
    }

    fn entries_in(&self, keys: &[u8]) -> usize {
        let key_size = self.shape.key_size;
        assert!(
            key_size > 0 && keys.len().is_multiple_of(key_size),
            "bytes of a batch of keys"
        );
        keys.len() / key_size
    }
}

impl AsFd for MapFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Bytes of one value as the system calls pass it: `bpf_map_value_size` of `kernel/bpf/syscall.c`.
pub(super) fn user_value_size(map_type: u32, value_size: usize, possible_cpus: usize) -> usize {
    match map_type {
        map_type::PERCPU_HASH
        | map_type::PERCPU_ARRAY
        | map_type::LRU_PERCPU_HASH
        | map_type::PERCPU_CGROUP_STORAGE => value_size.next_multiple_of(8) * possible_cpus,
        map_type::PROG_ARRAY
        | map_type::PERF_EVENT_ARRAY
        | libbpf_sys::BPF_MAP_TYPE_CGROUP_ARRAY
        | map_type::ARRAY_OF_MAPS
        | map_type::HASH_OF_MAPS => size_of::<u32>(),
        _ => value_size,
    }
}

fn batch_options(elem_flags: u64) -> libbpf_sys::bpf_map_batch_opts {
    libbpf_sys::bpf_map_batch_opts {
        sz: size_of::<libbpf_sys::bpf_map_batch_opts>() as u64,
        elem_flags,
        flags: 0,
    }
}

/// The kernel writes the count only once it has begun: one that is still full beside an error means
/// that nothing was done.
fn batch_outcome(code: i32, count: usize, done: u32) -> (usize, io::Result<()>) {
    match checked(code) {
        Ok(()) => (count.min(done as usize), Ok(())),
        Err(error) if done as usize >= count => (0, Err(error)),
        Err(error) => (done as usize, Err(error)),
    }
}

fn found(code: i32) -> io::Result<bool> {
    match checked(code) {
        Ok(()) => Ok(true),
        Err(error) if error.raw_os_error() == Some(ENOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

const ENOENT: i32 = rustix::io::Errno::NOENT.raw_os_error();

/// libbpf returns a negative errno.
fn checked(code: i32) -> io::Result<()> {
    if code < 0 {
        Err(io::Error::from_raw_os_error(-code))
    } else {
        Ok(())
    }
}

const fn size_of_u32<T>() -> u32 {
    // Structures of the kernel's interface are far smaller.
    #[allow(clippy::cast_possible_truncation)]
    let size = size_of::<T>() as u32;
    size
}
