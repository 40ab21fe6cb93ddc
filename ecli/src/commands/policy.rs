//! `ecli policy`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use eunomia_runtime::Permissions;

use super::print_line;
use crate::admission::Candidate;
use crate::context::Context;
use crate::policy::{self, Judgement, Outcome, Trust};
use crate::terminal::{visible, visible_lines};
use crate::{permissions, table, tool_source};

const AFTER_HELP: &str = "\
The policy is in /etc/ecli/policy.toml and $XDG_CONFIG_HOME/ecli/policy.toml; both must allow what
is to run. docs/policy.md describes them.

Examples:
  ecli policy check registry.example/tools/execsnoop:1.0
  ecli policy show";

/// Explain what may run
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Say rule by rule whether an image may run; exit code 1 when it may not
    Check {
        /// Image, folder of a project, OCI layout or component
        #[arg(value_name = "IMAGE")]
        image: String,
    },
    /// Print the policy files that hold
    Show,
}

/// Carries out the command.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<ExitCode> {
    match options.command {
        PolicyCommand::Check { image } => check(ctx, &image),
        PolicyCommand::Show => show().map(|()| ExitCode::SUCCESS),
    }
}

fn check(ctx: &Context, image: &str) -> Result<ExitCode> {
    let files = policy::load()?;
    let found = tool_source::find(ctx, image, &[])?;
    let candidate = Candidate::new(ctx, &found)?;
    let computed = Permissions::of(&found.into_parts())?;
    let stated = permissions::check_stated(candidate.shown(), candidate.stated(), &computed);
    let judgement = candidate.judge(&files, computed.clone());
    let mut text = format!("image    {}\n", candidate.shown());
    if let Some(digest) = candidate.digest() {
        text += &format!("digest   {digest}\n");
    }
    text += "asks for\n";
    for line in permissions::described(&computed) {
        text += &format!("  {line}\n");
    }
    text += "rules\n";
    text += &rules(&judgement, &stated);
    for reason in &candidate.signatures().skipped {
        text += &format!("  skipped a signature: {}\n", visible(reason));
    }
    let is_denied = judgement.denials().next().is_some() || stated.is_err();
    let verdict = match (&judgement.trust, is_denied) {
        (_, true) => "denied".to_owned(),
        (Some(Trust::Key(key)), _) => format!("runs: signed by {}", visible(key)),
        (Some(Trust::Digest), _) => "runs: its digest is listed".to_owned(),
        (Some(Trust::Local), _) => "runs: it was made on this machine".to_owned(),
        (None, _) if candidate.is_accepted(ctx)? => "runs: it was accepted before".to_owned(),
        (None, _) => "asks first (--yes: runs)".to_owned(),
    };
    print_line(format_args!("{text}verdict  {verdict}"))?;
    Ok(match is_denied {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

fn rules(judgement: &Judgement, stated: &Result<()>) -> String {
    let row = |outcome: &str, policy: &str, rule: &str, text: &str| {
        [outcome, policy, rule, text].map(visible)
    };
    let mut rows: Vec<[String; 4]> = judgement
        .findings
        .iter()
        .map(|finding| {
            let outcome = match finding.outcome {
                Outcome::Allowed => "  ok",
                Outcome::Denied => "  DENY",
            };
            row(outcome, &finding.policy, finding.rule, &finding.text)
        })
        .collect();
    let (outcome, text) = match stated {
        Ok(()) => (
            "  ok",
            "it states all that it does, or states nothing".to_owned(),
        ),
        Err(error) => ("  DENY", error.to_string()),
    };
    rows.push(row(outcome, "always", "statement", &text));
    table::aligned(&rows)
}

fn show() -> Result<()> {
    let files = policy::load()?;
    for file in &files {
        print_line(format_args!(
            "# {}\n{}",
            file.path.display(),
            visible_lines(file.text.trim_end())
        ))?;
    }
    if files.is_empty() {
        let places: Vec<String> = policy::paths()
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        if places.is_empty() {
            bail!("there is no place for a policy");
        }
        print_line(format_args!(
            "# no policy: images run after a question, local tools without; no map is pinned\n\
             # it would be in {}",
            places.join(" or ")
        ))?;
    }
    Ok(())
}
