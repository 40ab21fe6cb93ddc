//! What is attached to an image: signatures, attestations, lists of ingredients.

use std::io::Cursor;

use reqwest::Method;

use super::auth::Scope;
use super::http::Request;
use super::pull::{damaged, mismatch};
use super::push::Target;
use super::retry::retrying;
use super::upload::Source;
use super::{Registry, in_operation, manifest_request, on_own_thread, pull_scope};
use crate::document::{Index, Manifest, to_json};
use crate::limits::{ATTACHMENT_BYTES_MAX, INDEX_MANIFESTS_MAX, MANIFEST_BYTES_MAX};
use crate::{Annotations, Descriptor, Digest, Error, ErrorKind, Reference, Result, media_type};

const EMPTY: &[u8] = b"{}";

/// A small artifact that is about an image.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attachment {
    /// What it is, a media type.
    pub artifact_type: String,
    /// Its contents: media type, annotations and bytes, of [`ATTACHMENT_BYTES_MAX`] at most.
    pub layers: Vec<(String, Annotations, Vec<u8>)>,
    /// Annotations of its manifest.
    pub annotations: Annotations,
}

impl Attachment {
    /// An attachment with one layer.
    pub fn new(artifact_type: impl Into<String>, media_type: &str, content: Vec<u8>) -> Self {
        let layer = (media_type.to_owned(), Annotations::new(), content);
        Self {
            layers: vec![layer],
            ..Self::empty(artifact_type.into())
        }
    }

    /// An attachment without layers.
    pub(crate) fn empty(artifact_type: String) -> Self {
        Self {
            artifact_type,
            layers: Vec::new(),
            annotations: Annotations::new(),
        }
    }

    /// Its blobs, and its manifest with the descriptor by which it is listed.
    pub(crate) fn pack(&self, subject: &Descriptor) -> PackedAttachment<'_> {
        let mut blobs = vec![(Descriptor::of(media_type::OCI_EMPTY, EMPTY), EMPTY)];
        for (media_type, annotations, content) in &self.layers {
            let mut layer = Descriptor::of(media_type.as_str(), content);
            layer.annotations = annotations.clone();
            blobs.push((layer, content));
        }
        let mut parts = blobs.iter().map(|(blob, _)| blob.clone());
        let config = parts.next().expect("the config is the first");
        let mut manifest = Manifest::new(config, parts.collect());
        manifest.artifact_type = Some(self.artifact_type.clone());
        manifest.annotations = self.annotations.clone();
        manifest.subject = Some(Box::new(plain(subject)));
        let content = to_json(&manifest);
        let mut descriptor = Descriptor::of(media_type::OCI_MANIFEST, &content);
        descriptor.artifact_type = Some(self.artifact_type.clone());
        descriptor.annotations = self.annotations.clone();
        PackedAttachment {
            blobs,
            descriptor,
            content,
        }
    }
}

/// An attachment as a manifest about an image.
pub(crate) struct PackedAttachment<'a> {
    /// Config and layers.
    pub(crate) blobs: Vec<(Descriptor, &'a [u8])>,
    /// How the manifest is listed.
    pub(crate) descriptor: Descriptor,
    /// The manifest.
    pub(crate) content: Vec<u8>,
}

impl Registry {
    /// Lists what is attached to the manifest or index `subject` in the repository of `reference`,
    /// by the referrers API, or by the tag that replaces it at registries without. A mirror
    /// that has something goes before the registry itself.
    ///
    /// Everybody who can write to the repository can attach; nothing of it is trusted yet.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthorized`], [`ErrorKind::Network`], [`ErrorKind::Registry`],
    /// [`ErrorKind::Corrupt`]. Nothing attached is an empty list.
    pub fn referrers(&self, reference: &Reference, subject: &Digest) -> Result<Vec<Descriptor>> {
        on_own_thread(|| self.referrers_at(reference, subject))
            .map(|(_, listed)| listed)
            .map_err(|error| error.context(format_args!("list what is attached to {subject}")))
    }

