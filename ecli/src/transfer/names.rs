//! Short names: what `execsnoop` means.
//!
//! An image of the store that is called exactly so goes first. Otherwise a short name is completed
//! with the default registry, if one is set: by `ECLI_REGISTRY`, or `default-registry` of the
//! configuration.

use anyhow::{Context as _, Result, anyhow};
use eunomia_image::{ErrorKind, Reference, Store};

use crate::context::Context;
use crate::failure::hinted;

/// Names the default registry.
const REGISTRY_VARIABLE: &str = "ECLI_REGISTRY";

/// `name` with a registry.
///
/// # Errors
/// A short name when there is no default registry.
pub(crate) fn full(ctx: &Context, name: &Reference) -> Result<Reference> {
    completed(ctx, name)?.ok_or_else(|| {
        let error = anyhow!("which registry? {name} is a short name");
        hinted(
            error,
            format!(
                "write it whole, as in registry.example/tools/{}, or set `default-registry` in \
                 the configuration or {REGISTRY_VARIABLE}",
                name.name()
            ),
        )
    })
}

/// What the store calls `name`: itself, or the name with the default registry when only that one
/// is there.
pub(crate) fn local(ctx: &Context, store: &Store, name: &Reference) -> Result<Reference> {
    if name.registry().is_some() || is_there(store, name)? {
        return Ok(name.clone());
    }
    match completed(ctx, name)? {
        Some(full) if is_there(store, &full)? => Ok(full),
        _ => Ok(name.clone()),
    }
}

/// Whether the store has an image of that name.
pub(super) fn is_there(store: &Store, name: &Reference) -> Result<bool> {
    match store.resolve(name) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        // A broken entry is one, whose error its reader reports.
        Err(error) if error.kind() == ErrorKind::Corrupt => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// `name` with a registry; `None` for a short one without a default.
pub(super) fn completed(ctx: &Context, name: &Reference) -> Result<Option<Reference>> {
    if name.registry().is_some() {
        return Ok(Some(name.clone()));
    }
    let variable = std::env::var(REGISTRY_VARIABLE).ok();
    let variable = variable.filter(|registry| !registry.is_empty());
    let Some(registry) = variable.as_ref().or(ctx.config.default_registry.as_ref()) else {
        return Ok(None);
    };
    name.within(registry.trim_end_matches('/'))
        .map(Some)
        .with_context(|| format!("use the default registry {registry:?}"))
}
