//! Writing blobs and giving them a name.

use std::fs;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use tempfile::NamedTempFile;

use super::Store;
use super::lock::Lock;
use crate::digest::Hasher;
use crate::document::Descriptor;
use crate::file::{sync_folder, temporary};
use crate::layout::require_complete;
use crate::limits::INGEST_AGE_MAX;
use crate::{Digest, Error, ErrorKind, Reference, Result};

const COPY_BUFFER_BYTES: usize = 128 << 10;

/// Writes the blobs of an image, then gives the image a name.
///
/// Holds the store's shared lock: what it wrote is not pruned before it was published, or before
/// the writer is dropped. Blobs without a name are found again by the next writer, and removed by
/// the next prune.
#[derive(Debug)]
pub struct StoreWriter<'s> {
    pub(super) store: &'s Store,
    _shared: Lock,
}

impl<'s> StoreWriter<'s> {
    pub(super) fn new(store: &'s Store) -> Result<Self> {
        let shared = store.share()?;
        remove_old_files(store);
        Ok(Self {
            store,
            _shared: shared,
        })
    }

    /// Whether the blob is there, complete and unharmed. Reads all of it.
    pub fn has_blob(&self, descriptor: &Descriptor) -> bool {
        let Ok(mut file) = self.store.layout.open_blob(descriptor) else {
            return false;
        };
        Digest::of_reader(&mut file)
            .is_ok_and(|found| found == (descriptor.digest, descriptor.size))
    }

    /// Writes a blob that `reader` yields. A blob that is already there is replaced, which heals a
    /// damaged one.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] when the content is not what `descriptor` says; the store then stays
    /// as it was. Failures of the reader and of the disk.
    pub fn write_blob(&self, descriptor: &Descriptor, reader: &mut dyn Read) -> Result<()> {
        let mut blob = self.blob(descriptor)?;
        let mut buffer = vec![0; COPY_BUFFER_BYTES];
        loop {
            let len = match reader.read(&mut buffer) {
                Ok(0) => return blob.commit(),
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    let operation = format!("read the content of blob {}", descriptor.digest);
                    return Err(Error::io(operation, error));
                }
            };
            blob.write(&buffer[..len])?;
        }
    }

    /// Starts a blob whose content arrives in pieces.
    ///
    /// # Errors
    /// Failures to create a file.
    pub fn blob(&self, descriptor: &Descriptor) -> Result<BlobWriter> {
        let digest = descriptor.digest;
        let file = temporary(&self.store.ingest_folder())
            .map_err(|error| Error::io(format!("create a file for blob {digest}"), error))?;
        let path = self.store.layout.blob_path(&digest);
        Ok(BlobWriter {
            file,
            hasher: Hasher::default(),
            digest,
            size: descriptor.size,
            path,
        })
    }

    /// Makes `reference` name the image of `descriptor`, whose blobs have all been written; of an
    /// index, those of at least one manifest.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] or [`ErrorKind::Corrupt`] when a blob that the image needs is not
    /// there in its full size; failures to write. The name then stays what it was.
    pub fn publish(&self, reference: &Reference, descriptor: &Descriptor) -> Result<()> {
        let layout = &self.store.layout;
        require_complete(layout, descriptor)?;
        self.sync_blobs()?;
        self.store.change_index(|index| {
            index.set(reference, descriptor.clone());
            Ok(())
        })
    }

    /// The renames of the blobs must be on disk before the entry that needs them.
    pub(super) fn sync_blobs(&self) -> Result<()> {
        let folder = self.store.layout.blobs_folder();
        sync_folder(&folder).map_err(|error| Error::io(format!("sync {}", folder.display()), error))
    }
}

/// A blob on its way into the store. Dropping it leaves nothing behind.
#[derive(Debug)]
pub struct BlobWriter {
    file: NamedTempFile,
    hasher: Hasher,
    digest: Digest,
    size: u64,
    path: PathBuf,
}

impl BlobWriter {
    /// Appends the next piece.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] as soon as there is more than the descriptor says, so that an endless
    /// source does not fill the disk; failures of the disk.
    pub fn write(&mut self, piece: &[u8]) -> Result<()> {
        let digest = self.digest;
        if self.hasher.len() + piece.len() as u64 > self.size {
            let message = format!(
                "write blob {digest}: its content is longer than {} bytes",
                self.size
            );
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        self.hasher.update(piece);
        self.file
            .write_all(piece)
            .map_err(|error| Error::io(format!("write blob {digest}"), error))
    }

    /// Verifies the blob and moves it to its place.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] when size or digest differ; failures of the disk.
    pub fn commit(self) -> Result<()> {
        let (digest, len) = self.hasher.finish();
        let operation = format!("write blob {}", self.digest);
        if len != self.size {
            let message = format!("{operation}: {len} bytes instead of {}", self.size);
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        if digest != self.digest {
            let message = format!("{operation}: digest mismatch: its content is {digest}");
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        let failed = |error| Error::io(operation.clone(), error);
        self.file.as_file().sync_all().map_err(failed)?;
        self.file
            .persist(&self.path)
            .map_err(|error| failed(error.error))?;
        Ok(())
    }
}

/// Best effort: files of killed writers that nobody will continue. Younger ones may belong to a
/// writer that is alive.
fn remove_old_files(store: &Store) {
    let Ok(entries) = fs::read_dir(store.ingest_folder()) else {
        return;
    };
    let now = SystemTime::now();
    for entry in entries.flatten() {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified
            .ok()
            .and_then(|modified| now.duration_since(modified).ok());
        if age.is_none_or(|age| age <= INGEST_AGE_MAX) {
            continue;
        }
        let path = entry.path();
        let result = fs::remove_file(&path);
        tracing::debug!(path = %path.display(), ?result, "removed an unfinished blob");
    }
}
