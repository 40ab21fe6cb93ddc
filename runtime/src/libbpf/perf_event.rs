//! Opening perf events.
//!
//! # Why `unsafe` is sound here
//! `perf_event_open` reads `attr.size` bytes through one pointer, which comes from a reference to a
//! structure of that size, and returns a new file descriptor or an error.
#![allow(unsafe_code)]

use std::fs;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use libbpf_sys::perf_event_attr;

/// A perf event to open.
#[derive(Clone, Copy)]
pub(super) struct Event {
    pub(super) attributes: perf_event_attr,
    /// -1: every process, on one CPU.
    pub(super) pid: i32,
    /// -1: every CPU, of one process.
    pub(super) cpu: i32,
}

/// `PERF_TYPE_SOFTWARE`.
pub(super) const TYPE_SOFTWARE: u32 = libbpf_sys::PERF_TYPE_SOFTWARE;

/// Attributes of an event of a type, counting nothing in particular yet.
pub(super) fn attributes(event_type: u32, config: u64) -> perf_event_attr {
    perf_event_attr {
        type_: event_type,
        size: u32::try_from(size_of::<perf_event_attr>()).unwrap_or(0),
        config,
        ..Default::default()
    }
}

/// The event behind a slot of a perf event array.
pub(super) fn open_bpf_output(cpu: u32) -> io::Result<OwnedFd> {
    let mut attributes = attributes(TYPE_SOFTWARE, libbpf_sys::PERF_COUNT_SW_BPF_OUTPUT.into());
    attributes.sample_type = libbpf_sys::PERF_SAMPLE_RAW.into();
    attributes.__bindgen_anon_1.sample_period = 1;
    attributes.__bindgen_anon_2.wakeup_events = 1;
    open(&Event {
        attributes,
        pid: -1,
        cpu: i32::try_from(cpu).unwrap_or(i32::MAX),
    })
}

pub(super) fn open(event: &Event) -> io::Result<OwnedFd> {
    const NO_GROUP: RawFd = -1;
    // SAFETY: the pointer leads to `attributes.size` bytes, see `attributes`; the other arguments
    // are numbers.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            &raw const event.attributes,
            event.pid,
            event.cpu,
            NO_GROUP,
            libc::c_ulong::from(libbpf_sys::PERF_FLAG_FD_CLOEXEC),
        )
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    let fd = RawFd::try_from(fd).map_err(io::Error::other)?;
    // SAFETY: a new file descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The numbers of the CPUs that are running.
pub(super) fn online_cpus() -> io::Result<Vec<u32>> {
    let list = fs::read_to_string("/sys/devices/system/cpu/online")?;
    parse_cpus(list.trim()).ok_or_else(|| io::Error::other(format!("odd list of CPUs: {list}")))
}

/// `0-3,8` is 0, 1, 2, 3, 8.
fn parse_cpus(list: &str) -> Option<Vec<u32>> {
    let mut cpus = Vec::new();
    for range in list.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        cpus.extend(first.parse::<u32>().ok()?..=last.parse().ok()?);
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cpus_have_ranges() {
        assert_eq!(parse_cpus("0").unwrap(), [0]);
        assert_eq!(parse_cpus("0-2,5,7-8").unwrap(), [0, 1, 2, 5, 7, 8]);
        assert!(parse_cpus("").is_none());
        assert!(parse_cpus("0-x").is_none());
    }
}
