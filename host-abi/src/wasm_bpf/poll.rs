//! `wasm_bpf_buffer_poll`.

use std::time::Duration;

use wasmtime::Caller;

use super::buffer::Reader;
use super::callback::Callback;
use super::memory::GuestMemory;
use super::{INTERRUPTED, WasmBpfView, errno};
use crate::error::Error;
use crate::host::wait::{Woken, wait};
use crate::host::{GuestExit, HostError};
use crate::record::{Records, record_bytes};

/// What a guest polls, and where its samples go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) object: u64,
    pub(super) fd: i32,
    /// Passed to the callback.
    pub(super) context: u32,
    /// Where a sample is copied to.
    pub(super) data: u32,
    /// Bytes of a sample that are copied at most.
    pub(super) bytes_max: i32,
    /// Negative: wait as long as it takes.
    pub(super) timeout_ms: i32,
}

/// Bytes of records after which their room is given back to the kernel: often enough that a small
/// ring does not fill up while the guest prints, seldom enough not to matter.
const BATCH_BYTES: usize = 16 * 1024;

/// Bytes of records of one poll. The guest looks at other things between polls, such as the clock.
const POLL_BYTES: usize = 256 * 1024;

/// Polls that still deliver samples after the operator asked to stop: what was there is shown, but
/// a kernel that never rests does not keep the guest from leaving.
const POLLS_SINCE_STOP_MAX: u32 = 1024;

/// Polls in callbacks of polls: each has a stack of its own in the host's memory.
const POLLS_MAX: usize = 16;

/// Deliver the samples of a buffer, or wait for some. 0, or why it ended early.
///
/// # Errors
/// Whatever ends the guest inside its callback.
pub(super) async fn poll<T: WasmBpfView + 'static>(
    caller: &mut Caller<'_, T>,
    request: &Request,
    callback: &Callback,
) -> wasmtime::Result<i32> {
    let memory = GuestMemory::of(caller)?;
    let reader = match prepare(caller, memory, request) {
        Ok(reader) => reader,
        Err(error) => return Ok(failed(&error)),
    };
    let mut poll = Poll {
        memory,
        request,
        callback,
        reader,
        delivered: false,
    };
    let outcome = poll.run(caller).await;
    let reader = poll.reader;
    let mut view = caller.data_mut().wasm_bpf();
    view.guest.polls -= 1;
    view.return_reader(request.fd, reader);
    match outcome {
        Ok(()) => Ok(0),
        Err(Ended::Returned(code)) => Ok(code),
        Err(Ended::Trap(trap)) => Err(trap),
    }
}

/// Check what the guest passed before anything is taken from the kernel.
fn prepare<T: WasmBpfView + 'static>(
    caller: &mut Caller<'_, T>,
    memory: GuestMemory,
    request: &Request,
) -> Result<Box<Reader>, Error> {
    let bytes = u64::try_from(request.bytes_max).map_err(|_| {
        let message = format!("poll a buffer: {} bytes for a sample", request.bytes_max);
        Error::new(crate::ErrorKind::InvalidArgument, message)
    })?;
    memory.bytes(caller, u64::from(request.data), bytes)?;
    let mut view = caller.data_mut().wasm_bpf();
    if view.guest.polls >= POLLS_MAX {
        return Err(Error::new(
            crate::ErrorKind::LimitExceeded,
            format!("poll a buffer in {POLLS_MAX} callbacks of polls"),
        ));
    }
    let reader = view.take_reader(request.object, request.fd)?;
    view.guest.polls += 1;
    Ok(reader)
}

/// Why a poll ends before its time.
enum Ended {
    /// With this number.
    Returned(i32),
    /// With the guest.
    Trap(wasmtime::Error),
}

impl From<HostError> for Ended {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Expected(error) => Self::Returned(failed(&error)),
            HostError::Trap(trap) => Self::Trap(trap),
        }
    }
}

fn failed(error: &Error) -> i32 {
    tracing::debug!(error = error.text(), "a poll failed");
    errno::of(error)
}

/// One poll that runs. The reader is not in its place meanwhile: the callback may do anything with
/// the guest's handles.
struct Poll<'a> {
    memory: GuestMemory,
    request: &'a Request,
    callback: &'a Callback,
    reader: Box<Reader>,
    delivered: bool,
}

