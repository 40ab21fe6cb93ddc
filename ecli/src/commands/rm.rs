//! `ecli rm`.

use anyhow::Result;
use clap::Args;
use eunomia_image::Reference;

use super::{print_line, unknown_image};
use crate::context::Context;
use crate::transfer::local;

const AFTER_HELP: &str = "\
The contents of images that have no name left are deleted by `ecli prune`.

Examples:
  ecli rm execsnoop:1.0
  ecli rm $(ecli list -q)    Remove all images";

/// Remove images by their names
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// Names of images
    #[arg(required = true, value_name = "NAME[:TAG]")]
    images: Vec<Reference>,
}

/// Removes each name, and prints what was removed.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<()> {
    let store = ctx.store()?;
    for reference in &options.images {
        let reference = local(ctx, &store, reference)?;
        let removed = store
            .remove(&reference)
            .map_err(|error| unknown_image(&store, &reference, error))?;
        for name in removed {
            print_line(format_args!("removed {name}"))?;
        }
    }
    Ok(())
}
