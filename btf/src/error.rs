//! The error of this crate.

use std::fmt;

/// What went wrong, with the type, member or section that it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// The class of an [`Error`], for callers that react to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes break the format: BTF, or the ELF around it.
    Malformed,
    /// The format is respected, but this crate cannot work with it.
    Unsupported,
    /// There is no such section or type.
    NotFound,
    /// A named limit of this crate is exceeded.
    TooLarge,
    /// A record has fewer bytes than its type needs.
    ShortRecord,
    /// A literal does not fit the type that it is to be encoded by.
    WrongValue,
}

/// The result of this crate's fallible operations.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The class of the error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Malformed,
            message: message.into(),
        }
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Unsupported,
            message: message.into(),
        }
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::NotFound,
            message: message.into(),
        }
    }

    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::TooLarge,
            message: message.into(),
        }
    }

    pub(crate) fn short_record(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::ShortRecord,
            message: message.into(),
        }
    }

    pub(crate) fn wrong_value(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::WrongValue,
            message: message.into(),
        }
    }

    /// The same error, told as part of a larger operation.
    pub(crate) fn within(self, operation: impl fmt::Display) -> Self {
        Self {
            kind: self.kind,
            message: format!("{operation}: {}", self.message),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
