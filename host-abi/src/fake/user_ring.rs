//! User ring buffers: from the guest to programs.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::error::{Error, ErrorKind, Result};
use crate::fake::journal::Operation;
use crate::fake::kernel::FakeKernel;
use crate::fake::shared::{Shared, Waiters, Woken};
use crate::kernel::{BoxFuture, UserRingBuffer};
use crate::record::{HEADER_BYTES, record_bytes};

/// What was submitted and no program has read yet.
#[derive(Debug)]
pub(crate) struct UserRing {
    payloads: VecDeque<Vec<u8>>,
    capacity: usize,
    bytes: usize,
    /// Bytes of the record that did not fit when the writer last tried or asked.
    wanted: usize,
    has_writer: bool,
    waiters: Waiters,
}

impl UserRing {
    pub(crate) fn new(capacity: u32) -> Self {
        Self {
            payloads: VecDeque::new(),
            capacity: capacity as usize,
            bytes: 0,
            wanted: 0,
            has_writer: false,
            waiters: Waiters::default(),
        }
    }

    /// `bpf_user_ringbuf_drain`, of at most so many records.
    pub(crate) fn drain(&mut self, records_max: usize) -> (Vec<Vec<u8>>, Woken) {
        let count = records_max.min(self.payloads.len());
        let payloads: Vec<Vec<u8>> = self.payloads.drain(..count).collect();
        let freed = payloads.iter().map(|payload| record_bytes(payload.len()));
        self.bytes -= freed.sum::<usize>();
        (payloads, self.waiters.take())
    }

    fn submit(&mut self, payload: &[u8]) -> bool {
        let bytes = record_bytes(payload.len());
        let fits = self.has_room(bytes);
        if fits {
            self.payloads.push_back(payload.to_vec());
            self.bytes += bytes;
        }
        self.wanted = if fits { 0 } else { bytes };
        fits
    }

    fn has_room(&self, bytes: usize) -> bool {
        bytes <= self.capacity - self.bytes
    }
}

/// The one writer of a user ring buffer.
#[derive(Debug)]
pub(crate) struct FakeUserRingBuffer {
    kernel: FakeKernel,
    name: String,
    ring: Arc<Shared<UserRing>>,
    payload_bytes_max: usize,
}

impl FakeUserRingBuffer {
    pub(crate) fn open(
        kernel: FakeKernel,
        name: &str,
        ring: &Arc<Shared<UserRing>>,
    ) -> Result<Self> {
        let mut state = ring.lock();
        if std::mem::replace(&mut state.has_writer, true) {
            return Err(Error::new(
                ErrorKind::Busy,
                format!("write user ring buffer \"{name}\": it has a writer already"),
            ));
        }
        Ok(Self {
            kernel,
            name: name.to_owned(),
            ring: ring.clone(),
            payload_bytes_max: state.capacity - HEADER_BYTES,
        })
    }

    fn poll_ready(&self, ctx: &Context<'_>) -> Poll<()> {
        let mut ring = self.ring.lock();
        if ring.has_room(ring.wanted.max(HEADER_BYTES)) {
            return Poll::Ready(());
        }
        ring.waiters.add(ctx);
        Poll::Pending
    }
}

impl UserRingBuffer for FakeUserRingBuffer {
    fn submit(&mut self, payload: &[u8]) -> Result<bool> {
        self.kernel.enter(Operation::Submit, &self.name)?;
        if payload.len() > self.payload_bytes_max {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "submit {} bytes to user ring buffer \"{}\": at most {} fit",
                    payload.len(),
                    self.name,
                    self.payload_bytes_max
                ),
            ));
        }
        Ok(self.ring.lock().submit(payload))
    }

    fn has_room(&self, payload_bytes: usize) -> bool {
        if payload_bytes > self.payload_bytes_max {
            return false;
        }
        let mut ring = self.ring.lock();
        let bytes = record_bytes(payload_bytes);
        let fits = ring.has_room(bytes);
        if !fits {
            // `ready` waits for as much, and does not resolve again and again for less.
            ring.wanted = bytes;
        }
        fits
    }

    fn payload_bytes_max(&self) -> usize {
        self.payload_bytes_max
    }

    fn ready(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(poll_fn(|ctx| self.poll_ready(ctx)))
    }
}

impl Drop for FakeUserRingBuffer {
    fn drop(&mut self) {
        let mut ring = self.ring.lock();
        ring.has_writer = false;
        ring.wanted = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring() -> Arc<Shared<UserRing>> {
        Arc::new(Shared::new(UserRing::new(64)))
    }

    fn writer(ring: &Arc<Shared<UserRing>>) -> FakeUserRingBuffer {
        FakeUserRingBuffer::open(FakeKernel::new(), "commands", ring).unwrap()
    }

    #[test]
    fn what_is_submitted_is_drained_in_order() {
        let ring = ring();
        let mut writer = writer(&ring);
        for payload in [&b"one"[..], b"", b"three"] {
            assert!(writer.submit(payload).unwrap());
        }
        assert_eq!(ring.lock().drain(2).0, [&b"one"[..], b""]);
        assert_eq!(ring.lock().drain(usize::MAX).0, [b"three"]);
        assert!(ring.lock().drain(usize::MAX).0.is_empty());
    }

    #[test]
    fn a_full_buffer_takes_nothing_until_it_is_drained() {
        let ring = ring();
        let mut writer = writer(&ring);
        assert_eq!(writer.payload_bytes_max(), 56);
        assert!(writer.submit(&[1; 56]).unwrap());
        assert!(!writer.submit(b"").unwrap());
        ring.lock().drain(1).1.wake();
        assert!(writer.submit(&[2; 56]).unwrap());
    }

    #[test]
    fn what_can_never_fit_is_an_error() {
        let error = writer(&ring()).submit(&[0; 57]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }

    fn is_ready(writer: &mut FakeUserRingBuffer) -> bool {
        let mut ctx = Context::from_waker(std::task::Waker::noop());
        writer.ready().as_mut().poll(&mut ctx).is_ready()
    }

    #[test]
    fn readiness_is_for_what_was_asked_for_last() {
        let ring = ring();
        let mut writer = writer(&ring);
        assert!(is_ready(&mut writer));
        assert!(writer.submit(&[1; 40]).unwrap());
        assert!(!writer.has_room(16) && writer.has_room(8));
        assert!(!is_ready(&mut writer));
        ring.lock().drain(1).1.wake();
        assert!(is_ready(&mut writer));
        assert!(!writer.has_room(57));
    }

    #[test]
    fn there_is_one_writer_at_a_time() {
        let ring = ring();
        let first = writer(&ring);
        let second = FakeUserRingBuffer::open(FakeKernel::new(), "commands", &ring);
        assert_eq!(second.unwrap_err().kind(), ErrorKind::Busy);
        drop(first);
        writer(&ring);
    }
}
