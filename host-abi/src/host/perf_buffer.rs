//! `perf-buffer`: perf event arrays.

use wasmtime::component::Resource;
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};

use super::BpfCtxView;
use super::bpf_map::BpfMap;
use super::error::{HostError, HostResult, checked_length};
use super::object_state::ObjectRef;
use super::wait::{Woken, wait};
use crate::bindings::eunomia::bpf::perf_buffer::{Host, HostPerfBuffer, PerfBatch};
use crate::error::{Error, ErrorKind};
use crate::kernel::{self, BoxFuture};
use crate::limits::{BATCH_BYTES_DEFAULT, BATCH_BYTES_MAX, PERF_PAGES_PER_CPU_DEFAULT};
use crate::record;
use crate::stop::StopSignal;

/// The host's side of a `perf-buffer` handle.
#[derive(Debug)]
pub struct PerfBuffer {
    buffer: Box<dyn kernel::PerfBuffer>,
    /// Records taken from the rings; the first `lent` bytes are with the guest.
    records: Vec<u8>,
    lent: usize,
    /// Lost records that the guest has not been told of.
    lost: u64,
    stop: StopSignal,
    _object: ObjectRef,
}

impl PerfBuffer {
    pub(crate) fn new(
        buffer: Box<dyn kernel::PerfBuffer>,
        object: ObjectRef,
        stop: StopSignal,
    ) -> Self {
        Self {
            buffer,
            records: Vec::new(),
            lent: 0,
            lost: 0,
            stop,
            _object: object,
        }
    }

    /// Forget `consumed` bytes of the last batch and return the next one, without waiting, with the
    /// number of records lost since the last call.
    ///
    /// # Errors
    /// A trap when `consumed` is not the end of a record of the last batch.
    pub fn next_batch(
        &mut self,
        consumed: usize,
        bytes_max: usize,
    ) -> Result<(&[u8], u64), HostError> {
        if consumed > self.lent || !record::is_boundary(&self.records[..self.lent], consumed) {
            return Err(HostError::trap(format!(
                "perf-buffer: consumed {consumed} bytes, not the end of a record of the last batch"
            )));
        }
        let bytes_max = match bytes_max {
            0 => BATCH_BYTES_DEFAULT,
            bytes_max => bytes_max.min(BATCH_BYTES_MAX),
        };
        self.records.drain(..consumed);
        self.lent = 0;
        if self.records.len() < bytes_max {
            self.lost += self.buffer.take(&mut self.records, bytes_max)?;
        }
        self.lent = record::prefix(&self.records, bytes_max);
        Ok((&self.records[..self.lent], std::mem::take(&mut self.lost)))
    }

    /// Resolves when there may be records to read.
    pub fn records_ready(&mut self) -> BoxFuture<'_, ()> {
        self.buffer.ready()
    }
}

#[wasmtime_wasi_io::async_trait]
impl Pollable for PerfBuffer {
    async fn ready(&mut self) {
        while self.records.is_empty() && self.lost == 0 && !self.stop.is_requested() {
            match self.buffer.take(&mut self.records, BATCH_BYTES_DEFAULT) {
                Ok(lost) => self.lost += lost,
                Err(_) => return, // The next `read` tells.
            }
            if self.records.is_empty() && self.lost == 0 {
                let stop = self.stop.clone();
                wait(self.buffer.ready(), &stop, None).await;
            }
        }
    }
}

impl Host for BpfCtxView<'_> {}

impl HostPerfBuffer for BpfCtxView<'_> {
    fn open(
        &mut self,
        map: Resource<BpfMap>,
        pages_per_cpu: u32,
    ) -> HostResult<Resource<PerfBuffer>> {
        let pages = if pages_per_cpu == 0 {
            PERF_PAGES_PER_CPU_DEFAULT
        } else {
            pages_per_cpu
        };
        let pages_max = self.ctx.limits.perf_pages_per_cpu_max as usize;
        checked_length("open a perf event array: pages", pages as usize, pages_max)?;
        if !pages.is_power_of_two() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("open a perf event array: {pages} pages are not a power of two"),
            )
            .into());
        }
        let map = self.table.get_mut(&map)?;
        let object = map.object().clone();
        let buffer = map
            .loaded("open a perf event array")?
            .open_perf_buffer(pages)?;
        let stop = self.ctx.stop.clone();
        Ok(self.table.push(PerfBuffer::new(buffer, object, stop))?)
    }

    async fn read(
        &mut self,
        self_: Resource<PerfBuffer>,
        consumed: u32,
        bytes_max: u32,
        timeout: Option<u64>,
    ) -> HostResult<PerfBatch> {
        let ctx = &mut *self.ctx;
        let perf = self.table.get_mut(&self_)?;
        let (mut consumed, bytes_max) = (consumed as usize, bytes_max as usize);
        let mut sleep = None;
        let mut woken = Woken::Ready;
        loop {
            let (records, lost) = perf.next_batch(consumed, bytes_max)?;
            consumed = 0;
            let empty = records.is_empty() && lost == 0;
            if !empty || timeout == Some(0) || woken != Woken::Ready || ctx.stop.is_requested() {
                ctx.output.report_lost(lost);
                return Ok(PerfBatch {
                    records: records.to_vec(),
                    lost,
                });
            }
            ctx.output.before_wait();
            if let (None, Some(timeout)) = (&sleep, timeout) {
                sleep = Some(ctx.kernel.sleep(std::time::Duration::from_nanos(timeout)));
            }
            woken = wait(perf.buffer.ready(), &ctx.stop, sleep.as_mut()).await;
        }
    }

    fn subscribe(
        &mut self,
        self_: Resource<PerfBuffer>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(self.table, self_)
    }

    fn drop(&mut self, rep: Resource<PerfBuffer>) -> wasmtime::Result<()> {
        self.table.delete(rep)?;
        Ok(())
    }
}
