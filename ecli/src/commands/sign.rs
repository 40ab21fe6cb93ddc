//! `ecli sign`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use eunomia_image::registry::Registry;
use eunomia_image::{
    Descriptor, ErrorKind, PrivateKey, PublicKey, Reference, Signature, SignatureForm, Signatures,
    Store,
};

use super::{key, print_line, unknown_image};
use crate::context::Context;
use crate::transfer::Access;

const AFTER_HELP: &str = "\
What is signed is the image's digest, of all its platforms. An image of the local store keeps its
signature there. If its name has a registry, the signature is also put beside the image in the
registry, where `ecli verify` and `cosign verify --key` find it; an image that is not there yet gets
it when it is pushed. An image that is only in the registry is signed there.

The password of the key comes from ECLI_KEY_PASSWORD or COSIGN_PASSWORD, or is asked for.

Examples:
  ecli sign registry.example/tools/execsnoop:1.0 --key ecli.key
  ecli sign execsnoop --key ecli.key         An image without a registry: in the store
  ecli sign --legacy IMAGE --key ecli.key    In the form that cosign before version 3 reads";

/// Sign an image
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// Image of the store or of a registry
    #[arg(value_name = "IMAGE")]
    image: Reference,
    /// File with the private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Write the older form: a tag sha256-….sig
    #[arg(long)]
    legacy: bool,
    /// Only in the local store
    #[arg(long)]
    local: bool,
    #[command(flatten)]
    access: Access,
}

/// Signs, and prints what was signed.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<()> {
    let store = ctx.store()?;
    let stored = match store.resolve(&options.image) {
        Ok(found) => Some(found),
        Err(error) if error.kind() == ErrorKind::NotFound && is_remote(&options) => None,
        Err(error) => return Err(unknown_image(&store, &options.image, error)),
    };
    let private = key::read_private(&options.key)?;
    let remote = match is_remote(&options) {
        true => Some(options.access.registry(ctx, &options.image)?),
        false => None,
    };
    let subject = match (&stored, &remote) {
        (Some(stored), _) => stored.clone(),
        (None, Some(registry)) => registry.resolve(&options.image)?,
        (None, None) => bail!("sign {}: it is nowhere", options.image),
    };
    let signer = Signer {
        private: &private,
        public: private.public_key(),
        options: &options,
        subject: &subject,
    };
    if stored.is_some() {
        signer.sign_in_store(&store)?;
    }
    if let Some(registry) = &remote {
        signer.sign_at_registry(registry, stored.is_some())?;
    }
    print_line(subject.digest)
}

fn is_remote(options: &Options) -> bool {
    !options.local && options.image.registry().is_some()
}

struct Signer<'s> {
    private: &'s PrivateKey,
    public: PublicKey,
    options: &'s Options,
    subject: &'s Descriptor,
}

impl Signer<'_> {
    fn sign_in_store(&self, store: &Store) -> Result<()> {
        let before = store.signatures(&self.subject.digest)?;
        if self.is_signed(&before) {
            say!("the store has a signature by this key already");
            return Ok(());
        }
        store.add_signature(self.subject, &self.signature()?)?;
        say!("signed in the store");
        Ok(())
    }

    fn sign_at_registry(&self, registry: &Registry, is_stored: bool) -> Result<()> {
        let image = &self.options.image;
        let address = image.at_digest(self.subject.digest);
        match registry.resolve(&address) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound && is_stored => {
                say!("the registry does not have this image yet: push it with its signature");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        let before = registry.signatures(image, &self.subject.digest)?;
        if self.is_signed(&before) {
            say!("the registry has a signature by this key already");
            return Ok(());
        }
        registry.push_signature(image, self.subject, &self.signature()?)?;
        say!("signed at the registry");
        Ok(())
    }

    fn signature(&self) -> Result<Signature> {
        let digest = &self.subject.digest;
        Ok(match self.options.legacy {
            true => Signature::sign_simple(self.private, digest, &self.options.image)?,
            false => Signature::sign(self.private, digest)?,
        })
    }

    /// Whether there is such a signature, in the form that is wanted.
    fn is_signed(&self, signatures: &Signatures) -> bool {
        let form = match self.options.legacy {
            true => SignatureForm::Simple,
            false => SignatureForm::Bundle,
        };
        signatures.found.iter().any(|signature| {
            signature.form() == form && signature.verify(&self.public, &self.subject.digest).is_ok()
        })
    }
}
