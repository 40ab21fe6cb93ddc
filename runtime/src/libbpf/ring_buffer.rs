//! The reader of a ring buffer, on a mapping of its own.
//!
//! The kernel's protocol (`kernel/bpf/ringbuf.c`): the producer position and the data are mapped
//! read-only, the data twice in a row, so that every record is contiguous; the consumer position is
//! in a page of its own that the reader writes. A record is an 8-byte header and the payload,
//! padded to 8. The producer reserves a record with its busy bit set, moves its position, and
//! clears the bit when the record is committed; records behind a busy one wait. The producer never
//! writes to what lies between the consumer position and its own, other than to records that are
//! busy.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

use eunomia_host_abi::kernel::BoxFuture;
use eunomia_host_abi::kernel::RingBuffer as RingBufferTrait;
use eunomia_host_abi::{Error, ErrorKind, Result};
use tokio::io::Interest;

use super::mapping::{Access, Mapping, page_bytes};
use super::readers::Reservation;
use super::readiness::Readiness;

/// Bytes of a record's header.
pub(super) const HEADER_BYTES: usize = 8;
/// `BPF_RINGBUF_BUSY_BIT`.
const BUSY: u32 = 1 << 31;
/// `BPF_RINGBUF_DISCARD_BIT`.
const DISCARD: u32 = 1 << 30;

/// See the module.
#[derive(Debug)]
pub(super) struct RingBuffer {
    name: String,
    ring: Ring,
    /// Bytes of the last batch that the caller has not yet freed.
    batch_bytes: usize,
    readiness: Readiness,
    _reservation: Reservation,
}

#[derive(Debug)]
struct Ring {
    consumer: Mapping,
    /// What `consumer` holds: nobody else writes there.
    position: u64,
    /// A page with the producer position, then the data, twice.
    producer: Mapping,
    /// A power of two.
    data_bytes: usize,
    /// Where the data begins in `producer`.
    data_start: usize,
}

/// Bytes that the fastest producer is taken to write in a nanosecond.
const BYTES_A_NANOSECOND_MAX: u64 = 2;
/// Shorter pauses gather too little for what they cost.
const PAUSE_MIN: Duration = Duration::from_micros(50);
/// The longest pause, which is also the most that an event comes later for it.
const PAUSE_MAX: Duration = Duration::from_micros(500);

/// What a walk over committed records found.
struct Walk {
    bytes: usize,
    discarded_only: bool,
}

impl RingBuffer {
    /// `data_bytes`: `max_entries` of the map, as the kernel says.
    pub(super) fn open(
        name: &str,
        fd: BorrowedFd<'_>,
        data_bytes: usize,
        reservation: Reservation,
    ) -> Result<Self> {
        let failed = |error: io::Error| {
            Error::from_errno(
                error.raw_os_error().unwrap_or(0),
                format!("map ring buffer `{name}` into memory"),
            )
        };
        if !data_bytes.is_power_of_two() || !data_bytes.is_multiple_of(page_bytes()) {
            return Err(Error::new(
                ErrorKind::NotSupported,
                format!("read ring buffer `{name}`: its {data_bytes} bytes are no ring"),
            ));
        }
        let page = page_bytes();
        let consumer = Mapping::new(fd, 0, page, Access::ReadWrite).map_err(failed)?;
        let ring = Ring {
            // An earlier reader may have left off anywhere.
            position: consumer.load_u64(0),
            consumer,
            producer: Mapping::new(fd, page as u64, page + 2 * data_bytes, Access::Read)
                .map_err(failed)?,
            data_bytes,
            data_start: page,
        };
        let waiting = fd.as_fd().try_clone_to_owned().map_err(failed)?;
        Ok(Self {
            name: name.to_owned(),
            ring,
            batch_bytes: 0,
            readiness: Readiness::new(waiting, Interest::READABLE),
            _reservation: reservation,
        })
    }

    fn free(&mut self, consumed: usize) -> Result<()> {
        if consumed == 0 {
            return Ok(());
        }
        let whole = consumed == self.batch_bytes;
        if !whole && !self.ring.is_record_end(consumed, self.batch_bytes) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "read ring buffer `{}`: {consumed} consumed bytes are not the end of a record \
                     of the last batch of {} bytes",
                    self.name, self.batch_bytes
                ),
            ));
        }
        self.ring.advance(consumed);
        self.batch_bytes -= consumed;
        Ok(())
    }

    fn corrupt(&self) -> Error {
        Error::new(
            ErrorKind::Other,
            format!(
                "read ring buffer `{}`: its positions contradict each other",
                self.name
            ),
        )
    }
}

impl RingBufferTrait for RingBuffer {
    fn batch(&mut self, consumed: usize, bytes_max: usize) -> Result<&[u8]> {
        self.free(consumed)?;
        let mut skipped = 0;
        let bytes = loop {
            let Some(walk) = self.ring.walk(bytes_max) else {
                return Err(self.corrupt());
            };
            // Nothing in it for the caller to see. Not for ever, should the producer discard all it
            // reserves, and faster than we skip.
            let skip = walk.bytes > 0 && walk.discarded_only && skipped < self.ring.data_bytes;
            if !skip {
                break walk.bytes;
            }
            self.ring.advance(walk.bytes);
            skipped += walk.bytes;
        };
        self.batch_bytes = bytes;
        let start = self.ring.data_offset(self.ring.position);
        // SAFETY: the range holds records that are committed and not yet freed, which the kernel
        // does not write to before they are; they are freed by the next call at the earliest, which
        // takes
        // `&mut self` and so ends the borrow.
        #[allow(unsafe_code)]
        let batch = unsafe { self.ring.producer.stable(start..start + bytes) };
        Ok(batch)
    }

