//! From what libbpf and the kernel say to an error that explains.

use std::error::Error as StdError;
use std::io;

use eunomia_host_abi::Error;

/// The error of a failed system call.
pub(super) fn from_io(error: &io::Error, operation: impl Into<String>) -> Error {
    match error.raw_os_error() {
        Some(LIBBPF_ERRNO_FORMAT) => Error::new(
            eunomia_host_abi::ErrorKind::InvalidArgument,
            format!("{}: the file is not what it should be", operation.into()),
        ),
        Some(errno) => Error::from_errno(errno, operation.into()),
        None => Error::new(
            eunomia_host_abi::ErrorKind::Other,
            format!("{}: {error}", operation.into()),
        ),
    }
}

/// From here on numbers are libbpf's own (`enum libbpf_errno`), which it explains by itself.
const LIBBPF_ERRNO_START: i32 = 4000;
/// `LIBBPF_ERRNO__FORMAT`: such as a binary that is no ELF file.
const LIBBPF_ERRNO_FORMAT: i32 = 4001;
/// What the C library makes of no error at all, where libelf said what is wrong.
const NO_ERROR: &str = ": Success (os error 0)";

/// The errno of a failed libbpf-rs call; 0 when no system call failed.
pub(super) fn errno_of(error: &libbpf_rs::Error) -> i32 {
    // libbpf-rs keeps the `io::Error` to itself; the text of the innermost error is
    // `No such file or directory (os error 2)`.
    let mut innermost: &dyn StdError = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let text = innermost.to_string();
    text.rsplit_once("(os error ")
        .and_then(|(_, number)| number.strip_suffix(')'))
        .and_then(|number| number.parse().ok())
        .filter(|number| *number < LIBBPF_ERRNO_START)
        .unwrap_or(0)
}

/// `operation` and what libbpf said about it, on one line.
pub(super) fn with_words(operation: &str, messages: &[String]) -> String {
    let mut text = operation.to_owned();
    for message in messages {
        text.push_str(": ");
        text.push_str(message.trim_end_matches(NO_ERROR));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use libbpf_rs::ErrorExt as _;

    #[test]
    fn the_errno_is_found_behind_any_context() {
        let error = libbpf_rs::Error::from_raw_os_error(95);
        assert_eq!(errno_of(&error), 95);
        assert_eq!(errno_of(&error.context("attach").context("again")), 95);
        let of_libbpf = libbpf_rs::Error::from_raw_os_error(4001);
        assert_eq!(errno_of(&of_libbpf), 0);
        let invented = libbpf_rs::Error::from(io::Error::other("no errno"));
        assert_eq!(errno_of(&invented), 0);
    }
}
