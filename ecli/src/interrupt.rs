//! Ctrl-C and its like: the first asks the guest to stop, the second ends it, and ecli with it if
//! the guest hangs.
//!
//! Before a guest runs, the first one ends ecli: there is nothing to detach then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use eunomia_runtime::Control;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a shell says of a program that SIGINT ended.
pub(crate) const EXIT_CODE: u8 = 130;

/// What happens, in order.
enum Event {
    Interrupted,
    /// A guest runs from now on.
    Started {
        control: Control,
        timeout: Option<Duration>,
    },
}

/// The signals of this process, caught.
#[derive(Debug)]
pub(crate) struct Interrupts {
    events: Sender<Event>,
    were_caught: Arc<AtomicBool>,
}

impl Interrupts {
    /// Catches SIGINT, SIGTERM and SIGHUP from here on.
    pub(crate) fn install() -> Result<Self> {
        let operation = "catch signals";
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .context(operation)?;
        let signals = {
            let _entered = runtime.enter();
            Signals {
                interrupt: signal(SignalKind::interrupt()).context(operation)?,
                terminate: signal(SignalKind::terminate()).context(operation)?,
                hangup: match is_ignored(SignalKind::hangup()) {
                    true => None,
                    false => Some(signal(SignalKind::hangup()).context(operation)?),
                },
            }
        };
        let (events, received) = channel();
        let were_caught = Arc::<AtomicBool>::default();
        let sender = events.clone();
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || runtime.block_on(listen(signals, &sender)))
            .context(operation)?;
        std::thread::Builder::new()
            .name("interrupts".into())
            .spawn({
                let were_caught = Arc::clone(&were_caught);
                move || handle(&received, &were_caught)
            })
            .context(operation)?;
        Ok(Self {
            events,
            were_caught,
        })
    }

    /// Whether the user wants no more: a signal came while a guest ran, or after that.
    pub(crate) fn were_caught(&self) -> bool {
        self.were_caught.load(Ordering::Relaxed)
    }

    /// From here on signals, and the end of `timeout`, concern this guest.
    pub(crate) fn pass_on_to(&self, control: Control, timeout: Option<Duration>) {
        // The receiver lives as long as the process.
        let _ = self.events.send(Event::Started { control, timeout });
    }
}

/// What is caught.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// Left alone below `nohup`.
    hangup: Option<Signal>,
}

async fn listen(mut signals: Signals, events: &Sender<Event>) {
    loop {
        let hangup = async {
            match &mut signals.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = signals.interrupt.recv() => {}
            _ = signals.terminate.recv() => {}
            _ = hangup => {}
        }
        if events.send(Event::Interrupted).is_err() {
            return;
        }
    }
}

/// Whether whoever started this process has it ignore a signal: the bit of `SigIgn` in proc(5).
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (kind.as_raw_value() - 1) & 1 == 1)
}

/// How long a guest that was killed may take to be gone. It takes longer where it cannot be ended,
/// in a write that nobody reads.
const KILL_GRACE: Duration = Duration::from_secs(1);

/// What a deadline is for.
#[derive(Clone, Copy)]
enum Then {
    Stop,
    /// The kernel detaches everything when the process is gone.
    Exit,
}

fn handle(events: &Receiver<Event>, were_caught: &AtomicBool) {
    let mut guest: Option<Control> = None;
    let mut deadline: Option<(Instant, Then)> = None;
    let mut interruptions = 0;
    loop {
        let event = match deadline {
            Some((at, _)) => events.recv_timeout(at.saturating_duration_since(Instant::now())),
            None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match event {
            Ok(Event::Started { control, timeout }) => {
                let at = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
                deadline = at.map(|at| (at, Then::Stop));
                guest = Some(control);
            }
            Ok(Event::Interrupted) => {
                interruptions += 1;
                were_caught.store(true, Ordering::Relaxed);
                match (&guest, interruptions) {
                    (Some(guest), 1) => guest.stop(),
                    (Some(guest), 2) => {
                        guest.kill();
                        deadline = Some((Instant::now() + KILL_GRACE, Then::Exit));
                    }
                    _ => std::process::exit(EXIT_CODE.into()),
                }
            }
            Err(RecvTimeoutError::Timeout) => match (deadline.take(), &guest) {
                (Some((_, Then::Stop)), Some(guest)) => guest.stop(),
                _ => std::process::exit(EXIT_CODE.into()),
            },
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
