//! A network of a test's own.
#![allow(unsafe_code)]

/// Move the calling thread into a new network namespace, which vanishes with the thread.
pub(crate) fn enter_new() {
    // SAFETY: only the network namespace of this thread changes, which Rust's memory model knows
    // nothing of.
    unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNET) }
        .expect("make a network namespace: this needs root");
}
