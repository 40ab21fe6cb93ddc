//! Waiting for several things at once.

use std::time::Duration;

use crate::bindings::wasi::clocks::monotonic_clock;
use crate::bindings::wasi::io::poll as host;
use crate::error::{Error, ErrorCode, Result};
use crate::output;

/// What can be waited for: buffers and [`Stop`](crate::lifecycle::Stop).
pub trait Wait {
    /// Something that is ready when this is.
    fn subscribe(&self) -> Pollable;
}

/// One thing to wait for.
#[derive(Debug)]
pub struct Pollable {
    handle: host::Pollable,
}

impl Pollable {
    pub(crate) fn new(handle: host::Pollable) -> Self {
        Self { handle }
    }

    /// Whether it is ready now.
    pub fn is_ready(&self) -> bool {
        self.handle.ready()
    }
}

/// Waits for buffers, timers and the operator's request to stop.
///
/// ```no_run
/// # use std::time::Duration;
/// # use eunomia_bpf::{lifecycle::Stop, poll::Poller, LoadedObject, Result, RingBufferName};
/// # fn read(object: &LoadedObject) -> Result<()> {
/// # const EVENTS: RingBufferName = RingBufferName::new("events");
/// let mut ring = object.ring_buffer(EVENTS)?;
/// let mut poller = Poller::new();
/// let events = poller.add(&ring);
/// let tick = poller.every(Duration::from_secs(1));
/// let stop = poller.add(&Stop);
/// loop {
///     let ready = poller.wait()?;
///     if ready.contains(events) {
///         while let Some(batch) = ring.try_next_batch()? {
///             for pid in batch.records::<u32>() {
///                 println!("{pid}");
///             }
///         }
///     }
///     if ready.contains(tick) {
///         println!("a second has passed");
///     }
///     if ready.contains(stop) {
///         return Ok(());
///     }
/// }
/// # }
/// ```
///
/// Read a buffer that is ready until it is empty, as above: as long as the guest holds a batch it
/// counts as ready. Once the operator has asked the guest to stop every buffer does.
#[derive(Debug, Default)]
pub struct Poller {
    entries: Vec<Entry>,
}

/// Names one thing that a [`Poller`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token(usize);

/// What was ready when [`Poller::wait`] returned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    tokens: Vec<Token>,
}

#[derive(Debug)]
struct Entry {
    /// None: a delay that has passed.
    pollable: Option<Pollable>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Source,
    Delay,
    Interval(Interval),
}

#[derive(Debug)]
struct Interval {
    /// When it passes next, in nanoseconds of the monotonic clock.
    next: u64,
    length: u64,
}

impl Poller {
    /// Waits for nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also wait for this.
    pub fn add(&mut self, source: &impl Wait) -> Token {
        self.push(source.subscribe(), Kind::Source)
    }

    /// Also wake up at this interval, the first time after one. Intervals that pass while the
    /// guest does something else are not made up for.
    pub fn every(&mut self, interval: Duration) -> Token {
        // An interval of nothing would never let anything else come up.
        let length = nanoseconds(interval).max(1);
        let next = monotonic_clock::now().saturating_add(length);
        let pollable = Pollable::new(monotonic_clock::subscribe_instant(next));
        self.push(pollable, Kind::Interval(Interval { next, length }))
    }

    /// Also wake up after this time, once.
    pub fn after(&mut self, delay: Duration) -> Token {
        let pollable = Pollable::new(monotonic_clock::subscribe_duration(nanoseconds(delay)));
        self.push(pollable, Kind::Delay)
    }

    /// Wait until something is ready.
    ///
    /// # Errors
    /// `InvalidState` when there is nothing to wait for. Writing out [tables](crate::output) may
    /// fail, which is done before waiting.
    pub fn wait(&mut self) -> Result<Ready> {
        output::flush_pending()?;
        let (waiting, tokens): (Vec<_>, Vec<_>) = self
            .entries
            .iter()
            .enumerate()
            .filter_map(|(index, entry)| Some((&entry.pollable.as_ref()?.handle, Token(index))))
            .unzip();
        if waiting.is_empty() {
            let message = "wait: the poller has nothing to wait for";
            return Err(Error::new(ErrorCode::InvalidState, message));
        }
        let indexes = host::poll(&waiting).into_iter();
        let tokens: Vec<_> = indexes
            .filter_map(|index| tokens.get(index as usize).copied())
            .collect();
        for token in &tokens {
            self.entries[token.0].renew();
        }
        Ok(Ready { tokens })
    }

    fn push(&mut self, pollable: Pollable, kind: Kind) -> Token {
        let pollable = Some(pollable);
        self.entries.push(Entry { pollable, kind });
        Token(self.entries.len() - 1)
    }
}

impl Entry {
    /// What was ready is waited for again, unless it was a delay.
    fn renew(&mut self) {
        match &mut self.kind {
            Kind::Source => {}
            Kind::Delay => self.pollable = None,
            Kind::Interval(interval) => {
                interval.next = interval.after(monotonic_clock::now());
                let pollable = monotonic_clock::subscribe_instant(interval.next);
                self.pollable = Some(Pollable::new(pollable));
            }
        }
    }
}

impl Interval {
    /// The first of its times that is later than `now`.
    fn after(&self, now: u64) -> u64 {
        let passed = now.saturating_sub(self.next) / self.length;
        let steps = passed.saturating_add(1);
        self.next.saturating_add(steps.saturating_mul(self.length))
    }
}

impl Ready {
    /// Whether this was ready.
    pub fn contains(&self, token: Token) -> bool {
        self.tokens.contains(&token)
    }
}

/// As the contract has durations; 584 years are for ever.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_keeps_its_rhythm_and_leaves_out_what_has_passed() {
        let interval = Interval {
            next: 100,
            length: 10,
        };
        assert_eq!(interval.after(100), 110);
        assert_eq!(interval.after(109), 110);
        assert_eq!(interval.after(135), 140);
        // A clock that goes backwards does not make it return at once.
        assert_eq!(interval.after(50), 110);
    }
}
