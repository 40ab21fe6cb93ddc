//! `ecli run`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use clap::{ArgAction, Args};
use eunomia_runtime::console::Console;
use eunomia_runtime::policy::Overrides;
use eunomia_runtime::target::Target;
use eunomia_runtime::{
    CallbackNames, KernelTool, Outcome, Runtime, Sandbox, Settings, Stdio, Tool,
};

use super::check;
use crate::admission::Candidate;
use crate::context::Context;
use crate::interrupt::{self, Interrupts};
use crate::output_options::OutputOptions;
use crate::render::{KernelClocks, Setting, StdoutRows};
use crate::transfer::Fetch;
use crate::{duration, kernel_tool, size, tool_source};

const AFTER_HELP: &str = "\
What follows the image's name goes to the tool: options of ecli come before it.

Ctrl-C (or SIGTERM) asks the tool to stop, so that it prints its summary; a second one ends it at
once. The exit code is the tool's.

Examples:
  ecli run execsnoop                          Run an image of the local store
  ecli run registry.example/tools/execsnoop   Fetch it first, if it is not there
  ecli run execsnoop --help                   Show the tool's own options
  ecli run -o json execsnoop | jq .comm       One JSON object a row
  ecli run --filter 'uid == root' execsnoop   Show only some rows
  ecli run --timeout 10s execsnoop            Stop it after ten seconds
  ecli run examples/execsnoop                 Build a project and run it
  ecli run ./layout:execsnoop                 Run an image of an OCI layout on disk
  ecli run --object tool=tool.bpf.o ./tool.wasm
                                              Run a component with a BPF object
  ecli run ./bootstrap.wasm                   Run a tool of wasm-bpf, a core module
  ecli run ./tool.bpf.o --help                Run any BPF object; show its own options
  ecli run https://example.org/package.json   Run a package of eunomia-bpf; `-` reads stdin
  ecli run --attach on_line=uprobe:/bin/zsh:zleread bashreadline
                                              Attach a program somewhere else
  ecli run --global filter_pid=1 execsnoop    Set a global variable of the BPF object";

/// Run a tool
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP, override_usage = "ecli run [OPTIONS] IMAGE [ARGUMENTS]...")]
pub(crate) struct Options {
    /// Image, folder of a project, OCI layout or component; then the tool's own arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        value_name = "IMAGE [ARGUMENTS]"
    )]
    command: Vec<OsString>,
    /// Attach a program to TARGET, whatever the tool says; may be repeated
    #[arg(long, value_name = "PROGRAM=TARGET", value_parser = attach)]
    attach: Vec<(String, Target)>,
    /// Set a global variable of the BPF object before it is loaded; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    global: Vec<(String, String)>,
    /// Ask the tool to stop after this time: 10s, 5m, 1h30m
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
    /// Memory that the tool may use [default: 256MiB]
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    #[arg(env = "ECLI_MEMORY", hide_env_values = true)]
    memory: Option<u64>,
    /// Run it without a question, also when nobody has trusted it yet
    #[arg(short, long, env = "ECLI_YES", hide_env_values = true)]
    #[arg(value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    yes: bool,
    /// A BPF object for a component that is a file; may be repeated
    #[arg(long, value_name = "NAME=FILE", value_parser = object)]
    object: Vec<(String, PathBuf)>,
    /// For wasm-bpf tools written in Go: the module that they import the poll from
    #[arg(long, value_name = "NAME", default_value_t = CallbackNames::default().wrapper_module)]
    wrapper_module: String,
    /// For wasm-bpf tools written in Go: the function that they export for their samples
    #[arg(long, value_name = "NAME", default_value_t = CallbackNames::default().callback_export)]
    callback_export: String,
    #[command(flatten)]
    fetch: Fetch,
    #[command(flatten)]
    output: OutputOptions,
}

