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

use crate::terminal::TerminalFilter;

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

/// Where a guest writes to: its end of a [`Console`].
pub(crate) struct GuestOutput {
    console: Console,
    destination: Destination,
}

#[derive(Clone, Copy)]
enum Destination {
    Console,
    /// This process's standard error; what is in the console is written first.
    Stderr,
}

impl GuestOutput {
    /// The guest's standard output.
    pub(crate) fn stdout(console: &Console) -> Self {
        Self {
            console: console.share(),
            destination: Destination::Console,
        }
    }

    /// The guest's standard error.
    pub(crate) fn stderr(console: &Console) -> Self {
        Self {
            console: console.share(),
            destination: Destination::Stderr,
        }
    }
}

/// Ends the guest when nobody reads its output any more.
#[derive(Debug)]
pub(crate) struct OutputGone(pub(crate) io::ErrorKind);

impl fmt::Display for OutputGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "write to standard output: {}", io::Error::from(self.0))
    }
}

impl std::error::Error for OutputGone {}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        match self.destination {
            Destination::Console => self.console.is_terminal(),
            Destination::Stderr => io::IsTerminal::is_terminal(&io::stderr()),
        }
    }
}

impl StdoutStream for GuestOutput {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        Box::new(AsyncGuestStream(self.stream()))
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.stream())
    }
}

impl GuestOutput {
    fn stream(&self) -> GuestStream {
        GuestStream {
            console: self.console.share(),
            destination: self.destination,
            filter: self.is_terminal().then(TerminalFilter::default),
        }
    }
}

struct GuestStream {
    console: Console,
    destination: Destination,
    /// For a terminal.
    filter: Option<TerminalFilter>,
}

impl GuestStream {
    /// A guest that is told of an error would panic and print about it; end it instead.
    fn ended(error: io::Error) -> StreamError {
        StreamError::Trap(wasmtime::Error::new(OutputGone(error.kind())))
    }

    fn write_filtered(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(filter) = &mut self.filter else {
            return self.write_raw(bytes);
        };
        let mut shown = Vec::new();
        filter.pass(bytes, &mut shown);
        self.write_raw(&shown)
    }

    fn write_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.destination {
            Destination::Console => self.console.write_all(bytes),
            Destination::Stderr => {
                let _ = self.console.flush(); // Standard output's failure is for its own writer.
                // Nobody is left to be told that nobody reads what it is told.
                let _ = io::stderr().write_all(bytes);
                Ok(())
            }
        }
    }

    fn check(&self) -> io::Result<()> {
        match self.destination {
            Destination::Console => self.console.shared.state().check(),
            Destination::Stderr => Ok(()),
        }
    }
}

impl Drop for GuestStream {
    fn drop(&mut self) {
        if let Some(filter) = &self.filter {
            let reset = filter.reset();
            let _ = self.write_raw(reset); // The guest is gone.
        }
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for GuestStream {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl OutputStream for GuestStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.write_filtered(&bytes).map_err(Self::ended)
    }

    // Buffered on purpose: see the head of this module.
    fn flush(&mut self) -> StreamResult<()> {
        self.check().map_err(Self::ended)
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.check().map_err(Self::ended)?;
        Ok(BUFFER_BYTES)
    }
}

/// For interfaces of WASI 0.3, which this runtime does not link.
struct AsyncGuestStream(GuestStream);

impl tokio::io::AsyncWrite for AsyncGuestStream {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        _ctx: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<io::Result<usize>> {
        std::task::Poll::Ready(self.0.write_filtered(bytes).map(|()| bytes.len()))
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        _ctx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::task::Poll::Ready(self.0.console.flush())
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        ctx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        self.poll_flush(ctx)
    }
}
