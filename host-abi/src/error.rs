//! The one error of this crate.

use std::borrow::Cow;
use std::fmt;

/// Result of an operation on the kernel or of a host function.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure an [`Error`] is; the same list as `error-code` in `wit/types.wit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operator's policy forbids it.
    DeniedByPolicy,
    /// The host process lacks a capability or permission for it.
    PermissionDenied,
    /// No object, program, map, key, symbol, attach point or file of this name.
    NotFound,
    /// It exists already.
    AlreadyExists,
    /// A value that can never be right.
    InvalidArgument,
    /// The call does not belong to this phase.
    InvalidState,
    /// This kernel or host cannot do it.
    NotSupported,
    /// The verifier or libbpf refused the program.
    Rejected,
    /// A limit was reached.
    LimitExceeded,
    /// The host or kernel has no memory for it.
    OutOfMemory,
    /// Somebody else holds it.
    Busy,
    /// It changed meanwhile; trying again may succeed.
    TryAgain,
    /// A wait was cut short by a request to stop.
    Interrupted,
    /// The other side is gone.
    Closed,
    /// Anything else.
    Other,
}

/// A failed operation: what was being done, to which object, and why it failed.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    errno: u32,
    message: Cow<'static, str>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Bytes of an error's text that a guest gets; a verifier log is cut in front, its end says why.
const GUEST_MESSAGE_BYTES_MAX: usize = 64 * 1024;

impl Error {
    /// An error of `kind`; `message` names the operation and the object, in lower case, without a
    /// full stop.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            errno: 0,
            message: message.into(),
            source: None,
        }
    }

    /// The error of a failed system call. The kind follows from `errno` (positive).
    pub fn from_errno(errno: i32, message: impl Into<Cow<'static, str>>) -> Self {
        let errno = errno.unsigned_abs();
        Self {
            kind: kind_of_errno(errno),
            errno,
            message: message.into(),
            source: Some(Box::new(std::io::Error::from_raw_os_error(
                errno.cast_signed(),
            ))),
        }
    }

    /// The same error with another kind.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// The same error, caused by `source`.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The kernel's errno, positive; 0 when no system call failed.
    pub fn errno(&self) -> u32 {
        self.errno
    }

    /// The message and those of its sources on one line, as a guest gets it.
    pub fn text(&self) -> String {
        let mut text = self.message.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        if text.len() > GUEST_MESSAGE_BYTES_MAX {
            let mut start = text.len() - GUEST_MESSAGE_BYTES_MAX + "...".len();
            while !text.is_char_boundary(start) {
                start += 1;
            }
            text.replace_range(..start, "...");
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}

fn kind_of_errno(errno: u32) -> ErrorKind {
    // Numbers of include/uapi/asm-generic/errno{,-base}.h, the same on every CPU that we support.
    match errno {
        1 | 13 => ErrorKind::PermissionDenied, // EPERM, EACCES
        2 | 3 | 6 | 19 => ErrorKind::NotFound, // ENOENT, ESRCH, ENXIO, ENODEV
        16 => ErrorKind::Busy,                 // EBUSY
        17 => ErrorKind::AlreadyExists,        // EEXIST
        12 => ErrorKind::OutOfMemory,
        11 => ErrorKind::TryAgain,
        4 => ErrorKind::Interrupted,
        7 | 23 | 24 | 28 => ErrorKind::LimitExceeded, // E2BIG, ENFILE, EMFILE, ENOSPC
        22 | 33 | 34 => ErrorKind::InvalidArgument,   // EINVAL, EDOM, ERANGE
        32 => ErrorKind::Closed,                      // EPIPE
        38 | 95 | 524 => ErrorKind::NotSupported,     // ENOSYS, EOPNOTSUPP, ENOTSUPP
        _ => ErrorKind::Other,
    }
}
