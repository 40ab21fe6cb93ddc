//! Signatures in the store: manifests about an image, entries of `index.json` without a name.

use super::{Store, StoreWriter};
use crate::document::Descriptor;
use crate::layout::{Entry, Layout, children_of_index, closure};
use crate::limits::SIGNATURES_MAX;
use crate::registry::{Attachment, PackedAttachment};
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
        self.layout.signatures(subject)
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
        self.layout.digests_signed(&self.find(reference)?, manifest)
    }

    fn write_signature(&self, subject: &Descriptor, attachment: &Attachment) -> Result<()> {
        let writer = self.writer()?;
        let others = self.layout.attachments(Some(&subject.digest))?;
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
        .and_then(|descriptor| layout.read_manifest(descriptor));
    let subject = manifest.ok().and_then(|manifest| manifest.subject);
    !subject.is_some_and(|subject| kept(&subject.digest))
}

/// All blobs of an attachment.
pub(super) fn blobs(layout: &Layout, descriptor: &Descriptor) -> Vec<Descriptor> {
    closure(layout, descriptor).blobs.into_values().collect()
}
