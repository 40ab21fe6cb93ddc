//! `ecli test`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use eunomia_runtime::{Compilation, Runtime};
use serde_json::json;

use super::print;
use crate::context::Context;
use crate::failure::HintExt as _;
use crate::project::{Language, Project};
use crate::testing::{Tests, Verdict};
use crate::tool_source;

const AFTER_HELP: &str = "\
A test is a file tests/NAME.toml with events, and tests/NAME.expected with what the tool prints for
them; docs/testing.md shows one. Nothing is loaded into the kernel, so that neither root nor Linux
is needed, and time passes only while the tool waits. The exit code is 1 when a test fails.

Examples:
  ecli test                        Build the project of this folder and run its tests
  ecli test examples/execsnoop     Those of another one
  ecli test . starts               Only tests/starts.toml
  ecli test --bless                Write what the tool prints now into tests/*.expected
  ecli test --language go          With the guest in Go, where there are several
  ecli test --cases tests registry.example/tools/execsnoop:1.0
                                   An image that was pulled";

/// Run a tool on written or recorded events, without a kernel, and compare its output
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// Folder of a project, or an image of the store
    #[arg(default_value = ".", value_name = "IMAGE")]
    image: String,
    /// Names of the tests to run [default: all]
    #[arg(value_name = "TEST")]
    tests: Vec<String>,
    /// Folder of the tests [default: tests/ of the project]
    #[arg(long, value_name = "FOLDER")]
    cases: Option<PathBuf>,
    /// Language of the guest to build [default: by manifest, then files]
    #[arg(short, long, value_name = "LANGUAGE")]
    language: Option<Language>,
    /// Write down what the tool prints as what is expected
    #[arg(long)]
    bless: bool,
    /// Print one JSON object a test
    #[arg(long)]
    json: bool,
}

/// Runs the tests; the exit code is 1 when one fails.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<ExitCode> {
    let folder = Path::new(&options.image);
    let cases = match &options.cases {
        Some(folder) => folder.clone(),
        None if folder.is_dir() => folder.join("tests"),
        None => bail!("`--cases FOLDER` says where the tests of an image are"),
    };
    let tests = Tests::read(&cases, &options.tests)?;
    if tests.count() == 0 {
        return Err(anyhow::anyhow!("there are no tests in {}", cases.display()))
            .hint("a test is a file NAME.toml with events; `ecli init` writes one to begin with");
    }
    let found = match Project::is_at(folder) {
        true => tool_source::built(ctx, folder, options.language)?,
        false => tool_source::find(ctx, &options.image, &[])?,
    };
    let tool = found.into_tool()?;
    let cache = ctx.component_cache()?;
    let runtime = || {
        Runtime::builder()
            .cache_dir(cache.clone())
            .compilation(Compilation::Hurried)
    };
    let mut failed = 0;
    tests.run(&tool, runtime, options.bless, |name, verdict| {
        failed += usize::from(matches!(verdict, Verdict::Failed(_)));
        print(shown(name, verdict, options.json).as_bytes())
    })?;
    if !options.json {
        let passed = tests.count() - failed;
        print(format!("{passed} passed, {failed} failed\n").as_bytes())?;
    }
    Ok(match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn shown(name: &str, verdict: &Verdict, is_json: bool) -> String {
    let (word, reason) = match verdict {
        Verdict::Passed => ("ok", None),
        Verdict::Blessed => ("blessed", None),
        Verdict::Failed(reason) => ("failed", Some(reason)),
    };
    if is_json {
        return json!({ "test": name, "verdict": word, "reason": reason }).to_string() + "\n";
    }
    let mut text = format!("test {name} ... {word}\n");
    for line in reason.iter().flat_map(|reason| reason.lines()) {
        text += &format!("  {line}\n");
    }
    text
}
