//! Fetching an image that a command is about to use.

use anyhow::{Result, anyhow};
use clap::{Args, ValueEnum};
use eunomia_image::registry::Platforms;
use eunomia_image::{Layout, Platform, Reference, Store};

use super::names::{completed, full, is_there};
use super::{Access, Reporting, local, with_registry};
use crate::context::Context;

/// When an image is fetched from its registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pull {
    /// Each time: the newest image of that name
    Always,
    /// When the store does not have it
    #[default]
    Missing,
    /// Not at all
    Never,
}

/// Whether and how an image is fetched that a command is about to use.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Fetch {
    /// When to fetch the image: missing (the default), always or never
    #[arg(long, value_name = "WHEN", env = "ECLI_PULL", hide_env_values = true)]
    #[arg(hide_possible_values = true)]
    pull: Option<Pull>,
    #[command(flatten)]
    access: Access,
}

impl Fetch {
    /// For commands that only look at what there is.
    pub(crate) fn never() -> Self {
        Self {
            pull: Some(Pull::Never),
            access: Access::default(),
        }
    }

    /// Whether the registry is asked although the store has the image.
    pub(crate) fn is_always(&self, ctx: &Context) -> Result<bool> {
        Ok(self.pull(ctx)? == Pull::Always)
    }

    /// The name by which the store has the image `wanted`, after it was fetched where that is
    /// needed and allowed. Where it is not, the name may name nothing.
    pub(crate) fn image(
        &self,
        ctx: &Context,
        store: &Store,
        wanted: &Reference,
    ) -> Result<Reference> {
        let found = local(ctx, store, wanted)?;
        match self.pull(ctx)? {
            Pull::Never => return Ok(found),
            Pull::Missing if is_usable(store, &found)? => return Ok(found),
            // What a digest names cannot be another image by now.
            Pull::Always if wanted.digest().is_some() && is_usable(store, &found)? => {
                return Ok(found);
            }
            Pull::Missing if completed(ctx, wanted)?.is_none() => return Ok(found),
            Pull::Missing | Pull::Always => {}
        }
        let name = full(ctx, wanted)?;
        let access = self.access.to([name.registry()]);
        let platforms = Platforms::Only(Platform::host());
        with_registry(ctx, &access, &Reporting::default(), |registry| {
            registry.pull(store, &name, &platforms)
        })?;
        Ok(name)
    }

    fn pull(&self, ctx: &Context) -> Result<Pull> {
        match (self.pull, &ctx.config.pull) {
            (Some(pull), _) => Ok(pull),
            (None, Some(text)) => Pull::from_str(text, false).map_err(|_| {
                anyhow!("configuration: `pull = {text:?}`: it is always, missing or never")
            }),
            (None, None) => Ok(Pull::default()),
        }
    }
}

/// Whether the store has the image, also for this machine: of an index, another one may be there.
fn is_usable(store: &Store, name: &Reference) -> Result<bool> {
    if !is_there(store, name)? {
        return Ok(false);
    }
    match store.resolve_platform(name, &Platform::host()) {
        Ok(descriptor) => {
            let layout = Layout::open(store.root())?;
            Ok(layout.blob_path(&descriptor.digest).exists())
        }
        // Its reader says what is wrong.
        Err(_) => Ok(true),
    }
}
