//! Signatures in a layout: manifests about an image, entries of `index.json` without a name; from
//! cosign's older form also those that a name or an annotation marks.

use super::{Entry, Layout, children_of_index};
use crate::document::{Descriptor, Manifest};
use crate::limits::{MANIFEST_BYTES_MAX, SIGNATURE_BYTES_MAX, SIGNATURES_MAX};
use crate::registry::Attachment;
use crate::signature::{may_be_signature, signatures_in, simple_tag};
use crate::{Digest, Result, Signatures, annotation, media_type};

impl Layout {
    /// The signatures of the manifest or index `subject`; none of them is verified yet. Damaged
    /// ones are skipped.
    ///
    /// # Errors
    /// An unreadable `index.json`.
    pub fn signatures(&self, subject: &Digest) -> Result<Signatures> {
        let mut signatures = Signatures::default();
        let about = self.attachments(Some(subject))?.into_iter();
        let simple = self.simple_signatures(subject)?.into_iter();
        let manifests = about.map(|(_, manifest)| manifest).chain(simple);
        for manifest in manifests.take(SIGNATURES_MAX) {
            match self.read_layers(manifest) {
                Ok(attachment) => {
                    signatures_in(attachment).for_each(|found| signatures.add(found));
                }
                Err(error) => signatures.skipped.push(error.to_string()),
            }
        }
        Ok(signatures)
    }

    /// The digests whose signature says that the image `manifest`, which is called `name` here, is
    /// signed: its own, and that of an index that lists it.
    ///
    /// # Errors
    /// As [`Layout::image`].
    pub fn signed_digests(&self, name: Option<&str>, manifest: &Digest) -> Result<Vec<Digest>> {
        self.digests_signed(&self.find(name)?, manifest)
    }

    /// The same below `roots`.
    pub(crate) fn digests_signed(
        &self,
        roots: &[Descriptor],
        manifest: &Digest,
    ) -> Result<Vec<Digest>> {
        let mut digests = vec![*manifest];
        for root in roots {
            let children = children_of_index(self, root)?;
            if children.iter().any(|child| child.digest == *manifest) {
                digests.push(root.digest);
            }
        }
        Ok(digests)
    }

    /// Entries of `index.json` that are about an image (about `subject`), with their manifests.
    /// Damaged ones are left out.
    pub(crate) fn attachments(
        &self,
        subject: Option<&Digest>,
    ) -> Result<Vec<(Descriptor, Manifest)>> {
        let index = self.read_index_file()?;
        let mut found = Vec::new();
        for entry in index.entries().filter(|entry| may_be_attachment(entry)) {
            let Ok(descriptor) = entry.descriptor() else {
                continue;
            };
            // Written by this crate, so that not all manifests need be read.
            let hint = descriptor.annotations.get(annotation::SUBJECT);
            if let (Some(hint), Some(subject)) = (hint, subject)
                && *hint != subject.to_string()
            {
                continue;
            }
            let Ok(manifest) = self.read_manifest(descriptor) else {
                continue;
            };
            let own = manifest.subject.as_ref().map(|own| own.digest);
            if own.is_some() && (subject.is_none() || own.as_ref() == subject) {
                found.push((descriptor.clone(), manifest));
            }
        }
        Ok(found)
    }

    /// Manifests of cosign's older form, which do not say what they are about: the signed texts do.
    fn simple_signatures(&self, subject: &Digest) -> Result<Vec<Manifest>> {
        let tag = simple_tag(subject);
        let index = self.read_index_file()?;
        let is_one = |entry: &&Entry| {
            // Other tools write the tag alone, or behind the name of a repository.
            let name = entry.name().and_then(|name| name.rsplit(':').next());
            name == Some(&*tag) || entry.is_of_cosign()
        };
        let entries = index.entries().filter(is_one);
        Ok(entries
            .filter_map(|entry| self.read_manifest(entry.descriptor().ok()?).ok())
            .collect())
    }

    pub(crate) fn read_manifest(&self, descriptor: &Descriptor) -> Result<Manifest> {
        Manifest::parse(&self.read_blob(descriptor, MANIFEST_BYTES_MAX)?)
    }

    fn read_layers(&self, manifest: Manifest) -> Result<Attachment> {
        let mut attachment = Attachment::empty(manifest.artifact_type.unwrap_or_default());
        for layer in manifest.layers {
            let content = self.read_blob(&layer, SIGNATURE_BYTES_MAX)?;
            attachment
                .layers
                .push((layer.media_type, layer.annotations, content));
        }
        attachment.annotations = manifest.annotations;
        Ok(attachment)
    }
}

/// Also where a client wrote no type, or the config's: the manifest has the subject.
fn may_be_attachment(entry: &Entry) -> bool {
    let is_one = |descriptor: &Descriptor| {
        media_type::is_manifest(&descriptor.media_type)
            && may_be_signature(descriptor.artifact_type.as_deref())
    };
    entry.is_attachment() || (entry.name().is_none() && entry.descriptor().is_ok_and(is_one))
}
