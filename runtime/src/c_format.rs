//! Text that libbpf hands to callbacks as a `printf` format and its arguments.
//!
//! # Why `unsafe` is sound here
//! `vasprintf` writes its result to memory that it allocates, which is copied and freed here.
//! Format and arguments come from libbpf, unchanged, and are used once. A `va_list` parameter is a
//! pointer in the calling conventions of our CPUs (x86-64: an array that decays; AArch64: a
//! structure passed by reference), which libbpf-sys relies on as well.
//!
//! libbpf-rs has the same for print messages, but panics, and so aborts, when they are not UTF-8;
//! names in a BPF object that somebody else made may be anything.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int};

use libbpf_sys::__va_list_tag;

unsafe extern "C" {
    fn vasprintf(text: *mut *mut c_char, format: *const c_char, args: *mut __va_list_tag) -> c_int;
}

/// Append the formatted text to `text`. What is not UTF-8 becomes U+FFFD; nothing is appended when
/// there is no memory for it.
///
/// # Safety
/// `format` and `args` are those that a C caller has passed to a callback of the `vprintf` kind,
/// and are not used again.
pub(crate) unsafe fn append(text: &mut String, format: *const c_char, args: *mut __va_list_tag) {
    let mut formatted: *mut c_char = std::ptr::null_mut();
    // SAFETY: the caller vouches for format and arguments.
    let bytes = unsafe { vasprintf(&raw mut formatted, format, args) };
    if bytes < 0 || formatted.is_null() {
        return;
    }
    // SAFETY: `vasprintf` succeeded, so it is a string with a NUL at its end.
    text.push_str(&unsafe { CStr::from_ptr(formatted) }.to_string_lossy());
    // SAFETY: allocated by `vasprintf`, and not used any more.
    unsafe { libc::free(formatted.cast()) };
}
