//! The operator's wish that a guest stops.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// A flag that is raised once and wakes everybody who waits for it. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct StopSignal {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    requested: AtomicBool,
    wakers: Mutex<Vec<Waker>>,
}

impl StopSignal {
    /// Ask the guest to stop. Asking again changes nothing.
    pub fn request(&self) {
        self.shared.requested.store(true, Ordering::Release);
        let wakers = std::mem::take(&mut *self.wakers());
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Whether the guest has been asked to stop.
    pub fn is_requested(&self) -> bool {
        self.shared.requested.load(Ordering::Acquire)
    }

    /// Resolves when the guest is asked to stop.
    pub fn requested(&self) -> StopRequested {
        StopRequested {
            signal: self.clone(),
        }
    }

    fn wakers(&self) -> std::sync::MutexGuard<'_, Vec<Waker>> {
        // A panic while the list was held leaves it whole: it is only pushed to and taken.
        self.shared
            .wakers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`StopSignal::requested`].
#[derive(Debug)]
pub struct StopRequested {
    signal: StopSignal,
}

impl Future for StopRequested {
    type Output = ();

    fn poll(self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<()> {
        if self.signal.is_requested() {
            return Poll::Ready(());
        }
        let mut wakers = self.signal.wakers();
        if !wakers.iter().any(|waker| waker.will_wake(ctx.waker())) {
            wakers.push(ctx.waker().clone());
        }
        drop(wakers);
        // The flag may have been raised before the waker was in the list.
        if self.signal.is_requested() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
