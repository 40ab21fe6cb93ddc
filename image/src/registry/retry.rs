//! Trying again.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::thread;
use std::time::Duration;

use super::progress::{Progress, ProgressSink};
use crate::limits::RETRY_AFTER_MAX;
use crate::{Error, ErrorKind, Result};

/// How often and how patiently transient failures are repeated: broken connections, timeouts, and
/// the HTTP statuses 408, 429, 500, 502, 503, 504.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Attempts in a row without progress. Default: 6.
    pub attempts: u32,
    /// The first pause; each further one is twice as long, plus up to a quarter. Default: 200 ms.
    pub pause_first: Duration,
    /// The longest pause that is not asked for by the registry. Default: 5 s.
    pub pause_max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 6,
            pause_first: Duration::from_millis(200),
            pause_max: Duration::from_secs(5),
        }
    }
}

/// Why one attempt failed, and whether another one may help.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) retry: Retry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    Never,
    /// After the pause that the registry asked for, or our own.
    After(Option<Duration>),
}

pub(super) type Attempt<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(super) fn transient(message: impl Into<String>) -> Self {
        Self {
            error: Error::new(ErrorKind::Network, message),
            retry: Retry::After(None),
        }
    }

    pub(super) fn context(self, operation: impl std::fmt::Display) -> Self {
        Self {
            error: self.error.context(operation),
            retry: self.retry,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            retry: Retry::Never,
        }
    }
}

/// Counts the failures of one transfer.
pub(super) struct Backoff<'b> {
    policy: RetryPolicy,
    sink: &'b ProgressSink,
    failures: u32,
}

impl<'b> Backoff<'b> {
    pub(super) fn new(policy: RetryPolicy, sink: &'b ProgressSink) -> Self {
        Self {
            policy,
            sink,
            failures: 0,
        }
    }

    /// Forgets the failures so far: the transfer got further.
    pub(super) fn progressed(&mut self) {
        self.failures = 0;
    }

    /// Pauses before the next attempt.
    ///
    /// # Errors
    /// The failure itself when there is to be none.
    pub(super) fn pause(&mut self, failure: Failure) -> Result<()> {
        let Retry::After(asked) = failure.retry else {
            return Err(failure.error);
        };
        self.failures += 1;
        if self.failures >= self.policy.attempts {
            let attempts = self.failures;
            return Err(failure
                .error
                .context(format_args!("gave up after {attempts} attempts")));
        }
        let own = self.policy.pause_first * 2_u32.saturating_pow(self.failures - 1);
        let own = own.min(self.policy.pause_max);
        let pause = asked.map_or(own, |asked| asked.min(RETRY_AFTER_MAX)) + jitter(own / 4);
        let reason = failure.error.to_string();
        tracing::debug!(reason, ?pause, "retrying");
        (self.sink)(&Progress::Retrying {
            reason: &reason,
            pause,
        });
        thread::sleep(pause);
        Ok(())
    }
}

/// Repeats `attempt` until it succeeds or there is no point in it.
pub(super) fn retrying<T>(
    policy: RetryPolicy,
    sink: &ProgressSink,
    mut attempt: impl FnMut() -> Attempt<T>,
) -> Result<T> {
    let mut backoff = Backoff::new(policy, sink);
    loop {
        match attempt() {
            Ok(value) => return Ok(value),
            Err(failure) => backoff.pause(failure)?,
        }
    }
}

/// Clients that failed together must not come back together.
fn jitter(max: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() >> 32;
    max.mul_f64(random as f64 / f64::from(u32::MAX))
}
