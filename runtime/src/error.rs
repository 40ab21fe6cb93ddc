//! The one error of this crate.

use std::borrow::Cow;
use std::fmt;

/// Result of an operation of the runtime.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not a WebAssembly component that this runtime can run.
    InvalidComponent,
    /// The bytes are not a BPF object that can be read.
    InvalidObject,
    /// The component imports what this host does not offer.
    UnknownImport,
    /// The component is not in the cache, and this build cannot compile (feature `compiler`).
    NoCompiler,
    /// The guest broke a rule of WebAssembly or of the contract and was ended.
    Trap,
    /// The guest used more memory, CPU time or handles than it may.
    LimitExceeded,
    /// The guest itself reported a failure.
    Guest,
    /// The host could not do its part: threads, files, the engine.
    Host,
}

/// A failed operation: what was being done, to which object, and why.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: Cow<'static, str>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn with_source(
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
