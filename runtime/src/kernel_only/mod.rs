//! Tools without a program in user space: the host itself carries out a [`Plan`].
//!
//! Same life as a guest's: a thread of its own with a single-threaded event loop, stopped and
//! killed by the same [`Control`](crate::Control), and detached on every way out. Nothing here
//! knows libbpf: it works on the kernel traits, and so on the fake kernel.

mod counted;
mod drive;
mod entries;
mod iterators;
mod prepare;
mod source;
mod stacks;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use eunomia_formats::Plan;
use eunomia_host_abi::kernel::Kernel;

use crate::engine::Runtime;
use crate::error::{Error, ErrorKind, Result};
use crate::lifecycle::{Control, Outcome, Running};
use crate::settings::Settings;

/// A BPF object and what to do with it.
#[derive(Clone, Debug)]
pub struct KernelTool {
    /// What errors call it.
    pub name: String,
    /// The ELF file.
    pub elf: Arc<[u8]>,
    /// What to do.
    pub plan: Plan,
}

impl Runtime {
    /// Start a tool that has no guest. Of the settings count rows, console, policy, overrides and
    /// limits.
    ///
    /// # Errors
    /// `Host` when there is no thread to be had. What goes wrong later is told by
    /// [`Running::wait`].
    pub fn run_kernel_tool(&self, tool: KernelTool, settings: Settings) -> Result<Running> {
        let kernel = Arc::clone(self.kernel());
        let name = tool.name.clone();
        Running::spawn(&name, settings.stop.clone(), move |control| {
            run(&*kernel, &tool, settings, control)
        })
    }
}

fn run(kernel: &dyn Kernel, tool: &KernelTool, settings: Settings, control: &Control) -> Outcome {
    let name = &tool.name;
    let event_loop = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let event_loop = match event_loop {
        Ok(event_loop) => event_loop,
        Err(error) => {
            let message = format!("start the event loop of `{name}`");
            return Outcome::Failed(Error::new(ErrorKind::Host, message).with_source(error));
        }
    };
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
        event_loop.block_on(async {
            tokio::select! {
                biased;
                () = control.killed() => Outcome::Killed,
                outcome = drive::run(kernel, tool, settings, control.stop_signal()) => {
                    ended(name, outcome)
                }
            }
        })
    }));
    outcome.unwrap_or_else(|_| {
        Outcome::Failed(Error::new(
            ErrorKind::Host,
            format!("run `{name}`: the host panicked, please report this"),
        ))
    })
}

fn ended(name: &str, outcome: eunomia_host_abi::Result<()>) -> Outcome {
    match outcome {
        Ok(()) => Outcome::Exited(0),
        Err(error) if error.kind() == eunomia_host_abi::ErrorKind::Closed => Outcome::OutputClosed,
        Err(error) => {
            Outcome::Failed(Error::new(ErrorKind::Host, format!("run `{name}`")).with_source(error))
        }
    }
}
