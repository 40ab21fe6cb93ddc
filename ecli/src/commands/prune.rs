//! `ecli prune`.

use anyhow::Result;
use clap::Args;

use crate::context::Context;
use crate::size;

/// Delete what no image of the store needs
#[derive(Debug, Args)]
#[command(after_help = "Named images stay; remove names with `ecli rm`.")]
pub(crate) struct Options {}

/// Prunes, and says how much that was.
pub(crate) fn run(ctx: &Context, _: Options) -> Result<()> {
    let report = ctx.store()?.prune()?;
    let (blobs, unfinished) = (report.blobs.len(), report.unfinished);
    println!(
        "deleted {blobs} blobs and {unfinished} unfinished files: {}",
        size::shown(report.bytes)
    );
    Ok(())
}
