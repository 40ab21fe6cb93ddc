//! `ecli verify`.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use clap::Args;
use eunomia_image::{Digest, ErrorKind, Layout, Platform, PublicKey, Reference, Signatures};

use super::{key, print_line, unknown_image};
use crate::context::Context;
use crate::failure::hinted;
use crate::terminal::visible;
use crate::tool_source;
use crate::transfer::Access;

const AFTER_HELP: &str = "\
The image of the local store is verified, with the signatures that were pulled with it: what `ecli
run` would run. One that is not in the store, or with --registry, is looked for in its registry.
Nothing else is asked: no transparency log and no clock. Exit code 0: signed by one of the keys.

Examples:
  ecli verify execsnoop --key ecli.pub
  ecli verify registry.example/tools/execsnoop:1.0 --key cosign.pub --key other.pub
  ecli verify ./layout:execsnoop --key ecli.pub";

/// Verify the signature of an image
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// Image of the store, of a registry, or of an OCI layout on disk
    #[arg(value_name = "IMAGE")]
    image: String,
    /// File with a public key; may be repeated
    #[arg(long, required = true, value_name = "FILE")]
    key: Vec<PathBuf>,
    /// Ask the registry, also when the image is in the store
    #[arg(long)]
    registry: bool,
    #[command(flatten)]
    access: Access,
}

/// Verifies, and prints digest, form and key of the signature.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<()> {
    let keys = options
        .key
        .iter()
        .map(|path| key::read_public(path))
        .collect::<Result<Vec<PublicKey>>>()?;
    let (shown, digests, signatures) = gather(ctx, &options)?;
    for reason in &signatures.skipped {
        say!("skipped a signature: {}", visible(reason));
    }
    for digest in &digests {
        let found = signatures.verify(&keys, std::slice::from_ref(digest));
        let Some((signature, key)) = found else {
            continue;
        };
        let (form, key) = (signature.form(), key.fingerprint());
        return print_line(format_args!("{digest} {form} by {key}"));
    }
    let error = match signatures.found.len() {
        0 => anyhow!("verify {shown}: it has no signature"),
        count => anyhow!(
            "verify {shown}: none of its {count} signatures is by this key and for this image"
        ),
    };
    let hints: Vec<&str> = signatures
        .found
        .iter()
        .filter_map(|signature| signature.key_hint())
        .collect();
    if hints.is_empty() {
        return Err(error);
    }
    let hints = visible(&hints.join(", "));
    Err(hinted(
        error,
        format!("the signatures name these keys: {hints}"),
    ))
}

/// What the image is called, the digests that may be signed, and the signatures.
fn gather(ctx: &Context, options: &Options) -> Result<(String, Vec<Digest>, Signatures)> {
    if let Some((folder, name)) = tool_source::split_layout(Path::new(&options.image)) {
        let layout = Layout::open(folder)?;
        let manifest = layout.image(name, &Platform::host())?.digest;
        let digests = layout.signed_digests(name, &manifest)?;
        let signatures = Signatures::of(&digests, |digest| layout.signatures(digest))?;
        return Ok((options.image.clone(), digests, signatures));
    }
    let store = ctx.store()?;
    let image: &Reference = &options.image.parse()?;
    let has_registry = image.registry().is_some();
    if !(options.registry && has_registry) {
        match store.resolve_platform(image, &Platform::host()) {
            Ok(manifest) => {
                let digests = store.signed_digests(image, &manifest.digest)?;
                let signatures = Signatures::of(&digests, |digest| store.signatures(digest))?;
                return Ok((image.to_string(), digests, signatures));
            }
            Err(error) if error.kind() == ErrorKind::NotFound && has_registry => {}
            Err(error) => return Err(unknown_image(&store, image, error)),
        }
    }
    let registry = options.access.registry(ctx, image)?;
    let root = registry.resolve(image)?;
    let signatures = registry.signatures(image, &root.digest)?;
    Ok((image.to_string(), vec![root.digest], signatures))
}
