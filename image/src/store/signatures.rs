//! Signatures in the store: manifests about an image, entries of `index.json` without a name.

use super::{Store, StoreWriter};
use crate::document::{Descriptor, Manifest};
use crate::layout::{Entry, Layout, children_of_index, closure};
use crate::limits::{MANIFEST_BYTES_MAX, SIGNATURE_BYTES_MAX, SIGNATURES_MAX};
use crate::registry::{Attachment, PackedAttachment};
use crate::signature::signatures_in;
use crate::{Digest, Error, ErrorKind, Reference, Result, Signature, Signatures, annotation};

impl Store {
    /// Keeps a signature of the image `subject`, so that it can be verified without a registry.
    /// [`Store::prune`] deletes it with the image.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] when the image has [`SIGNATURES_MAX`] already; failures to write.
    pub fn add_signature(&self, subject: &Descriptor, signature: &Signature) -> Result<()> {
        self.write_signature(subject, &signature.to_attachment())
            .map_err(|error| error.context(format_args!("store a signature of {}", subject.digest)))
    }

    /// The signatures of the manifest or index `subject`; none of them is verified yet. Damaged
    /// ones are skipped.
    ///
    /// # Errors
    /// An unreadable `index.json`.
    pub fn signatures(&self, subject: &Digest) -> Result<Signatures> {
        let _shared = self.share()?;
        let mut signatures = Signatures::default();
        for (_, manifest) in self.attachments(Some(subject))? {
            match read_layers(&self.layout, manifest) {
                Ok(attachment) => {
                    signatures_in(attachment).for_each(|found| signatures.add(found));
                }
                Err(error) => signatures.skipped.push(error.to_string()),
            }
        }
        Ok(signatures)
    }

    /// What of the image `reference` can carry signatures: the manifest, or the index and those of
    /// its manifests that are there.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::Corrupt`].
    pub fn signable(&self, reference: &Reference) -> Result<Vec<Descriptor>> {
        let _shared = self.share()?;
        self.find(reference)
            .and_then(|roots| {
                let mut subjects = Vec::new();
                for root in roots {
                    let children = children_of_index(&self.layout, &root)?;
                    subjects.push(root);
                    subjects.extend(children);
                }
                Ok(subjects)
            })
            .map_err(|error| error.context(format_args!("find image {reference}")))
    }

    /// The digests whose signature says that the image `manifest`, which `reference` names, is
    /// signed: its own, and that of an index that lists it.
    ///
    /// # Errors
    /// As [`Store::signable`].
    pub fn signed_digests(&self, reference: &Reference, manifest: &Digest) -> Result<Vec<Digest>> {
        let _shared = self.share()?;
        let mut digests = vec![*manifest];
        for root in self.find(reference)? {
            let children = children_of_index(&self.layout, &root)?;
            if children.iter().any(|child| child.digest == *manifest) {
                digests.push(root.digest);
            }
        }
        Ok(digests)
    }

    /// Entries of `index.json` that are about an image (about `subject`), with their manifests.
    /// Damaged ones are left out.
    pub(super) fn attachments(
        &self,
        subject: Option<&Digest>,
    ) -> Result<Vec<(Descriptor, Manifest)>> {
        let index = self.layout.read_index_file()?;
        let mut found = Vec::new();
        for entry in index.entries().filter(|entry| entry.is_attachment()) {
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
            let Ok(manifest) = read_manifest(&self.layout, descriptor) else {
                continue;
            };
            let own = manifest.subject.as_ref().map(|own| own.digest);
            if own.is_some() && (subject.is_none() || own.as_ref() == subject) {
                found.push((descriptor.clone(), manifest));
            }
        }
        Ok(found)
    }

    fn write_signature(&self, subject: &Descriptor, attachment: &Attachment) -> Result<()> {
        let writer = self.writer()?;
        let others = self.attachments(Some(&subject.digest))?;
        let PackedAttachment {
            blobs,
            mut descriptor,
            content,
        } = attachment.pack(subject);
        if others.len() >= SIGNATURES_MAX
            && !others
                .iter()
                .any(|(other, _)| other.digest == descriptor.digest)
        {
            let message = format!("it has {SIGNATURES_MAX} signatures already");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        for (blob, mut content) in blobs {
            writer.write_blob(&blob, &mut content)?;
        }
        writer.write_blob(&descriptor, &mut content.as_slice())?;
        let hint = (annotation::SUBJECT.to_owned(), subject.digest.to_string());
        descriptor.annotations.extend([hint]);
        writer.publish_attachment(&descriptor)
    }
}

impl StoreWriter<'_> {
    /// Lists an attachment whose blobs have all been written.
    pub(super) fn publish_attachment(&self, descriptor: &Descriptor) -> Result<()> {
        self.sync_blobs()?;
        self.store.change_index(|index| {
            index.add_attachment(descriptor.clone());
            Ok(())
        })
    }
}

/// Whether an entry about an image can go: what it is about is none of `kept`, or it is damaged.
pub(super) fn is_orphan(layout: &Layout, entry: &Entry, kept: impl Fn(&Digest) -> bool) -> bool {
    if !entry.is_attachment() {
        return false;
    }
    let manifest = entry
        .descriptor()
        .and_then(|descriptor| read_manifest(layout, descriptor));
    let subject = manifest.ok().and_then(|manifest| manifest.subject);
    !subject.is_some_and(|subject| kept(&subject.digest))
}

/// All blobs of an attachment.
pub(super) fn blobs(layout: &Layout, descriptor: &Descriptor) -> Vec<Descriptor> {
    closure(layout, descriptor).blobs.into_values().collect()
}

fn read_manifest(layout: &Layout, descriptor: &Descriptor) -> Result<Manifest> {
    Manifest::parse(&layout.read_blob(descriptor, MANIFEST_BYTES_MAX)?)
}

fn read_layers(layout: &Layout, manifest: Manifest) -> Result<Attachment> {
    let artifact_type = manifest.artifact_type.unwrap_or_default();
    let mut layers = Vec::new();
    for layer in manifest.layers {
        let content = layout.read_blob(&layer, SIGNATURE_BYTES_MAX)?;
        layers.push((layer.media_type, layer.annotations, content));
    }
    Ok(Attachment {
        artifact_type,
        layers,
        annotations: manifest.annotations,
    })
}
