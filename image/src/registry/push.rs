//! From the store to a registry.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use super::auth::Scope;
use super::http::Request;
use super::progress::Progress;
use super::pull::Platforms;
use super::retry::{Attempt, retrying};
use super::upload::{Access, Source, Uploader};
use super::{Registry, in_operation, on_own_thread, registry_of, transfer, which};
use crate::document::Index;
use crate::layout::{Layout, closure};
use crate::limits::{INDEX_DEPTH_MAX, MANIFEST_BYTES_MAX};
use crate::store::Store;
use crate::{Descriptor, Digest, Error, ErrorKind, Reference, Result, media_type};

/// Distribution specification, "Pushing Manifests with Subject".
const SUBJECT_HEADER: &str = "oci-subject";

/// What a push did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pushed {
    /// The manifest or index that the target names now.
    pub descriptor: Descriptor,
    /// Bytes that were uploaded, manifests not counted.
    pub uploaded: u64,
}

/// What the requests of one push have in common.
pub(super) struct Target<'t> {
    reference: &'t Reference,
    pub(super) scope: Scope,
    /// Another repository of the same registry, which may have the blobs.
    mount_from: Option<&'t Reference>,
    /// The client for uploads, which keeps connections, and the credentials that it uses.
    uploader: Mutex<Option<(Option<String>, Uploader)>>,
}

impl Registry {
    /// Pushes the image `source` of `store` to `target`, with all platforms of an index.
    ///
    /// Blobs that the registry has are not sent; those that it has in the repository of `source`
    /// are mounted from there. Meanwhile nothing is pruned.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidReference`] for a short name, [`ErrorKind::NotFound`] when the store
    /// lacks the image or a platform of it, [`ErrorKind::Corrupt`] for a damaged blob,
    /// [`ErrorKind::Unauthorized`], [`ErrorKind::Network`], [`ErrorKind::Registry`].
    pub fn push(&self, store: &Store, source: &Reference, target: &Reference) -> Result<Pushed> {
        self.push_selected(store, source, target, &Platforms::All)
    }

    /// The same; with [`Platforms::Only`], `target` becomes the image for that platform alone.
    ///
    /// # Errors
    /// As [`Registry::push`]; [`ErrorKind::NoPlatform`].
    pub fn push_selected(
        &self,
        store: &Store,
        source: &Reference,
        target: &Reference,
        platforms: &Platforms,
    ) -> Result<Pushed> {
        let pushed = on_own_thread(|| self.push_image(store, source, target, platforms))
            .map_err(|error| error.context(format_args!("push image {source} to {target}")))?;
        if self.options.signatures {
            self.push_signatures(store, source, target)?;
        }
        Ok(pushed)
    }

    fn push_image(
        &self,
        store: &Store,
        source: &Reference,
        target: &Reference,
        platforms: &Platforms,
    ) -> Result<Pushed> {
        let _shared = store.share()?;
        let target = Target::new(target, Some(source))?;
        let layout = &store.layout;
        let root = match platforms {
            Platforms::All => single(store.find(source)?)?,
            Platforms::Only(platform) => layout.choose(&store.find(source)?, platform)?,
        };
        target.check_digest(&root)?;
        let manifests = manifests_below(layout, &root)?;
        let blobs = other_blobs(layout, &root, &manifests)?;
        let bytes = blobs
            .iter()
            .fold(0, |sum: u64, blob| sum.saturating_add(blob.size));
        (self.options.progress)(&Progress::Planned {
            blobs: blobs.len(),
            bytes,
        });
        let uploaded = AtomicU64::new(0);
        transfer::each(&blobs, |blob| {
            let bytes = self.push_blob(&target, blob, &|| {
                Ok(Source::Reader(Box::new(layout.open_blob(blob)?)))
            })?;
            uploaded.fetch_add(bytes, Ordering::Relaxed);
            Ok(())
        })?;
        for manifest in &manifests {
            let name = target.name_of(manifest, &root);
            let content = layout.read_blob(manifest, MANIFEST_BYTES_MAX)?;
            self.put_manifest(&target, &name, &manifest.media_type, &content)?;
        }
        Ok(Pushed {
            descriptor: root,
            uploaded: uploaded.into_inner(),
        })
    }

    /// Sends a blob that the registry lacks; `open` yields its content, once an attempt. Returns
    /// how many bytes were uploaded.
    pub(super) fn push_blob(
        &self,
        target: &Target,
        blob: &Descriptor,
        open: &dyn Fn() -> Result<Source>,
    ) -> Result<u64> {
        let report = &self.options.progress;
        retrying(self.options.retry, report, || {
            if self.has_blob(target, blob)? {
                report(&Progress::Present(blob));
                return Ok(0);
            }
            let (runtime, uploader) = (self.http.runtime(), self.uploader(target)?);
            if let Some(from) = target.mount_from
                && runtime.block_on(uploader.mount(blob, from))?
            {
                report(&Progress::Present(blob));
                return Ok(0);
            }
            report(&Progress::Started { blob, offset: 0 });
            runtime.block_on(uploader.upload(blob, open()?, report))?;
            report(&Progress::Finished(blob));
            Ok(blob.size)
        })
    }

    fn has_blob(&self, target: &Target, blob: &Descriptor) -> Attempt<bool> {
        let operation = format!("ask for blob {}", blob.digest);
        let url = self.url(target.reference, &format!("blobs/{}", blob.digest))?;
        let request = Request {
            method: Method::HEAD,
            url,
            headers: Vec::new(),
            content: &[],
        };
        let response = self
            .send(&target.scope, &request)
            .map_err(in_operation(&operation))?;
        match response.status {
            200 => Ok(true),
            404 => Ok(false),
            _ => Err(response.into_failure(&operation)),
        }
    }

