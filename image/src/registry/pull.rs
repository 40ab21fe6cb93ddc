//! From a registry into the store.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::Method;
use reqwest::header::{CONTENT_RANGE, RANGE};

use super::auth::Scope;
use super::http::{Request, Response, protocol};
use super::progress::Progress;
use super::retry::{Attempt, Backoff, Failure, Retry, retrying};
use super::{
    Registry, content_digest, content_type, in_operation, manifest_request, on_own_thread,
    pull_scope, transfer, which,
};
use crate::document::{Index, Manifest, from_json};
use crate::layout::choose_platform;
use crate::limits::{
    BLOB_BYTES_MAX, INDEX_DEPTH_MAX, MANIFEST_BYTES_MAX, PULL_BYTES_MAX, RESTARTS_MAX,
};
use crate::store::{PartialBlob, Resumed, Store, StoreWriter};
use crate::{Descriptor, Digest, Error, ErrorKind, Platform, Reference, Result, media_type};

/// An attempt that got this far was no failure of the registry as a whole.
const PROGRESS_BYTES_MIN: u64 = 64 << 10;

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
struct Fetched {
    descriptor: Descriptor,
    content: Vec<u8>,
}

impl Registry {
    /// Pulls `reference` into `store`, under the same name.
    ///
    /// A pull that fails leaves the name as it was; what was downloaded is found by the next one.
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
        on_own_thread(|| self.pull_image(store, reference, platforms))
            .map_err(|error| error.context(format_args!("pull image {reference}")))
    }

    fn pull_image(
        &self,
        store: &Store,
        reference: &Reference,
        platforms: &Platforms,
    ) -> Result<Pulled> {
        let scope = pull_scope(reference)?;
        let writer = store.writer()?;
        let root = self.fetch_root(&scope, reference)?;
        let root_descriptor = root.descriptor.clone();
        let blobs = self.fetch_manifests(&scope, reference, &writer, root, platforms)?;
        let bytes = check_sizes(&blobs)?;
        (self.options.progress)(&Progress::Planned {
            blobs: blobs.len(),
            bytes,
        });
        let downloaded = AtomicU64::new(0);
        transfer::each(&blobs, |blob| {
            let bytes = self.download(&scope, reference, &writer, blob)?;
            downloaded.fetch_add(bytes, Ordering::Relaxed);
            Ok(())
        })?;
        writer.publish(reference, &root_descriptor)?;
        Ok(Pulled {
            descriptor: root_descriptor,
            downloaded: downloaded.into_inner(),
        })
    }

    fn fetch_root(&self, scope: &Scope, reference: &Reference) -> Result<Fetched> {
        let expected = reference.digest();
        let check = |digest: Digest, _| match expected {
            Some(expected) if digest != expected => Err(mismatch(expected, digest)),
            _ => Ok(()),
        };
        self.fetch_manifest(scope, reference, &which(reference), check)
    }

    /// Writes the manifests below `root` into the store; returns the blobs that they need.
    fn fetch_manifests(
        &self,
        scope: &Scope,
        reference: &Reference,
        writer: &StoreWriter,
        root: Fetched,
        platforms: &Platforms,
    ) -> Result<Vec<Descriptor>> {
        let mut blobs: BTreeMap<Digest, Descriptor> = BTreeMap::new();
        let mut pending = vec![(root, 0)];
        while let Some((fetched, depth)) = pending.pop() {
            let Fetched {
                descriptor,
                content,
            } = fetched;
            writer.write_blob(&descriptor, &mut content.as_slice())?;
            if !media_type::is_index(&descriptor.media_type) {
                let manifest = Manifest::parse(&content)?;
                let parts = std::iter::once(manifest.config).chain(manifest.layers);
                blobs.extend(parts.map(|part| (part.digest, part)));
                continue;
            }
            if depth == INDEX_DEPTH_MAX {
                let message = format!("indexes are nested deeper than {INDEX_DEPTH_MAX}");
                return Err(Error::new(ErrorKind::Corrupt, message));
            }
            for child in wanted(&Index::parse(&content)?, platforms)? {
                pending.push((self.fetch_child(scope, reference, &child)?, depth + 1));
            }
        }
        Ok(blobs.into_values().collect())
    }

    fn fetch_child(
        &self,
        scope: &Scope,
        reference: &Reference,
        child: &Descriptor,
    ) -> Result<Fetched> {
        let check = |digest: Digest, size| {
            if digest != child.digest || size != child.size {
                return Err(mismatch(child.digest, digest));
            }
            Ok(())
        };
        let mut fetched =
            self.fetch_manifest(scope, reference, &child.digest.to_string(), check)?;
        fetched.descriptor.media_type = child.media_type.clone();
        Ok(fetched)
    }

    fn fetch_manifest(
        &self,
        scope: &Scope,
        reference: &Reference,
        which: &str,
        check: impl Fn(Digest, u64) -> Result<()>,
    ) -> Result<Fetched> {
        let operation = format!("fetch manifest {which}");
        retrying(self.options.retry, &self.options.progress, || {
            let url = self.manifest_url(reference, which)?;
            let request = manifest_request(Method::GET, url);
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

    /// Returns how many bytes were downloaded.
    fn download(
        &self,
        scope: &Scope,
        reference: &Reference,
        writer: &StoreWriter,
        blob: &Descriptor,
    ) -> Result<u64> {
        let report = &self.options.progress;
        let mut partial = match writer.resume_blob(blob)? {
            Resumed::Present => {
                report(&Progress::Present(blob));
                return Ok(0);
            }
            Resumed::Partial(partial) => partial,
        };
        let mut backoff = Backoff::new(self.options.retry, report);
        let mut restarts = 0;
        let mut downloaded = 0;
        loop {
            let before = partial.len();
            report(&Progress::Started {
                blob,
                offset: before,
            });
            let attempt = self.download_rest(scope, reference, blob, &mut partial);
            let gained = partial.len().saturating_sub(before);
            downloaded += gained;
            if gained >= PROGRESS_BYTES_MIN {
                backoff.progressed();
            }
            match attempt {
                Err(failure) => backoff.pause(failure)?,
                Ok(()) => match partial.finish() {
                    Ok(()) => {
                        report(&Progress::Finished(blob));
                        return Ok(downloaded);
                    }
                    Err(error) if error.kind() == ErrorKind::Corrupt && restarts < RESTARTS_MAX => {
                        restarts += 1;
                        backoff.pause(damaged(error))?;
                    }
                    Err(error) => return Err(error),
                },
            }
        }
    }

    /// One request for what is missing.
    fn download_rest(
        &self,
        scope: &Scope,
        reference: &Reference,
        blob: &Descriptor,
        partial: &mut PartialBlob,
    ) -> Attempt<()> {
        let offset = partial.len();
        if offset == blob.size {
            return Ok(());
        }
        let operation = format!("download blob {}", blob.digest);
        let url = self.url(reference, &format!("blobs/{}", blob.digest))?;
        let range = (offset > 0).then(|| (RANGE, format!("bytes={offset}-")));
        let headers = range.into_iter().collect();
        let request = Request {
            method: Method::GET,
            url,
            headers,
            content: &[],
        };
        let response = self
            .send(scope, &request)
            .map_err(in_operation(&operation))?;
        match response.status {
            206 if starts_at(&response, offset) => {}
            // The registry knows no ranges, or sends another one.
            200 => partial.restart()?,
            206 | 416 => {
                partial.restart()?;
                let message = format!("{operation}: the registry sent another range");
                return Err(Failure::transient(message));
            }
            _ => return Err(response.into_failure(&operation)),
        }
        self.copy_body(response, blob, partial)
    }

    fn copy_body(
        &self,
        mut response: Response,
        blob: &Descriptor,
        partial: &mut PartialBlob,
    ) -> Attempt<()> {
        while partial.len() < blob.size {
            let Some(piece) = response.piece()? else {
                let (got, size) = (partial.len(), blob.size);
                let message = format!("download blob {}: cut at {got} of {size}", blob.digest);
                return Err(Failure::transient(message));
            };
            // More than was announced is not what was asked for: the digest would differ.
            let rest = usize::try_from(blob.size - partial.len()).unwrap_or(usize::MAX);
            let piece = &piece[..piece.len().min(rest)];
            partial.write(piece)?;
            (self.options.progress)(&Progress::Advanced {
                blob,
                bytes: piece.len() as u64,
            });
        }
        Ok(())
    }
}

/// The manifests of an index that are to be fetched.
fn wanted(index: &Index, platforms: &Platforms) -> Result<Vec<Descriptor>> {
    match platforms {
        Platforms::Only(platform) => Ok(vec![choose_platform(&index.manifests, platform)?.clone()]),
        Platforms::All => {
            let is_image = |descriptor: &&Descriptor| {
                media_type::is_manifest(&descriptor.media_type)
                    || media_type::is_index(&descriptor.media_type)
            };
            Ok(index.manifests.iter().filter(is_image).cloned().collect())
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

/// RFC 9110, section 14.4: `bytes <first>-<last>/<size>`.
fn starts_at(response: &Response, offset: u64) -> bool {
    response
        .header(&CONTENT_RANGE)
        .and_then(|text| text.trim().strip_prefix("bytes"))
        .and_then(|text| text.trim_start().split_once('-'))
        .is_some_and(|(first, _)| first.parse() == Ok(offset))
}

fn mismatch(expected: Digest, found: Digest) -> Error {
    let message = format!("digest mismatch: expected {expected}, its content is {found}");
    Error::new(ErrorKind::Corrupt, message)
}

fn damaged(error: Error) -> Failure {
    Failure {
        error,
        retry: Retry::After(None),
    }
}
