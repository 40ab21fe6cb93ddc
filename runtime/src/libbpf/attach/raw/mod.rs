//! The calls that attach, beyond those that libbpf-rs has.
//!
//! # Why `unsafe` is sound here
//! Programs are borrowed from a loaded object for the whole call. Options say their own size, and
//! what they point to (strings, lists) lives in local variables until the call returns; libbpf
//! copies what it keeps. A link that libbpf returns is owned by nobody else.
#![allow(unsafe_code)]

mod guardian;
mod network;
mod probe;

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};
use std::ptr::NonNull;

use libbpf_rs::{AsRawLibbpf, Link, ProgramMut};

pub(super) use guardian::Guardian;
pub(super) use network::{
    Filter, attach_without_link, clsact_attach, clsact_detach, detach_without_link,
    interface_index, link, packet_socket, xdp_program,
};
pub(super) use probe::{
    Kprobe, MultiMode, Uprobe, UprobeMulti, Usdt, kprobe, kprobe_multi, kprobe_multi_pattern,
    ksyscall, uprobe, uprobe_multi, usdt,
};

/// A program that can be attached.
pub(super) type Program<'a> = ProgramMut<'a>;

/// A size for `sz` of libbpf's options.
const fn size<T>() -> u64 {
    size_of::<T>() as u64
}

fn owned(link: *mut libbpf_sys::bpf_link) -> io::Result<Link> {
    // libbpf 1 returns null and sets errno; nothing lies between.
    match NonNull::new(link) {
        // SAFETY: a new link, see the module.
        Some(link) => Ok(unsafe { Link::from_ptr(link) }),
        None => Err(io::Error::last_os_error()),
    }
}

fn c_string(text: &str) -> io::Result<CString> {
    CString::new(text).map_err(|_| io::Error::from(rustix::io::Errno::INVAL))
}

pub(super) fn by_section(program: &Program<'_>) -> io::Result<Link> {
    // SAFETY: see the module.
    owned(unsafe { libbpf_sys::bpf_program__attach(program.as_libbpf_object().as_ptr()) })
}

pub(super) fn tracepoint(
    program: &Program<'_>,
    category: &str,
    name: &str,
    cookie: u64,
) -> io::Result<Link> {
    let (category, name) = (c_string(category)?, c_string(name)?);
    let options = libbpf_sys::bpf_tracepoint_opts {
        sz: size::<libbpf_sys::bpf_tracepoint_opts>(),
        bpf_cookie: cookie,
    };
    // SAFETY: see the module.
    owned(unsafe {
        libbpf_sys::bpf_program__attach_tracepoint_opts(
            program.as_libbpf_object().as_ptr(),
            category.as_ptr(),
            name.as_ptr(),
            &raw const options,
        )
    })
}

pub(super) fn raw_tracepoint(program: &Program<'_>, name: &str, cookie: u64) -> io::Result<Link> {
    let name = c_string(name)?;
    let mut options = libbpf_sys::bpf_raw_tracepoint_opts {
        sz: size::<libbpf_sys::bpf_raw_tracepoint_opts>(),
        cookie,
    };
    // SAFETY: see the module.
    owned(unsafe {
        libbpf_sys::bpf_program__attach_raw_tracepoint_opts(
            program.as_libbpf_object().as_ptr(),
            name.as_ptr(),
            &raw mut options,
        )
    })
}

/// fentry and the like, tp_btf, LSM: where the program was loaded for.
pub(super) fn trace(program: &Program<'_>, cookie: u64) -> io::Result<Link> {
    let options = libbpf_sys::bpf_trace_opts {
        sz: size::<libbpf_sys::bpf_trace_opts>(),
        cookie,
    };
    // SAFETY: see the module.
    owned(unsafe {
        libbpf_sys::bpf_program__attach_trace_opts(
            program.as_libbpf_object().as_ptr(),
            &raw const options,
        )
    })
}

/// Attach to a perf event and start it.
pub(super) fn perf_event(program: &Program<'_>, event: OwnedFd) -> io::Result<Link> {
    // SAFETY: see the module.
    let link = owned(unsafe {
        libbpf_sys::bpf_program__attach_perf_event(
            program.as_libbpf_object().as_ptr(),
            event.as_raw_fd(),
        )
    })?;
    // The link closes it.
    let _ = event.into_raw_fd();
    Ok(link)
}

