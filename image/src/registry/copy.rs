//! From one registry to another, or to another repository, without a store in between.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use bytes::Bytes;
use tokio::sync::mpsc::{Sender, channel};

use super::auth::Scope;
use super::download::{BlobSink, PROGRESS_BYTES_MIN};
use super::pull::{Fetched, Platforms, Selection, Walk};
use super::push::Target;
use super::referrers::fallback_tag;
use super::retry::{Attempt, Backoff};
use super::upload::Source;
use super::{Registry, on_own_thread, transfer};
use crate::limits::{ATTACHMENTS_DEPTH_MAX, ATTACHMENTS_MAX};
use crate::signature::may_be_signature;
use crate::{Descriptor, Error, ErrorKind, Reference, Result, media_type};

/// Pieces that wait for the upload: a quarter of a megabyte, whatever the size of the blob.
const PIECES_MAX: usize = 16;

/// How cosign's older form names the tags of what it attaches: `sha256-<hex>.sig`, the first being
/// that of signatures.
const TAGGED_ATTACHMENTS: [&str; 3] = ["sig", "att", "sbom"];

/// What is copied of that which is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attached {
    Nothing,
    Signatures,
    All,
}

/// What a copy did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Copied {
    /// The manifest or index that the target names now.
    pub descriptor: Descriptor,
    /// Bytes that were uploaded, manifests not counted.
    pub uploaded: u64,
    /// Attachments that were copied, or were there.
    pub attachments: usize,
}

/// What was copied of one manifest or index.
struct Tree {
    root: Descriptor,
    manifests: Vec<Descriptor>,
    uploaded: u64,
    /// The registry lists by itself what the manifest is about.
    is_tracked: bool,
}

impl Registry {
    /// Copies the image `source` to `target`, byte for byte: the same digests. Memory stays flat,
    /// nothing is written to disk, and a download that breaks continues while the upload waits.
    ///
    /// With [`Platforms::Only`], `target` becomes the image for that platform alone. Whether
    /// signatures are taken along,
    /// [`RegistryOptions::signatures`](super::RegistryOptions::signatures) says.
    ///
    /// # Errors
    /// As [`Registry::pull`] and [`Registry::push`].
    pub fn copy(
        &self,
        source: &Reference,
        target: &Reference,
        platforms: &Platforms,
    ) -> Result<Copied> {
        let attached = match self.options.signatures {
            true => Attached::Signatures,
            false => Attached::Nothing,
        };
        self.copy_all(source, target, platforms, attached)
    }

    /// The same, with all that is attached to the image and to its manifests (signatures, lists of
    /// ingredients): referrers, and the tags that older signatures have.
    ///
    /// # Errors
    /// As [`Registry::copy`]; [`ErrorKind::TooLarge`] for more attachments than
    /// [`ATTACHMENTS_MAX`].
    pub fn copy_with_attachments(
        &self,
        source: &Reference,
        target: &Reference,
        platforms: &Platforms,
    ) -> Result<Copied> {
        self.copy_all(source, target, platforms, Attached::All)
    }

    fn copy_all(
        &self,
        source: &Reference,
        target: &Reference,
        platforms: &Platforms,
        attached: Attached,
    ) -> Result<Copied> {
        on_own_thread(|| {
            let copy = |address: &Reference| self.copy_tree(address, target, platforms);
            let tree = self.at_mirrors(source, copy)?;
            let subjects = tree.manifests.clone();
            let mut copied = Copied {
                descriptor: tree.root,
                uploaded: tree.uploaded,
                attachments: 0,
            };
            if attached != Attached::Nothing {
                self.copy_attachments(source, target, subjects, attached, &mut copied)?;
            }
            Ok(copied)
        })
        .map_err(|error: Error| error.context(format_args!("copy image {source} to {target}")))
    }

    fn copy_tree(
        &self,
        source: &Reference,
        target: &Reference,
        platforms: &Platforms,
    ) -> Result<Tree> {
        let target = Target::new(target, Some(source))?;
        let walk = Walk::new(self, source, Selection::Platforms(platforms))?;
        let (mut manifests, blobs) = walk.manifests(walk.root()?)?;
        if matches!(platforms, Platforms::Only(_)) {
            // An index would name images that are not at the target.
            manifests.retain(|fetched| !media_type::is_index(&fetched.descriptor.media_type));
        }
        let root = manifests.first().map(|fetched| fetched.descriptor.clone());
        let root = root.ok_or_else(|| Error::new(ErrorKind::Corrupt, "its index is empty"))?;
        target.check_digest(&root)?;
        self.announce(&blobs)?;
        let uploaded = AtomicU64::new(0);
        transfer::each(&blobs, |blob| {
            let bytes = self.copy_blob(&walk.scope, source, &target, blob)?;
            uploaded.fetch_add(bytes, Ordering::Relaxed);
            Ok(())
        })?;
        let mut is_tracked = false;
        // Each after those that it names; the root is the last.
        for Fetched {
            descriptor,
            content,
        } in manifests.iter().rev()
        {
            let name = target.name_of(descriptor, &root);
            is_tracked = self.put_manifest(&target, &name, &descriptor.media_type, content)?;
        }
        Ok(Tree {
            root,
            manifests: manifests.into_iter().map(|one| one.descriptor).collect(),
            uploaded: uploaded.into_inner(),
            is_tracked,
        })
    }

