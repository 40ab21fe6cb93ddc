//! How failures reach a guest: as a value of the contract, or as a trap.

use wasmtime::component::ResourceTableError;

use super::BpfCtxView;
use crate::bindings::eunomia::bpf::errors::{Error as GuestError, ErrorCode, Host};
use crate::error::{Error, ErrorKind};

/// The outcome of a host function that did not succeed.
#[derive(Debug)]
pub enum HostError {
    /// The guest gets it as an error value.
    Expected(Error),
    /// The guest broke the contract and is ended.
    Trap(wasmtime::Error),
}

pub(crate) type HostResult<T> = Result<T, HostError>;

impl HostError {
    /// End the guest: it broke the contract as `message` says.
    pub(crate) fn trap(message: impl Into<String>) -> Self {
        Self::Trap(wasmtime::Error::msg(message.into()))
    }
}

impl From<Error> for HostError {
    fn from(error: Error) -> Self {
        Self::Expected(error)
    }
}

impl From<ResourceTableError> for HostError {
    fn from(error: ResourceTableError) -> Self {
        match error {
            ResourceTableError::Full => Self::Expected(Error::new(
                ErrorKind::LimitExceeded,
                "create a handle: the guest holds as many as it may",
            )),
            error => Self::Trap(error.into()),
        }
    }
}

impl Host for BpfCtxView<'_> {
    fn convert_error(&mut self, error: HostError) -> wasmtime::Result<GuestError> {
        match error {
            HostError::Expected(error) => Ok(to_guest(&error)),
            HostError::Trap(trap) => Err(trap),
        }
    }
}

pub(crate) fn to_guest(error: &Error) -> GuestError {
    let code = match error.kind() {
        ErrorKind::DeniedByPolicy => ErrorCode::DeniedByPolicy,
        ErrorKind::PermissionDenied => ErrorCode::PermissionDenied,
        ErrorKind::NotFound => ErrorCode::NotFound,
        ErrorKind::AlreadyExists => ErrorCode::AlreadyExists,
        ErrorKind::InvalidArgument => ErrorCode::InvalidArgument,
        ErrorKind::InvalidState => ErrorCode::InvalidState,
        ErrorKind::NotSupported => ErrorCode::NotSupported,
        ErrorKind::Rejected => ErrorCode::Rejected,
        ErrorKind::LimitExceeded => ErrorCode::LimitExceeded,
        ErrorKind::OutOfMemory => ErrorCode::OutOfMemory,
        ErrorKind::Busy => ErrorCode::Busy,
        ErrorKind::TryAgain => ErrorCode::TryAgain,
        ErrorKind::Interrupted => ErrorCode::Interrupted,
        ErrorKind::Closed => ErrorCode::Closed,
        ErrorKind::Other => ErrorCode::Other,
    };
    GuestError {
        code,
        errno: error.errno(),
        message: error.text(),
    }
}

/// `name` as a guest gave it, if it is not too long for the error messages it will appear in.
pub(crate) fn checked_name(what: &str, name: &str) -> Result<(), Error> {
    checked_length(what, name.len(), crate::limits::NAME_BYTES_MAX)
}

/// Refuse more than `max` of something.
pub(crate) fn checked_length(what: &str, length: usize, max: usize) -> Result<(), Error> {
    if length <= max {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::LimitExceeded,
        format!("{what}: {length} is more than {max}"),
    ))
}
