//! `ecli index`.

use anyhow::Result;
use clap::{Args, Subcommand};
use eunomia_image::Reference;

use super::{print, unknown_image};
use crate::context::Context;
use crate::transfer::local;

const CREATE_HELP: &str = "\
Each image is for another platform (`ecli build --platform`, or built there and pulled). Whoever
pulls the index gets the image for his machine.

Examples:
  ecli index create tools/execsnoop:1.0 execsnoop:amd64 execsnoop:arm64
  ecli push tools/execsnoop:1.0 registry.example/tools/execsnoop:1.0";

/// Put images for several platforms under one name
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make an index of images of the local store
    #[command(after_help = CREATE_HELP)]
    Create {
        /// Name of the index
        #[arg(value_name = "NAME[:TAG]")]
        name: Reference,
        /// Names of images, each for another platform
        #[arg(required = true, value_name = "IMAGE[:TAG]")]
        images: Vec<Reference>,
        /// Print only the digest
        #[arg(short, long)]
        quiet: bool,
    },
}

/// Does what the verb says.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<()> {
    let Verb::Create {
        name,
        images,
        quiet,
    } = options.verb;
    let store = ctx.store()?;
    let mut parts = Vec::new();
    for image in &images {
        let image = local(ctx, &store, image)?;
        store
            .resolve(&image)
            .map_err(|error| unknown_image(&store, &image, error))?;
        parts.push(image);
    }
    let digest = store.create_index(&name, &parts)?.digest;
    let text = match quiet {
        true => format!("{digest}\n"),
        false => format!("created {name}\n  digest {digest}\n"),
    };
    print(text.as_bytes())
}
