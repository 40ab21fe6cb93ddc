//! Signatures beside images in a registry: as referrers, and under cosign's older tags.

use super::push::Target;
use super::{Registry, on_own_thread, pull_scope};
use crate::document::{ImageConfig, Manifest, to_json};
use crate::limits::{LAYERS_MAX, SIGNATURES_MAX};
use crate::signature::{may_be_signature, signatures_in, simple_tag};
use crate::store::Store;
use crate::{
    Descriptor, Digest, Error, ErrorKind, Platform, Reference, Result, Signature, SignatureForm,
    Signatures, media_type,
};

impl Registry {
    /// Fetches the signatures of the manifest or index `subject` from the repository of
    /// `reference`, in both forms. None of them is verified yet.
    ///
    /// A mirror that has some goes before the registry itself. What is damaged or no
    /// signature is skipped, with a reason: anybody who can write to the repository could otherwise
    /// hide the others.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthorized`], [`ErrorKind::Network`], [`ErrorKind::Registry`]; a list of
    /// attachments that cannot be read. No signature at all is no error.
    pub fn signatures(&self, reference: &Reference, subject: &Digest) -> Result<Signatures> {
        let fetch = |address: &Reference| self.fetch_signatures(address, subject);
        let is_empty = |signatures: &Signatures| signatures.found.is_empty();
        on_own_thread(|| self.first_list(reference, fetch, is_empty))
            .map(|(_, signatures)| signatures)
            .map_err(|error| error.context(format_args!("fetch the signatures of {subject}")))
    }

    /// Puts a signature beside the image `subject`, in the repository of `reference`. One that is
    /// there already is not added again.
    ///
    /// # Errors
    /// As [`Registry::push`].
    pub fn push_signature(
        &self,
        reference: &Reference,
        subject: &Descriptor,
        signature: &Signature,
    ) -> Result<()> {
        on_own_thread(|| match signature.form() {
            SignatureForm::Bundle => {
                let attachment = signature.to_attachment();
                self.push_attachment(reference, subject, &attachment)
                    .map(drop)
            }
            SignatureForm::Simple => self.push_simple(reference, &subject.digest, signature),
        })
        .map_err(|error| error.context(format_args!("sign {} at its registry", subject.digest)))
    }

    /// Fetches the signatures of the image `reference` of `store`, and of those of its platforms
    /// that are there, and keeps them in `store`. Returns how many there are now, and what was
    /// skipped. To be called after [`Registry::pull`].
    ///
    /// # Errors
    /// As [`Registry::signatures`], and failures of the store.
    pub fn pull_signatures(&self, store: &Store, reference: &Reference) -> Result<Signatures> {
        let mut all = Signatures::default();
        for subject in store.signable(reference)? {
            let Signatures { found, skipped } = self.signatures(reference, &subject.digest)?;
            all.skipped.extend(skipped);
            for signature in found {
                store.add_signature(&subject, &signature)?;
                all.add(Ok(signature));
            }
        }
        Ok(all)
    }

    /// Puts the signatures that `store` has of its image `source` beside the same image in the
    /// repository of `target`. Returns how many. To be called after [`Registry::push`].
    ///
    /// # Errors
    /// As [`Registry::push`].
    pub fn push_signatures(
        &self,
        store: &Store,
        source: &Reference,
        target: &Reference,
    ) -> Result<usize> {
        let mut count = 0;
        for subject in store.signable(source)? {
            for signature in store.signatures(&subject.digest)?.found {
                self.push_signature(target, &subject, &signature)?;
                count += 1;
            }
        }
        Ok(count)
    }

    fn fetch_signatures(&self, reference: &Reference, subject: &Digest) -> Result<Signatures> {
        let mut signatures = Signatures::default();
        let listed = self.list_referrers(reference, subject)?;
        let candidates = listed
            .iter()
            .filter(|listed| may_be_signature(listed.artifact_type.as_deref()));
        for candidate in candidates.take(SIGNATURES_MAX) {
            match self.fetch_attachment(reference, candidate) {
                Ok(attachment) => {
                    signatures_in(attachment).for_each(|found| signatures.add(found));
                }
                Err(error) => skip(&mut signatures, error)?,
            }
        }
        let scope = pull_scope(reference)?;
        let fetched = match self.fetch_simple(reference, subject) {
            Ok(Some(manifest)) => self.fetch_layers(&scope, reference, manifest),
            Ok(None) => return Ok(signatures),
            Err(error) => Err(error),
        };
        match fetched {
            Ok(attachment) => signatures_in(attachment)
                .take(SIGNATURES_MAX)
                .for_each(|found| signatures.add(found)),
            Err(error) => skip(&mut signatures, error)?,
        }
        Ok(signatures)
    }

    /// The manifest under the tag of cosign 1 and 2.
    fn fetch_simple(&self, reference: &Reference, subject: &Digest) -> Result<Option<Manifest>> {
        let scope = pull_scope(reference)?;
        match self.fetch_manifest(&scope, reference, &simple_tag(subject), |_, _| Ok(())) {
            Ok(fetched) => Manifest::parse(&fetched.content).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Adds a layer to that manifest, which others may have written.
    fn push_simple(
        &self,
        reference: &Reference,
        subject: &Digest,
        signature: &Signature,
    ) -> Result<()> {
        let target = Target::new(reference, None)?;
        let mut layers = self
            .fetch_simple(reference, subject)?
            .map(|manifest| manifest.layers)
            .unwrap_or_default();
        let (media_type, annotations, content) = signature.to_layer();
        let mut layer = Descriptor::of(media_type, &content);
        layer.annotations = annotations;
        if layers.contains(&layer) {
            return Ok(());
        }
        if layers.len() >= LAYERS_MAX {
            let message = format!("there are {LAYERS_MAX} signatures already");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        self.push_bytes(&target, &layer, &content)?;
        layers.push(layer);
        // Cosign makes an image of it, whose layers its config must list.
        let mut config = ImageConfig::new(Platform::host(), None);
        config.set_layers(layers.iter().map(|layer| layer.digest));
        let config_content = to_json(&config);
        let config = Descriptor::of(media_type::OCI_CONFIG, &config_content);
        self.push_bytes(&target, &config, &config_content)?;
        let mut manifest = Manifest::new(config, layers);
        manifest.artifact_type = None;
        let content = to_json(&manifest);
        self.put_manifest(
            &target,
            &simple_tag(subject),
            media_type::OCI_MANIFEST,
            &content,
        )
        .map(drop)
    }
}

/// Notes why an attachment is of no use; a registry that cannot be asked is another matter.
fn skip(signatures: &mut Signatures, error: Error) -> Result<()> {
    match error.kind() {
        ErrorKind::Network | ErrorKind::Unauthorized => Err(error),
        _ => {
            signatures.skipped.push(error.to_string());
            Ok(())
        }
    }
}
