//! Ring buffers: the bytes, the kernel's record format, and the reader.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::error::{Error, ErrorKind, Result};
use crate::fake::journal::Operation;
use crate::fake::kernel::FakeKernel;
use crate::fake::shared::{Shared, Waiters, Woken};
use crate::kernel::{BoxFuture, RingBuffer};
use crate::record::{self, BUSY, DISCARD, HEADER_BYTES, record_bytes};

/// The largest payload (`RINGBUF_MAX_RECORD_SZ`).
const PAYLOAD_BYTES_MAX: usize = (u32::MAX / 4) as usize;

/// A ring of bytes between programs and one reader. Positions count bytes since the start and only
/// grow; a position modulo the size is an offset in the ring.
#[derive(Debug)]
pub(crate) struct Ring {
    /// Grows with use up to `capacity`, so that a large declared ring costs little.
    data: Vec<u8>,
    capacity: usize,
    produced: u64,
    consumed: u64,
    dropped: u64,
    has_reader: bool,
    waiters: Waiters,
}

impl Ring {
    /// `capacity` is a power of two of at least 8.
    pub(crate) fn new(capacity: u32) -> Self {
        Self {
            data: Vec::new(),
            capacity: capacity as usize,
            produced: 0,
            consumed: 0,
            dropped: 0,
            has_reader: false,
            waiters: Waiters::default(),
        }
    }

    pub(crate) fn available(&self) -> u64 {
        self.produced - self.consumed
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Room for a record, marked busy; its position, or `None` when there is none: then it counts
    /// as dropped.
    pub(crate) fn reserve(&mut self, payload_bytes: usize) -> Option<u64> {
        // As in the kernel, a ring is never filled to its last byte.
        let room = (self.capacity as u64 - 1).saturating_sub(self.available());
        if payload_bytes > PAYLOAD_BYTES_MAX || record_bytes(payload_bytes) as u64 > room {
            self.dropped += 1;
            return None;
        }
        let position = self.produced;
        self.write_header(position, payload_bytes as u32 | BUSY);
        self.produced += record_bytes(payload_bytes) as u64;
        Some(position)
    }

    pub(crate) fn write_payload(&mut self, position: u64, payload: &[u8]) {
        self.write(position + HEADER_BYTES as u64, payload);
    }

    /// Ends the reservation at a position.
    #[must_use]
    pub(crate) fn finish(&mut self, position: u64, discard: bool) -> Woken {
        let word = self.length_word(position) & !BUSY;
        self.write_header(position, if discard { word | DISCARD } else { word });
        self.waiters.take()
    }

    /// Whether the reader has something to read.
    fn has_committed(&self) -> bool {
        self.available() > 0 && self.length_word(self.consumed) & BUSY == 0
    }

    /// Copies committed records from the consumer's position on.
    fn copy_committed(&self, batch: &mut Vec<u8>, bytes_max: usize) {
        let mut end = self.consumed;
        while end < self.produced {
            let word = self.length_word(end);
            let next = end + record_bytes((word & !(BUSY | DISCARD)) as usize) as u64;
            let is_first = end == self.consumed;
            if word & BUSY != 0 || (!is_first && next - self.consumed > bytes_max as u64) {
                break;
            }
            end = next;
        }
        batch.clear();
        batch.resize((end - self.consumed) as usize, 0);
        self.read(self.consumed, batch);
    }

    fn length_word(&self, position: u64) -> u32 {
        let mut word = [0; 4];
        self.read(position, &mut word);
        u32::from_le_bytes(word)
    }

    fn write_header(&mut self, position: u64, word: u32) {
        // The kernel keeps the record's page here, counted from the start of its bookkeeping.
        let page = (self.offset(position) / 4096 + 3) as u32;
        self.write(position, &word.to_le_bytes());
        self.write(position + 4, &page.to_le_bytes());
    }

    fn offset(&self, position: u64) -> usize {
        (position % self.capacity as u64) as usize
    }

    fn write(&mut self, position: u64, bytes: &[u8]) {
        let start = self.offset(position);
        let (head, tail) = bytes.split_at(bytes.len().min(self.capacity - start));
        for (start, part) in [(start, head), (0, tail)] {
            let end = start + part.len();
            if self.data.len() < end {
                self.data.resize(end, 0);
            }
            self.data[start..end].copy_from_slice(part);
        }
    }

    fn read(&self, position: u64, bytes: &mut [u8]) {
        let start = self.offset(position);
        let head_bytes = bytes.len().min(self.capacity - start);
        let (head, tail) = bytes.split_at_mut(head_bytes);
        for (start, part) in [(start, head), (0, tail)] {
            // Padding at the end of what was ever written reads as zeros.
            let written = self.data.get(start..).unwrap_or_default();
            let count = written.len().min(part.len());
            part[..count].copy_from_slice(&written[..count]);
        }
    }
}

/// The one reader of a ring.
#[derive(Debug)]
pub(crate) struct FakeRingBuffer {
    kernel: FakeKernel,
    name: String,
    ring: Arc<Shared<Ring>>,
    batch: Vec<u8>,
}

impl FakeRingBuffer {
    pub(crate) fn open(kernel: FakeKernel, name: &str, ring: &Arc<Shared<Ring>>) -> Result<Self> {
        let had_reader = std::mem::replace(&mut ring.lock().has_reader, true);
        if had_reader {
            return Err(Error::new(
                ErrorKind::Busy,
                format!("read ring buffer \"{name}\": it has a reader already"),
            ));
        }
        Ok(Self {
            kernel,
            name: name.to_owned(),
            ring: ring.clone(),
            batch: Vec::new(),
        })
    }

