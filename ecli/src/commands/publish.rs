//! `ecli publish`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use eunomia_image::{DEFAULT_TAG, Reference};

use crate::consent;
use crate::context::Context;
use crate::project::{KernelFile, Project};
use crate::transfer::{Access, Reporting, Transferred, full, with_registry};

const AFTER_HELP: &str = "\
Builds the project, stores the image under its name in the registry, with the project's version as
its tag, and pushes it under that tag and as `latest`.

Examples:
  ecli publish --to registry.example/tools            registry.example/tools/NAME:VERSION
  ecli publish --to registry.example/x:2.0 FOLDER     Under this name and tag
  ecli publish FOLDER --btf-for btfhub/*.btf          With the types of these kernels
  ecli publish --no-latest --to registry.example/tools";

/// Build a tool and push it under its version and as latest
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// The project's folder
    #[arg(default_value = ".", value_name = "FOLDER")]
    folder: PathBuf,
    /// Registry, with or without a path, or the whole name with a tag [default: the default
    /// registry]
    #[arg(long, value_name = "PLACE")]
    to: Option<String>,
    /// Put what is needed of the types of these kernels into the image, as `ecli build` does
    #[arg(long, value_name = "[RELEASE=]FILE", num_args = 1..)]
    btf_for: Vec<KernelFile>,
    /// Leave the tag `latest` where it is
    #[arg(long)]
    no_latest: bool,
    #[command(flatten)]
    reporting: Reporting,
    #[command(flatten)]
    access: Access,
}

/// Builds, tags and pushes.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<()> {
    let project = Project::open(&options.folder, None)?.with_types_of(&options.btf_for);
    let name = target(ctx, &project, options.to.as_deref())?;
    let image = project.build()?.image;
    let store = ctx.store()?;
    store.write_image(&name, &image)?;
    consent::remember_built(&store, &image);
    let mut names = vec![name.clone()];
    if !options.no_latest && name.tag() != Some(DEFAULT_TAG) {
        let latest = name.at_tag(DEFAULT_TAG)?;
        store.tag(&name, &latest)?;
        names.push(latest);
    }
    let access = options.access.to([name.registry()]);
    let uploaded = with_registry(ctx, &access, &options.reporting, |registry| {
        let mut uploaded = 0;
        for target in &names {
            uploaded += registry.push(&store, &name, target)?.uploaded;
        }
        Ok(uploaded)
    })?;
    let transferred = Transferred {
        name,
        digest: image.digest(),
        bytes: uploaded,
        attachments: None,
    };
    transferred.print("published", &options.reporting)
}

/// Where the image goes: a place with a tag is its whole name.
fn target(ctx: &Context, project: &Project, place: Option<&str>) -> Result<Reference> {
    let own = project.reference()?;
    let own = match project.version() {
        Some(version) => own
            .at_tag(version)
            .with_context(|| format!("use the project's version {version:?} as a tag"))?,
        None => own,
    };
    let Some(place) = place else {
        return full(ctx, &own);
    };
    let has_tag = place
        .rsplit('/')
        .next()
        .is_some_and(|last| last.contains(':'));
    if has_tag && place.contains('/') {
        return Ok(Reference::parse(place)?);
    }
    Ok(own.within(place.trim_end_matches('/'))?)
}
