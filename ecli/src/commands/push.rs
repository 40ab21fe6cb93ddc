//! `ecli push`.

use anyhow::Result;
use clap::Args;
use eunomia_image::registry::Platforms;
use eunomia_image::{Platform, Reference};

use super::unknown_image;
use crate::context::Context;
use crate::transfer::{Access, Reporting, Transferred, full, local, with_registry};

const AFTER_HELP: &str = "\
An image for several platforms is pushed with all of them. What the registry has is not sent again,
and what it has in another repository is taken from there.

Examples:
  ecli push registry.example/tools/execsnoop:1.0
  ecli push execsnoop registry.example/tools/execsnoop:1.0    Under another name
  ecli push --platform linux/arm64 execsnoop registry.example/tools/execsnoop:1.0-arm64";

/// Send an image of the local store to a registry
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// Name of the image in the store
    #[arg(value_name = "NAME[:TAG]")]
    image: Reference,
    /// Its name in the registry [default: the same]
    #[arg(value_name = "TARGET[:TAG]")]
    target: Option<Reference>,
    /// Push the image for this platform alone, not the index of all
    #[arg(long, value_name = "OS/CPU")]
    platform: Option<Platform>,
    /// Push the image for all its platforms: the default
    #[arg(short, long, conflicts_with = "platform")]
    all_platforms: bool,
    #[command(flatten)]
    reporting: Reporting,
    #[command(flatten)]
    access: Access,
}

/// Pushes, and says what went.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<()> {
    let target = full(ctx, options.target.as_ref().unwrap_or(&options.image))?;
    let platforms = options.platform.map_or(Platforms::All, Platforms::Only);
    let store = ctx.store()?;
    let source = local(ctx, &store, &options.image)?;
    store
        .resolve(&source)
        .map_err(|error| unknown_image(&store, &source, error))?;
    let access = options.access.to([target.registry()]);
    let pushed = with_registry(ctx, &access, &options.reporting, |registry| {
        registry.push_selected(&store, &source, &target, &platforms)
    })?;
    let transferred = Transferred {
        name: target,
        digest: pushed.descriptor.digest,
        bytes: pushed.uploaded,
        attachments: None,
    };
    transferred.print("pushed", &options.reporting)
}