    fn poll_ready(&self, ctx: &Context<'_>) -> Poll<()> {
        let mut ring = self.ring.lock();
        if ring.has_committed() {
            return Poll::Ready(());
        }
        ring.waiters.add(ctx);
        Poll::Pending
    }
}

impl RingBuffer for FakeRingBuffer {
    fn batch(&mut self, consumed: usize, bytes_max: usize) -> Result<&[u8]> {
        if !record::is_boundary(&self.batch, consumed) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "read ring buffer \"{}\": {consumed} is not the end of a record of the last \
                     batch",
                    self.name
                ),
            ));
        }
        self.ring.lock().consumed += consumed as u64;
        // What was consumed is, even when reading on fails.
        self.batch.clear();
        self.kernel.enter(Operation::ReadRecords, &self.name)?;
        let ring = self.ring.lock();
        ring.copy_committed(&mut self.batch, bytes_max);
        Ok(&self.batch)
    }

    fn ready(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(poll_fn(|ctx| self.poll_ready(ctx)))
    }

    fn available(&self) -> u64 {
        self.ring.lock().available()
    }
}

impl Drop for FakeRingBuffer {
    fn drop(&mut self) {
        self.ring.lock().has_reader = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Records, is_well_formed};

    fn ring(capacity: u32) -> Arc<Shared<Ring>> {
        Arc::new(Shared::new(Ring::new(capacity)))
    }

    fn reader(ring: &Arc<Shared<Ring>>) -> FakeRingBuffer {
        FakeRingBuffer::open(FakeKernel::new(), "events", ring).unwrap()
    }

    fn push(ring: &Shared<Ring>, payload: &[u8]) -> bool {
        let mut ring = ring.lock();
        let Some(position) = ring.reserve(payload.len()) else {
            return false;
        };
        ring.write_payload(position, payload);
        ring.finish(position, false).wake();
        true
    }

    fn payloads(batch: &[u8]) -> Vec<Vec<u8>> {
        assert!(is_well_formed(batch));
        Records::new(batch)
            .map(|record| record.payload.to_vec())
            .collect()
    }

    #[test]
    fn what_was_pushed_is_read_in_order_and_freed_when_consumed() {
        let ring = ring(64);
        assert!(push(&ring, b"one") && push(&ring, b"twotwotwo"));
        let mut reader = reader(&ring);
        assert_eq!(
            payloads(reader.batch(0, 1024).unwrap()),
            [&b"one"[..], b"twotwotwo"]
        );
        assert_eq!(reader.available(), 16 + 24);
        assert_eq!(payloads(reader.batch(16, 1024).unwrap()), [b"twotwotwo"]);
        assert_eq!(reader.batch(24, 1024).unwrap(), b"");
        assert_eq!(reader.available(), 0);
    }

