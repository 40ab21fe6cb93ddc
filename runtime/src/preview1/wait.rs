//! `poll_oneoff`: waiting for time to pass, which is how `sleep` is made.

use std::time::Duration;

use eunomia_host_abi::host::GuestExit;
use rustix::time::{ClockId, clock_gettime};
use wasmtime::{Caller, Linker};

use super::abi::{Errno, Guest, Outcome, u32_of, u64_of};
use super::clocks::{clock_of, nanoseconds};
use super::{MODULE, Preview1View};

/// Bytes of a `subscription`: user data, kind at 8; clock at 16, time at 24, flags at 40; or
/// descriptor at 16.
const SUBSCRIPTION_BYTES: u32 = 48;
/// Bytes of an `event`: user data, errno at 8, kind at 10, count of bytes at 16, flags at 24.
const EVENT_BYTES: usize = 32;
/// Subscriptions of one call.
const SUBSCRIPTIONS_MAX: u32 = 1024;

const KIND_CLOCK: u8 = 0;
const KIND_WRITE: u8 = 2;
/// The time is one of the clock's, not a duration.
const ABSOLUTE: u8 = 1;

/// Something that a guest waits for.
struct Subscription {
    user_data: [u8; 8],
    kind: u8,
    /// For clocks.
    due: Duration,
}

pub(super) fn add_to_linker<T: Preview1View>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.func_wrap_async(
        MODULE,
        "poll_oneoff",
        |mut caller: Caller<'_, T>, (from, to, count, happened): (u32, u32, u32, u32)| {
            Box::new(async move {
                let subscriptions = match subscriptions(&Guest::new(&mut caller)?, from, count) {
                    Ok(subscriptions) => subscriptions,
                    Err(errno) => return Ok(errno as i32),
                };
                if let Err(errno) = wait(&mut caller, &subscriptions).await? {
                    return Ok(errno as i32);
                }
                let mut guest = Guest::new(&mut caller)?;
                let told = tell(&mut guest, &subscriptions, to, happened);
                Ok(super::abi::number(told))
            })
        },
    )?;
    Ok(())
}

fn subscriptions<T: 'static>(
    guest: &Guest<'_, '_, T>,
    from: u32,
    count: u32,
) -> Outcome<Vec<Subscription>> {
    if count == 0 || count > SUBSCRIPTIONS_MAX {
        return Err(Errno::InvalidArgument);
    }
    let bytes = guest.bytes(from, count * SUBSCRIPTION_BYTES)?;
    let subscriptions = bytes.chunks_exact(SUBSCRIPTION_BYTES as usize);
    subscriptions.map(subscription).collect()
}

fn subscription(bytes: &[u8]) -> Outcome<Subscription> {
    let kind = bytes[8];
    let due = match kind {
        KIND_CLOCK => due(u32_of(&bytes[16..]), u64_of(&bytes[24..]), bytes[40])?,
        _ => Duration::ZERO,
    };
    let mut user_data = [0; 8];
    user_data.copy_from_slice(&bytes[..8]);
    Ok(Subscription {
        user_data,
        kind,
        due,
    })
}

/// How long it is until then.
fn due(clock: u32, time: u64, flags: u8) -> Outcome<Duration> {
    let clock: ClockId = clock_of(clock)?;
    let nanoseconds = match flags & ABSOLUTE {
        0 => time,
        _ => time.saturating_sub(nanoseconds(clock_gettime(clock))),
    };
    Ok(Duration::from_nanos(nanoseconds))
}

/// Wait for the first of them. Standard output can always be written to; standard input is told
/// to be readable, and the read then waits.
async fn wait<T: Preview1View>(
    caller: &mut Caller<'_, T>,
    subscriptions: &[Subscription],
) -> wasmtime::Result<Outcome> {
    let first = subscriptions.iter().map(|subscription| subscription.due);
    let first = first.min().unwrap_or_default();
    if first.is_zero() {
        return Ok(Ok(()));
    }
    caller.data_mut().before_wait();
    let state = caller.data_mut().preview1();
    let stop = state.stop.clone();
    tokio::select! {
        biased;
        () = stop.requested() => {}
        () = tokio::time::sleep(first) => return Ok(Ok(())),
    }
    // As a signal would, but once: a guest that sleeps again does not know how to stop.
    match std::mem::replace(&mut state.interrupted, true) {
        false => Ok(Err(Errno::Interrupted)),
        true => Err(wasmtime::Error::new(GuestExit { code: 0 })),
    }
}

/// Write an event for each that was due first.
fn tell<T: 'static>(
    guest: &mut Guest<'_, '_, T>,
    subscriptions: &[Subscription],
    to: u32,
    happened: u32,
) -> Outcome {
    let first = subscriptions.iter().map(|subscription| subscription.due);
    let first = first.min().unwrap_or_default();
    let mut events = Vec::new();
    for subscription in subscriptions.iter().filter(|it| it.due <= first) {
        let mut event = [0; EVENT_BYTES];
        event[..8].copy_from_slice(&subscription.user_data);
        event[10] = subscription.kind;
        if subscription.kind == KIND_WRITE {
            event[16..24].copy_from_slice(&u64::from(u16::MAX).to_le_bytes());
        }
        events.extend_from_slice(&event);
    }
    guest.write(to, &events)?;
    let count = u32::try_from(events.len() / EVENT_BYTES).map_err(|_| Errno::Fault)?;
    guest.write_u32(happened, count)
}
