//! `ecli pull`.

use anyhow::Result;
use clap::Args;
use eunomia_image::registry::Platforms;
use eunomia_image::{Platform, Reference};

use crate::context::Context;
use crate::transfer::{Access, Reporting, Transferred, full, with_registry};

const AFTER_HELP: &str = "\
What the store has of the image already is not fetched again; a pull that was interrupted continues.
With a default registry (`default-registry` of the configuration, ECLI_REGISTRY), short names are
completed with it.

Examples:
  ecli pull registry.example/tools/execsnoop:1.0
  ecli pull --all-platforms registry.example/tools/execsnoop    To push or save it as a whole
  ecli pull registry.example/tools/execsnoop@sha256:...         Exactly this image";

/// Fetch an image from its registry into the local store
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// Name of the image
    #[arg(value_name = "NAME[:TAG|@DIGEST]")]
    image: Reference,
    /// Of an image for several platforms, the one for this platform [default: this machine's]
    #[arg(long, value_name = "OS/CPU", conflicts_with = "all_platforms")]
    platform: Option<Platform>,
    /// Fetch the image for all its platforms
    #[arg(short, long)]
    all_platforms: bool,
    #[command(flatten)]
    reporting: Reporting,
    #[command(flatten)]
    access: Access,
}

/// Pulls, and says what came.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<()> {
    let name = full(ctx, &options.image)?;
    let platforms = match (options.all_platforms, options.platform) {
        (true, _) => Platforms::All,
        (false, platform) => Platforms::Only(platform.unwrap_or_else(Platform::host)),
    };
    let store = ctx.store()?;
    let access = options.access.to([name.registry()]);
    let pulled = with_registry(ctx, &access, &options.reporting, |registry| {
        registry.pull(&store, &name, &platforms)
    })?;
    let transferred = Transferred {
        name,
        digest: pulled.descriptor.digest,
        bytes: pulled.downloaded,
        attachments: None,
    };
    transferred.print("pulled", &options.reporting)
}
