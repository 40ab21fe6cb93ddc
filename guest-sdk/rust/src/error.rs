//! Why something failed.

use std::fmt;
use std::io;

use crate::bindings::eunomia::bpf::errors::Error as HostError;
pub use crate::bindings::eunomia::bpf::errors::ErrorCode;

/// What the functions of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure: a code to decide on and a message for people.
///
/// `Debug` shows the same as `Display`, so that `fn main() -> eunomia_bpf::Result<()>` ends with a
/// readable line; [`crate::run`] does it better.
pub struct Error {
    code: ErrorCode,
    errno: u32,
    message: String,
}

impl Error {
    /// An error of the guest's own, in the form that the host's have.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            errno: 0,
            message: message.into(),
        }
    }

    /// An error of another library, such as one that reads the command line:
    /// `parse().map_err(Error::other)?`.
    pub fn other(error: impl fmt::Display) -> Self {
        Self::new(ErrorCode::Other, error.to_string())
    }

    /// What kind of failure it is.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The kernel's errno as a positive number, 0 when no system call failed.
    pub fn errno(&self) -> u32 {
        self.errno
    }

    /// What was being done, to which object, and why it failed.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The same error, with what the guest was doing in front of the message.
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// Whether nobody reads any more what the guest writes, as after `| head`: the guest should
    /// leave without further words.
    pub fn is_closed(&self) -> bool {
        self.code == ErrorCode::Closed
    }

    pub(crate) fn into_host(self) -> HostError {
        HostError {
            code: self.code,
            errno: self.errno,
            message: self.message,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

impl From<HostError> for Error {
    fn from(error: HostError) -> Self {
        Self {
            code: error.code,
            errno: error.errno,
            message: error.message,
        }
    }
}

/// `errno` stays 0: the numbers of an [`io::Error`] are those of WASI, not the kernel's.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::BrokenPipe => ErrorCode::Closed,
            io::ErrorKind::NotFound => ErrorCode::NotFound,
            io::ErrorKind::PermissionDenied => ErrorCode::PermissionDenied,
            io::ErrorKind::InvalidInput => ErrorCode::InvalidArgument,
            io::ErrorKind::OutOfMemory => ErrorCode::OutOfMemory,
            io::ErrorKind::Unsupported => ErrorCode::NotSupported,
            _ => ErrorCode::Other,
        };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_comes_before_the_message_and_keeps_the_code() {
        let error = Error::new(ErrorCode::Busy, "open ring buffer \"events\"").context("start");
        assert_eq!(error.to_string(), "start: open ring buffer \"events\"");
        assert_eq!(format!("{error:?}"), error.to_string());
        assert_eq!(error.code(), ErrorCode::Busy);
    }

    #[test]
    fn a_broken_pipe_counts_as_closed() {
        assert!(Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).is_closed());
        assert!(!Error::from(io::Error::from(io::ErrorKind::NotFound)).is_closed());
    }
}
