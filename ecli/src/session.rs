//! One run of a tool: admitted, started, waited for.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use eunomia_runtime::console::Console;
use eunomia_runtime::kernel::Kernel;
use eunomia_runtime::preflight;
use eunomia_runtime::{Control, KernelTool, Outcome, Running, Runtime, Settings, Stdio, Tool};

use crate::admission::Candidate;
use crate::commands::check;
use crate::context::Context;
use crate::render::{Report, StdoutRows, Unfinished};
use crate::run_options::RunOptions;
use crate::tool_source::Found;
use crate::{interrupt, kernel, kernel_tool};

/// A tool that runs.
pub(crate) struct Session {
    running: Running,
    report: Report,
    tool: Tool,
    /// How it was loaded, and where its programs were to go.
    checked: preflight::Options,
    kernel: Arc<dyn Kernel>,
}

impl Session {
    /// Starts a tool that was found, if it may run; nothing when it only had to explain itself.
    /// Without `arguments` it gets those that its image has; `yes`: nobody is asked.
    pub(crate) fn start(
        ctx: &Context,
        runtime: &Runtime,
        found: Found,
        arguments: Vec<String>,
        options: &RunOptions,
        yes: bool,
    ) -> Result<Option<Self>> {
        // That of a run before, of a kernel that is kept.
        let _ = runtime.kernel().take_failure();
        let package = found.package()?;
        let args = match arguments.is_empty() {
            true => found.metadata().arguments.clone(),
            false => arguments,
        };
        let candidate = Candidate::new(ctx, &found)?;
        let loading = kernel::loading(ctx, Some(options), Some(&found.image))?;
        let kind = match package {
            None => Kind::Guest(found.into_tool()?),
            Some(package) => match kernel_tool::prepare(runtime, &package, &args)? {
                Some(tool) => Kind::Kernel(Box::new(tool)),
                None => return Ok(None),
            },
        };
        let tool = kind.tool();
        let overrides = options.overrides();
        let mut checked = preflight::Options {
            kernel: loading,
            targets: overrides.targets.clone(),
            ..preflight::Options::default()
        };
        if let Kind::Kernel(tool) = &kind {
            for (program, targets) in &tool.plan.targets {
                let chosen = checked.targets.entry(program.clone());
                chosen.or_insert_with(|| targets.clone());
            }
        }
        let admitted = candidate.admit(ctx, &tool, yes)?;
        let mut sandbox = options.sandbox(ctx)?;
        admitted.limit(&mut sandbox, options.memory)?;
        let console = Console::stdout();
        let rows = StdoutRows::new(options.setting(ctx, runtime)?, console.share());
        let report = rows.report();
        if let Some(address) = options.output.metrics() {
            let address = report.serve_metrics(address)?;
            say!("ecli: metrics are at http://{address}/metrics");
        }
        let settings = Settings {
            args,
            rows: Box::new(rows),
            stdio: Stdio::Console(console),
            overrides,
            policy: admitted.policy,
            sandbox,
            ..Settings::default()
        };
        let running = match kind {
            Kind::Guest(tool) => {
                let opened = runtime.open(tool)?;
                let opened = opened.callback_names(options.callback_names());
                opened.load()?.run(settings)?
            }
            Kind::Kernel(tool) => runtime.run_kernel_tool(*tool, settings)?,
        };
        let control = running.control();
        report.when_enough(move || control.stop());
        Ok(Some(Self {
            running,
            report,
            tool,
            checked,
            kernel: Arc::clone(runtime.kernel()),
        }))
    }

    /// What stops it.
    pub(crate) fn control(&self) -> Control {
        self.running.control()
    }

    /// Whether [`Session::wait`] will not block.
    pub(crate) fn is_finished(&self) -> bool {
        self.running.is_finished()
    }

    /// Waits until it has ended, and says what there is to say; its exit code.
    pub(crate) fn wait(self) -> Result<ExitCode> {
        let exit = self.running.wait();
        let lost = match self.report.finish() {
            Ok(lost) => lost,
            // What ended the tool is told, not what then follows from it.
            Err(Unfinished::Unwritten(_)) if !matches!(exit.outcome, Outcome::Exited(_)) => 0,
            Err(unfinished) => return Err(unfinished.into()),
        };
        if lost > 0 {
            say!("ecli: {lost} events were lost");
        }
        // The guest has said what failed, in the words of libbpf and the kernel.
        if has_failed(&exit.outcome)
            && let Some(failure) = self.kernel.take_failure()
            && let Some(explanation) = check::explanation(&self.tool, &self.checked, &failure)
        {
            say!("hint: {explanation}");
        }
        exit_code(exit.outcome)
    }
}

fn exit_code(outcome: Outcome) -> Result<ExitCode> {
    match outcome {
        // The contract has codes from 0 to 255.
        Outcome::Exited(code) => Ok(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))),
        Outcome::Failed(error) => Err(error.into()),
        // Whoever closed the output knows.
        Outcome::OutputClosed => Ok(ExitCode::FAILURE),
        Outcome::Killed => Ok(ExitCode::from(interrupt::EXIT_CODE)),
        other => Err(anyhow!(
            "the tool ended in a way that ecli does not know: {other:?}"
        )),
    }
}

/// Whether it may have failed for want of something that the host lacks.
fn has_failed(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Exited(code) => *code != 0,
        Outcome::Failed(_) => true,
        _ => false,
    }
}

/// Who has the program in user space.
enum Kind {
    /// The image.
    Guest(Tool),
    /// Nobody: the host shows what the object has.
    Kernel(Box<KernelTool>),
}

impl Kind {
    /// What is loaded into the kernel and the sandbox.
    fn tool(&self) -> Tool {
        match self {
            Self::Guest(tool) => tool.clone(),
            Self::Kernel(tool) => Tool {
                name: tool.name.clone(),
                objects: vec![(tool.name.clone(), Arc::clone(&tool.elf))],
                component: Arc::default(),
            },
        }
    }
}
