//! Waiting until a file descriptor of the kernel's says that there is something to do.

use std::future::Future;
use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// How long to sleep at most before looking again: BPF programs that submit with `BPF_RB_NO_WAKEUP`
/// wake nobody. The contract promises this number.
const RECHECK: Duration = Duration::from_millis(100);

/// A file descriptor to wait for.
#[derive(Debug)]
pub(super) struct Readiness {
    interest: Interest,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Not registered: that takes a tokio runtime, which there may not be before the first wait.
    Idle(Option<OwnedFd>),
    Registered(AsyncFd<OwnedFd>),
}

impl Readiness {
    pub(super) fn new(fd: OwnedFd, interest: Interest) -> Self {
        Self {
            interest,
            state: State::Idle(Some(fd)),
        }
    }

    /// Resolves when `is_ready` says so. It is asked first, then at every event of the file
    /// descriptor, and at least every 100 ms.
    pub(super) async fn wait(&mut self, mut is_ready: impl FnMut() -> bool + Send) {
        loop {
            if is_ready() {
                return;
            }
            let interest = self.interest;
            let event = async {
                match self.registered() {
                    Some(fd) => match fd.ready(interest).await {
                        // Cleared before the next look: an event after the look is seen.
                        Ok(mut guard) => guard.clear_ready(),
                        // The runtime that it is registered with is gone.
                        Err(_) => std::future::pending().await,
                    },
                    None => std::future::pending().await,
                }
            };
            // Elapsed or not, the loop looks again.
            let _ = within_recheck(event).await;
        }
    }

    fn registered(&mut self) -> Option<&AsyncFd<OwnedFd>> {
        if let State::Idle(fd) = &mut self.state {
            let fd = fd.take()?;
            // SAFETY: the file descriptor is owned by the `AsyncFd` from here on, so it stays open,
            // and the same, as long as it is registered.
            #[allow(unsafe_code)]
            match unsafe { AsyncFd::register_with_interest(fd, self.interest) } {
                Ok(registered) => self.state = State::Registered(registered),
                Err(error) => {
                    // Works without, only with the delay of `RECHECK`.
                    let (_fd, error) = error.into_parts();
                    tracing::debug!("wait for a buffer: register with epoll: {error}");
                }
            }
        }
        match &self.state {
            State::Registered(fd) => Some(fd),
            State::Idle(_) => None,
        }
    }
}

fn within_recheck<F: Future>(event: F) -> tokio::time::Timeout<F> {
    tokio::time::timeout(RECHECK, event)
}
