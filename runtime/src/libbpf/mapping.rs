//! Memory that is shared with the kernel.
//!
//! # Why `unsafe` is sound here
//! Only this module dereferences the mapped pages. Every access is checked against the length of
//! the mapping first, so no position or length read from a ring can lead outside it. Except in
//! [`Mapping::stable`], whose caller promises that nobody writes meanwhile, every access is atomic,
//! since BPF programs write to the same memory at any time. The pages stay mapped as long as the
//! `Mapping` lives, and nothing that borrows from them outlives it.
#![allow(unsafe_code)]

use std::io;
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use rustix::mm::{MapFlags, ProtFlags};

/// What the host does with a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    ReadWrite,
}

/// A shared mapping of a map's or perf event's memory. Dropping it unmaps.
#[derive(Debug)]
pub(super) struct Mapping {
    base: NonNull<u8>,
    length: usize,
    access: Access,
}

// SAFETY: the pages belong to the process, not to a thread, and every access is atomic.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Map `length` bytes at `offset` of `fd`.
    pub(super) fn new(
        fd: BorrowedFd<'_>,
        offset: u64,
        length: usize,
        access: Access,
    ) -> io::Result<Self> {
        let protection = match access {
            Access::Read => ProtFlags::READ,
            Access::ReadWrite => ProtFlags::READ | ProtFlags::WRITE,
        };
        // SAFETY: the kernel chooses the address, so no other memory is replaced.
        let base = unsafe {
            rustix::mm::mmap(
                std::ptr::null_mut(),
                length,
                protection,
                MapFlags::SHARED,
                fd,
                offset,
            )
        }?;
        let base = NonNull::new(base.cast()).ok_or_else(|| {
            io::Error::other("the kernel mapped memory at address 0, which Rust cannot use")
        })?;
        Ok(Self {
            base,
            length,
            access,
        })
    }

    /// Whether [`Mapping::write`] and the stores are allowed.
    pub(super) fn is_writable(&self) -> bool {
        self.access == Access::ReadWrite
    }

    /// A pointer to `bytes` bytes at `offset`, aligned to `bytes`.
    fn at(&self, offset: usize, bytes: usize) -> *mut u8 {
        let inside = offset
            .checked_add(bytes)
            .is_some_and(|end| end <= self.length);
        assert!(
            inside && offset.is_multiple_of(bytes),
            "access to {bytes} bytes at {offset} of a mapping of {} bytes",
            self.length
        );
        // SAFETY: `offset` is within the mapping, as just checked.
        unsafe { self.base.as_ptr().add(offset) }
    }

    fn writable_at(&self, offset: usize, bytes: usize) -> *mut u8 {
        assert!(self.is_writable(), "store to a mapping for reading");
        self.at(offset, bytes)
    }

    /// Load with acquire ordering.
    pub(super) fn load_u32(&self, offset: usize) -> u32 {
        // SAFETY: `at` checked bounds and alignment; the pages are mapped while `self` lives.
        unsafe { AtomicU32::from_ptr(self.at(offset, 4).cast()) }.load(Ordering::Acquire)
    }

    /// Load with acquire ordering.
    pub(super) fn load_u64(&self, offset: usize) -> u64 {
        // SAFETY: as in `load_u32`.
        unsafe { AtomicU64::from_ptr(self.at(offset, 8).cast()) }.load(Ordering::Acquire)
    }

    /// The whole words of a range that begins at a word, to load them. One check for all.
    pub(super) fn words(&self, range: Range<usize>) -> &[AtomicU32] {
        assert!(
            range.start <= range.end && range.end <= self.length && range.start.is_multiple_of(4),
            "words {range:?} of a mapping of {} bytes",
            self.length
        );
        // SAFETY: the range lies in the mapping and is aligned, as just checked, and stays mapped
        // while `self` lives. An `AtomicU32` is laid out as the word, others may write to it, and
        // loading one of 4 bytes only reads, so that a mapping for reading will do.
        unsafe {
            std::slice::from_raw_parts(self.base.as_ptr().add(range.start).cast(), range.len() / 4)
        }
    }

    /// Store with release ordering.
    pub(super) fn store_u32(&self, offset: usize, value: u32) {
        // SAFETY: as in `load_u32`; the pages are writable, as `writable_at` checked.
        unsafe { AtomicU32::from_ptr(self.writable_at(offset, 4).cast()) }
            .store(value, Ordering::Release);
    }

    /// Store with release ordering.
    pub(super) fn store_u64(&self, offset: usize, value: u64) {
        // SAFETY: as in `store_u32`.
        unsafe { AtomicU64::from_ptr(self.writable_at(offset, 8).cast()) }
            .store(value, Ordering::Release);
    }

    /// Append `length` bytes at `offset` to `bytes`. Aligned words of up to 8 bytes are read whole.
    pub(super) fn read(&self, offset: usize, length: usize, bytes: &mut Vec<u8>) {
        bytes.reserve(length);
        let mut place = offset;
        let end = offset + length;
        while place < end {
            let size = word_bytes(place, end - place);
            let from = self.at(place, size);
            // SAFETY: `at` checked bounds and alignment for each size; see `load_u32`.
            unsafe {
                match size {
                    8 => bytes.extend_from_slice(
                        &AtomicU64::from_ptr(from.cast())
                            .load(Ordering::Relaxed)
                            .to_ne_bytes(),
                    ),
                    4 => bytes.extend_from_slice(
                        &AtomicU32::from_ptr(from.cast())
                            .load(Ordering::Relaxed)
                            .to_ne_bytes(),
                    ),
                    2 => bytes.extend_from_slice(
                        &AtomicU16::from_ptr(from.cast())
                            .load(Ordering::Relaxed)
                            .to_ne_bytes(),
                    ),
                    _ => bytes.push(AtomicU8::from_ptr(from).load(Ordering::Relaxed)),
                }
            }
            place += size;
        }
    }

    /// Copy `bytes` to `offset`. Aligned words of up to 8 bytes are written whole, and no byte
    /// beside them is touched.
    pub(super) fn write(&self, offset: usize, bytes: &[u8]) {
        let mut place = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let size = word_bytes(place, rest.len());
            let (word, further) = rest.split_at(size);
            let mut padded = [0; 8];
            padded[..size].copy_from_slice(word);
            let value = u64::from_le_bytes(padded);
            let to = self.writable_at(place, size);
            // SAFETY: `writable_at` checked bounds and alignment for each size; see `store_u32`.
            // The casts keep the low bytes, which are those of `word`.
            #[allow(clippy::cast_possible_truncation)]
            unsafe {
                match size {
                    8 => AtomicU64::from_ptr(to.cast()).store(value.to_le(), Ordering::Relaxed),
                    4 => AtomicU32::from_ptr(to.cast())
                        .store((value as u32).to_le(), Ordering::Relaxed),
                    2 => AtomicU16::from_ptr(to.cast())
                        .store((value as u16).to_le(), Ordering::Relaxed),
                    _ => AtomicU8::from_ptr(to).store(value as u8, Ordering::Relaxed),
                }
            }
            place += size;
            rest = further;
        }
    }

    /// The bytes of a range, without copying them.
    ///
    /// # Safety
    /// Nobody writes to the range while the slice lives.
    pub(super) unsafe fn stable(&self, range: Range<usize>) -> &[u8] {
        assert!(
            range.start <= range.end && range.end <= self.length,
            "range {range:?} of a mapping of {} bytes",
            self.length
        );
        // SAFETY: the range lies in the mapping, as just checked, and is initialised as all mapped
        // memory is; the caller vouches that it does not change.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr().add(range.start), range.len()) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly what `new` mapped; nothing that borrows from it is left.
        let unmapped = unsafe { rustix::mm::munmap(self.base.as_ptr().cast(), self.length) };
        debug_assert!(unmapped.is_ok(), "{unmapped:?}");
    }
}

/// The largest word that is aligned at `place` and not longer than `length`.
fn word_bytes(place: usize, length: usize) -> usize {
    [8, 4, 2]
        .into_iter()
        .find(|size| place.is_multiple_of(*size) && length >= *size)
        .unwrap_or(1)
}

/// Bytes of a page of memory.
pub(super) fn page_bytes() -> usize {
    // SAFETY: takes a number. (rustix reads /proc for it on older kernels, and panics without.)
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    // The C library knows it from the kernel and never fails.
    usize::try_from(bytes).unwrap_or(4096)
}
