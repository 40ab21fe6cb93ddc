//! Shared state, and those who wait for it to change.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use crate::fake::clock::{Clock, Event};

/// A value behind a lock that survives panics of those who hold it.
#[derive(Debug, Default)]
pub(crate) struct Shared<T>(Mutex<T>);

impl<T> Shared<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Held for a few statements only, and never while another one is taken or a waker is called.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        // Every change is a single step, so a test that fails halfway leaves a usable value.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tasks that wait for one thing.
#[derive(Debug, Default)]
pub(crate) struct Waiters(Vec<Waker>);

impl Waiters {
    pub(crate) fn add(&mut self, ctx: &Context<'_>) {
        if !self.0.iter().any(|waker| waker.will_wake(ctx.waker())) {
            self.0.push(ctx.waker().clone());
        }
    }

    /// Takes everybody out. The caller wakes them after letting go of its lock.
    #[must_use]
    pub(crate) fn take(&mut self) -> Woken {
        Woken(std::mem::take(&mut self.0))
    }
}

/// Tasks to wake.
#[derive(Debug)]
pub(crate) struct Woken(Vec<Waker>);

impl Woken {
    pub(crate) fn wake(self) {
        self.0.into_iter().for_each(Waker::wake);
    }

    /// Wakes them when the clock is there.
    pub(crate) fn wake_at(self, clock: &Clock, at: Duration) {
        for waker in self.0 {
            clock.schedule(at, Event::Wake(waker));
        }
    }
}
