//! `ring-buffer`: the hot path. `read` lowers the records into the guest's memory straight from
//! where the kernel wrote them.

use std::time::{Duration, Instant};

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};

use super::bpf_map::BpfMap;
use super::error::{HostError, HostResult};
use super::lowering::{expected, lend};
use super::object_state::ObjectRef;
use super::wait::{Woken, wait};
use super::{BpfCtx, BpfCtxView, BpfView};
use crate::error::{Error, ErrorKind, Result};
use crate::kernel::{self, BoxFuture};
use crate::limits::{BATCH_BYTES_DEFAULT, BATCH_BYTES_MAX};
use crate::stop::StopSignal;

/// The host's side of a `ring-buffer` handle.
#[derive(Debug)]
pub struct RingBuffer {
    ring: Box<dyn kernel::RingBuffer>,
    /// Bytes of the last batch that the guest has not consumed.
    lent: usize,
    /// At most half of the ring, so that the kernel has room while the guest works on a batch.
    batch_bytes_max: usize,
    stop: StopSignal,
    _object: ObjectRef,
}

impl RingBuffer {
    /// Become the reader of `map`.
    pub(crate) fn of_map(
        map: &dyn kernel::Map,
        object: ObjectRef,
        stop: StopSignal,
    ) -> Result<Self> {
        if let Some(pin) = &map.info().pin_name {
            return Err(Error::new(
                ErrorKind::NotSupported,
                format!(
                    "read ring buffer `{}`: it is shared as `{pin}`",
                    map.info().name
                ),
            ));
        }
        Ok(Self {
            ring: map.open_ring_buffer()?,
            lent: 0,
            batch_bytes_max: (map.info().max_entries as usize / 2).min(BATCH_BYTES_MAX),
            stop,
            _object: object,
        })
    }

    /// Free `consumed` bytes of the last batch and return the next one, without waiting.
    ///
    /// # Errors
    /// A trap when `consumed` is not the end of a record of the last batch.
    pub fn next_batch(&mut self, consumed: usize, bytes_max: usize) -> Result<&[u8], HostError> {
        if consumed > self.lent {
            return Err(HostError::trap(format!(
                "ring-buffer: consumed {consumed} bytes of a batch of {}",
                self.lent
            )));
        }
        let wanted = match bytes_max {
            0 => BATCH_BYTES_DEFAULT,
            bytes_max => bytes_max,
        };
        let bytes_max = wanted.min(self.batch_bytes_max);
        self.lent = 0;
        let batch = self
            .ring
            .batch(consumed, bytes_max)
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidArgument => HostError::trap(format!("ring-buffer: {error}")),
                _ => error.into(),
            })?;
        self.lent = batch.len();
        Ok(batch)
    }

    /// Records that were lost since the last call, as far as the kernel counts them.
    pub fn take_lost(&mut self) -> u64 {
        self.ring.take_lost()
    }

    /// Resolves when there may be records to read.
    pub fn records_ready(&mut self) -> BoxFuture<'_, ()> {
        self.ring.ready()
    }
}

#[wasmtime_wasi_io::async_trait]
impl Pollable for RingBuffer {
    async fn ready(&mut self) {
        while self.lent == 0 && !self.stop.is_requested() {
            // An error is the next `read`'s to tell. What is looked at here is not lent to the
            // guest.
            match self.ring.batch(0, 1) {
                Ok([]) => {}
                _ => return,
            }
            let stop = self.stop.clone();
            wait(self.ring.ready(), &stop, None).await;
        }
    }
}

