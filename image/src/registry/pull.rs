//! From a registry into the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::Method;

use super::auth::Scope;
use super::http::protocol;
use super::progress::Progress;
use super::retry::{Failure, Retry, retrying};
use super::{
    Registry, content_digest, content_type, in_operation, manifest_request, on_own_thread,
    pull_scope, transfer, which,
};
use crate::document::{Index, Manifest, from_json};
use crate::layout::{Layout, choose_platform};
use crate::limits::{
    BLOB_BYTES_MAX, INDEX_DEPTH_MAX, INDEX_MANIFESTS_MAX, MANIFEST_BYTES_MAX, PULL_BYTES_MAX,
};
use crate::store::Store;
use crate::{Descriptor, Digest, Error, ErrorKind, Platform, Reference, Result, media_type};

/// Which images of an index are pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Platforms {
    /// The one for this platform.
    Only(Platform),
    /// All, so that the image can be pushed or saved as a whole.
    All,
}

/// What a pull did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pulled {
    /// What the reference names now in the store: the manifest or index that the registry has.
    pub descriptor: Descriptor,
    /// Bytes that were downloaded, manifests not counted.
    pub downloaded: u64,
}

/// A manifest or index, verified.
pub(super) struct Fetched {
    pub(super) descriptor: Descriptor,
    pub(super) content: Vec<u8>,
}

impl Registry {
    /// Pulls `reference` into `store`, under the same name, from a mirror of its registry if one
    /// has it.
    ///
    /// A pull that fails leaves the name as it was; what was downloaded is found by the next one.
    /// Signatures that cannot be fetched are a warning: an image without them is still an image,
    /// and who requires them looks into the store.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidReference`] for a short name, [`ErrorKind::NotFound`],
    /// [`ErrorKind::NoPlatform`], [`ErrorKind::Unauthorized`], [`ErrorKind::Network`],
    /// [`ErrorKind::Registry`], [`ErrorKind::Corrupt`] and [`ErrorKind::TooLarge`] for what the
    /// registry sends, and failures of the store.
    pub fn pull(
        &self,
        store: &Store,
        reference: &Reference,
        platforms: &Platforms,
    ) -> Result<Pulled> {
        let selection = Selection::Platforms(platforms);
        let pull = |address: &Reference| self.pull_image(store, reference, address, selection);
        let pulled = on_own_thread(|| self.at_mirrors(reference, pull))
            .map_err(|error| error.context(format_args!("pull image {reference}")))?;
        if self.options.signatures {
            match self.pull_signatures(store, &reference.at_digest(pulled.descriptor.digest)) {
                Ok(signatures) => {
                    for reason in signatures.skipped {
                        tracing::warn!("skipped a signature of {reference}: {reason}");
                    }
                }
                Err(error) => tracing::warn!("no signatures of {reference}: {error}"),
            }
        }
        Ok(pulled)
    }

    /// Fetches again what [`Store::check`] found damaged or missing of the image `reference`: the
    /// same image, by its digest, whatever the registry has under that name now.
    ///
    /// # Errors
    /// As [`Registry::pull`], and those of [`Store::resolve`]: an image whose entry in `index.json`
    /// is broken has to be removed and pulled.
    pub fn repair(&self, store: &Store, reference: &Reference) -> Result<Pulled> {
        on_own_thread(|| {
            let address = reference.at_digest(store.resolve(reference)?.digest);
            let selection = Selection::Present(&store.layout);
            self.at_mirrors(&address, |address| {
                self.pull_image(store, reference, address, selection)
            })
        })
        .map_err(|error| error.context(format_args!("repair image {reference}")))
    }

