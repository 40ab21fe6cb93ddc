//! The store: the OCI image layout that all commands share.

mod archive;
mod check;
mod create;
mod index;
mod list;
mod location;
mod lock;
mod partial;
mod prune;
mod signatures;
mod usage;
mod writer;
mod zstd;

use std::path::{Path, PathBuf};

pub use archive::Compression;
pub use check::{CheckReport, Problem, ProblemKind};
pub use list::ListEntry;
pub use location::default_store_root;
pub(crate) use partial::{PartialBlob, Resumed};
pub use prune::PruneReport;
pub use usage::Usage;
pub use writer::{BlobWriter, StoreWriter};

use crate::builder::PackedImage;
use crate::document::{Descriptor, Index};
use crate::file::replace;
use crate::layout::{Entry, INDEX_FILE, IndexFile, Layout};
use crate::limits::{MANIFEST_BYTES_MAX, STORE_INDEX_BYTES_MAX};
use crate::{Error, ErrorKind, Image, Platform, Reference, Result, media_type};
pub(crate) use lock::Lock;
use lock::Sharing;

/// Files being written; whatever is in it while nobody holds the store's lock is garbage.
const INGEST_FOLDER: &str = "ingest";
const LOCK_FOLDER: &str = "lock";
const STORE_LOCK: &str = "lock/store";
const INDEX_LOCK: &str = "lock/index";
/// Left to callers, who may keep what they derive from images beside them.
const CACHE_FOLDER: &str = "cache";

/// The images of this machine or user: an OCI image layout that many processes use at once.
///
/// - Blobs are written to a temporary file, synced and renamed; `index.json` is replaced in one
///   step under a lock. A kill at any moment leaves a working store.
/// - Whoever reads or writes blobs holds a shared lock, [`Store::prune`] an exclusive one: it never
///   deletes what another command is about to use.
/// - Every read verifies digests, from the bytes that it returns.
///
/// The locks only bind users of this crate: let no other tool write here at the same time.
///
/// Everything blocks; a value can be used by several threads.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) layout: Layout,
}

