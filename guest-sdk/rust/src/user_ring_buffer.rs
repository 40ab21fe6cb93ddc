//! User ring buffers: records from the guest to the kernel.

use std::time::{Duration, Instant};

use crate::batch::BatchBuilder;
use crate::bindings::eunomia::bpf::user_ring_buffer as host;
use crate::error::Result;
use crate::map::RawMap;
use crate::output;
use crate::poll::{self, Pollable, Wait};

/// Bytes of records that one call of the host takes.
const CALL_BYTES_MAX: usize = 1 << 20;

/// The one writer of a user ring buffer (`BPF_MAP_TYPE_USER_RINGBUF`, Linux 6.1). Dropping it ends
/// writing.
///
/// Room appears when the BPF program drains the buffer.
#[derive(Debug)]
pub struct UserRingBuffer {
    handle: host::UserRingBuffer,
}

impl UserRingBuffer {
    /// Start writing a map; see
    /// [`LoadedObject::user_ring_buffer`](crate::LoadedObject::user_ring_buffer).
    pub(crate) fn open(map: &RawMap) -> Result<Self> {
        let handle = host::UserRingBuffer::open(map.handle())?;
        Ok(Self { handle })
    }

    /// Submit the records in order and wait until there is room for all, or the operator asks the
    /// guest to stop. Those that were submitted are gone from the batch.
    ///
    /// # Errors
    /// `InvalidArgument` for a record that can never fit; of its MiB of records nothing is
    /// submitted then.
    pub fn write(&self, batch: &mut BatchBuilder) -> Result<()> {
        self.submit(batch, None)
    }

    /// The same, waiting for room for at most `timeout`.
    ///
    /// # Errors
    /// As [`UserRingBuffer::write`].
    pub fn write_within(&self, batch: &mut BatchBuilder, timeout: Duration) -> Result<()> {
        self.submit(batch, Some(timeout))
    }

    fn submit(&self, batch: &mut BatchBuilder, timeout: Option<Duration>) -> Result<()> {
        if timeout != Some(Duration::ZERO) {
            output::flush_pending()?;
        }
        let start = Instant::now();
        while !batch.is_empty() {
            let records = batch.first_bytes(CALL_BYTES_MAX);
            let left = timeout.map(|timeout| timeout.saturating_sub(start.elapsed()));
            let submitted = self.handle.write(records, left.map(poll::nanoseconds))?;
            let is_all = submitted as usize == records.len();
            batch.remove_first(submitted as usize);
            if !is_all {
                break;
            }
        }
        Ok(())
    }
}

/// Ready when there is room for the first record that did not fit.
impl Wait for UserRingBuffer {
    fn subscribe(&self) -> Pollable {
        Pollable::new(self.handle.subscribe())
    }
}