    /// Pulls the image at `address` and calls it `name`.
    fn pull_image(
        &self,
        store: &Store,
        name: &Reference,
        address: &Reference,
        selection: Selection,
    ) -> Result<Pulled> {
        let writer = store.writer()?;
        let walk = Walk::new(self, address, selection)?;
        let root = walk.root()?;
        let descriptor = root.descriptor.clone();
        let (manifests, blobs) = walk.manifests(root)?;
        self.announce(&blobs)?;
        let downloaded = AtomicU64::new(0);
        transfer::each(&blobs, |blob| {
            let bytes = self.download(&walk.scope, address, &writer, blob)?;
            downloaded.fetch_add(bytes, Ordering::Relaxed);
            Ok(())
        })?;
        // After their parts, and each after those that it names: where a manifest is, its image is.
        for Fetched {
            descriptor,
            content,
        } in manifests.iter().rev()
        {
            writer.write_blob(descriptor, &mut content.as_slice())?;
        }
        writer.publish(name, &descriptor)?;
        Ok(Pulled {
            descriptor,
            downloaded: downloaded.into_inner(),
        })
    }

    /// Checks what is going to be transferred, and tells about it.
    pub(super) fn announce(&self, blobs: &[Descriptor]) -> Result<()> {
        let bytes = check_sizes(blobs)?;
        (self.options.progress)(&Progress::Planned {
            blobs: blobs.len(),
            bytes,
        });
        Ok(())
    }

    /// Fetches a manifest by tag or digest; `check` gets its digest and size.
    pub(super) fn fetch_manifest(
        &self,
        scope: &Scope,
        address: &Reference,
        which: &str,
        check: impl Fn(Digest, u64) -> Result<()>,
    ) -> Result<Fetched> {
        let operation = format!("fetch manifest {which}");
        retrying(self.retry_at(address), &self.options.progress, || {
            let request = manifest_request(Method::GET, self.manifest_url(address, which)?);
            let response = self
                .send(scope, &request)
                .map_err(in_operation(&operation))?;
            if response.status != 200 {
                return Err(response.into_failure(&operation));
            }
            let stated = content_digest(&response);
            let header_type = content_type(&response);
            let content = response.into_bytes(MANIFEST_BYTES_MAX)?;
            let digest = Digest::of(&content);
            // What was damaged on the way may arrive whole the next time.
            if let Some(stated) = stated.filter(|stated| *stated != digest) {
                return Err(damaged(mismatch(stated, digest).context(&operation)));
            }
            check(digest, content.len() as u64)
                .map_err(|error| damaged(error.context(&operation)))?;
            let media_type = manifest_type(&content, header_type)?;
            let descriptor = Descriptor::of(media_type, &content);
            Ok(Fetched {
                descriptor,
                content,
            })
        })
    }
}

/// Which manifests of an index are fetched.
#[derive(Clone, Copy)]
pub(super) enum Selection<'s> {
    Platforms(&'s Platforms),
    /// Those of which there is something in the store.
    Present(&'s Layout),
}

/// Fetches the manifests of one image.
pub(super) struct Walk<'w> {
    registry: &'w Registry,
    address: &'w Reference,
    pub(super) scope: Scope,
    selection: Selection<'w>,
}

impl<'w> Walk<'w> {
    pub(super) fn new(
        registry: &'w Registry,
        address: &'w Reference,
        selection: Selection<'w>,
    ) -> Result<Self> {
        Ok(Self {
            registry,
            address,
            scope: pull_scope(address)?,
            selection,
        })
    }

    /// What the address names.
    pub(super) fn root(&self) -> Result<Fetched> {
        self.registry.fetch_manifest(
            &self.scope,
            self.address,
            &which(self.address),
            |digest, _| match self.address.digest() {
                Some(expected) if digest != expected => Err(mismatch(expected, digest)),
                _ => Ok(()),
            },
        )
    }

    /// The manifests below `root`, each before those that it names, and the blobs that they need.
    pub(super) fn manifests(&self, root: Fetched) -> Result<(Vec<Fetched>, Vec<Descriptor>)> {
        let mut blobs: BTreeMap<Digest, Descriptor> = BTreeMap::new();
        let mut seen = BTreeSet::from([root.descriptor.digest]);
        let mut fetched = Vec::new();
        let mut level = vec![root];
        for depth in 0.. {
            let mut below = Vec::new();
            for Fetched {
                descriptor,
                content,
            } in &level
            {
                if !media_type::is_index(&descriptor.media_type) {
                    let manifest = Manifest::parse(content)?;
                    let parts = std::iter::once(manifest.config).chain(manifest.layers);
                    blobs.extend(parts.map(|part| (part.digest, part)));
                    continue;
                }
                for child in self.selection.choose(&Index::parse(content)?)? {
                    if seen.insert(child.digest) {
                        check_count(seen.len(), depth)?;
                        below.push(self.child(&child)?);
                    }
                }
            }
            fetched.append(&mut level);
            level = below;
            if level.is_empty() {
                break;
            }
        }
        Ok((fetched, blobs.into_values().collect()))
    }