    fn ready(&mut self) -> BoxFuture<'_, ()> {
        let Self {
            readiness, ring, ..
        } = self;
        Box::pin(readiness.wait(|| ring.has_record()))
    }

    fn gather(&mut self, waited: Duration) {
        let filled = self.available();
        if let Some(pause) = pause(self.ring.data_bytes, filled, waited) {
            // Not by the async runtime, whose timers have steps of 1 ms.
            std::thread::sleep(pause);
        }
    }

    fn available(&self) -> u64 {
        self.ring
            .producer_position()
            .wrapping_sub(self.ring.position)
    }
}

impl Ring {
    fn producer_position(&self) -> u64 {
        self.producer.load_u64(0)
    }

    /// Where the byte at a position of the ring lies in `producer`.
    fn data_offset(&self, position: u64) -> usize {
        // The mask is smaller than the mapping, so nothing is cut off.
        #[allow(clippy::cast_possible_truncation)]
        let offset = (position & (self.data_bytes as u64 - 1)) as usize;
        self.data_start + offset
    }

    fn advance(&mut self, bytes: usize) {
        self.position = self.position.wrapping_add(bytes as u64);
        self.consumer.store_u64(0, self.position);
        // The kernel wakes the reader when it commits the record that the reader waits for. So it
        // must see the new position before we look whether there is one; the counterpart is the
        // exchange of the header in the kernel's commit.
        fence(Ordering::SeqCst);
    }

    /// Whether the record at the consumer position is committed.
    fn has_record(&self) -> bool {
        self.position != self.producer_position() && self.header(0) & BUSY == 0
    }

    /// Committed records from the consumer position on, at most `bytes_max` bytes of them but at
    /// least one record. `None`: what the ring says cannot be.
    fn walk(&self, bytes_max: usize) -> Option<Walk> {
        let filled = self.producer_position().wrapping_sub(self.position);
        let filled = usize::try_from(filled).ok()?;
        let is_whole = |bytes: u64| bytes.is_multiple_of(HEADER_BYTES as u64);
        if filled > self.data_bytes || !is_whole(filled as u64) || !is_whole(self.position) {
            return None;
        }
        // The data is mapped twice in a row: what is filled is contiguous.
        let start = self.data_offset(self.position);
        let words = self.producer.words(start..start + filled);
        let limit = filled.min(bytes_max);
        let (mut bytes, mut headers) = (0, DISCARD);
        // Most records are as long as the one before. Guessing that, instead of waiting for the
        // header to know where the next one lies, takes a third of the time; where lengths always
        // change, a little more.
        let (mut guess, mut guess_bytes) = (BUSY, 0);
        while let Some(word) = words.get(bytes / size_of::<u32>()) {
            let header = word.load(Ordering::Acquire);
            if header & BUSY != 0 {
                break;
            }
            if header != guess {
                (guess, guess_bytes) = (header, other_record_bytes(header));
            }
            let end = bytes + guess_bytes;
            if end > limit {
                if end > filled {
                    return None;
                }
                if bytes > 0 {
                    break;
                }
            }
            bytes = end;
            headers &= header;
        }
        Some(Walk {
            bytes,
            discarded_only: headers & DISCARD != 0,
        })
    }

    /// Whether a record of the batch of `batch_bytes` bytes ends at `bytes`.
    fn is_record_end(&self, bytes: usize, batch_bytes: usize) -> bool {
        if bytes > batch_bytes {
            return false;
        }
        let mut end = 0;
        while end < bytes {
            end += record_bytes(self.header(end));
        }
        end == bytes
    }

    /// The header `offset` bytes behind the consumer position.
    fn header(&self, offset: usize) -> u32 {
        let position = self.position.wrapping_add(offset as u64);
        self.producer.load_u32(self.data_offset(position))
    }
}

/// How long to let records gather in a ring of `data_bytes`, which held `filled` bytes after the
/// reader had `waited` for the first of them.
///
/// A reader that keeps up is woken by every single record, and waking takes longer than reading. So
/// where records come one by one, but sooner than a pause would end, it makes one. Not when they
/// come so fast that they gather anyway, and never for so long that a producer that is suddenly at
/// its fastest would fill the ring.
fn pause(data_bytes: usize, filled: u64, waited: Duration) -> Option<Duration> {
    let data_bytes = data_bytes as u64;
    let pause = Duration::from_nanos(data_bytes / BYTES_A_NANOSECOND_MAX).min(PAUSE_MAX);
    if pause < PAUSE_MIN || waited >= pause {
        return None;
    }
    // If it goes on as it was.
    let expected = u128::from(filled) * pause.as_nanos() / waited.as_nanos().max(1);
    (expected <= u128::from(data_bytes / 8)).then_some(pause)
}

/// Bytes of a record with its header and padding.
pub(super) fn record_bytes(header: u32) -> usize {
    let payload = (header & !(BUSY | DISCARD)) as usize;
    (payload + HEADER_BYTES).next_multiple_of(8)
}

/// The same, where it is seldom needed: a call that is not inlined stays behind a branch, which the
/// processor can predict. Without it the compiler computes the length for every record.
#[cold]
#[inline(never)]
fn other_record_bytes(header: u32) -> usize {
    record_bytes(header)
}

#[cfg(test)]
mod tests;
