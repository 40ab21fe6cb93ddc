//! The operator's wish that a guest stops.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// A flag that is raised once and wakes everybody who waits for it. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct StopSignal {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    requested: AtomicBool,
    waiting: Mutex<Waiting>,
}

/// One waker for each future that waits, so that the list does not grow with the number of waits.
#[derive(Debug, Default)]
struct Waiting {
    wakers: Vec<(u64, Waker)>,
    /// Numbers the futures.
    last_id: u64,
}

impl StopSignal {
    /// Ask the guest to stop. Asking again changes nothing.
    pub fn request(&self) {
        self.shared.requested.store(true, Ordering::Release);
        let wakers = std::mem::take(&mut self.waiting().wakers);
        wakers.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// Whether the guest has been asked to stop.
    pub fn is_requested(&self) -> bool {
        self.shared.requested.load(Ordering::Acquire)
    }

    /// Resolves when the guest is asked to stop.
    pub fn requested(&self) -> StopRequested {
        StopRequested {
            signal: self.clone(),
            id: None,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // A panic while the list was held leaves it whole.
        self.shared
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`StopSignal::requested`].
#[derive(Debug)]
pub struct StopRequested {
    signal: StopSignal,
    /// Its number in the list, once it is there.
    id: Option<u64>,
}

impl Future for StopRequested {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<()> {
        if self.signal.is_requested() {
            return Poll::Ready(());
        }
        let id = self.signal.waiting().register(self.id, ctx.waker());
        self.id = Some(id);
        // The flag may have been raised before the waker was in the list.
        if self.signal.is_requested() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for StopRequested {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let mut waiting = self.signal.waiting();
            waiting.wakers.retain(|(waiting_id, _)| *waiting_id != id);
        }
    }
}

impl Waiting {
    /// Put the waker of a future in the list, in the place of the one that is there.
    fn register(&mut self, id: Option<u64>, waker: &Waker) -> u64 {
        let registered = self.wakers.iter_mut().find(|entry| Some(entry.0) == id);
        if let Some((id, registered)) = registered {
            registered.clone_from(waker);
            return *id;
        }
        self.last_id += 1;
        self.wakers.push((self.last_id, waker.clone()));
        self.last_id
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::AtomicU32;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn is_ready(future: Pin<&mut StopRequested>, waker: &Arc<Count>) -> bool {
        let waker = Waker::from(Arc::clone(waker));
        future.poll(&mut Context::from_waker(&waker)).is_ready()
    }

    #[test]
    fn a_request_wakes_everybody_with_the_waker_of_the_last_poll() {
        let stop = StopSignal::default();
        let (mut first, mut second) = (pin!(stop.requested()), pin!(stop.requested()));
        let [old, new, other] = [const { Count(AtomicU32::new(0)) }; 3].map(Arc::new);
        assert!(!is_ready(first.as_mut(), &old));
        assert!(!is_ready(first.as_mut(), &new));
        assert!(!is_ready(second.as_mut(), &other));
        stop.request();
        let woken = [&old, &new, &other].map(|count| count.0.load(Ordering::Relaxed));
        assert_eq!(woken, [0, 1, 1]);
        assert!(is_ready(first, &new) && is_ready(second, &other));
    }

    #[test]
    fn waits_that_ended_leave_nothing_behind() {
        let stop = StopSignal::default();
        for _ in 0..1000 {
            let mut wait = pin!(stop.requested());
            assert!(!is_ready(wait.as_mut(), &Arc::default()));
            assert!(!is_ready(wait.as_mut(), &Arc::default()));
            assert_eq!(stop.waiting().wakers.len(), 1);
        }
        assert!(stop.waiting().wakers.is_empty());
    }
}
