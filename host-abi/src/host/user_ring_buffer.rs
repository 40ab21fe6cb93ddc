//! `user-ring-buffer`: from the guest to the kernel.

use wasmtime::component::Resource;
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};

use super::BpfCtxView;
use super::bpf_map::BpfMap;
use super::error::{HostResult, checked_length};
use super::object_state::ObjectRef;
use super::wait::{Woken, wait};
use crate::bindings::eunomia::bpf::user_ring_buffer::{Host, HostUserRingBuffer};
use crate::error::{Error, ErrorKind, Result};
use crate::kernel;
use crate::limits::BATCH_BYTES_MAX;
use crate::record::{Records, is_well_formed};
use crate::stop::StopSignal;

/// The host's side of a `user-ring-buffer` handle.
#[derive(Debug)]
pub struct UserRingBuffer {
    buffer: Box<dyn kernel::UserRingBuffer>,
    /// Payload of the first record that did not fit in the last `write`; 0: all did.
    waiting_bytes: usize,
    stop: StopSignal,
    _object: ObjectRef,
}

impl UserRingBuffer {
    fn check(&self, records: &[u8]) -> Result<()> {
        checked_length(
            "write to a user ring buffer",
            records.len(),
            BATCH_BYTES_MAX,
        )?;
        if !is_well_formed(records) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "write to a user ring buffer: not a batch of whole records",
            ));
        }
        let payload_max = self.buffer.payload_bytes_max();
        let largest = Records::new(records)
            .map(|record| record.payload.len())
            .max()
            .unwrap_or(0);
        if largest > payload_max {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "write to a user ring buffer: a record of {largest} bytes never fits, \
                     the largest is {payload_max}"
                ),
            ));
        }
        Ok(())
    }

    /// Submit records from the front of `records` while there is room; returns their bytes.
    fn submit(&mut self, records: &[u8]) -> Result<usize> {
        let mut batch = Records::new(records);
        let mut submitted = 0;
        self.waiting_bytes = 0;
        while let Some(record) = batch.next() {
            if !record.discarded && !self.buffer.submit(record.payload)? {
                self.waiting_bytes = record.payload.len();
                break;
            }
            submitted = records.len() - batch.rest().len();
        }
        Ok(submitted)
    }
}

#[wasmtime_wasi_io::async_trait]
impl Pollable for UserRingBuffer {
    async fn ready(&mut self) {
        while !self.stop.is_requested() && !self.buffer.has_room(self.waiting_bytes) {
            let stop = self.stop.clone();
            wait(self.buffer.ready(), &stop, None).await;
        }
    }
}

impl Host for BpfCtxView<'_> {}

impl HostUserRingBuffer for BpfCtxView<'_> {
    fn open(&mut self, map: Resource<BpfMap>) -> HostResult<Resource<UserRingBuffer>> {
        let map = self.table.get_mut(&map)?;
        let object = map.object().clone();
        let buffer = map
            .loaded("open a user ring buffer")?
            .open_user_ring_buffer()?;
        let stop = self.ctx.stop.clone();
        let buffer = UserRingBuffer {
            buffer,
            waiting_bytes: 0,
            stop,
            _object: object,
        };
        Ok(self.table.push(buffer)?)
    }

    async fn write(
        &mut self,
        self_: Resource<UserRingBuffer>,
        records: Vec<u8>,
        timeout: Option<u64>,
    ) -> HostResult<u32> {
        let ctx = &mut *self.ctx;
        let user = self.table.get_mut(&self_)?;
        user.check(&records)?;
        let mut submitted = 0;
        let mut sleep = None;
        let mut woken = Woken::Ready;
        loop {
            submitted += user.submit(&records[submitted..])?;
            let done = submitted == records.len();
            if done || timeout == Some(0) || woken != Woken::Ready || ctx.stop.is_requested() {
                return Ok(u32::try_from(submitted).expect("a batch is at most BATCH_BYTES_MAX"));
            }
            ctx.output.before_wait();
            if let (None, Some(timeout)) = (&sleep, timeout) {
                sleep = Some(ctx.kernel.sleep(std::time::Duration::from_nanos(timeout)));
            }
            woken = wait(user.buffer.ready(), &ctx.stop, sleep.as_mut()).await;
        }
    }

    fn subscribe(
        &mut self,
        self_: Resource<UserRingBuffer>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(self.table, self_)
    }

    fn drop(&mut self, rep: Resource<UserRingBuffer>) -> wasmtime::Result<()> {
        self.table.delete(rep)?;
        Ok(())
    }
}
