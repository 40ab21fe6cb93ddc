//! What libbpf prints.
//!
//! libbpf has one print function for the whole process. This module sets it once; what libbpf
//! prints during a call of ours becomes part of that call's error, the rest goes to `tracing`
//! (target
//! `libbpf`).
//!
//! # Why `unsafe` is sound here
//! One call hands libbpf a callback, once; the callback passes on what libbpf passed to it. It
//! cannot unwind into C: an `extern "C"` function aborts instead.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::{c_char, c_int};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use libbpf_sys::{LIBBPF_DEBUG, libbpf_print_level};

thread_local! {
    /// Warnings of the call that this thread is in.
    static CAPTURED: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Bytes of warnings kept of one call: a verifier log may have 16 MiB, and a program fails to load
/// for one reason.
const CAPTURED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Whether somebody wants debug messages.
static DEBUG: AtomicBool = AtomicBool::new(false);

/// Make libbpf print to this module. Only the first call of the process does anything.
pub(super) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let debug = tracing::enabled!(target: "libbpf", tracing::Level::DEBUG);
        DEBUG.store(debug, Ordering::Relaxed);
        // SAFETY: the callback has the type that libbpf asks for and is never unloaded.
        unsafe { libbpf_sys::libbpf_set_print(Some(print)) };
    });
}

/// Run `call` and return, beside its result, what libbpf warned of, one message an item.
pub(super) fn captured<T>(call: impl FnOnce() -> T) -> (T, Vec<String>) {
    let outer = CAPTURED.replace(Some(Vec::new()));
    let result = call();
    let messages = CAPTURED.replace(outer).unwrap_or_default();
    (result, messages)
}

/// libbpf's callback.
unsafe extern "C" fn print(
    level: libbpf_print_level,
    format: *const c_char,
    args: *mut libbpf_sys::__va_list_tag,
) -> c_int {
    // There are thousands of debug messages, and formatting them takes longer than loading.
    if level != LIBBPF_DEBUG || DEBUG.load(Ordering::Relaxed) {
        let mut message = String::new();
        // SAFETY: what libbpf passed to this callback.
        unsafe { crate::c_format::append(&mut message, format, args) };
        note(level, &message);
    }
    0
}

fn note(level: libbpf_print_level, message: &str) {
    let message = message.strip_prefix("libbpf: ").unwrap_or(message);
    let message = message.trim_end();
    if level == LIBBPF_DEBUG {
        tracing::debug!(target: "libbpf", "{message}");
        return;
    }
    let kept = CAPTURED.with_borrow_mut(|captured| {
        let Some(messages) = captured else {
            return false;
        };
        let bytes: usize = messages.iter().map(String::len).sum();
        if bytes + message.len() <= CAPTURED_BYTES_MAX {
            messages.push(message.to_owned());
        }
        true
    });
    if kept {
        // Part of an error, too, but for a verifier log only its end: this is all of it.
        tracing::info!(target: "libbpf", "{message}");
    } else {
        tracing::warn!(target: "libbpf", "{message}");
    }
}