    #[test]
    fn records_wrap_around_the_end_and_come_back_contiguous() {
        let ring = ring(128);
        let mut reader = reader(&ring);
        let mut consumed = 0;
        for number in 0..100_u8 {
            let payload = vec![number; usize::from(number % 24)];
            assert!(push(&ring, &payload));
            let batch = reader.batch(consumed, 1024).unwrap();
            assert_eq!(payloads(batch), [payload]);
            consumed = batch.len();
        }
    }

    #[test]
    fn a_full_ring_drops_and_counts_until_there_is_room() {
        let ring = ring(64);
        assert!(push(&ring, &[1; 24]));
        // 32 bytes are left, and one of them must stay free.
        assert!(!push(&ring, &[2; 24]));
        assert_eq!(ring.lock().dropped(), 1);
        assert!(push(&ring, &[3; 16]));
        let mut reader = reader(&ring);
        let bytes = reader.batch(0, 1024).unwrap().len();
        reader.batch(bytes, 0).unwrap();
        assert!(push(&ring, &[4; 24]));
    }

    #[test]
    fn a_record_that_can_never_fit_is_dropped() {
        let ring = ring(64);
        assert!(!push(&ring, &[0; 64]));
        assert!(ring.lock().reserve(usize::MAX / 2).is_none());
        assert!(ring.lock().reserve(PAYLOAD_BYTES_MAX + 1).is_none());
    }

    #[test]
    fn reading_stops_at_a_busy_record() {
        let ring = ring(128);
        push(&ring, b"one");
        let busy = ring.lock().reserve(3).unwrap();
        push(&ring, b"three");
        let mut reader = reader(&ring);
        assert_eq!(payloads(reader.batch(0, 1024).unwrap()), [b"one"]);
        assert_eq!(reader.batch(16, 1024).unwrap(), b"");
        ring.lock().write_payload(busy, b"two");
        ring.lock().finish(busy, false).wake();
        let batch = reader.batch(0, 1024).unwrap();
        assert_eq!(payloads(batch), [&b"two"[..], b"three"]);
    }

    #[test]
    fn discarded_records_are_in_the_batch_and_marked() {
        let ring = ring(128);
        let position = ring.lock().reserve(3).unwrap();
        ring.lock().finish(position, true).wake();
        push(&ring, b"two");
        let mut reader = reader(&ring);
        let batch = reader.batch(0, 1024).unwrap();
        let records: Vec<_> = Records::new(batch).collect();
        assert!(records[0].discarded && !records[1].discarded);
        assert_eq!(records[1].payload, b"two");
    }

    #[test]
    fn a_batch_has_at_most_the_bytes_asked_for_but_at_least_one_record() {
        let ring = ring(128);
        for payload in [[1; 16], [2; 16], [3; 16]] {
            push(&ring, &payload);
        }
        let mut reader = reader(&ring);
        for (bytes_max, bytes) in [(0, 24), (24, 24), (47, 24), (48, 48), (1024, 72)] {
            assert_eq!(reader.batch(0, bytes_max).unwrap().len(), bytes);
        }
    }

    #[test]
    fn consuming_half_a_record_or_more_than_the_batch_is_refused() {
        let ring = ring(128);
        push(&ring, b"one");
        let mut reader = reader(&ring);
        reader.batch(0, 1024).unwrap();
        for consumed in [1, 8, 17, 24, usize::MAX] {
            let error = reader.batch(consumed, 1024).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{consumed}");
        }
        // A refused call leaves the batch as it was.
        assert_eq!(reader.batch(16, 1024).unwrap(), b"");
        assert!(reader.batch(16, 1024).is_err());
    }

    #[test]
    fn there_is_one_reader_at_a_time() {
        let ring = ring(64);
        let first = reader(&ring);
        let second = FakeRingBuffer::open(FakeKernel::new(), "events", &ring);
        assert_eq!(second.unwrap_err().kind(), ErrorKind::Busy);
        drop(first);
        reader(&ring);
    }
}
