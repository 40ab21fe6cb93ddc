//! Several blobs at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::limits::TRANSFERS_MAX;
use crate::{Descriptor, Result};

/// Runs `transfer` for every blob, up to [`TRANSFERS_MAX`] at a time. After a failure no further
/// one is started, those that run are finished, and the first failure is returned.
pub(super) fn each(
    blobs: &[Descriptor],
    transfer: impl Fn(&Descriptor) -> Result<()> + Sync,
) -> Result<()> {
    let next = Mutex::new(blobs.iter());
    let failed = AtomicBool::new(false);
    let take = || {
        let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
        next.next().filter(|_| !failed.load(Ordering::Relaxed))
    };
    let work = || -> Result<()> {
        while let Some(blob) = take() {
            transfer(blob).inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..TRANSFERS_MAX.min(blobs.len()))
            .map(|_| scope.spawn(work))
            .collect();
        let mut result = work();
        for other in others {
            // A panic goes on here, as it would without threads.
            let other = other
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            result = result.and(other);
        }
        result
    })
}
