//! Standard output, shared by the guest's plain text and the renderer of its rows, so that their
//! order is kept.
//!
//! Output is buffered. It is passed on when the guest waits, when the buffer is full, and by a
//! thread at the latest [`FLUSH_INTERVAL`] after it was written.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi_io::bytes::Bytes;

/// Bytes that are gathered before they are written out.
const BUFFER_BYTES: usize = 64 * 1024;

/// Longest time that output stays in the buffer.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);

/// A buffered output. Clones share the buffer.
#[derive(Clone)]
pub struct Console {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Something is in the buffer, or the console is gone.
    changed: Condvar,
    terminal: bool,
}

struct State {
    buffer: Vec<u8>,
    output: Box<dyn Write + Send>,
    /// The first failure to write; everything fails from then on.
    failed: Option<io::ErrorKind>,
    clones: usize,
}

impl Console {
    /// The process's standard output.
    pub fn stdout() -> Self {
        Self::new(
            Box::new(RawStdout),
            io::IsTerminal::is_terminal(&io::stdout()),
        )
    }

    /// Any other output; `terminal` is what guests are told.
    pub fn new(output: Box<dyn Write + Send>, terminal: bool) -> Self {
        let state = State {
            buffer: Vec::with_capacity(BUFFER_BYTES),
            output,
            failed: None,
            clones: 1,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            terminal,
        });
        let flusher = Arc::clone(&shared);
        // Without the thread output is only later, so a failure to start it is no reason to fail.
        let spawned = std::thread::Builder::new()
            .name("flush output".into())
            .spawn(move || flusher.flush_from_time_to_time());
        if let Err(error) = spawned {
            tracing::warn!(%error, "start the thread that flushes output");
        }
        Self { shared }
    }

    /// Whether it is a terminal.
    pub fn is_terminal(&self) -> bool {
        self.shared.terminal
    }

    /// Whether the reader is gone.
    pub fn is_closed(&self) -> bool {
        self.shared.state().failed == Some(io::ErrorKind::BrokenPipe)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // The buffer is whole at every point at which a panic could poison the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flush_from_time_to_time(&self) {
        let mut state = self.state();
        while state.clones > 0 {
            if state.buffer.is_empty() {
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            drop(state);
            std::thread::sleep(FLUSH_INTERVAL);
            state = self.state();
            let _ = state.flush(); // The next writer is told.
        }
    }
}

impl State {
    fn write(&mut self, bytes: &[u8]) -> io::Result<bool> {
        self.check()?;
        let first = self.buffer.is_empty();
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush()?;
        }
        Ok(first)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.check()?;
        let outcome = self
            .output
            .write_all(&self.buffer)
            .and_then(|()| self.output.flush());
        self.buffer.clear();
        outcome.inspect_err(|error| self.failed = Some(error.kind()))
    }

    fn check(&self) -> io::Result<()> {
        self.failed.map_or(Ok(()), |kind| Err(kind.into()))
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.clones -= 1;
        if state.clones == 0 {
            let _ = state.flush(); // Nobody is left to be told.
            self.shared.changed.notify_all();
        }
    }
}

impl Console {
    /// Another handle on the same output.
    #[must_use]
    pub fn share(&self) -> Self {
        self.shared.state().clones += 1;
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("terminal", &self.shared.terminal)
            .finish_non_exhaustive()
    }
}

impl Write for Console {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let first = self.shared.state().write(bytes)?;
        if first {
            self.shared.changed.notify_one();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.shared.state().flush()
    }
}

/// Standard output without the line buffer of `std::io::Stdout`.
struct RawStdout;

impl Write for RawStdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(rustix::stdio::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The guest's end of a [`Console`].
pub(crate) struct GuestStdout(pub(crate) Console);

/// Ends the guest when nobody reads its output any more.
#[derive(Debug)]
pub(crate) struct OutputGone(pub(crate) io::ErrorKind);

impl fmt::Display for OutputGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "write to standard output: {}", io::Error::from(self.0))
    }
}

impl std::error::Error for OutputGone {}

impl IsTerminal for GuestStdout {
    fn is_terminal(&self) -> bool {
        self.0.is_terminal()
    }
}

impl StdoutStream for GuestStdout {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        Box::new(AsyncConsole(self.0.share()))
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(GuestStream(self.0.share()))
    }
}

struct GuestStream(Console);

impl GuestStream {
    /// A guest that is told of an error would panic and print about it; end it instead.
    fn ended(error: io::Error) -> StreamError {
        StreamError::Trap(wasmtime::Error::new(OutputGone(error.kind())))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for GuestStream {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl OutputStream for GuestStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.write_all(&bytes).map_err(Self::ended)
    }

    // Buffered on purpose: see the head of this module.
    fn flush(&mut self) -> StreamResult<()> {
        self.0.shared.state().check().map_err(Self::ended)
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.0.shared.state().check().map_err(Self::ended)?;
        Ok(BUFFER_BYTES)
    }
}

/// For interfaces of WASI 0.3, which this runtime does not link.
struct AsyncConsole(Console);

impl tokio::io::AsyncWrite for AsyncConsole {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        _ctx: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<io::Result<usize>> {
        std::task::Poll::Ready(self.0.write(bytes))
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        _ctx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::task::Poll::Ready(self.0.flush())
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        ctx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        self.poll_flush(ctx)
    }
}
