//! Ring buffers: records from the kernel, in order, over all CPUs.

use std::time::Duration;

use crate::batch::{Batch, FaultCell};
use crate::bindings::eunomia::bpf::ring_buffer as host;
use crate::error::Result;
use crate::lifecycle;
use crate::map::RawMap;
use crate::output;
use crate::poll::{self, Pollable, Wait};

/// The one reader of a ring buffer (`BPF_MAP_TYPE_RINGBUF`). Dropping it ends reading.
///
/// ```no_run
/// # use eunomia_bpf::{LoadedObject, Result, RingBufferName};
/// # fn read(object: &LoadedObject) -> Result<()> {
/// # const EVENTS: RingBufferName = RingBufferName::new("events");
/// let mut events = object.ring_buffer(EVENTS)?;
/// while let Some(batch) = events.next_batch()? {
///     for pid in batch.records::<u32>() {
///         println!("{pid}");
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// Each read frees the room that the batch before it took in the kernel's buffer.
#[derive(Debug)]
pub struct RingBuffer {
    handle: host::RingBuffer,
    name: &'static str,
    batch_bytes_max: u32,
    batch: Vec<u8>,
    fault: FaultCell,
}

impl RingBuffer {
    /// Start reading a map; see [`LoadedObject::ring_buffer`](crate::LoadedObject::ring_buffer).
    pub(crate) fn open(map: &RawMap, name: &'static str) -> Result<Self> {
        Ok(Self {
            handle: host::RingBuffer::open(map.handle())?,
            name,
            batch_bytes_max: 0,
            batch: Vec::new(),
            fault: FaultCell::new(),
        })
    }

    /// How much to read at once, in bytes; at most 1 MiB and half of the ring, but always at least
    /// one record. 0, the default, leaves it to the host.
    pub fn set_batch_bytes_max(&mut self, bytes: u32) {
        self.batch_bytes_max = bytes;
    }

    /// Wait for records. None when the operator has asked the guest to stop and everything is
    /// read: print a summary and leave.
    ///
    /// # Errors
    /// The host's, and `InvalidArgument` when the batch before this held a record that was too
    /// short for the type it was read as. Writing out [tables](crate::output) may fail too, which
    /// is done before waiting.
    pub fn next_batch(&mut self) -> Result<Option<Batch<'_>>> {
        self.read(None)?;
        Ok(self.non_empty())
    }

    /// The same, but when there is nothing for `timeout` the batch is empty.
    ///
    /// # Errors
    /// As [`RingBuffer::next_batch`].
    pub fn next_batch_within(&mut self, timeout: Duration) -> Result<Option<Batch<'_>>> {
        self.read(Some(timeout))?;
        if self.batch.is_empty() && lifecycle::stop_requested() {
            // What came between the end of the read and the request to stop.
            self.read(Some(Duration::ZERO))?;
            return Ok(self.non_empty());
        }
        Ok(Some(self.batch()))
    }

    /// What is there now, without waiting; none when there is nothing.
    ///
    /// # Errors
    /// As [`RingBuffer::next_batch`].
    pub fn try_next_batch(&mut self) -> Result<Option<Batch<'_>>> {
        self.read(Some(Duration::ZERO))?;
        Ok(self.non_empty())
    }

    /// Free the room of the last batch without reading on. Only needed by guests that turn to
    /// something else before they have read all: reading does it too.
    pub fn release(&mut self) {
        let consumed = self.forget_batch();
        if consumed > 0 {
            self.handle.consume(consumed);
        }
    }

    /// Bytes that the kernel has written and the guest has not freed.
    pub fn available_bytes(&self) -> u64 {
        self.handle.available()
    }

    pub(crate) fn into_handle(self) -> host::RingBuffer {
        self.handle
    }

    fn read(&mut self, timeout: Option<Duration>) -> Result<()> {
        self.fault
            .take(format_args!("ring buffer \"{}\"", self.name))?;
        if timeout != Some(Duration::ZERO) {
            output::flush_pending()?;
        }
        // The last batch is freed first: its memory then serves for the next one.
        let consumed = self.forget_batch();
        let timeout = timeout.map(poll::nanoseconds);
        self.batch = self.handle.read(consumed, self.batch_bytes_max, timeout)?;
        Ok(())
    }

    /// How many bytes it had. A batch has at most 1 MiB, or one record of at most 1 GiB.
    fn forget_batch(&mut self) -> u32 {
        std::mem::take(&mut self.batch).len() as u32
    }

    fn batch(&self) -> Batch<'_> {
        Batch::new(&self.batch, &self.fault)
    }

    fn non_empty(&self) -> Option<Batch<'_>> {
        (!self.batch.is_empty()).then(|| self.batch())
    }
}

impl Wait for RingBuffer {
    fn subscribe(&self) -> Pollable {
        Pollable::new(self.handle.subscribe())
    }
}
