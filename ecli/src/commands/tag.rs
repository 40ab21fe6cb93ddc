//! `ecli tag`.

use anyhow::Result;
use clap::Args;
use eunomia_image::Reference;

use super::unknown_image;
use crate::context::Context;
use crate::transfer::local;

const AFTER_HELP: &str = "\
Examples:
  ecli tag execsnoop execsnoop:1.0
  ecli tag execsnoop registry.example/tools/execsnoop:1.0";

/// Give an image a further name
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// A name that the image has
    #[arg(value_name = "NAME[:TAG]")]
    from: Reference,
    /// The new name; the image that had it loses it
    #[arg(value_name = "NEW-NAME[:TAG]")]
    to: Reference,
}

/// Adds the name.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<()> {
    let store = ctx.store()?;
    let from = local(ctx, &store, &options.from)?;
    store
        .tag(&from, &options.to)
        .map_err(|error| unknown_image(&store, &from, error))
}
