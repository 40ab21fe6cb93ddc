//! `perf-buffer`: perf event arrays. `read` lowers the records into the guest's memory from where
//! they were gathered.

use std::time::Duration;

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Linker, Lower, Resource, ResourceType};
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};

use super::bpf_map::BpfMap;
use super::error::{HostError, HostResult, checked_length};
use super::lowering::{expected, lend};
use super::object_state::ObjectRef;
use super::wait::{Woken, wait};
use super::{BpfCtxView, BpfView};
use crate::error::{Error, ErrorKind};
use crate::kernel::{self, BoxFuture};
use crate::limits::{BATCH_BYTES_MAX, PERF_BATCH_BYTES_DEFAULT, PERF_PAGES_PER_CPU_DEFAULT};
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
            0 => PERF_BATCH_BYTES_DEFAULT,
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
            match self
                .buffer
                .take(&mut self.records, PERF_BATCH_BYTES_DEFAULT)
            {
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

/// `perf-batch`.
#[derive(ComponentType, Lower)]
#[component(record)]
struct PerfBatch {
    records: &'static [u8],
    lost: u64,
}

/// Define the interface `perf-buffer` in `linker`.
pub(super) fn add_to_linker<T: BpfView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let mut interface = linker.instance("eunomia:bpf/perf-buffer@0.1.0")?;
    interface.resource(
        "perf-buffer",
        ResourceType::host::<PerfBuffer>(),
        |mut store, rep| {
            store
                .data_mut()
                .bpf()
                .table
                .delete(Resource::<PerfBuffer>::new_own(rep))?;
            Ok(())
        },
    )?;
    interface.func_wrap(
        "[static]perf-buffer.open",
        |mut store: StoreContextMut<'_, T>, (map, pages_per_cpu): (Resource<BpfMap>, u32)| {
            Ok((expected(open(store.data_mut().bpf(), &map, pages_per_cpu))?,))
        },
    )?;
    interface.func_wrap_async(
        "[method]perf-buffer.read",
        |mut store: StoreContextMut<'_, T>,
         (perf, consumed, bytes_max, timeout): (Resource<PerfBuffer>, u32, u32, Option<u64>)| {
            Box::new(async move {
                let bounds = (consumed as usize, bytes_max as usize);
                Ok((expected(read(store.data_mut().bpf(), &perf, bounds, timeout).await)?,))
            })
        },
    )?;
    interface.func_wrap(
        "[method]perf-buffer.subscribe",
        |mut store: StoreContextMut<'_, T>, (perf,): (Resource<PerfBuffer>,)| {
            Ok((subscribe(store.data_mut().bpf().table, perf)?,))
                as wasmtime::Result<(Resource<DynPollable>,)>
        },
    )
}

fn open(
    view: BpfCtxView<'_>,
    map: &Resource<BpfMap>,
    pages_per_cpu: u32,
) -> HostResult<Resource<PerfBuffer>> {
    let pages = match pages_per_cpu {
        0 => PERF_PAGES_PER_CPU_DEFAULT,
        pages => pages,
    };
    let pages_max = view.ctx.limits.perf_pages_per_cpu_max as usize;
    checked_length("open a perf event array: pages", pages as usize, pages_max)?;
    if !pages.is_power_of_two() {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("open a perf event array: {pages} pages are not a power of two"),
        )
        .into());
    }
    let map = view.table.get_mut(map)?;
    let object = map.object().clone();
    let buffer = map
        .loaded("open a perf event array")?
        .open_perf_buffer(pages)?;
    let stop = view.ctx.stop.clone();
    Ok(view.table.push(PerfBuffer::new(buffer, object, stop))?)
}

async fn read(
    view: BpfCtxView<'_>,
    perf: &Resource<PerfBuffer>,
    (consumed, bytes_max): (usize, usize),
    timeout: Option<u64>,
) -> HostResult<PerfBatch> {
    let BpfCtxView { ctx, table } = view;
    let perf = table.get_mut(perf)?;
    let mut consumed = consumed;
    let mut sleep = None;
    let mut woken = Woken::Ready;
    loop {
        let (records, lost) = perf.next_batch(consumed, bytes_max)?;
        consumed = 0;
        let empty = records.is_empty() && lost == 0;
        if !empty || timeout == Some(0) || woken != Woken::Ready || ctx.stop.is_requested() {
            ctx.output.report_lost(lost);
            let records = lend(records);
            return Ok(PerfBatch { records, lost });
        }
        ctx.output.before_wait();
        if let (None, Some(timeout)) = (&sleep, timeout) {
            sleep = Some(ctx.kernel.sleep(Duration::from_nanos(timeout)));
        }
        woken = wait(perf.buffer.ready(), &ctx.stop, sleep.as_mut()).await;
    }
}