impl Store {
    /// Opens the store in the folder `root`, creating it if needed.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a folder that holds something else,
    /// [`ErrorKind::Unsupported`] for a layout of another version, and failures to create it.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        // A relative root would move with the working directory.
        let root = std::path::absolute(&root).unwrap_or(root);
        let store = Self {
            layout: Layout::at(root),
        };
        store.open_or_create().map_err(|error| {
            error.context(format_args!("open image store {}", store.root().display()))
        })?;
        Ok(store)
    }

    /// The store's folder.
    pub fn root(&self) -> &Path {
        self.layout.root()
    }

    /// A folder of this store for what callers derive from images (compiled components), in files
    /// that have the digest of the blob in their names, between `-` and `.`. This crate only
    /// deletes there ([`Store::prune`]).
    pub fn cache_folder(&self) -> PathBuf {
        self.root().join(CACHE_FOLDER)
    }

    /// Writes `image` and makes `reference` its name; the name's former image stays until
    /// [`Store::prune`]. Returns the entry of `index.json`.
    ///
    /// # Errors
    /// Failures to write; then `reference` names what it named before.
    pub fn write_image(&self, reference: &Reference, image: &PackedImage) -> Result<Descriptor> {
        self.write_packed(reference, image)
            .map_err(|error| error.context(format_args!("write image {reference}")))?;
        Ok(image.descriptor().clone())
    }

    /// Reads and verifies the image `reference` for `platform`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such image or one of its blobs is missing,
    /// [`ErrorKind::NoPlatform`], [`ErrorKind::Corrupt`], [`ErrorKind::TooLarge`],
    /// [`ErrorKind::Unsupported`], [`ErrorKind::NothingRunnable`].
    pub fn image(&self, reference: &Reference, platform: &Platform) -> Result<Image> {
        let _shared = self.share()?;
        self.find(reference)
            .and_then(|entries| self.layout.choose(&entries, platform))
            .and_then(|descriptor| Image::read(&self.layout, &descriptor, platform))
            .map_err(|error| error.context(format_args!("read image {reference}")))
    }

    /// Finds what `reference` names: the manifest, or the index of an image for several platforms.
    /// A digest in the reference may be that of one platform's manifest.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::Corrupt`].
    pub fn resolve(&self, reference: &Reference) -> Result<Descriptor> {
        let _shared = self.share()?;
        self.find(reference)
            .and_then(|mut entries| match entries.len() {
                1 => Ok(entries.remove(0)),
                count => {
                    let message = format!("{count} entries of index.json have that name");
                    Err(Error::new(ErrorKind::Corrupt, message))
                }
            })
            .map_err(|error| error.context(format_args!("find image {reference}")))
    }

    /// Finds the manifest of `reference` for `platform`.
    ///
    /// # Errors
    /// As [`Store::resolve`], and [`ErrorKind::NoPlatform`].
    pub fn resolve_platform(
        &self,
        reference: &Reference,
        platform: &Platform,
    ) -> Result<Descriptor> {
        let _shared = self.share()?;
        self.find(reference)
            .and_then(|entries| self.layout.choose(&entries, platform))
            .map_err(|error| error.context(format_args!("find image {reference}")))
    }

    /// Gives the image `from` the further name `to`, which loses the image that it named before.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for `from`, [`ErrorKind::InvalidInput`] when `to` has a digest.
    pub fn tag(&self, from: &Reference, to: &Reference) -> Result<()> {
        let operation = format!("tag image {from} as {to}");
        if to.digest().is_some() {
            let message = format!("{operation}: the new name cannot have a digest");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let _shared = self.share()?;
        self.change_index(|index| {
            for descriptor in self.find_in(index, from)? {
                index.set(to, descriptor);
            }
            Ok(())
        })
        .map_err(|error| error.context(operation))
    }

    /// Takes the name `reference` from its image. With a digest and no tag: every name that the
    /// repository has for that digest. Blobs stay until [`Store::prune`]. Broken entries can be
    /// removed too. Returns the names that were removed.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    pub fn remove(&self, reference: &Reference) -> Result<Vec<Reference>> {
        let _shared = self.share()?;
        self.change_index(|index| {
            let removed = index.remove(|entry| is_named(entry, reference));
            if removed.is_empty() {
                return Err(self.not_found());
            }
            Ok(removed.iter().filter_map(Entry::reference).collect())
        })
        .map_err(|error| error.context(format_args!("remove image {reference}")))
    }

    /// Starts writing blobs. While the writer lives, no blob is pruned.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`], [`ErrorKind::PermissionDenied`].
    pub fn writer(&self) -> Result<StoreWriter<'_>> {
        StoreWriter::new(self)
    }

    fn write_packed(&self, reference: &Reference, image: &PackedImage) -> Result<()> {
        let writer = self.writer()?;
        for (descriptor, content) in image.blobs() {
            writer.write_blob(descriptor, &mut content.as_slice())?;
        }
        writer.publish(reference, image.descriptor())
    }

    /// The entries of `index.json` for `reference`: several when they are for several platforms.
    pub(crate) fn find(&self, reference: &Reference) -> Result<Vec<Descriptor>> {
        self.find_in(&self.layout.read_index_file()?, reference)
    }

    fn find_in(&self, index: &IndexFile, reference: &Reference) -> Result<Vec<Descriptor>> {
        let found: Vec<&Entry> = index
            .entries()
            .filter(|entry| is_named(entry, reference))
            .collect();
        if let (Some(first), Some(_)) = (found.first(), reference.digest()) {
            // All have the digest that was asked for.
            return Ok(vec![first.descriptor()?.clone()]);
        }
        if !found.is_empty() {
            return found
                .into_iter()
                .map(|entry| entry.descriptor().cloned())
                .collect();
        }
        self.find_in_indexes(index, reference)?
            .map(|found| vec![found])
            .ok_or_else(|| self.not_found())
    }

    /// Finds one platform's manifest by its digest.
    fn find_in_indexes(
        &self,
        index: &IndexFile,
        reference: &Reference,
    ) -> Result<Option<Descriptor>> {
        let Some(digest) = reference.digest() else {
            return Ok(None);
        };
        let same_repository = |entry: &&Entry| {
            entry
                .reference()
                .is_some_and(|own| own.same_repository(reference))
        };
        for entry in index.entries().filter(same_repository) {
            let descriptor = entry.descriptor()?;
            if !media_type::is_index(&descriptor.media_type) {
                continue;
            }
            let bytes = self.layout.read_blob(descriptor, MANIFEST_BYTES_MAX)?;
            let manifests = Index::parse(&bytes)?.manifests;
            if let Some(found) = manifests.into_iter().find(|child| child.digest == digest) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn not_found(&self) -> Error {
        let message = format!("no such image in {}", self.root().display());
        Error::new(ErrorKind::NotFound, message)
    }

    /// Changes `index.json`; the caller holds the store's lock.
    fn change_index<T>(&self, change: impl FnOnce(&mut IndexFile) -> Result<T>) -> Result<T> {
        let _exclusive = Lock::take(&self.root().join(INDEX_LOCK), Sharing::Exclusive)?;
        let mut index = self.layout.read_index_file()?;
        let value = change(&mut index)?;
        let content = index.to_json();
        // What could not be read again is not written.
        if content.len() as u64 > STORE_INDEX_BYTES_MAX {
            let message = format!("{INDEX_FILE} would exceed {STORE_INDEX_BYTES_MAX} bytes");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        self.replace_file(INDEX_FILE, &content)?;
        Ok(value)
    }

    pub(crate) fn share(&self) -> Result<Lock> {
        Lock::take(&self.root().join(STORE_LOCK), Sharing::Shared)
    }

    fn exclude_others(&self) -> Result<Lock> {
        Lock::take(&self.root().join(STORE_LOCK), Sharing::Exclusive)
    }

    fn ingest_folder(&self) -> PathBuf {
        self.root().join(INGEST_FOLDER)
    }

    fn replace_file(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.root().join(name);
        replace(&path, &self.ingest_folder(), content)
            .map_err(|error| Error::io(format!("write {}", path.display()), error))
    }
}

/// Whether `entry` is what `reference` asks for. A digest decides alone, beside the repository.
fn is_named(entry: &Entry, reference: &Reference) -> bool {
    let Some(own) = entry.reference() else {
        return false;
    };
    match reference.digest() {
        None => own == *reference,
        Some(digest) => {
            own.same_repository(reference)
                && entry
                    .descriptor()
                    .is_ok_and(|descriptor| descriptor.digest == digest)
        }
    }
}
