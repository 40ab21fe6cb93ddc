//! `ecli check`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use eunomia_runtime::Tool;
use eunomia_runtime::libbpf;
use eunomia_runtime::preflight::{self, Finding, Report, Verdict};

use super::print;
use crate::context::Context;
use crate::kernel;
use crate::table;
use crate::terminal::visible;
use crate::tool_source;

const AFTER_HELP: &str = "\
Nothing of the image is loaded: its BPF objects are read, and the kernel is asked about each
program, map, helper, attach point and relocation. The exit code is 1 when the image cannot run
here; warnings do not count.

Examples:
  ecli check                                   What this host offers
  sudo ecli check execsnoop                    Whether an image can run here
  ecli check examples/execsnoop                A project, which is built first
  ecli check ./tool.bpf.o                      A BPF object
  ecli check --btf other.btf execsnoop         Whether its types fit another kernel
  ecli check --json execsnoop | jq '.findings[] | select(.verdict == \"failing\")'";

/// Say whether this host can run a tool, before anything is loaded
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// Image, folder of a project, OCI layout, component or BPF object; without it: the host
    #[arg(value_name = "IMAGE")]
    image: Option<String>,
    /// Check against the types of another kernel: a BTF file of it, and nothing else
    #[arg(long, value_name = "FILE", requires = "image")]
    btf: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Show what is fine, too
    #[arg(short, long)]
    all: bool,
}

/// Prints what was found; the exit code is 1 when the tool cannot run.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<ExitCode> {
    let report = match &options.image {
        None => preflight::check_host(&kernel::loading(ctx, None, None)?),
        Some(image) => {
            let (tool, kernel) = tool(ctx, image)?;
            let checked = preflight::Options {
                btf_path: options.btf.clone(),
                kernel,
            };
            preflight::check(&tool, &checked)
        }
    };
    // The host is what one wants to see all of.
    let shows_all = options.all || options.image.is_none();
    let text = match options.json {
        true => json(&report)?,
        false => human(&report, shows_all),
    };
    print(text.as_bytes())?;
    Ok(match report.verdict() {
        Verdict::Failing => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    })
}

/// The tool, and how its objects would be loaded.
fn tool(ctx: &Context, image: &str) -> Result<(Tool, libbpf::Options)> {
    if let Some(bytes) = tool_source::bpf_object(image)? {
        let tool = Tool {
            name: image.to_owned(),
            objects: vec![(image.to_owned(), Arc::from(bytes))],
            component: Arc::from([]),
        };
        return Ok((tool, kernel::loading(ctx, None, None)?));
    }
    let found = tool_source::find(ctx, image, &[])?;
    let loading = kernel::loading(ctx, None, Some(&found.image))?;
    Ok((found.into_parts(), loading))
}

fn json(report: &Report) -> Result<String> {
    let mut value = serde_json::to_value(report)?;
    value["verdict"] = serde_json::to_value(report.verdict())?;
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

fn human(report: &Report, shows_all: bool) -> String {
    let count = |verdict| {
        let findings = report.findings.iter();
        findings
            .filter(|finding| finding.verdict == verdict)
            .count()
    };
    let shown = report
        .findings
        .iter()
        .filter(|finding| shows_all || finding.verdict != Verdict::Fine);
    let mut rows = vec![["VERDICT", "WHERE", "WHAT", "WHY, AND WHAT TO DO"].map(str::to_owned)];
    rows.extend(shown.map(row));
    let mut text = match &rows[..] {
        [_head] => String::new(),
        rows => table::aligned(rows),
    };
    let (failing, warnings) = (count(Verdict::Failing), count(Verdict::Warning));
    let end = match (failing, warnings) {
        (0, 0) => "everything that it needs is there".to_owned(),
        (0, warnings) => format!("nothing is known to be missing; {warnings} warnings"),
        (failing, warnings) => format!("it cannot run: {failing} failing, {warnings} warnings"),
    };
    text.push_str(&end);
    text.push('\n');
    text
}

fn row(finding: &Finding) -> [String; 4] {
    let verdict = match finding.verdict {
        Verdict::Fine => "fine",
        Verdict::Warning => "warning",
        Verdict::Failing => "failing",
    };
    let why = match (finding.reason.as_str(), finding.remedy.as_str()) {
        (reason, "") => reason.to_owned(),
        (reason, remedy) => format!("{reason}: {remedy}"),
    };
    [verdict, &finding.subject, &finding.what, &why].map(visible)
}

/// What keeps a tool that failed to start, loaded as `kernel` says, from running, in one line;
/// nothing if that is not known.
pub(crate) fn explanation(tool: &Tool, kernel: libbpf::Options) -> Option<String> {
    let options = preflight::Options {
        btf_path: None,
        kernel,
    };
    let report = preflight::check(tool, &options);
    let finding = report.failing_findings().next()?;
    let Finding {
        subject,
        what,
        reason,
        remedy,
        ..
    } = finding;
    let remedy = match remedy.is_empty() {
        true => String::new(),
        false => format!("; {remedy}"),
    };
    let text = format!("{subject}: {what}: {reason}{remedy} (see `ecli check`)");
    Some(visible(&text))
}
