//! `ecli dev`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use eunomia_image::Digest;
use eunomia_runtime::libbpf::LibbpfKernel;
use eunomia_runtime::{Compilation, KeepingKernel, Runtime};

use super::run::split;
use crate::context::Context;
use crate::failure;
use crate::interrupt::Interrupts;
use crate::kernel;
use crate::project::Language;
use crate::run_options::RunOptions;
use crate::session::Session;
use crate::tool_source::{self, Found, FoundImage};
use crate::watch::{INTERVAL, Watch};

const AFTER_HELP: &str = "\
While the BPF side does not change it stays loaded: only the guest is started anew, so that this
takes no longer than building it, and maps and variables keep what is in them. While a change does
not build, the tool goes on as it was. Ctrl-C ends it.

Examples:
  ecli dev                         Run the project of this folder, again after each change
  ecli dev examples/execsnoop -T   Another one; what follows the folder goes to the tool
  ecli dev -o json .               Options of `ecli run` go before the folder";

/// Build and run a project, again whenever one of its files changes
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP, override_usage = "ecli dev [OPTIONS] [FOLDER [ARGUMENTS]...]")]
pub(crate) struct Options {
    /// The project's folder [default: .]; then the tool's own arguments
    #[arg(trailing_var_arg = true, value_name = "FOLDER [ARGUMENTS]")]
    command: Vec<OsString>,
    /// Language of the guest to build [default: by manifest, then files]
    #[arg(short, long, value_name = "LANGUAGE")]
    language: Option<Language>,
    #[command(flatten)]
    run: RunOptions,
}

/// Runs the project until the user wants no more.
pub(crate) fn run(ctx: &Context, mut options: Options) -> Result<ExitCode> {
    let interrupts = Interrupts::install()?;
    if options.command.is_empty() {
        options.command.push(".".into());
    }
    let (folder, arguments) = split(std::mem::take(&mut options.command))?;
    let loading = kernel::loading(ctx, Some(&options.run), None)?;
    let kernel = KeepingKernel::new(Arc::new(LibbpfKernel::with_options(loading)));
    let mut dev = Dev {
        ctx,
        runtime: Runtime::builder()
            .cache_dir(ctx.component_cache()?)
            .compilation(Compilation::Hurried)
            .kernel(Arc::new(kernel.clone()))
            .build()?,
        kernel,
        folder: folder.into(),
        arguments,
        options,
        session: None,
        running: None,
    };
    let mut watch = Watch::new(&dev.folder);
    loop {
        // A project that cannot be built may be after the next change.
        if let Err(error) = dev.renew(&interrupts) {
            failure::report(&error);
            say!("ecli: waiting for a change");
        }
        loop {
            if interrupts.were_caught() {
                return dev.end();
            }
            dev.look_after_guest();
            if let Some(path) = watch.changed() {
                say!("ecli: {} changed", shown(&path, &dev.folder));
                break;
            }
            std::thread::sleep(INTERVAL);
        }
    }
}

struct Dev<'a> {
    ctx: &'a Context,
    runtime: Runtime,
    kernel: KeepingKernel,
    folder: PathBuf,
    arguments: Vec<String>,
    options: Options,
    session: Option<Session>,
    /// The image of the guest that was started last.
    running: Option<Digest>,
}

impl Dev<'_> {
    /// Builds the project, and starts it if it is another one than that which runs.
    fn renew(&mut self, interrupts: &Interrupts) -> Result<()> {
        let start = Instant::now();
        let found = tool_source::built(self.ctx, &self.folder, self.options.language)?;
        // Ctrl-C while it was built: nothing is to be started any more.
        if interrupts.were_caught() {
            return Ok(());
        }
        let digest = digest(&found);
        if digest.is_some() && digest == self.running {
            say!("ecli: nothing of it is in the tool");
            return Ok(());
        }
        if self.running.is_some() {
            say!("ecli: built in {:.1?}, starting anew", start.elapsed());
        }
        // What the guests before the last one have loaded.
        self.kernel.forget_unused();
        if let Some(session) = self.session.take() {
            session.control().stop();
            if let Err(error) = session.wait() {
                failure::report(&error);
            }
        }
        // If it does not start, it is to be tried again when it is built the same.
        self.running = None;
        let started = Session::start(
            self.ctx,
            &self.runtime,
            found,
            self.arguments.clone(),
            &self.options.run,
            false,
        )?;
        if let Some(session) = started {
            interrupts.pass_on_to(session.control(), self.options.run.timeout);
            self.session = Some(session);
        }
        self.running = digest;
        Ok(())
    }

    /// Says how the guest has ended, if it has.
    fn look_after_guest(&mut self) {
        if let Some(session) = self.session.take_if(|session| session.is_finished()) {
            match session.wait() {
                Ok(_) => say!("ecli: the tool has ended; waiting for a change"),
                Err(error) => {
                    failure::report(&error);
                    say!("ecli: waiting for a change");
                }
            }
        }
    }

    /// Waits for the guest, which the signal has reached, too.
    fn end(self) -> Result<ExitCode> {
        match self.session {
            Some(session) => session.wait(),
            None => Ok(ExitCode::SUCCESS),
        }
    }
}

fn digest(found: &Found) -> Option<Digest> {
    match &found.image {
        FoundImage::Image(image) => Some(image.digest),
        _ => None,
    }
}

fn shown(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder)
        .unwrap_or(path)
        .display()
        .to_string()
}
