//! The virtual clock: time passes only when the test, or the wait of everybody, lets it.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::fake::script::Action;
use crate::fake::shared::Shared;

/// When something is due: nanoseconds of the clock, then the order in which it was asked for.
type Due = (u64, u64);

/// What is done when the time has come.
#[derive(Debug)]
pub(crate) enum Event {
    Wake(Waker),
    Act(Action),
}

/// A clock that starts at 0. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock(Arc<Shared<State>>);

#[derive(Debug, Default)]
struct State {
    now_ns: u64,
    asked: u64,
    /// Bounded by the number of sleeping tasks and of events in scripts.
    agenda: BTreeMap<Due, Event>,
}

impl Clock {
    pub(crate) fn now(&self) -> Duration {
        Duration::from_nanos(self.0.lock().now_ns)
    }

    /// The time of the earliest event.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        let state = self.0.lock();
        state
            .agenda
            .keys()
            .next()
            .map(|(at, _)| Duration::from_nanos(*at))
    }

    /// Moves on to the next event up to `end` and takes it out; to `end` when there is none.
    pub(crate) fn take_due(&self, end: Duration) -> Option<Event> {
        let end_ns = nanoseconds(end);
        let mut state = self.0.lock();
        let due = state
            .agenda
            .first_entry()
            .filter(|entry| entry.key().0 <= end_ns)
            .map(|entry| entry.remove_entry());
        let (at, event) = match due {
            Some(((at, _), event)) => (at, Some(event)),
            None => (end_ns, None),
        };
        // An event that was asked for too late is due now; time never goes back.
        state.now_ns = state.now_ns.max(at);
        event
    }

    pub(crate) fn schedule(&self, at: Duration, event: Event) -> Due {
        let mut state = self.0.lock();
        let due = (nanoseconds(at), state.asked);
        state.asked += 1;
        state.agenda.insert(due, event);
        due
    }

    fn cancel(&self, due: Due) {
        let event = self.0.lock().agenda.remove(&due);
        // Only now that the lock is let go of: a waker may hold the last of a task, and with it
        // other sleepers.
        drop(event);
    }

    /// Counts from now, also when it is first polled later.
    pub(crate) fn sleep(&self, duration: Duration) -> Sleep {
        Sleep {
            clock: self.clone(),
            deadline: self.now().saturating_add(duration).min(END_OF_TIME),
            due: None,
        }
    }
}

/// Virtual time ends after 584 years.
const END_OF_TIME: Duration = Duration::from_nanos(u64::MAX);

pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Resolves at its deadline. Dropped before, it no longer holds back or draws on the clock.
#[derive(Debug)]
pub(crate) struct Sleep {
    clock: Clock,
    deadline: Duration,
    due: Option<Due>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<()> {
        if let Some(due) = self.due.take() {
            self.clock.cancel(due);
        }
        if self.clock.now() >= self.deadline {
            return Poll::Ready(());
        }
        let wake = Event::Wake(ctx.waker().clone());
        self.due = Some(self.clock.schedule(self.deadline, wake));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(due) = self.due.take() {
            self.clock.cancel(due);
        }
    }
}
