//! A process that removes a tc filter when ours is gone, however it went: filters of clsact hang on
//! no descriptor, and would outlive even `kill -9`.
//!
//! # Why `unsafe` is sound here
//! This process has threads, so that its child may only do what is safe in a signal handler. From
//! `fork` to `_exit` it makes system calls on numbers and on memory that was prepared before, and
//! nothing else: no allocation, no lock, no panic, no destructor.
#![allow(unsafe_code)]

use std::io::{self, Write as _};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::Filter;

/// Handles of the clsact discipline's two ends (`linux/pkt_sched.h`).
const CLSACT_INGRESS: u32 = 0xffff_fff2;
const CLSACT_EGRESS: u32 = 0xffff_fff3;
/// `ETH_P_ALL` in network order: filters of libbpf are for all protocols.
const EVERY_PROTOCOL: u32 = 3_u16.to_be() as u32;
/// `TCA_KIND` (`linux/rtnetlink.h`).
const KIND: u16 = 1;
/// `RTM_DELTFILTER`.
const DELETE_FILTER: u16 = 45;
/// Descriptors that are closed one by one where it must be.
const DESCRIPTORS_MAX: RawFd = 1 << 16;
/// Bytes of `struct nlmsghdr`, of `struct tcmsg` and of the attribute with the kind.
const MESSAGE_BYTES: usize = 16 + 20 + 8;

/// Removes the filter when this process ends; nothing when it is dropped before.
#[derive(Debug)]
pub(in super::super) struct Guardian {
    /// The other end is what the child reads: a byte dismisses it, the end of file is our end.
    pipe: std::fs::File,
    child: libc::pid_t,
}

impl Guardian {
    pub(in super::super) fn start(filter: &Filter) -> io::Result<Self> {
        let message = removal(filter);
        // SAFETY: takes numbers.
        let socket = owned(unsafe {
            libc::socket(
                libc::AF_NETLINK,
                libc::SOCK_RAW | libc::SOCK_CLOEXEC,
                libc::NETLINK_ROUTE,
            )
        })?;
        let mut ends = [-1; 2];
        // SAFETY: `ends` has room for two descriptors, which nobody else owns.
        if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } < 0 {
            return Err(io::Error::last_os_error());
        }
        let (reader, writer) = (owned(ends[0])?, owned(ends[1])?);
        // SAFETY: see the module for what the child does.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => wait_and_remove(reader.as_raw_fd(), socket.as_raw_fd(), &message),
            child => Ok(Self {
                pipe: writer.into(),
                child,
            }),
        }
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        // If it is gone already, it has nothing to be told.
        let _ = self.pipe.write_all(&[0]);
        // SAFETY: takes numbers and no pointer; the child is ours, and ends at once. Whoever else
        // has waited for all children of the process has waited for it, too.
        unsafe { libc::waitpid(self.child, std::ptr::null_mut(), 0) };
    }
}

fn owned(descriptor: RawFd) -> io::Result<OwnedFd> {
    match descriptor {
        // SAFETY: a new file descriptor that nobody else owns.
        0.. => Ok(unsafe { OwnedFd::from_raw_fd(descriptor) }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The child.
fn wait_and_remove(pipe: RawFd, socket: RawFd, message: &[u8; MESSAGE_BYTES]) -> ! {
    // SAFETY: see the module. All pointers lead to local variables or to `message`, with their
    // lengths beside them; descriptors are numbers.
    unsafe {
        // Signals to the terminal's group and those that end quietly are for our parent.
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::sigprocmask(libc::SIG_BLOCK, &raw const all, std::ptr::null_mut());
        libc::setsid();
        // It must hold nothing else: no link, no end of a pipe that somebody reads, not even the
        // other end of its own. Neither of the two may be overwritten before it is copied.
        let high = pipe.max(socket) + 1;
        let (pipe, socket) = (libc::dup2(pipe, high), libc::dup2(socket, high + 1));
        let closed = libc::syscall(libc::SYS_close_range, 0, high - 1, 0)
            | libc::syscall(libc::SYS_close_range, high + 2, u32::MAX, 0);
        // Kernels before 5.9 do not have it.
        if closed < 0 {
            for other in (0..DESCRIPTORS_MAX).filter(|other| ![pipe, socket].contains(other)) {
                libc::close(other);
            }
        }
        let mut byte = 0_u8;
        let read = loop {
            let read = libc::read(pipe, (&raw mut byte).cast(), 1);
            if read >= 0 || *libc::__errno_location() != libc::EINTR {
                break read;
            }
        };
        if read == 0 {
            libc::send(socket, message.as_ptr().cast(), MESSAGE_BYTES, 0);
        }
        libc::_exit(0)
    }
}

/// What tells the kernel to remove the filter (rtnetlink(7)).
fn removal(filter: &Filter) -> [u8; MESSAGE_BYTES] {
    let parent = match filter.attach_point {
        libbpf_sys::BPF_TC_INGRESS => CLSACT_INGRESS,
        _ => CLSACT_EGRESS,
    };
    let length = MESSAGE_BYTES as u32;
    let head = [length.to_ne_bytes(), {
        let [a, b] = DELETE_FILTER.to_ne_bytes();
        let [c, d] = (libc::NLM_F_REQUEST as u16).to_ne_bytes();
        [a, b, c, d]
    }];
    let mut message = [0; MESSAGE_BYTES];
    message[..8].copy_from_slice(&head.concat());
    // Sequence number, sender and family are 0.
    for (at, word) in [
        (20, filter.interface.cast_unsigned()),
        (24, filter.handle),
        (28, parent),
        (32, filter.priority << 16 | EVERY_PROTOCOL),
    ] {
        message[at..at + 4].copy_from_slice(&word.to_ne_bytes());
    }
    message[36..38].copy_from_slice(&8_u16.to_ne_bytes());
    message[38..40].copy_from_slice(&KIND.to_ne_bytes());
    message[40..44].copy_from_slice(b"bpf\0");
    message
}
