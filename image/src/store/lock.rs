//! Advisory locks between processes and threads.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::limits::LOCK_WAIT_MAX;
use crate::{Error, ErrorKind, Result};

const POLL_FIRST: Duration = Duration::from_millis(1);
const POLL_MAX: Duration = Duration::from_millis(20);

/// A held lock: dropping it, or the end of the process however it comes, releases it. So there
/// are no stale locks, and the lock's file is never removed.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Sharing {
    Shared,
    Exclusive,
}

impl Lock {
    /// Waits up to [`LOCK_WAIT_MAX`] for the lock of the file `path`, which is created if needed.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] after that time.
    pub(crate) fn take(path: &Path, sharing: Sharing) -> Result<Self> {
        let operation = || format!("lock {}", path.display());
        let file = open(path).map_err(|error| Error::io(operation(), error))?;
        let flock_operation = match sharing {
            Sharing::Shared => FlockOperation::NonBlockingLockShared,
            Sharing::Exclusive => FlockOperation::NonBlockingLockExclusive,
        };
        let deadline = Instant::now() + LOCK_WAIT_MAX;
        let mut pause = POLL_FIRST;
        loop {
            match flock(&file, flock_operation) {
                Ok(()) => return Ok(Self { _file: file }),
                Err(Errno::WOULDBLOCK) if Instant::now() < deadline => {
                    // flock has no timeout; a signal is not a library's to use.
                    thread::sleep(pause);
                    pause = (pause * 2).min(POLL_MAX);
                }
                Err(Errno::WOULDBLOCK) => {
                    let seconds = LOCK_WAIT_MAX.as_secs();
                    let message = format!(
                        "{}: another command has been using the store for {seconds} seconds",
                        operation()
                    );
                    return Err(Error::new(ErrorKind::Busy, message));
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(Error::io(operation(), errno.into())),
            }
        }
    }
}

/// A reader without write permission may still take part.
fn open(path: &Path) -> std::io::Result<File> {
    match OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
    {
        Ok(file) => Ok(file),
        Err(error) => File::open(path).map_err(|_| error),
    }
}
