//! Running futures on the virtual clock: when everybody waits, time jumps to what is due next.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::fake::kernel::FakeKernel;
use crate::fake::shared::Shared;

/// Polls in a row before the executor gets its turn: a future that wakes itself all the time must
/// not keep others from running.
const POLLS_MAX: u32 = 64;

impl FakeKernel {
    /// Runs a future and lets time pass while it waits: whenever it can do nothing more, the clock
    /// jumps to what is due next. When nothing is, it waits for the world outside of the fake
    /// kernel.
    ///
    /// All who wait on this kernel must be part of this one future; time must not jump twice.
    ///
    /// # Errors
    /// `LimitExceeded` when it still waits after [`Machine::run_time_max`](crate::fake::Machine).
    pub fn drive<F: Future>(&self, future: F) -> Drive<F> {
        Drive {
            end: self.now().saturating_add(self.machine().run_time_max),
            kernel: self.clone(),
            future: Box::pin(future),
            wakes: Arc::default(),
        }
    }

    /// Runs a future that waits for nothing but this kernel to its end, on this thread.
    ///
    /// # Errors
    /// As [`Self::drive`]; `InvalidState` when it waits for something that never comes: nothing is
    /// due any more.
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        let wakes = Arc::<Wakes>::default();
        let waker = Waker::from(wakes.clone());
        let mut driven = self.drive(future);
        loop {
            let polled = Pin::new(&mut driven).poll(&mut Context::from_waker(&waker));
            match polled {
                Poll::Ready(output) => return output,
                Poll::Pending if wakes.take() => {}
                Poll::Pending => {
                    return Err(Error::new(
                        ErrorKind::InvalidState,
                        format!(
                            "run on the fake kernel: everybody waits at {:?} and nothing is due",
                            self.now()
                        ),
                    ));
                }
            }
        }
    }
}

/// See [`FakeKernel::drive`].
pub struct Drive<F> {
    kernel: FakeKernel,
    end: Duration,
    future: Pin<Box<F>>,
    wakes: Arc<Wakes>,
}

impl<F: Future> Future for Drive<F> {
    type Output = Result<F::Output>;

    fn poll(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<Self::Output> {
        self.wakes.set_outer(ctx.waker());
        let waker = Waker::from(self.wakes.clone());
        for _ in 0..POLLS_MAX {
            // Whoever wakes it from here on does so because of something that it has not yet seen.
            self.wakes.take();
            if let Poll::Ready(output) = self.future.as_mut().poll(&mut Context::from_waker(&waker))
            {
                return Poll::Ready(Ok(output));
            }
            while !self.wakes.is_woken() {
                match self.kernel.clock().next_due() {
                    None => return Poll::Pending,
                    Some(due) if due > self.end => return Poll::Ready(Err(self.too_long())),
                    Some(_) => self.kernel.advance_to_next(),
                };
            }
        }
        ctx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<F> Drive<F> {
    fn too_long(&self) -> Error {
        Error::new(
            ErrorKind::LimitExceeded,
            format!(
                "run on the fake kernel: not done after {:?} of its clock",
                self.kernel.machine().run_time_max
            ),
        )
    }
}

impl<F> std::fmt::Debug for Drive<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Drive")
            .field("kernel", &self.kernel)
            .finish_non_exhaustive()
    }
}

/// Remembers that somebody woke the future, and passes it on.
#[derive(Default)]
struct Wakes {
    woken: AtomicBool,
    outer: Shared<Option<Waker>>,
}

impl Wakes {
    fn set_outer(&self, waker: &Waker) {
        *self.outer.lock() = Some(waker.clone());
    }

    fn is_woken(&self) -> bool {
        self.woken.load(Ordering::Acquire)
    }

    fn take(&self) -> bool {
        self.woken.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        let outer = self.outer.lock().clone();
        if let Some(waker) = outer {
            waker.wake();
        }
    }
}
