//! What a guest may need to know of the machine to read what its BPF programs wrote.

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

/// The wall-clock time of `bpf_ktime_get_ns() == 0`, as nanoseconds since 1970; add the nanoseconds
/// of an event to it.
///
/// Ask once and keep it: it is a call of the host.
pub fn monotonic_epoch_ns() -> u64 {
    unix_time_ns(host::monotonic_epoch())
}

/// The wall-clock time of `bpf_ktime_get_boot_ns() == 0`, as nanoseconds since 1970.
pub fn boot_epoch_ns() -> u64 {
    unix_time_ns(host::boot_epoch())
}

/// 64 bits suffice until the year 2554.
fn unix_time_ns(time: Datetime) -> u64 {
    let seconds_ns = time.seconds.saturating_mul(1_000_000_000);
    seconds_ns.saturating_add(time.nanoseconds.into())
}