/// Runs the tool until it ends; returns its exit code.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<ExitCode> {
    // From here on Ctrl-C ends this command in order, also while it builds and compiles.
    let interrupts = Interrupts::install()?;
    let (image, arguments) = split(options.command.clone())?;
    let found = tool_source::find_or_fetch(ctx, &image, &options.object, &options.fetch)?;
    let package = found.package()?;
    let defaults = found.metadata().arguments.clone();
    let args = if arguments.is_empty() {
        defaults
    } else {
        arguments
    };
    let candidate = Candidate::new(ctx, &found)?;
    let runtime = Runtime::builder()
        .cache_dir(ctx.component_cache()?)
        .compile_twice(true)
        .build()?;
    let kind = match package {
        None => Kind::Guest(found.into_tool()?),
        Some(package) => match kernel_tool::prepare(&runtime, &package, &args)? {
            Some(tool) => Kind::Kernel(Box::new(tool)),
            None => return Ok(ExitCode::SUCCESS),
        },
    };
    let tool = kind.tool();
    let admitted = candidate.admit(ctx, &tool, options.yes)?;
    let mut sandbox = sandbox(ctx, &options)?;
    admitted.limit(&mut sandbox, options.memory)?;
    let console = Console::stdout();
    let rows = StdoutRows::new(setting(ctx, &options, &runtime)?, console.share());
    let report = rows.report();
    if let Some(address) = options.output.metrics() {
        let address = report.serve_metrics(address)?;
        eprintln!("ecli: metrics are at http://{address}/metrics");
    }
    let settings = Settings {
        args,
        rows: Box::new(rows),
        stdio: Stdio::Console(console),
        overrides: overrides(&options),
        policy: admitted.policy,
        sandbox,
        ..Settings::default()
    };
    let names = CallbackNames {
        wrapper_module: options.wrapper_module.clone(),
        callback_export: options.callback_export.clone(),
    };
    let running = match kind {
        Kind::Guest(tool) => {
            let opened = runtime.open(tool)?.callback_names(names);
            opened.load()?.run(settings)?
        }
        Kind::Kernel(tool) => runtime.run_kernel_tool(*tool, settings)?,
    };
    let control = running.control();
    report.when_enough(move || control.stop());
    interrupts.pass_on_to(running.control(), options.timeout);
    let exit = running.wait();
    let lost = report.finish().map_err(|reason| anyhow!(reason))?;
    if lost > 0 {
        eprintln!("ecli: {lost} events were lost");
    }
    // The guest has said what failed, in the words of libbpf and the kernel.
    if has_failed(&exit.outcome)
        && let Some(explanation) = check::explanation(&tool)
    {
        eprintln!("hint: {explanation}");
    }
    exit_code(exit.outcome)
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

/// The image's name and the guest's arguments.
fn split(command: Vec<OsString>) -> Result<(String, Vec<String>)> {
    let mut words = command.into_iter().map(|word| {
        word.into_string()
            .map_err(|word| anyhow!("the argument {word:?} is not UTF-8"))
    });
    // clap demands one.
    let image = words.next().context("which image?")??;
    Ok((image, words.collect::<Result<_>>()?))
}

fn setting(ctx: &Context, options: &Options, runtime: &Runtime) -> Result<Setting> {
    let kernel = runtime.kernel();
    Ok(Setting {
        format: options.output.format(ctx)?,
        colour: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        clocks: KernelClocks {
            monotonic: kernel.monotonic_epoch(),
            boot: kernel.boot_epoch(),
        },
        kernel: Some(Arc::clone(kernel)),
        choice: options.output.choice(),
    })
}

fn overrides(options: &Options) -> Overrides {
    let mut overrides = Overrides::default();
    for (program, target) in &options.attach {
        overrides
            .targets
            .entry(program.clone())
            .or_default()
            .push(target.clone());
    }
    overrides.globals.extend(options.global.iter().cloned());
    overrides
}

fn sandbox(ctx: &Context, options: &Options) -> Result<Sandbox> {
    let mut sandbox = Sandbox::default();
    let configured = ctx.config.memory.as_deref().map(size::parse).transpose();
    let configured = configured.context("configuration: `memory`")?;
    if let Some(bytes) = options.memory.or(configured) {
        sandbox.memory_bytes_max = usize::try_from(bytes)?;
    }
    Ok(sandbox)
}

fn attach(text: &str) -> Result<(String, Target)> {
    let (program, target) = name_and_value(text)?;
    Ok((program, target.parse::<Target>()?))
}

fn object(text: &str) -> Result<(String, PathBuf)> {
    name_and_value(text).map(|(name, path)| (name, path.into()))
}

fn name_and_value(text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(anyhow!("`{text}` has no NAME= in front")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parsed(line: &str) -> Options {
        let words = line.split(' ').filter(|word| !word.is_empty());
        match Cli::try_parse_from(["ecli", "run"].into_iter().chain(words))
            .unwrap()
            .command
        {
            Command::Run(options) => options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn everything_behind_the_image_goes_to_the_tool() {
        for (line, expected) in [
            ("execsnoop -h", ["-h"].as_slice()),
            ("execsnoop --version -o json", &["--version", "-o", "json"]),
            (
                "-o json execsnoop -o x --store y",
                &["-o", "x", "--store", "y"],
            ),
            ("execsnoop -- -v", &["--", "-v"]),
            ("-- execsnoop -v", &["-v"]),
        ] {
            let (image, arguments) = split(parsed(line).command).unwrap();
            assert_eq!(image, "execsnoop", "{line}");
            assert_eq!(arguments, expected, "{line}");
        }
    }

    #[test]
    fn attach_targets_of_one_program_add_up() {
        let options = parsed("--attach p=kprobe:a --attach q=kprobe:b --attach p=kprobe:c x");
        let overrides = overrides(&options);
        assert_eq!(overrides.targets["p"].len(), 2);
        assert_eq!(overrides.targets["q"].len(), 1);
    }

    #[test]
    fn wrong_options_are_refused_before_anything_runs() {
        for line in [
            "",
            "--bogus x",
            "--attach p x",
            "--attach p=nonsense:a x",
            "--global =1 x",
        ] {
            let words = line.split(' ').filter(|word| !word.is_empty());
            let parsed = Cli::try_parse_from(["ecli", "run"].into_iter().chain(words));
            assert_eq!(parsed.unwrap_err().exit_code(), 2, "{line}");
        }
    }
}