    fn copy_attachments(
        &self,
        source: &Reference,
        target: &Reference,
        subjects: Vec<Descriptor>,
        attached: Attached,
        copied: &mut Copied,
    ) -> Result<()> {
        let mut seen = BTreeSet::new();
        let mut level = subjects;
        // What is attached may have attachments of its own: a signed list of ingredients.
        for _ in 0..ATTACHMENTS_DEPTH_MAX {
            let mut below = Vec::new();
            for subject in level {
                let (from, mut all) = self.referrers_at(source, &subject.digest)?;
                all.retain(|listed| attached.takes(listed));
                for listed in all {
                    if seen.insert(listed.digest) {
                        check_count(seen.len())?;
                        let tree = self.copy_listed(&from, target, &subject, &listed)?;
                        copied.uploaded += tree.uploaded;
                        below.push(listed);
                    }
                }
                for suffix in attached.tagged() {
                    let tag = format!("{}.{suffix}", fallback_tag(&subject.digest));
                    if let Some(tree) = self.copy_tagged(source, target, &tag)? {
                        seen.insert(tree.root.digest);
                        copied.uploaded += tree.uploaded;
                    }
                }
            }
            level = below;
        }
        copied.attachments = seen.len();
        Ok(())
    }

    fn copy_listed(
        &self,
        source: &Reference,
        target: &Reference,
        subject: &Descriptor,
        listed: &Descriptor,
    ) -> Result<Tree> {
        let (from, to) = (
            source.at_digest(listed.digest),
            target.at_digest(listed.digest),
        );
        let tree = self
            .copy_tree(&from, &to, &Platforms::All)
            .map_err(|error| error.context(format_args!("copy attachment {}", listed.digest)))?;
        if !tree.is_tracked {
            self.list_in_fallback(&Target::new(target, None)?, target, subject, listed)?;
        }
        Ok(tree)
    }

    /// `None` when there is no such tag.
    fn copy_tagged(
        &self,
        source: &Reference,
        target: &Reference,
        tag: &str,
    ) -> Result<Option<Tree>> {
        let (from, to) = (source.at_tag(tag)?, target.at_tag(tag)?);
        let is_there = |address: &Reference| match self.resolve_manifest(address) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        };
        match self.first_list(&from, is_there, |is_there| !is_there)? {
            (place, true) => self.copy_tree(&place, &to, &Platforms::All).map(Some),
            (_, false) => Ok(None),
        }
    }

    fn copy_blob(
        &self,
        scope: &Scope,
        source: &Reference,
        target: &Target,
        blob: &Descriptor,
    ) -> Result<u64> {
        thread::scope(|downloads| {
            self.push_blob(target, blob, &|| {
                let (pieces, receiver) = channel(PIECES_MAX);
                downloads.spawn(move || self.send_pieces(scope, source, blob, pieces));
                Ok(Source::Pieces(receiver))
            })
        })
    }

    /// Downloads a blob into a channel, as long as somebody takes it.
    fn send_pieces(
        &self,
        scope: &Scope,
        source: &Reference,
        blob: &Descriptor,
        pieces: Sender<Attempt<Bytes>>,
    ) {
        let mut backoff = Backoff::new(self.retry_at(source), &self.options.progress);
        let mut sink = Pieces { pieces, len: 0 };
        loop {
            let before = sink.len;
            let Err(failure) = self.download_rest(scope, source, blob, &mut sink) else {
                return;
            };
            if sink.len - before >= PROGRESS_BYTES_MIN {
                backoff.progressed();
            }
            if sink.pieces.is_closed() {
                return;
            }
            if let Err(error) = backoff.pause(failure) {
                // Nobody is there when the upload has failed as well.
                let _ = sink.pieces.blocking_send(Err(error.into()));
                return;
            }
        }
    }
}

/// The way to an upload.
struct Pieces {
    pieces: Sender<Attempt<Bytes>>,
    len: u64,
}

impl BlobSink for Pieces {
    fn len(&self) -> u64 {
        self.len
    }

    fn write(&mut self, piece: Bytes) -> Attempt<()> {
        let len = piece.len() as u64;
        self.pieces
            .blocking_send(Ok(piece))
            .map_err(|_| Error::new(ErrorKind::Network, "the upload has ended"))?;
        self.len += len;
        Ok(())
    }

    fn restart(&mut self) -> Attempt<()> {
        if self.len == 0 {
            return Ok(());
        }
        // What was sent cannot be taken back.
        let message = "the source cannot continue a download that was cut";
        Err(Error::new(ErrorKind::Network, message).into())
    }
}

impl Attached {
    fn takes(self, listed: &Descriptor) -> bool {
        self == Self::All || may_be_signature(listed.artifact_type.as_deref())
    }

    fn tagged(self) -> &'static [&'static str] {
        match self {
            Self::All => &TAGGED_ATTACHMENTS,
            _ => &TAGGED_ATTACHMENTS[..1],
        }
    }
}

fn check_count(attachments: usize) -> Result<()> {
    if attachments <= ATTACHMENTS_MAX {
        return Ok(());
    }
    let message = format!("there are more than {ATTACHMENTS_MAX} attachments");
    Err(Error::new(ErrorKind::TooLarge, message))
}
