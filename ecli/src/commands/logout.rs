//! `ecli logout`.

use anyhow::Result;
use clap::Args;

use super::login::registry;
use super::print;
use crate::context::Context;
use crate::transfer::Reach;

/// Forget user name and password for a registry
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ecli logout registry.example")]
pub(crate) struct Options {
    /// Host and perhaps port [default: the default registry]
    #[arg(value_name = "REGISTRY")]
    registry: Option<String>,
    #[command(flatten)]
    reach: Reach,
}

/// Removes the credentials from the file and its helper.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<()> {
    let registry = registry(ctx, options.registry.as_deref())?;
    let text = match options.reach.credential_file(ctx)?.remove(&registry)? {
        true => format!("logged out of {registry}\n"),
        false => format!("not logged in to {registry}\n"),
    };
    print(text.as_bytes())
}
