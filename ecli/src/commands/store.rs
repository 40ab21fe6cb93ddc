//! `ecli store`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use eunomia_image::{CheckReport, Problem, Reference, Store};
use serde_json::{Value, json};

use super::print;
use crate::context::Context;
use crate::failure::hinted;
use crate::size;
use crate::terminal::visible;
use crate::transfer::{Access, Reach, Reporting, with_registry};

const CHECK_HELP: &str = "\
Reads everything that images need and compares it with its digests. With --repair, what is damaged
or missing is fetched again from the registries that the images are named after, by digest; an image
without a registry in its name has to be built, loaded or pulled again.

The exit code is 1 when damage was found and is still there.

Examples:
  ecli store check
  sudo ecli store check --repair";

/// Show where the local store is, or check it
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print the store's folder
    Path,
    /// Say how many images the store has and how large it is
    Info {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Find damage, and repair it if asked to
    #[command(after_help = CHECK_HELP)]
    Check(CheckOptions),
}

#[derive(Debug, Args)]
struct CheckOptions {
    /// Fetch again what is damaged or missing
    #[arg(long)]
    repair: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reach: Reach,
}

/// Does what the verb says.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<ExitCode> {
    let store = ctx.store()?;
    match options.verb {
        Verb::Path => print(format!("{}\n", store.root().display()).as_bytes())?,
        Verb::Info { json } => info(&store, json)?,
        Verb::Check(options) => return check(ctx, &store, &options),
    }
    Ok(ExitCode::SUCCESS)
}

fn info(store: &Store, json: bool) -> Result<()> {
    let images = store.list()?.len();
    let usage = store.usage()?;
    let text = if json {
        json!({
            "path": store.root(),
            "images": images,
            "blobs": usage.blobs,
            "bytes": usage.bytes,
            "unfinishedBytes": usage.unfinished_bytes,
        })
        .to_string()
    } else {
        format!(
            "path        {}\nimages      {images}\nblobs       {} ({})\nunfinished  {}",
            visible(&store.root().display().to_string()),
            usage.blobs,
            size::shown(usage.bytes),
            size::shown(usage.unfinished_bytes)
        )
    };
    print(format!("{text}\n").as_bytes())
}

fn check(ctx: &Context, store: &Store, options: &CheckOptions) -> Result<ExitCode> {
    let mut report = store.check()?;
    let mut repaired = Vec::new();
    if options.repair && !report.problems.is_empty() {
        repaired = repair(ctx, store, &options.reach, &report)?;
        report = store.check()?;
    }
    let text = if options.json {
        json!({
            "images": report.images,
            "blobs": report.blobs,
            "bytes": report.bytes,
            "repaired": repaired.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "problems": report.problems.iter().map(problem).collect::<Vec<_>>(),
        })
        .to_string()
    } else {
        human(&report, &repaired)
    };
    print(format!("{text}\n").as_bytes())?;
    match report.problems.len() {
        0 => Ok(ExitCode::SUCCESS),
        count => Err(remaining(&report, count, options.repair)),
    }
}

/// Fetches again what can be; returns the images that are whole again. One that cannot be fetched
/// does not keep the others from it.
fn repair(
    ctx: &Context,
    store: &Store,
    reach: &Reach,
    report: &CheckReport,
) -> Result<Vec<Reference>> {
    let mut repaired = Vec::new();
    for name in report.repairable() {
        if name.registry().is_none() {
            continue;
        }
        let access = Access::of_file(reach).to([name.registry()]);
        match with_registry(ctx, &access, &Reporting::default(), |registry| {
            registry.repair(store, &name)
        }) {
            Ok(_) => repaired.push(name),
            Err(error) => say!("ecli: {}", crate::failure::message(&error)),
        }
    }
    Ok(repaired)
}

fn remaining(report: &CheckReport, count: usize, was_repaired: bool) -> anyhow::Error {
    let things = if count == 1 { "thing is" } else { "things are" };
    let error = anyhow::anyhow!("{count} {things} damaged");
    let can_be_fetched = report
        .repairable()
        .iter()
        .any(|name| name.registry().is_some());
    let hint = if can_be_fetched && !was_repaired {
        "`ecli store check --repair` fetches it again"
    } else {
        "build, load or pull these images again, or remove them with `ecli rm`"
    };
    hinted(error, hint)
}

fn human(report: &CheckReport, repaired: &[Reference]) -> String {
    let mut lines: Vec<String> = repaired
        .iter()
        .map(|name| format!("repaired {name}"))
        .collect();
    for problem in &report.problems {
        lines.push(format!("damaged: {}", visible(&problem.to_string())));
    }
    lines.push(format!(
        "{} images, {} blobs, {} read: {}",
        report.images,
        report.blobs,
        size::shown(report.bytes),
        if report.problems.is_empty() {
            "all sound"
        } else {
            "damaged"
        }
    ));
    lines.join("\n")
}

fn problem(problem: &Problem) -> Value {
    json!({
        "kind": format!("{:?}", problem.kind),
        "images": problem.images,
        "digest": problem.blob.as_ref().map(|blob| blob.digest.to_string()),
        "message": problem.message,
    })
}
