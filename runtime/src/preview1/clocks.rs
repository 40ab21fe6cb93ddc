//! `clock_*`, `random_get`.

use std::fs::File;
use std::io::Read as _;

use rustix::time::{ClockId, Timespec, clock_getres, clock_gettime};
use wasmtime::{Caller, Linker};

use super::abi::{Errno, Guest, Outcome, number};
use super::{MODULE, Preview1View};

pub(super) fn add_to_linker<T: Preview1View>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "clock_time_get",
        |mut caller: Caller<'_, T>, clock: u32, _precision: u64, time: u32| {
            let now = clock_of(clock).map(|clock| nanoseconds(clock_gettime(clock)));
            let mut guest = Guest::new(&mut caller)?;
            Ok(number(now.and_then(|now| guest.write_u64(time, now))))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "clock_res_get",
        |mut caller: Caller<'_, T>, clock: u32, resolution: u32| {
            let step = clock_of(clock).map(|clock| nanoseconds(clock_getres(clock)));
            let mut guest = Guest::new(&mut caller)?;
            Ok(number(
                step.and_then(|step| guest.write_u64(resolution, step)),
            ))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "random_get",
        |mut caller: Caller<'_, T>, buffer: u32, length: u32| {
            let mut guest = Guest::new(&mut caller)?;
            Ok(number(
                guest.bytes_mut(buffer, length).and_then(fill_with_random),
            ))
        },
    )?;
    Ok(())
}

/// Real time, monotonic time. Those of the process's and thread's CPU time are the host's.
pub(super) fn clock_of(clock: u32) -> Outcome<ClockId> {
    match clock {
        0 => Ok(ClockId::Realtime),
        1 => Ok(ClockId::Monotonic),
        _ => Err(Errno::InvalidArgument),
    }
}

pub(super) fn nanoseconds(time: Timespec) -> u64 {
    // Neither clock is negative on a machine that runs.
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(nanoseconds)
}

fn fill_with_random(buffer: &mut [u8]) -> Outcome {
    let filled = File::open("/dev/urandom").and_then(|mut random| random.read_exact(buffer));
    filled.map_err(|_| Errno::Io)
}
