//! The life of the guest.

use std::time::Duration;

use crate::bindings::eunomia::bpf::lifecycle as host;
use crate::error::Result;
use crate::poll::{Pollable, Poller, Wait};

/// Whether the operator has asked the guest to stop (Ctrl-C, `ecli stop`, the end of a
/// `--timeout`). It should print its summary and leave; after a grace period it is ended.
pub fn stop_requested() -> bool {
    host::stop_requested()
}

/// Stop as though the operator had asked.
pub fn request_stop() {
    host::request_stop();
}

/// End the guest at once with an exit code of its own, which becomes that of `ecli run`.
///
/// `std::process::exit` and `main` can only say success (0) and failure (1) on WASI 0.2. Rows that
/// are still gathered are emitted first; nothing else is run: detaching is the host's.
pub fn exit(code: u8) -> ! {
    // A failure to write them is of no use to anybody any more.
    let _ = crate::output::flush_pending();
    host::exit(code);
    unreachable!("the host ends the guest")
}

/// Sleep, and return true when the time is up, false when the operator asks the guest to stop:
/// `while sleep(interval)? { print() }`.
///
/// # Errors
/// Writing out [tables](crate::output) may fail, which is done before waiting.
pub fn sleep(duration: Duration) -> Result<bool> {
    let mut poller = Poller::new();
    poller.add(&Stop);
    poller.after(duration);
    poller.wait()?;
    Ok(!stop_requested())
}

/// Wait until the operator asks the guest to stop.
///
/// # Errors
/// As [`sleep`].
pub fn wait_for_stop() -> Result<()> {
    let mut poller = Poller::new();
    poller.add(&Stop);
    poller.wait()?;
    Ok(())
}

/// The operator's request to stop, for a [`Poller`].
#[derive(Clone, Copy, Debug)]
pub struct Stop;

/// Ready when the operator asks, and ever after.
impl Wait for Stop {
    fn subscribe(&self) -> Pollable {
        Pollable::new(host::subscribe_stop())
    }
}
