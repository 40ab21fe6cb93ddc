//! `ecli run`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use clap::{ArgAction, Args};
use eunomia_runtime::kernel::Kernel;
use eunomia_runtime::libbpf::{self, LibbpfKernel};
use eunomia_runtime::{Compilation, RecordingKernel, Runtime};

use crate::context::Context;
use crate::interrupt::Interrupts;
use crate::kernel;
use crate::pinning;
use crate::run_options::{RunOptions, name_and_value};
use crate::session::Session;
use crate::testing::Recording;
use crate::tool_source;
use crate::transfer::Fetch;

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
  ecli run --btf /boot/5.4.0.btf execsnoop    On a kernel that does not show its types
  ecli run --pin guard lsm-guard              Let it go on in the kernel; `ecli unpin guard`
  ecli run --record starts.jsonl execsnoop    Write down its events, for `ecli test`
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
    /// Run it without a question, also when nobody has trusted it yet
    #[arg(short, long, env = "ECLI_YES", hide_env_values = true)]
    #[arg(value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    yes: bool,
    /// A BPF object for a component that is a file; may be repeated
    #[arg(long, value_name = "NAME=FILE", value_parser = object)]
    object: Vec<(String, PathBuf)>,
    /// Write down what the tool reads from the kernel, for `ecli test`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Pin maps, programs and links to a new folder below /sys/fs/bpf, so that they outlive the run
    #[arg(long, value_name = "FOLDER")]
    pin: Option<PathBuf>,
    #[command(flatten)]
    run: RunOptions,
    #[command(flatten)]
    fetch: Fetch,
}

/// Runs the tool until it ends; returns its exit code.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<ExitCode> {
    // From here on Ctrl-C ends this command in order, also while it builds and compiles.
    let interrupts = Interrupts::install()?;
    let (image, arguments) = split(options.command)?;
    let found = tool_source::find_or_fetch(ctx, &image, &options.object, &options.fetch)?;
    let cache_dir = ctx.component_cache()?;
    let loading = kernel::loading(ctx, Some(&options.run), Some(&found.image))?;
    let pins = match &options.pin {
        Some(folder) => Some(pinning::pins(&found, folder)?),
        None => None,
    };
    let kernel = LibbpfKernel::with_options(libbpf::Options {
        pins: pins.clone(),
        cache_dir: cache_dir.clone(),
        ..loading
    });
    let recording = options
        .record
        .as_deref()
        .map(Recording::create)
        .transpose()?;
    let mut kernel: Arc<dyn Kernel> = Arc::new(kernel);
    if let Some(recording) = &recording {
        kernel = Arc::new(RecordingKernel::new(kernel, Box::new(recording.clone())));
    }
    let runtime = Runtime::builder()
        .cache_dir(cache_dir)
        .compilation(Compilation::Twice)
        .kernel(kernel)
        .build()?;
    if pins.is_some() {
        pinning::check_policy(ctx, &found)?;
    }
    let started = Session::start(ctx, &runtime, found, arguments, &options.run, options.yes)?;
    let Some(session) = started else {
        return Ok(ExitCode::SUCCESS);
    };
    interrupts.pass_on_to(session.control(), options.run.timeout);
    let ended = session.wait();
    if let Some(pins) = pins {
        pinning::finish(&pins, &ended);
    }
    if let Some(recording) = recording {
        say!("ecli: recorded {} events", recording.finish()?);
    }
    ended
}

/// The image's name and the guest's arguments.
pub(crate) fn split(command: Vec<OsString>) -> Result<(String, Vec<String>)> {
    let mut words = command.into_iter().map(|word| {
        word.into_string()
            .map_err(|word| anyhow!("the argument {word:?} is not UTF-8"))
    });
    // clap demands one.
    let image = words.next().context("which image?")??;
    Ok((image, words.collect::<Result<_>>()?))
}

fn object(text: &str) -> Result<(String, PathBuf)> {
    name_and_value(text).map(|(name, path)| (name, path.into()))
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
        let overrides = options.run.overrides();
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