    fn child(&self, child: &Descriptor) -> Result<Fetched> {
        let which = child.digest.to_string();
        let mut fetched =
            self.registry
                .fetch_manifest(&self.scope, self.address, &which, |digest, size| {
                    if digest != child.digest || size != child.size {
                        return Err(mismatch(child.digest, digest));
                    }
                    Ok(())
                })?;
        fetched.descriptor.media_type = child.media_type.clone();
        Ok(fetched)
    }
}

impl Selection<'_> {
    fn choose(self, index: &Index) -> Result<Vec<Descriptor>> {
        let is_image = |descriptor: &&Descriptor| {
            media_type::is_manifest(&descriptor.media_type)
                || media_type::is_index(&descriptor.media_type)
        };
        let images = index.manifests.iter().filter(is_image);
        match self {
            Self::Platforms(Platforms::Only(platform)) => {
                Ok(vec![choose_platform(&index.manifests, platform)?.clone()])
            }
            Self::Platforms(Platforms::All) => Ok(images.cloned().collect()),
            Self::Present(layout) => {
                let is_there = |image: &&Descriptor| layout.blob_path(&image.digest).exists();
                let present: Vec<Descriptor> = images.filter(is_there).cloned().collect();
                if present.is_empty() {
                    return Ok(vec![
                        choose_platform(&index.manifests, &Platform::host())?.clone(),
                    ]);
                }
                Ok(present)
            }
        }
    }
}

/// The type that the document itself states, else the header's; never a guess.
fn manifest_type(content: &[u8], header: Option<String>) -> Result<String> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Typed {
        media_type: Option<String>,
    }
    let own = from_json::<Typed>("parse manifest", content)?.media_type;
    let media_type = own.or(header).unwrap_or_default();
    if media_type::is_manifest(&media_type) || media_type::is_index(&media_type) {
        return Ok(media_type);
    }
    let shown: String = media_type.chars().take(100).collect();
    Err(protocol(format!(
        "fetch manifest: its media type {shown:?} is no image's"
    )))
}

/// Indexes of indexes could otherwise name manifests without end.
fn check_count(manifests: usize, depth: usize) -> Result<()> {
    if manifests <= INDEX_MANIFESTS_MAX && depth < INDEX_DEPTH_MAX {
        return Ok(());
    }
    let message = format!(
        "it has more than {INDEX_MANIFESTS_MAX} manifests, or indexes nested deeper than \
         {INDEX_DEPTH_MAX}"
    );
    Err(Error::new(ErrorKind::TooLarge, message))
}

fn check_sizes(blobs: &[Descriptor]) -> Result<u64> {
    let total = blobs
        .iter()
        .fold(0, |sum: u64, blob| sum.saturating_add(blob.size));
    let largest = blobs.iter().map(|blob| blob.size).max().unwrap_or_default();
    if total <= PULL_BYTES_MAX && largest <= BLOB_BYTES_MAX {
        return Ok(total);
    }
    let message = format!("its blobs have {total} bytes, at most {PULL_BYTES_MAX} are allowed");
    Err(Error::new(ErrorKind::TooLarge, message))
}

pub(super) fn mismatch(expected: Digest, found: Digest) -> Error {
    let message = format!("digest mismatch: expected {expected}, its content is {found}");
    Error::new(ErrorKind::Corrupt, message)
}

pub(super) fn damaged(error: Error) -> Failure {
    Failure {
        error,
        retry: Retry::After(None),
    }
}