/// What an iterator walks.
#[derive(Clone, Copy)]
pub(super) enum Walked<'a> {
    Everything,
    Map(BorrowedFd<'a>),
    Cgroup(BorrowedFd<'a>, u32),
    Process(u32),
    Thread(u32),
}

pub(super) fn iterator(program: &Program<'_>, walked: Walked<'_>) -> io::Result<Link> {
    let mut info = libbpf_sys::bpf_iter_link_info::default();
    let number = |fd: BorrowedFd<'_>| fd.as_raw_fd().cast_unsigned();
    match walked {
        Walked::Everything => {}
        Walked::Map(fd) => info.map.map_fd = number(fd),
        Walked::Cgroup(fd, order) => {
            info.cgroup.cgroup_fd = number(fd);
            info.cgroup.order = order;
        }
        Walked::Process(pid) => info.task.pid = pid,
        Walked::Thread(tid) => info.task.tid = tid,
    }
    let mut options = libbpf_sys::bpf_iter_attach_opts {
        sz: size::<libbpf_sys::bpf_iter_attach_opts>(),
        ..Default::default()
    };
    if !matches!(walked, Walked::Everything) {
        options.link_info = &raw mut info;
        options.link_info_len = u32::try_from(size_of_val(&info)).unwrap_or(0);
    }
    // SAFETY: see the module.
    owned(unsafe {
        libbpf_sys::bpf_program__attach_iter(
            program.as_libbpf_object().as_ptr(),
            &raw const options,
        )
    })
}

/// Replace a function of the program behind `target`.
pub(super) fn function(
    program: &Program<'_>,
    target: BorrowedFd<'_>,
    function: &str,
) -> io::Result<Link> {
    let function = c_string(function)?;
    // SAFETY: see the module.
    owned(unsafe {
        libbpf_sys::bpf_program__attach_freplace(
            program.as_libbpf_object().as_ptr(),
            target.as_raw_fd(),
            function.as_ptr(),
        )
    })
}

pub(super) fn struct_ops(map: &libbpf_rs::Map<'_>) -> io::Result<Link> {
    // SAFETY: `map` is borrowed from a loaded object.
    owned(unsafe { libbpf_sys::bpf_map__attach_struct_ops(map.as_libbpf_object().as_ptr()) })
}

/// The program with an id of the kernel's.
pub(in super::super) fn program_by_id(id: u32) -> io::Result<OwnedFd> {
    // SAFETY: takes a number.
    let fd = unsafe { libbpf_sys::bpf_prog_get_fd_by_id(id) };
    super::super::raw::checked(fd)?;
    // SAFETY: a new file descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Put a program in the place of the one behind `link`.
pub(super) fn update_link(link: BorrowedFd<'_>, program: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: takes numbers; no options.
    super::super::raw::checked(unsafe {
        libbpf_sys::bpf_link_update(link.as_raw_fd(), program.as_raw_fd(), std::ptr::null())
    })
}

/// Type and id of a link, if the file descriptor is one.
pub(super) fn link_info(link: BorrowedFd<'_>) -> Option<(u32, u32)> {
    // Where there are no links, libbpf has descriptors of maps and perf events in their place, and
    // the kernel tells of maps as well.
    let descriptor = format!("/proc/self/fd/{}", link.as_raw_fd());
    let kind = std::fs::read_link(descriptor).ok()?;
    if !kind.to_string_lossy().ends_with("bpf_link") {
        return None;
    }
    let mut info = libbpf_sys::bpf_link_info::default();
    let mut length = u32::try_from(size_of_val(&info)).unwrap_or(0);
    // SAFETY: `info` has `length` bytes, and any bytes make a valid `bpf_link_info`. It is zeroed,
    // so the kernel finds no further buffers to fill.
    let code = unsafe {
        libbpf_sys::bpf_link_get_info_by_fd(link.as_raw_fd(), &raw mut info, &raw mut length)
    };
    (code == 0).then_some((info.type_, info.id))
}
