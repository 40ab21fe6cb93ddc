//! The crate's one error type.

use std::error::Error as StdError;
use std::fmt;
use std::io;

/// What a failed operation returns: the operation, the object, and why.
///
/// `Display` prints one line without the source; the chain follows [`std::error::Error::source`].
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync + 'static>>,
}

/// The class of an [`Error`], for callers that decide by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not an image reference.
    InvalidReference,
    /// The caller gave something that cannot be put into an image.
    InvalidInput,
    /// No image, blob or layout of that name.
    NotFound,
    /// The image exists, but not for the platform that was asked for.
    NoPlatform,
    /// Content that does not match its digest, its size or its schema.
    Corrupt,
    /// Content above one of the bounds in [`crate::limits`].
    TooLarge,
    /// A format or version that this crate does not know.
    Unsupported,
    /// The image holds neither a component, a module nor a BPF object.
    NothingRunnable,
    /// Another process held a lock of the store for too long.
    Busy,
    /// The disk or the quota is full.
    StorageFull,
    /// The registry wants other credentials, or some at all.
    Unauthorized,
    /// The registry cannot be reached, or kept failing.
    Network,
    /// The registry refused the request, or does not follow the protocol.
    Registry,
    /// The text is not a key that can be used, or not with this password.
    InvalidKey,
    /// The signature was not made by this key, or not for this image.
    BadSignature,
    /// The operating system denied access.
    PermissionDenied,
    /// Any other failure of the operating system.
    Io,
}

/// The crate's result.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The class of this error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// An operating system failure of `operation` (which names its object).
    pub(crate) fn io(operation: impl Into<String>, source: io::Error) -> Self {
        let kind = match source.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                ErrorKind::PermissionDenied
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::StorageFull,
            // What readers say about their input.
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => ErrorKind::Corrupt,
            _ => ErrorKind::Io,
        };
        Self {
            kind,
            message: operation.into(),
            source: Some(Box::new(source)),
        }
    }

    /// Content that `operation` could not parse.
    pub(crate) fn json(operation: impl Into<String>, source: serde_json::Error) -> Self {
        Self {
            kind: ErrorKind::Corrupt,
            message: operation.into(),
            source: Some(Box::new(source)),
        }
    }

    /// Appends what the other side said.
    pub(crate) fn because(mut self, reason: impl fmt::Display) -> Self {
        self.message = format!("{}: {reason}", self.message);
        self
    }

    /// Says which larger operation failed, keeping kind and source.
    pub(crate) fn context(mut self, operation: impl fmt::Display) -> Self {
        self.message = format!("{operation}: {}", self.message);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}
