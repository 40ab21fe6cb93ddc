//! `ecli prune`.

use anyhow::Result;
use clap::Args;

use super::print_line;
use crate::context::Context;
use crate::size;

/// Delete what no image of the store needs
#[derive(Debug, Args)]
#[command(after_help = "Named images stay; remove names with `ecli rm`.")]
pub(crate) struct Options {}

/// Prunes, and says how much that was.
pub(crate) fn run(ctx: &Context, _: Options) -> Result<()> {
    let report = ctx.store()?.prune()?;
    print_line(format_args!(
        "deleted {} blobs, {} files of the cache and {} unfinished files: {}",
        report.blobs.len(),
        report.derived,
        report.unfinished,
        size::shown(report.bytes)
    ))
}
