//! Links and filters of the network stack. For `unsafe`, see the parent module.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use libbpf_sys::bpf_link_create_opts;

use super::super::super::raw::checked;
use super::{Program, c_string, size};

/// A link of the kernel's that libbpf has no structure for. Closing it detaches.
pub(in super::super) fn link(
    program: &Program<'_>,
    target: i32,
    attach_type: u32,
    options: bpf_link_create_opts,
) -> io::Result<OwnedFd> {
    let options = bpf_link_create_opts {
        sz: size::<bpf_link_create_opts>(),
        ..options
    };
    // SAFETY: see the module; no caller sets one of the options that are pointers.
    let fd = unsafe {
        libbpf_sys::bpf_link_create(
            program.as_fd().as_raw_fd(),
            target,
            attach_type,
            &raw const options,
        )
    };
    checked(fd)?;
    // SAFETY: a new file descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The old way, without a link.
pub(in super::super) fn attach_without_link(
    program: BorrowedFd<'_>,
    target: BorrowedFd<'_>,
    attach_type: u32,
) -> io::Result<()> {
    // SAFETY: takes numbers.
    checked(unsafe {
        libbpf_sys::bpf_prog_attach(program.as_raw_fd(), target.as_raw_fd(), attach_type, 0)
    })
}

pub(in super::super) fn detach_without_link(
    program: BorrowedFd<'_>,
    target: BorrowedFd<'_>,
    attach_type: u32,
) -> io::Result<()> {
    // SAFETY: takes numbers.
    checked(unsafe {
        libbpf_sys::bpf_prog_detach2(program.as_raw_fd(), target.as_raw_fd(), attach_type)
    })
}

/// A filter of the clsact queueing discipline.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Filter {
    pub(in super::super) interface: i32,
    pub(in super::super) attach_point: u32,
    pub(in super::super) handle: u32,
    pub(in super::super) priority: u32,
}

/// Make the filter, with the discipline if there is none. Handle and priority are filled in.
pub(in super::super) fn clsact_attach(
    program: &Program<'_>,
    filter: &mut Filter,
) -> io::Result<()> {
    let mut hook = clsact_hook(filter);
    // SAFETY: `hook` says its size.
    let created = unsafe { libbpf_sys::bpf_tc_hook_create(&raw mut hook) };
    match checked(created) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let mut options = libbpf_sys::bpf_tc_opts {
        sz: size::<libbpf_sys::bpf_tc_opts>(),
        prog_fd: program.as_fd().as_raw_fd(),
        priority: filter.priority,
        ..Default::default()
    };
    // SAFETY: both say their sizes.
    checked(unsafe { libbpf_sys::bpf_tc_attach(&raw const hook, &raw mut options) })?;
    filter.handle = options.handle;
    filter.priority = options.priority;
    Ok(())
}

pub(in super::super) fn clsact_detach(filter: &Filter) -> io::Result<()> {
    let hook = clsact_hook(filter);
    let options = libbpf_sys::bpf_tc_opts {
        sz: size::<libbpf_sys::bpf_tc_opts>(),
        handle: filter.handle,
        priority: filter.priority,
        ..Default::default()
    };
    // SAFETY: both say their sizes.
    checked(unsafe { libbpf_sys::bpf_tc_detach(&raw const hook, &raw const options) })
}

fn clsact_hook(filter: &Filter) -> libbpf_sys::bpf_tc_hook {
    libbpf_sys::bpf_tc_hook {
        sz: size::<libbpf_sys::bpf_tc_hook>(),
        ifindex: filter.interface,
        attach_point: filter.attach_point,
        ..Default::default()
    }
}

/// The id of the XDP program that a network interface has.
pub(in super::super) fn xdp_program(interface: i32) -> Option<u32> {
    let mut options = libbpf_sys::bpf_xdp_query_opts {
        sz: size::<libbpf_sys::bpf_xdp_query_opts>(),
        ..Default::default()
    };
    // SAFETY: `options` says its size.
    checked(unsafe { libbpf_sys::bpf_xdp_query(interface, 0, &raw mut options) }).ok()?;
    let ids = [options.drv_prog_id, options.skb_prog_id, options.hw_prog_id];
    ids.into_iter().find(|id| *id != 0)
}

/// The index of a network interface.
pub(in super::super) fn interface_index(name: &str) -> io::Result<u32> {
    let name = c_string(name)?;
    // SAFETY: `name` ends with a NUL.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => Ok(index),
    }
}

/// A socket that every packet of an interface passes, and the program in front of it.
pub(in super::super) fn packet_socket(
    program: &Program<'_>,
    interface: u32,
) -> io::Result<OwnedFd> {
    /// `ETH_P_ALL`: packets of every protocol.
    const EVERY_PROTOCOL: u16 = 3;
    /// Packets that the program lets through are kept for nobody; the kernel makes it its minimum.
    const RECEIVE_BYTES: i32 = 1;

    // Protocol 0: no packets before the program is there.
    // SAFETY: takes numbers.
    let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a new file descriptor that nobody else owns.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    for (option, value) in [
        (libc::SO_RCVBUF, RECEIVE_BYTES),
        (libc::SO_ATTACH_BPF, program.as_fd().as_raw_fd()),
    ] {
        // SAFETY: the pointer leads to as many bytes as is said beside it.
        let code = unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                option,
                (&raw const value).cast(),
                4,
            )
        };
        if code < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    // SAFETY: all of its bytes may be 0.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = u16::try_from(libc::AF_PACKET).unwrap_or(0);
    address.sll_protocol = EVERY_PROTOCOL.to_be();
    address.sll_ifindex = interface.cast_signed();
    // SAFETY: the pointer leads to as many bytes as is said beside it.
    let code = unsafe {
        libc::bind(
            socket.as_raw_fd(),
            (&raw const address).cast(),
            u32::try_from(size_of_val(&address)).unwrap_or(0),
        )
    };
    if code < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(socket)
}