    /// With the credentials of now, which the question for the blob has brought.
    fn uploader(&self, target: &Target) -> Result<Uploader> {
        let authorization = self.authenticator.granted(&target.scope);
        // Taken or left alone: whole at any time.
        let mut slot = target
            .uploader
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((used, uploader)) = &*slot
            && *used == authorization
        {
            return Ok(uploader.clone());
        }
        let access = Access {
            is_https: self.url(target.reference, "")?.is_https,
            certificates_pem: &self.options.certificates_pem,
            authorization: authorization.clone(),
        };
        let uploader = self
            .http
            .runtime()
            .block_on(Uploader::new(target.reference, access))?;
        *slot = Some((authorization, uploader.clone()));
        Ok(uploader)
    }

    /// Puts a manifest or index under a tag or its digest. Returns whether the registry keeps
    /// track of what the manifest is about (header `OCI-Subject`).
    pub(super) fn put_manifest(
        &self,
        target: &Target,
        name: &str,
        media_type: &str,
        content: &[u8],
    ) -> Result<bool> {
        let operation = format!("put manifest {name}");
        let request = Request {
            method: Method::PUT,
            url: self.manifest_url(target.reference, name)?,
            headers: vec![(CONTENT_TYPE, media_type.to_owned())],
            content,
        };
        retrying(self.options.retry, &self.options.progress, || {
            let response = self
                .send(&target.scope, &request)
                .map_err(in_operation(&operation))?;
            match response.status {
                200..=204 => Ok(response.headers().contains_key(SUBJECT_HEADER)),
                _ => Err(response.into_failure(&operation)),
            }
        })
    }
}

impl<'t> Target<'t> {
    /// To write to the repository of `reference`; what `source` names may be in another repository
    /// of the same registry.
    pub(super) fn new(reference: &'t Reference, source: Option<&'t Reference>) -> Result<Self> {
        let registry = registry_of(reference)?;
        let mount_from = source.filter(|source| {
            source.registry() == Some(registry) && source.repository() != reference.repository()
        });
        let scope = Scope {
            registry: registry.to_owned(),
            repository: reference.repository().to_owned(),
            writes: true,
            mount_from: mount_from.map(|from| from.repository().to_owned()),
        };
        Ok(Self {
            reference,
            scope,
            mount_from,
            uploader: Mutex::default(),
        })
    }

    /// Under what `manifest` of the image `root` is put.
    pub(super) fn name_of(&self, manifest: &Descriptor, root: &Descriptor) -> String {
        if manifest.digest == root.digest {
            which(self.reference)
        } else {
            manifest.digest.to_string()
        }
    }

    /// A target with a digest names exactly that image.
    pub(super) fn check_digest(&self, root: &Descriptor) -> Result<()> {
        match self.reference.digest() {
            Some(digest) if digest != root.digest => {
                let message = format!("the image has the digest {}", root.digest);
                Err(Error::new(ErrorKind::InvalidReference, message))
            }
            _ => Ok(()),
        }
    }
}

fn single(mut found: Vec<Descriptor>) -> Result<Descriptor> {
    match found.len() {
        1 => Ok(found.remove(0)),
        count => {
            let message = format!("{count} entries of index.json have that name");
            Err(Error::new(ErrorKind::Corrupt, message))
        }
    }
}

/// All manifests of an image, each after those that it names.
fn manifests_below(layout: &Layout, root: &Descriptor) -> Result<Vec<Descriptor>> {
    let mut ordered = Vec::new();
    let mut level = vec![root.clone()];
    for _ in 0..=INDEX_DEPTH_MAX {
        let mut children = Vec::new();
        for index in level
            .iter()
            .filter(|found| media_type::is_index(&found.media_type))
        {
            let bytes = layout.read_blob(index, MANIFEST_BYTES_MAX)?;
            for child in Index::parse(&bytes)?.manifests {
                if !layout.blob_path(&child.digest).exists() {
                    let platform = child
                        .platform
                        .map(|own| own.to_string())
                        .unwrap_or_default();
                    let message =
                        format!("its image for {platform} was not pulled: pull all platforms");
                    return Err(Error::new(ErrorKind::NotFound, message));
                }
                children.push(child);
            }
        }
        ordered.append(&mut level);
        level = children;
    }
    if !level.is_empty() {
        let message = format!("indexes are nested deeper than {INDEX_DEPTH_MAX}");
        return Err(Error::new(ErrorKind::Corrupt, message));
    }
    ordered.reverse();
    let mut seen = BTreeSet::new();
    ordered.retain(|manifest| seen.insert(manifest.digest));
    Ok(ordered)
}

/// Configs and layers.
fn other_blobs(
    layout: &Layout,
    root: &Descriptor,
    manifests: &[Descriptor],
) -> Result<Vec<Descriptor>> {
    let needed = closure(layout, root);
    if let Some((_, error)) = needed.problems.into_iter().next() {
        return Err(error);
    }
    let manifests: BTreeSet<Digest> = manifests.iter().map(|manifest| manifest.digest).collect();
    let blobs = needed.blobs.into_values();
    Ok(blobs
        .filter(|blob| !manifests.contains(&blob.digest))
        .collect())
}
