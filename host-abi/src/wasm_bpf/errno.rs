//! Failures as the numbers that guests of this ABI get.

use crate::error::{Error, ErrorKind};

/// Largest number that Linux uses (`MAX_ERRNO`).
const ERRNO_MAX: u32 = 4095;

/// `-errno`, with Linux's numbers.
pub(super) fn of(error: &Error) -> i32 {
    if (1..=ERRNO_MAX).contains(&error.errno()) {
        return -error.errno().cast_signed();
    }
    // Numbers of include/uapi/asm-generic/errno{,-base}.h, the same on every CPU that we support.
    match error.kind() {
        ErrorKind::DeniedByPolicy | ErrorKind::PermissionDenied => -1, // EPERM
        ErrorKind::NotFound => -2,                                     // ENOENT
        ErrorKind::Interrupted => -4,                                  // EINTR
        ErrorKind::LimitExceeded => -7,                                // E2BIG
        ErrorKind::TryAgain => -11,                                    // EAGAIN
        ErrorKind::OutOfMemory => -12,                                 // ENOMEM
        ErrorKind::Busy => -16,                                        // EBUSY
        ErrorKind::AlreadyExists => -17,                               // EEXIST
        ErrorKind::InvalidArgument | ErrorKind::InvalidState | ErrorKind::Rejected => -22, // EINVAL
        ErrorKind::Closed => -32,                                      // EPIPE
        ErrorKind::NotSupported => -95,                                // EOPNOTSUPP
        ErrorKind::Other => -5,                                        // EIO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_s_number_is_kept_and_every_kind_has_one() {
        assert_eq!(of(&Error::from_errno(28, "update")), -28);
        assert_eq!(of(&Error::from_errno(-28, "update")), -28);
        for kind in [
            ErrorKind::DeniedByPolicy,
            ErrorKind::NotFound,
            ErrorKind::InvalidState,
            ErrorKind::NotSupported,
            ErrorKind::Other,
        ] {
            let errno = of(&Error::new(kind, "do something"));
            assert!((-4095..0).contains(&errno), "{kind:?}: {errno}");
        }
    }
}
