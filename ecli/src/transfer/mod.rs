//! What the verbs that talk to registries share: their options, names and progress.

mod fetch;
mod names;
mod options;
mod progress;

use anyhow::Result;
use eunomia_image::registry::Registry;
use eunomia_image::{Digest, Reference};
use serde::Serialize;

use crate::context::Context;
use crate::size;

pub(crate) use fetch::Fetch;
pub(crate) use names::{full, local};
pub(crate) use options::{Access, Reach, Reporting, password_of, secret_from_stdin};
use progress::Bars;

/// What was transferred.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Transferred {
    /// The image's name where it went.
    #[serde(serialize_with = "as_text")]
    pub(crate) name: Reference,
    /// Of its manifest or index.
    pub(crate) digest: Digest,
    /// What was not there before.
    pub(crate) bytes: u64,
    /// Signatures and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attachments: Option<usize>,
}

fn as_text<S: serde::Serializer>(name: &Reference, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(name)
}

impl Transferred {
    /// Prints it as the user wants it. `done` is what happened: `pulled`.
    pub(crate) fn print(&self, done: &str, reporting: &Reporting) -> Result<()> {
        let Self {
            name,
            digest,
            bytes,
            attachments,
        } = self;
        let text = if reporting.json {
            serde_json::to_string(self)?
        } else if reporting.quiet {
            // What names exactly this image.
            name.at_digest(*digest).to_string()
        } else {
            let attached = match attachments {
                None | Some(0) => String::new(),
                Some(1) => ", with 1 attachment".to_owned(),
                Some(count) => format!(", with {count} attachments"),
            };
            let bytes = size::shown(*bytes);
            format!("{done} {name}{attached}\n  digest {digest}\n  transferred {bytes}")
        };
        crate::commands::print(format!("{text}\n").as_bytes())
    }
}

/// Calls `operation` with a client of registries whose progress is shown as `reporting` says.
pub(crate) fn with_registry<T>(
    ctx: &Context,
    access: &Access,
    reporting: &Reporting,
    operation: impl FnOnce(&Registry) -> eunomia_image::Result<T>,
) -> Result<T> {
    let bars = Bars::new(reporting.is_silent());
    let mut options = access.options(ctx)?;
    options.progress = bars.sink();
    let registry = Registry::new(options)?;
    let result = operation(&registry);
    bars.finish();
    Ok(result?)
}
