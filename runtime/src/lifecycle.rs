//! A running tool, and how it ended.
//!
//! A guest has a thread of its own with a single-threaded event loop. Whatever ends the guest, the
//! store with all its handles is dropped on that thread before [`Running::wait`] returns: BPF
//! programs are detached, objects unloaded.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use eunomia_host_abi::host::GuestExit;
use eunomia_host_abi::stop::StopSignal;
use wasmtime::Store;

use crate::console::OutputGone;
use crate::error::{Error, ErrorKind, Result};
use crate::sandbox::{LimitExceeded, Sandbox};
use crate::settings::Settings;
use crate::state::{self, GuestState, Killed, grace_is_over};
use crate::tool::{Linked, Loaded};
use crate::{command, module, plugin};

/// A tool whose guest runs.
///
/// Dropping it asks the guest to stop and waits until everything is detached.
#[derive(Debug)]
pub struct Running {
    control: Control,
    thread: Option<JoinHandle<Exit>>,
}

/// Stops a running tool, from any thread. Clones control the same tool.
#[derive(Clone, Debug)]
pub struct Control {
    stop: StopSignal,
    kill: Arc<AtomicBool>,
    killed: Arc<tokio::sync::Notify>,
}

/// How a tool ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct Exit {
    /// Why.
    pub outcome: Outcome,
}

/// Why a tool ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The guest left by itself, with this code; 0 is success.
    Exited(i32),
    /// The guest failed: an error of its own, a trap, a limit.
    Failed(Error),
    /// Nobody reads its output any more.
    OutputClosed,
    /// [`Control::kill`] ended it.
    Killed,
}

impl Control {
    /// Ask the guest to stop: it prints its summary and leaves, within its grace.
    pub fn stop(&self) {
        self.stop.request();
    }

    /// End the guest at once.
    pub fn kill(&self) {
        self.kill.store(true, Ordering::Relaxed);
        self.killed.notify_one();
    }

    /// Resolves when it is killed.
    pub(crate) async fn killed(&self) {
        self.killed.notified().await;
    }

    pub(crate) fn stop_signal(&self) -> &StopSignal {
        &self.stop
    }
}

impl Running {
    pub(crate) fn start(tool: Loaded, settings: Settings) -> Result<Self> {
        let name = tool.tool.name.clone();
        let stop = settings.stop.clone();
        Self::spawn(&name, stop, move |control| run(&tool, settings, control))
    }

    /// Start `work` on a thread of its own.
    pub(crate) fn spawn(
        name: &str,
        stop: StopSignal,
        work: impl FnOnce(&Control) -> Outcome + Send + 'static,
    ) -> Result<Self> {
        let control = Control {
            stop,
            kill: Arc::default(),
            killed: Arc::default(),
        };
        let guest = control.clone();
        let thread = std::thread::Builder::new()
            .name(format!("guest {name}"))
            .spawn(move || Exit {
                outcome: work(&guest),
            })
            .map_err(|error| {
                Error::new(ErrorKind::Host, format!("start the guest of `{name}`"))
                    .with_source(error)
            })?;
        Ok(Self {
            control,
            thread: Some(thread),
        })
    }

    /// What stops it.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Whether the guest is gone, so that [`Running::wait`] will not block.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Wait until the guest has ended and everything is detached.
    pub fn wait(mut self) -> Exit {
        self.join()
    }

    fn join(&mut self) -> Exit {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(exit)) => exit,
            // `run` catches panics of the guest's side; this one happened while it was cleaning up.
            Some(Err(_)) | None => Exit {
                outcome: Outcome::Failed(Error::new(
                    ErrorKind::Host,
                    "the guest's thread panicked",
                )),
            },
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.control.stop();
            self.join();
        }
    }
}

