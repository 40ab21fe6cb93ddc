//! `ecli check`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use eunomia_runtime::kernel::Failure;
use eunomia_runtime::libbpf::LibbpfKernel;
use eunomia_runtime::preflight::{self, Finding, Report, Verdict};
use eunomia_runtime::{Compilation, Runtime, Tool};

use super::print;
use crate::context::Context;
use crate::terminal::visible;
use crate::{foreign, kernel, kernel_tool, table, tool_source};

/// What the program in user space is called in findings.
const COMPONENT: &str = "component";

const AFTER_HELP: &str = "\
Nothing of the image is loaded: its BPF objects are read, the kernel is asked about each program,
map, helper, attach point and relocation, and the component is compiled. The exit code is 1 when the
image cannot run here; warnings do not count.

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
        Some(image) => check(ctx, image, options.btf.clone())?,
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

/// Its BPF objects and what is done with them, then its program in user space.
fn check(ctx: &Context, image: &str, btf_path: Option<PathBuf>) -> Result<Report> {
    let is_running = btf_path.is_none();
    let found = match tool_source::bpf_object(image)? {
        Some(bytes) => Err(bytes),
        None => Ok(tool_source::find(ctx, image, &[])?),
    };
    let needed = match &found {
        Ok(found) => found.metadata().kernel.as_ref(),
        Err(_) => None,
    };
    let needed = needed.and_then(|needs| needs.release_min.clone());
    let loading = kernel::loading(ctx, None, found.as_ref().ok().map(|found| &found.image))?;
    let package = match &found {
        Ok(found) => found.package()?,
        Err(bytes) => foreign::package(image, bytes).ok().flatten(),
    };
    let tool = match found {
        Ok(found) => found.into_parts(),
        Err(bytes) => Tool {
            name: image.to_owned(),
            objects: vec![(image.to_owned(), Arc::from(bytes))],
            component: Arc::from([]),
        },
    };
    let mut targets = BTreeMap::new();
    let mut unplanned = None;
    if let Some(package) = package {
        let kernel = LibbpfKernel::with_options(loading.clone());
        match kernel_tool::planned(&kernel, &package) {
            Ok((_, plan)) => targets = plan.targets,
            Err(error) => unplanned = Some(failing(&tool, package.kind.name(), &error)),
        }
    }
    let mut report = preflight::check(
        &tool,
        &preflight::Options {
            btf_path,
            kernel: loading,
            targets,
        },
    );
    // What is wrong with the object itself has been said.
    if report.verdict() < Verdict::Failing {
        report.findings.extend(unplanned);
    }
    if is_running && let Some(needed) = needed {
        report.findings.extend(too_old(&tool, &needed)?);
    }
    if tool.objects.is_empty() {
        report.findings.push(Finding {
            subject: tool.name.clone(),
            what: "BPF objects".to_owned(),
            verdict: Verdict::Warning,
            reason: "it brings none, or has them in its code, where they are not looked at"
                .to_owned(),
            remedy: String::new(),
        });
    }
    if is_running && !tool.component.is_empty() {
        report.findings.push(user_space(ctx, tool)?);
    }
    Ok(report)
}

/// What the image says of itself may be more than it needs: a warning.
fn too_old(tool: &Tool, needed: &str) -> Result<Option<Finding>> {
    let release = kernel::release()?;
    let numbers = |text: &str| {
        let mut parts = text.split(|c: char| !c.is_ascii_digit());
        let mut number = || parts.next().and_then(|part| part.parse::<u32>().ok());
        Some((number()?, number().unwrap_or(0)))
    };
    Ok((numbers(&release) < numbers(needed)).then(|| Finding {
        subject: tool.name.clone(),
        what: "kernel".to_owned(),
        verdict: Verdict::Warning,
        reason: format!("its author says that it needs Linux {needed}, this is {release}"),
        remedy: String::new(),
    }))
}

/// Whether its program in user space fits this host, which is to compile it and to look for what
/// it imports.
fn user_space(ctx: &Context, tool: Tool) -> Result<Finding> {
    let runtime = Runtime::builder()
        .cache_dir(ctx.component_cache()?)
        .compilation(Compilation::Twice)
        .build()?;
    let opened = runtime.open(tool.clone()).and_then(|opened| opened.load());
    Ok(match opened {
        Ok(_) => Finding {
            subject: tool.name,
            what: COMPONENT.to_owned(),
            verdict: Verdict::Fine,
            reason: String::new(),
            remedy: String::new(),
        },
        Err(error) => failing(&tool, COMPONENT, &error.into()),
    })
}

fn failing(tool: &Tool, what: &str, error: &anyhow::Error) -> Finding {
    Finding {
        subject: tool.name.clone(),
        what: what.to_owned(),
        verdict: Verdict::Failing,
        reason: format!("{error:#}"),
        remedy: String::new(),
    }
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

/// Why the kernel refused what it did of a tool that is loaded and placed as `options` say, in one
/// line; nothing if that is not known.
pub(crate) fn explanation(
    tool: &Tool,
    options: &preflight::Options,
    failure: &Failure,
) -> Option<String> {
    let report = preflight::check(tool, options);
    let is_it = |finding: &&Finding| match &failure.program {
        Some(program) => finding.subject == format!("{}: {program}", failure.object),
        None => true,
    };
    let finding = report.failing_findings().find(is_it)?;
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
