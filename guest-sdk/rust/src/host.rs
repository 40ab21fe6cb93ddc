//! What a guest may need to know of the machine to read what its BPF programs wrote.

use std::time::{Duration, SystemTime};

use crate::bindings::eunomia::bpf::host;
use crate::bindings::wasi::clocks::wall_clock::Datetime;

pub use host::Version;

/// CPUs for which per-CPU values are kept.
pub fn possible_cpus() -> u32 {
    host::possible_cpus()
}

/// The version of Linux.
pub fn kernel_version() -> Version {
    host::kernel_version()
}

/// The wall-clock time of `bpf_ktime_get_ns() == 0`; add the nanoseconds of an event to it.
///
/// Ask once and keep it: it is a call of the host.
pub fn monotonic_epoch() -> SystemTime {
    system_time(host::monotonic_epoch())
}

/// The wall-clock time of `bpf_ktime_get_boot_ns() == 0`.
pub fn boot_epoch() -> SystemTime {
    system_time(host::boot_epoch())
}

fn system_time(time: Datetime) -> SystemTime {
    let seconds = Duration::from_secs(time.seconds);
    let since_1970 = seconds.saturating_add(Duration::from_nanos(time.nanoseconds.into()));
    SystemTime::UNIX_EPOCH
        .checked_add(since_1970)
        .unwrap_or(SystemTime::UNIX_EPOCH)
}