/// Define the interface `ring-buffer` in `linker`.
pub(super) fn add_to_linker<T: BpfView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let mut interface = linker.instance("eunomia:bpf/ring-buffer@0.1.0")?;
    interface.resource(
        "ring-buffer",
        ResourceType::host::<RingBuffer>(),
        |mut store, rep| {
            store
                .data_mut()
                .bpf()
                .table
                .delete(Resource::<RingBuffer>::new_own(rep))?;
            Ok(())
        },
    )?;
    interface.func_wrap(
        "[static]ring-buffer.open",
        |mut store: StoreContextMut<'_, T>, (map,): (Resource<BpfMap>,)| {
            Ok((expected(open(store.data_mut().bpf(), &map))?,))
        },
    )?;
    interface.func_wrap_async(
        "[method]ring-buffer.read",
        |mut store: StoreContextMut<'_, T>,
         (ring, consumed, bytes_max, timeout): (Resource<RingBuffer>, u32, u32, Option<u64>)| {
            Box::new(async move {
                let bounds = (consumed as usize, bytes_max as usize);
                Ok((expected(read(store.data_mut().bpf(), &ring, bounds, timeout).await)?,))
            })
        },
    )?;
    interface.func_wrap(
        "[method]ring-buffer.consume",
        |mut store: StoreContextMut<'_, T>, (ring, consumed): (Resource<RingBuffer>, u32)| {
            consume(store.data_mut().bpf(), &ring, consumed as usize)
        },
    )?;
    interface.func_wrap(
        "[method]ring-buffer.subscribe",
        |mut store: StoreContextMut<'_, T>, (ring,): (Resource<RingBuffer>,)| {
            Ok((subscribe(store.data_mut().bpf().table, ring)?,))
                as wasmtime::Result<(Resource<DynPollable>,)>
        },
    )?;
    interface.func_wrap(
        "[method]ring-buffer.available",
        |mut store: StoreContextMut<'_, T>, (ring,): (Resource<RingBuffer>,)| {
            Ok((store.data_mut().bpf().table.get(&ring)?.ring.available(),))
        },
    )
}

fn open(view: BpfCtxView<'_>, map: &Resource<BpfMap>) -> HostResult<Resource<RingBuffer>> {
    let map = view.table.get_mut(map)?;
    let object = map.object().clone();
    let map = map.loaded("open a ring buffer")?;
    let ring = RingBuffer::of_map(&*map, object, view.ctx.stop.clone())?;
    Ok(view.table.push(ring)?)
}

async fn read(
    view: BpfCtxView<'_>,
    ring: &Resource<RingBuffer>,
    (consumed, bytes_max): (usize, usize),
    timeout: Option<u64>,
) -> HostResult<&'static [u8]> {
    let BpfCtxView { ctx, table } = view;
    let ring = table.get_mut(ring)?;
    let mut consumed = consumed;
    let mut sleep = None;
    loop {
        let batch = lend(ring.next_batch(consumed, bytes_max)?);
        consumed = 0;
        report_lost(ctx, ring);
        if !batch.is_empty() {
            return Ok(batch);
        }
        if timeout == Some(0) || ctx.stop.is_requested() {
            return Ok(&[]);
        }
        ctx.output.before_wait();
        if let (None, Some(timeout)) = (&sleep, timeout) {
            sleep = Some(ctx.kernel.sleep(Duration::from_nanos(timeout)));
        }
        let begin = Instant::now();
        match wait(ring.ring.ready(), &ctx.stop, sleep.as_mut()).await {
            // The guest waits for this ring alone. Those who wait for several must not miss another
            // one for it.
            Woken::Ready => ring.ring.gather(begin.elapsed()),
            Woken::Stopped => {}
            Woken::TimedOut => {
                let batch = lend(ring.next_batch(0, bytes_max)?);
                report_lost(ctx, ring);
                return Ok(batch);
            }
        }
    }
}

fn report_lost(ctx: &mut BpfCtx, ring: &mut RingBuffer) {
    match ring.take_lost() {
        0 => {}
        lost => ctx.output.report_lost(lost),
    }
}

fn consume(
    view: BpfCtxView<'_>,
    ring: &Resource<RingBuffer>,
    consumed: usize,
) -> wasmtime::Result<()> {
    let ring = view.table.get_mut(ring)?;
    let lent = ring.lent;
    match ring.next_batch(consumed, 1) {
        Ok(_) => {
            // What `next_batch` saw is not lent: after `consume` nothing of the old batch is due.
            ring.lent = 0;
            Ok(())
        }
        Err(HostError::Trap(trap)) => Err(trap),
        Err(HostError::Expected(error)) => {
            tracing::debug!(%error, lent, "consume");
            Ok(())
        }
    }
}