impl Poll<'_> {
    async fn run<T: WasmBpfView + 'static>(
        &mut self,
        caller: &mut Caller<'_, T>,
    ) -> Result<(), Ended> {
        let mut timeout = None;
        loop {
            self.deliver_available(caller).await?;
            let view = caller.data_mut().wasm_bpf();
            let stopping = view.ctx.stop().is_requested();
            if self.delivered {
                self.reader.polls_since_stop += u32::from(stopping);
                return Ok(());
            }
            if stopping {
                return Err(self.interrupted());
            }
            let wanted = match u64::try_from(self.request.timeout_ms) {
                Ok(0) => return Ok(()),
                Ok(milliseconds) => Some(Duration::from_millis(milliseconds)),
                Err(_) => None,
            };
            if let (None, Some(wanted)) = (&timeout, wanted) {
                timeout = Some(view.ctx.kernel().sleep(wanted));
            }
            view.ctx.output().before_wait();
            let stop = view.ctx.stop().clone();
            let woken = wait(self.reader.ready(), &stop, timeout.as_mut()).await;
            if woken == Woken::TimedOut {
                return self.deliver_available(caller).await;
            }
        }
    }

    /// The guest is to stop: it is told once for each buffer. If it comes back all the same, it
    /// does not know how to stop, and is ended as a signal would end it.
    fn interrupted(&mut self) -> Ended {
        if std::mem::replace(&mut self.reader.interrupted, true) {
            return Ended::Trap(wasmtime::Error::new(GuestExit { code: 0 }));
        }
        Ended::Returned(INTERRUPTED)
    }

    /// Deliver what there is, as far as one poll goes.
    async fn deliver_available<T: WasmBpfView + 'static>(
        &mut self,
        caller: &mut Caller<'_, T>,
    ) -> Result<(), Ended> {
        if self.reader.polls_since_stop > POLLS_SINCE_STOP_MAX {
            return Ok(());
        }
        let mut bytes = 0;
        while bytes < POLL_BYTES {
            match self.deliver_batch(caller).await? {
                0 => break,
                delivered => bytes += delivered,
            }
        }
        Ok(())
    }

    /// Deliver one batch; returns its bytes.
    async fn deliver_batch<T: WasmBpfView + 'static>(
        &mut self,
        caller: &mut Caller<'_, T>,
    ) -> Result<usize, Ended> {
        let (batch, lost) = self.reader.next_batch(BATCH_BYTES)?;
        if lost > 0 {
            caller.data_mut().wasm_bpf().ctx.output().report_lost(lost);
        }
        let bytes = batch.len();
        let mut consumed = 0;
        let mut outcome = Ok(());
        for record in Records::new(batch) {
            consumed += record_bytes(record.payload.len());
            if record.discarded {
                continue;
            }
            self.delivered = true;
            let answer = deliver(
                caller,
                self.memory,
                self.request,
                self.callback,
                record.payload,
            );
            match answer.await {
                Ok(0..) if is_open(caller, self.request.fd) => {}
                // The callback closed the object.
                Ok(0..) => {
                    outcome = Err(Ended::Returned(0));
                    break;
                }
                Ok(code) => {
                    outcome = Err(Ended::Returned(code));
                    break;
                }
                Err(trap) => return Err(Ended::Trap(trap)),
            }
        }
        self.reader.consume(consumed);
        outcome.map(|()| bytes)
    }
}

fn is_open<T: WasmBpfView + 'static>(caller: &mut Caller<'_, T>, fd: i32) -> bool {
    caller.data_mut().wasm_bpf().guest.maps.contains_key(&fd)
}

/// Copy a sample to where the guest wants it, and call it back.
async fn deliver<T: WasmBpfView + 'static>(
    caller: &mut Caller<'_, T>,
    memory: GuestMemory,
    request: &Request,
    callback: &Callback,
    payload: &[u8],
) -> wasmtime::Result<i32> {
    let bytes = payload.len().min(request.bytes_max.unsigned_abs() as usize);
    // Memories never shrink, so that what was checked once stays right.
    memory
        .bytes_mut(caller, u64::from(request.data), bytes as u64)?
        .copy_from_slice(&payload[..bytes]);
    let size = u32::try_from(bytes).unwrap_or(u32::MAX);
    callback
        .call(caller, (request.context, request.data, size))
        .await
}