    /// Fetches an attachment that [`Registry::referrers`] listed, verified.
    ///
    /// # Errors
    /// As [`Registry::referrers`]; [`ErrorKind::TooLarge`].
    pub fn attachment(&self, reference: &Reference, listed: &Descriptor) -> Result<Attachment> {
        let fetch = |address: &Reference| self.fetch_attachment(address, listed);
        on_own_thread(|| self.at_mirrors(reference, fetch))
            .map_err(|error| error.context(format_args!("fetch attachment {}", listed.digest)))
    }

    /// Attaches `attachment` to the image `subject` in the repository of `reference`. Where the
    /// registry has no referrers API, the tag that replaces it is written too; two that do so at
    /// the same moment may lose one of the entries (the specification offers no way around).
    ///
    /// # Errors
    /// As [`Registry::push`].
    pub fn attach(
        &self,
        reference: &Reference,
        subject: &Descriptor,
        attachment: &Attachment,
    ) -> Result<Descriptor> {
        on_own_thread(|| self.push_attachment(reference, subject, attachment))
            .map_err(|error| error.context(format_args!("attach to {}", subject.digest)))
    }

    /// What is attached, and the mirror or registry where that is.
    pub(super) fn referrers_at(
        &self,
        reference: &Reference,
        subject: &Digest,
    ) -> Result<(Reference, Vec<Descriptor>)> {
        let list = |address: &Reference| self.list_referrers(address, subject);
        self.first_list(reference, list, Vec::is_empty)
    }

    pub(super) fn list_referrers(
        &self,
        reference: &Reference,
        subject: &Digest,
    ) -> Result<Vec<Descriptor>> {
        let scope = pull_scope(reference)?;
        for path in [
            format!("referrers/{subject}"),
            format!("manifests/{}", fallback_tag(subject)),
        ] {
            if let Some(index) = self.fetch_index(&scope, reference, &path)? {
                return Ok(index.manifests);
            }
        }
        Ok(Vec::new())
    }

    pub(super) fn push_attachment(
        &self,
        reference: &Reference,
        subject: &Descriptor,
        attachment: &Attachment,
    ) -> Result<Descriptor> {
        let target = Target::new(reference, None)?;
        let PackedAttachment {
            blobs,
            descriptor,
            content,
        } = attachment.pack(subject);
        for (blob, content) in blobs {
            self.push_bytes(&target, &blob, content)?;
        }
        let name = descriptor.digest.to_string();
        let is_tracked = self.put_manifest(&target, &name, &descriptor.media_type, &content)?;
        if !is_tracked {
            self.list_in_fallback(&target, reference, subject, &descriptor)?;
        }
        Ok(descriptor)
    }