fn run(tool: &Loaded, settings: Settings, control: &Control) -> Outcome {
    let name = &tool.tool.name;
    let event_loop = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(settings.time.is_virtual())
        .build();
    let event_loop = match event_loop {
        Ok(event_loop) => event_loop,
        Err(error) => {
            let error = Error::new(ErrorKind::Host, format!("start the event loop of `{name}`"))
                .with_source(error);
            return Outcome::Failed(error);
        }
    };
    let sandbox = settings.sandbox.clone();
    let time = settings.time.clone();
    let _ticking = tool.shared.tick();
    let mut store = state::store(
        tool,
        settings,
        control.stop.clone(),
        Arc::clone(&control.kill),
    );
    // A panic in a host function must not keep the store from being dropped in order.
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
        event_loop.block_on(time.run(drive(tool, &mut store, &sandbox, control)))
    }));
    // What the guest emitted last is still shown, whatever ended it.
    let flushed = store.data_mut().bpf_ctx().output().flush();
    // Handles of WASI may need the event loop when they are dropped.
    event_loop.block_on(async { drop(store) });
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(_) => Outcome::Failed(Error::new(
            ErrorKind::Host,
            format!("run the guest of `{name}`: the host panicked, please report this"),
        )),
    };
    match (outcome, flushed) {
        (Outcome::Exited(_), Err(error)) => failed_output(name, error),
        (outcome, _) => outcome,
    }
}

/// Run the guest until it ends, is ended, or overstays its grace.
async fn drive(
    tool: &Loaded,
    store: &mut Store<GuestState>,
    sandbox: &Sandbox,
    control: &Control,
) -> Outcome {
    let name = &tool.tool.name;
    let guest = async {
        match &tool.linked {
            Linked::Command(instance) => command::run(instance, store).await,
            Linked::Plugin(instance) => plugin::run(name, instance, store, &control.stop).await,
            Linked::Module(instance) => module::run(instance, store).await,
        }
    };
    let overstay = async {
        control.stop.requested().await;
        tokio::time::sleep(sandbox.stop_grace).await;
    };
    tokio::select! {
        biased;
        () = control.killed.notified() => Outcome::Killed,
        outcome = guest => outcome.unwrap_or_else(|error| sort(name, error)),
        () = overstay => sort(name, wasmtime::Error::new(grace_is_over(sandbox))),
    }
}

/// Tell apart why a call into the guest failed.
fn sort(name: &str, error: wasmtime::Error) -> Outcome {
    if error.is::<Killed>() {
        return Outcome::Killed;
    }
    if let Some(exit) = error.downcast_ref::<GuestExit>() {
        return Outcome::Exited(i32::from(exit.code));
    }
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return Outcome::Exited(exit.0);
    }
    if let Some(gone) = error.downcast_ref::<OutputGone>() {
        if gone.0 == std::io::ErrorKind::BrokenPipe {
            return Outcome::OutputClosed;
        }
        let error = std::io::Error::from(gone.0);
        return Outcome::Failed(
            Error::new(ErrorKind::Host, format!("write the output of `{name}`")).with_source(error),
        );
    }
    if let Some(limit) = error.downcast_ref::<LimitExceeded>() {
        let message = format!("run the guest of `{name}`: {limit}");
        return Outcome::Failed(Error::new(ErrorKind::LimitExceeded, message));
    }
    let trap = match error.downcast_ref::<wasmtime::Trap>() {
        Some(trap) => trap.to_string(),
        None => format!("{error:#}"),
    };
    Outcome::Failed(Error::new(
        ErrorKind::Trap,
        format!("the guest of `{name}` trapped: {trap}"),
    ))
}

/// The guest ended well but its last rows could not be shown.
fn failed_output(name: &str, error: eunomia_host_abi::Error) -> Outcome {
    match error.kind() {
        eunomia_host_abi::ErrorKind::Closed => Outcome::OutputClosed,
        _ => Outcome::Failed(
            Error::new(ErrorKind::Host, format!("write the output of `{name}`")).with_source(error),
        ),
    }
}
