//! One place where a program is attached.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use libbpf_rs::{Link, ProgramMut};

use super::super::raw::{destroy_link, leave_link};
use super::raw::{self, Filter, Guardian};

/// Dropping it detaches.
#[derive(Debug)]
pub(in super::super) enum Attachment {
    /// A link of libbpf's.
    Link(Link),
    /// A link of the kernel's that libbpf has no structure for.
    KernelLink(OwnedFd),
    /// A tc filter.
    Clsact(Clsact),
    /// Attached as before there were links.
    Unlinked(Unlinked),
    /// A packet socket with the program in front, held only to be closed.
    Socket(#[allow(dead_code)] OwnedFd),
}

/// A filter of the clsact queueing discipline. The discipline itself stays: others may use it.
#[derive(Debug)]
pub(in super::super) struct Clsact {
    filter: Option<Filter>,
    /// Removes the filter if nobody is left to do it.
    guardian: Option<Guardian>,
}

/// A program attached to a map or the like without a link.
#[derive(Debug)]
pub(in super::super) struct Unlinked {
    pub(super) program: OwnedFd,
    pub(super) target: Option<OwnedFd>,
    pub(super) attach_type: u32,
}

impl Attachment {
    /// Detach and hear of errors.
    pub(in super::super) fn detach(self) -> io::Result<()> {
        match self {
            Self::Link(link) => destroy_link(link),
            Self::KernelLink(_) | Self::Socket(_) => Ok(()),
            Self::Clsact(mut clsact) => clsact.detach(),
            Self::Unlinked(mut unlinked) => unlinked.detach(),
        }
    }

    /// Put another program in its place. `None`: this kind of attachment cannot.
    pub(in super::super) fn replace(&mut self, program: &ProgramMut<'_>) -> Option<io::Result<()>> {
        match self {
            Self::Link(link) => Some(raw::update_link(link.as_fd(), program.as_fd())),
            Self::KernelLink(link) => Some(raw::update_link(link.as_fd(), program.as_fd())),
            Self::Clsact(_) | Self::Unlinked(_) | Self::Socket(_) => None,
        }
    }

    /// What can be pinned: a link of the kernel's. Other attachments end with their process.
    pub(in super::super) fn link(&self) -> Option<BorrowedFd<'_>> {
        self.info()?;
        match self {
            Self::Link(link) => Some(link.as_fd()),
            Self::KernelLink(link) => Some(link.as_fd()),
            Self::Clsact(_) | Self::Unlinked(_) | Self::Socket(_) => None,
        }
    }

    /// Let go without detaching, of a link that is pinned.
    pub(in super::super) fn leave(self) {
        if let Self::Link(link) = self {
            leave_link(link);
        }
    }

    /// `enum bpf_link_type` and the kernel's id of it.
    pub(in super::super) fn info(&self) -> Option<(u32, u32)> {
        match self {
            Self::Link(link) => raw::link_info(link.as_fd()),
            Self::KernelLink(link) => raw::link_info(link.as_fd()),
            Self::Clsact(_) | Self::Unlinked(_) | Self::Socket(_) => None,
        }
    }
}

impl Clsact {
    pub(super) fn new(filter: Filter) -> Self {
        let guardian = Guardian::start(&filter).inspect_err(|error| {
            tracing::warn!("if this process is killed, its tc filter will stay: {error}");
        });
        Self {
            filter: Some(filter),
            guardian: guardian.ok(),
        }
    }

    fn detach(&mut self) -> io::Result<()> {
        let detached = match self.filter.take() {
            Some(filter) => raw::clsact_detach(&filter),
            None => Ok(()),
        };
        self.guardian = None;
        detached
    }
}

impl Drop for Clsact {
    fn drop(&mut self) {
        if let Err(error) = self.detach() {
            // Nobody is left to tell; the interface may be gone, and the filter with it.
            tracing::debug!("detach a tc filter: {error}");
        }
    }
}

impl Unlinked {
    fn detach(&mut self) -> io::Result<()> {
        match self.target.take() {
            Some(target) => {
                raw::detach_without_link(self.program.as_fd(), target.as_fd(), self.attach_type)
            }
            None => Ok(()),
        }
    }
}

impl Drop for Unlinked {
    fn drop(&mut self) {
        if let Err(error) = self.detach() {
            // Nobody is left to tell.
            tracing::debug!("detach a program: {error}");
        }
    }
}
