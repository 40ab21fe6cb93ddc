//! The one error of this crate.

use std::fmt;

/// Result of reading a package.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is wrong with a package, or with the arguments that a user gave to it: the field, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    message: String,
    usage: bool,
}

impl Error {
    /// An error about `message`, which names the field.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            usage: false,
        }
    }

    /// An error of the command line rather than of the package.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            usage: true,
        }
    }

    /// Whether the user's arguments are wrong, not the package.
    pub fn is_usage(&self) -> bool {
        self.usage
    }

    /// The same error, told as part of a larger thing.
    pub(crate) fn within(self, what: impl fmt::Display) -> Self {
        Self {
            message: format!("{what}: {}", self.message),
            ..self
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<eunomia_btf::Error> for Error {
    fn from(error: eunomia_btf::Error) -> Self {
        Self::new(error.to_string())
    }
}
