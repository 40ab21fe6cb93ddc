//! Perf event arrays: records from the kernel, one ring for each CPU.

use std::ops::Deref;
use std::time::Duration;

use crate::batch::{Batch, FaultCell};
use crate::bindings::eunomia::bpf::perf_buffer as host;
use crate::error::Result;
use crate::lifecycle;
use crate::map::RawMap;
use crate::output;
use crate::poll::{self, Pollable, Wait};

/// The one reader of a perf event array (`BPF_MAP_TYPE_PERF_EVENT_ARRAY`). Dropping it ends
/// reading.
///
/// It is read like a [`RingBuffer`](crate::RingBuffer). Records of one CPU are in order; which CPU
/// it was says [`RawRecord::cpu`](crate::RawRecord::cpu).
#[derive(Debug)]
pub struct PerfBuffer {
    handle: host::PerfBuffer,
    name: &'static str,
    batch_bytes_max: u32,
    batch: host::PerfBatch,
    fault: FaultCell,
}

/// A [`Batch`] of a perf event array.
#[derive(Clone, Copy, Debug)]
pub struct PerfBatch<'a> {
    batch: Batch<'a>,
    lost: u64,
}

impl PerfBatch<'_> {
    /// Records that the kernel dropped since the last batch because a ring was full. The host
    /// counts them by itself.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

impl<'a> Deref for PerfBatch<'a> {
    type Target = Batch<'a>;

    fn deref(&self) -> &Batch<'a> {
        &self.batch
    }
}

impl PerfBuffer {
    /// Start reading a map; see [`LoadedObject::perf_buffer`](crate::LoadedObject::perf_buffer).
    pub(crate) fn open(map: &RawMap, name: &'static str, pages_per_cpu: u32) -> Result<Self> {
        Ok(Self {
            handle: host::PerfBuffer::open(map.handle(), pages_per_cpu)?,
            name,
            batch_bytes_max: 0,
            batch: nothing(),
            fault: FaultCell::new(),
        })
    }

    /// How much to read at once, in bytes; at most 1 MiB, but always at least one record. 0, the
    /// default, leaves it to the host.
    pub fn set_batch_bytes_max(&mut self, bytes: u32) {
        self.batch_bytes_max = bytes;
    }

    /// Wait for records. None when the operator has asked the guest to stop and everything is
    /// read: print a summary and leave.
    ///
    /// # Errors
    /// As [`RingBuffer::next_batch`](crate::RingBuffer::next_batch).
    pub fn next_batch(&mut self) -> Result<Option<PerfBatch<'_>>> {
        self.read(None)?;
        Ok(self.non_empty())
    }

    /// The same, but when there is nothing for `timeout` the batch is empty.
    ///
    /// # Errors
    /// As [`RingBuffer::next_batch`](crate::RingBuffer::next_batch).
    pub fn next_batch_within(&mut self, timeout: Duration) -> Result<Option<PerfBatch<'_>>> {
        self.read(Some(timeout))?;
        if self.non_empty().is_none() && lifecycle::stop_requested() {
            // What came between the end of the read and the request to stop.
            self.read(Some(Duration::ZERO))?;
            return Ok(self.non_empty());
        }
        Ok(Some(self.batch()))
    }

    /// What is there now, without waiting; none when there is nothing.
    ///
    /// # Errors
    /// As [`RingBuffer::next_batch`](crate::RingBuffer::next_batch).
    pub fn try_next_batch(&mut self) -> Result<Option<PerfBatch<'_>>> {
        self.read(Some(Duration::ZERO))?;
        Ok(self.non_empty())
    }

    pub(crate) fn into_handle(self) -> host::PerfBuffer {
        self.handle
    }

    fn read(&mut self, timeout: Option<Duration>) -> Result<()> {
        self.fault
            .take(format_args!("perf event array \"{}\"", self.name))?;
        if timeout != Some(Duration::ZERO) {
            output::flush_pending()?;
        }
        // The last batch is freed first: its memory then serves for the next one.
        let consumed = std::mem::replace(&mut self.batch, nothing()).records.len() as u32;
        let timeout = timeout.map(poll::nanoseconds);
        self.batch = self.handle.read(consumed, self.batch_bytes_max, timeout)?;
        Ok(())
    }

    fn batch(&self) -> PerfBatch<'_> {
        PerfBatch {
            batch: Batch::new(&self.batch.records, &self.fault),
            lost: self.batch.lost,
        }
    }

    fn non_empty(&self) -> Option<PerfBatch<'_>> {
        let is_empty = self.batch.records.is_empty() && self.batch.lost == 0;
        (!is_empty).then(|| self.batch())
    }
}

impl Wait for PerfBuffer {
    fn subscribe(&self) -> Pollable {
        Pollable::new(self.handle.subscribe())
    }
}

fn nothing() -> host::PerfBatch {
    host::PerfBatch {
        records: Vec::new(),
        lost: 0,
    }
}