    /// Distribution specification, "Referrers Tag Schema".
    pub(super) fn list_in_fallback(
        &self,
        target: &Target,
        reference: &Reference,
        subject: &Descriptor,
        descriptor: &Descriptor,
    ) -> Result<()> {
        let tag = fallback_tag(&subject.digest);
        let path = format!("manifests/{tag}");
        let found = self.fetch_index(&target.scope, reference, &path)?;
        let mut index = found.unwrap_or_else(|| Index::new(Vec::new()));
        if index
            .manifests
            .iter()
            .any(|listed| listed.digest == descriptor.digest)
        {
            return Ok(());
        }
        if index.manifests.len() >= INDEX_MANIFESTS_MAX {
            let message = format!("there are {INDEX_MANIFESTS_MAX} attachments already");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        index.artifact_type = None;
        index.manifests.push(descriptor.clone());
        self.put_manifest(target, &tag, media_type::OCI_INDEX, &to_json(&index))
            .map(drop)
    }

    pub(super) fn push_bytes(
        &self,
        target: &Target,
        blob: &Descriptor,
        content: &[u8],
    ) -> Result<()> {
        if blob.size > ATTACHMENT_BYTES_MAX {
            return Err(too_large(blob));
        }
        self.push_blob(target, blob, &|| {
            Ok(Source::Reader(Box::new(Cursor::new(content.to_vec()))))
        })
        .map(drop)
    }

    /// `None` when the registry has none there.
    fn fetch_index(
        &self,
        scope: &Scope,
        reference: &Reference,
        path: &str,
    ) -> Result<Option<Index>> {
        retrying(self.retry_at(reference), &self.options.progress, || {
            let request = manifest_request(Method::GET, self.url(reference, path)?);
            let response = self
                .send(scope, &request)
                .map_err(in_operation("fetch the list"))?;
            match response.status {
                200 => Ok(Some(Index::parse(
                    &response.into_bytes(MANIFEST_BYTES_MAX)?,
                )?)),
                404 => Ok(None),
                _ => Err(response.into_failure("fetch the list")),
            }
        })
    }

    pub(super) fn fetch_attachment(
        &self,
        reference: &Reference,
        listed: &Descriptor,
    ) -> Result<Attachment> {
        let scope = pull_scope(reference)?;
        let which = listed.digest.to_string();
        let fetched = self.fetch_manifest(&scope, reference, &which, |digest, _| {
            if digest == listed.digest {
                Ok(())
            } else {
                Err(mismatch(listed.digest, digest))
            }
        })?;
        let manifest = Manifest::parse(&fetched.content)?;
        self.fetch_layers(&scope, reference, manifest)
    }

    /// Fetches what an attachment's manifest names.
    pub(super) fn fetch_layers(
        &self,
        scope: &Scope,
        reference: &Reference,
        manifest: Manifest,
    ) -> Result<Attachment> {
        let mut layers = Vec::new();
        let mut total = 0_u64;
        for layer in manifest.layers {
            total = total.saturating_add(layer.size);
            if total > ATTACHMENT_BYTES_MAX {
                return Err(too_large(&layer));
            }
            let content = self.fetch_small(scope, reference, &layer)?;
            layers.push((layer.media_type, layer.annotations, content));
        }
        // Before version 1.1 of the specification the config's type said it.
        let artifact_type = manifest.artifact_type.unwrap_or(manifest.config.media_type);
        Ok(Attachment {
            artifact_type,
            layers,
            annotations: manifest.annotations,
        })
    }

    fn fetch_small(
        &self,
        scope: &Scope,
        reference: &Reference,
        blob: &Descriptor,
    ) -> Result<Vec<u8>> {
        let operation = format!("fetch blob {}", blob.digest);
        retrying(self.retry_at(reference), &self.options.progress, || {
            let url = self.url(reference, &format!("blobs/{}", blob.digest))?;
            let request = Request {
                method: Method::GET,
                url,
                headers: Vec::new(),
                content: &[],
            };
            let response = self
                .send(scope, &request)
                .map_err(in_operation(&operation))?;
            if response.status != 200 {
                return Err(response.into_failure(&operation));
            }
            let content = response.into_bytes(blob.size)?;
            let found = Digest::of(&content);
            if found != blob.digest {
                return Err(damaged(mismatch(blob.digest, found).context(&operation)));
            }
            Ok(content)
        })
    }
}

/// The tag that stands for the referrers API: `sha256-<hex>`.
pub(super) fn fallback_tag(subject: &Digest) -> String {
    format!("sha256-{}", subject.hex())
}

/// Type, digest and size alone, as a subject is described.
fn plain(descriptor: &Descriptor) -> Descriptor {
    Descriptor {
        media_type: descriptor.media_type.clone(),
        digest: descriptor.digest,
        size: descriptor.size,
        artifact_type: None,
        platform: None,
        annotations: Annotations::new(),
    }
}

fn too_large(blob: &Descriptor) -> Error {
    let message = format!(
        "blob {}: more than {ATTACHMENT_BYTES_MAX} bytes",
        blob.digest
    );
    Error::new(ErrorKind::TooLarge, message)
}
