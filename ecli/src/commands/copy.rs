//! `ecli copy`.

use anyhow::Result;
use clap::Args;
use eunomia_image::registry::Platforms;
use eunomia_image::{Platform, Reference};

use crate::context::Context;
use crate::transfer::{Access, Reporting, Transferred, full, with_registry};

const AFTER_HELP: &str = "\
The copy has the same digest, and its signatures come along. Nothing is written to the local store;
content that the target's registry has is not sent again.

Examples:
  ecli copy registry.example/tools/execsnoop:1.0 other.example/tools/execsnoop:1.0
  ecli copy --attachments registry.example/a:1 other.example/a:1    With all that is attached
  ecli copy --platform linux/arm64 registry.example/a:1 other.example/a:1-arm64";

/// Copy an image from one registry to another
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// Name of the image
    #[arg(value_name = "SOURCE[:TAG|@DIGEST]")]
    source: Reference,
    /// Name of the copy
    #[arg(value_name = "TARGET[:TAG]")]
    target: Reference,
    /// Copy the image for this platform alone, not the index of all
    #[arg(long, value_name = "OS/CPU")]
    platform: Option<Platform>,
    /// Copy all that is attached, not the signatures alone: lists of ingredients, attestations
    #[arg(long, visible_alias = "recursive", short_alias = 'r')]
    attachments: bool,
    #[command(flatten)]
    reporting: Reporting,
    #[command(flatten)]
    access: Access,
}

/// Copies, and says what went.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<()> {
    let source = full(ctx, &options.source)?;
    let target = full(ctx, &options.target)?;
    let platforms = options.platform.map_or(Platforms::All, Platforms::Only);
    let access = options.access.to([source.registry(), target.registry()]);
    let copied = with_registry(ctx, &access, &options.reporting, |registry| {
        match options.attachments {
            true => registry.copy_with_attachments(&source, &target, &platforms),
            false => registry.copy(&source, &target, &platforms),
        }
    })?;
    let transferred = Transferred {
        name: target,
        digest: copied.descriptor.digest,
        bytes: copied.uploaded,
        attachments: Some(copied.attachments),
    };
    transferred.print("copied to", &options.reporting)
}
