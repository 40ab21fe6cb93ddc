//! The kernel's error numbers, as its maps and links return them.

use crate::error::Error;

/// Numbers of `include/uapi/asm-generic/errno{,-base}.h` and `include/linux/errno.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Errno {
    /// Operation not permitted: a frozen map.
    Perm = 1,
    /// No such entry.
    NoEntry = 2,
    /// Too big: a full map, an index behind the end of an array.
    TooBig = 7,
    /// Device or resource busy.
    Busy = 16,
    /// It exists.
    Exists = 17,
    /// Invalid argument.
    Invalid = 22,
    /// Not supported: what user space sees of the kernel's `EOPNOTSUPP`.
    NotSupported = 95,
}

impl Errno {
    /// The error of a system call that fails with this number.
    pub(crate) fn error(self, message: impl Into<String>) -> Error {
        Error::from_errno(self as i32, message.into())
    }
}
