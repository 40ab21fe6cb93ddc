//! Blobs whose download can be continued by a later command.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::StoreWriter;
use crate::digest::Hasher;
use crate::document::Descriptor;
use crate::file::FILE_MODE;
use crate::limits::DOWNLOAD_STALL_MAX;
use crate::{Digest, Error, ErrorKind, Result};

const POLL: Duration = Duration::from_millis(25);

/// What there is of a blob that is to be downloaded.
#[derive(Debug)]
pub(crate) enum Resumed {
    /// All of it, verified.
    Present,
    /// A part, perhaps nothing; this process alone may add to it.
    Partial(Box<PartialBlob>),
}

/// A blob on its way into the store that outlives the process: dropping it keeps what was written,
/// for [`StoreWriter::resume_blob`] of the next command.
#[derive(Debug)]
pub(crate) struct PartialBlob {
    /// Locked: another command that wants the same blob waits instead of downloading it too.
    file: File,
    hasher: Hasher,
    digest: Digest,
    size: u64,
    path: PathBuf,
    target: PathBuf,
}

impl StoreWriter<'_> {
    /// Starts or continues a blob. When another command is at it, waits for that one as long as
    /// it makes progress.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] when the other makes none for [`DOWNLOAD_STALL_MAX`]; failures of the
    /// disk.
    pub(crate) fn resume_blob(&self, descriptor: &Descriptor) -> Result<Resumed> {
        let digest = descriptor.digest;
        if self.has_blob(descriptor) {
            return Ok(Resumed::Present);
        }
        let path = self
            .store
            .ingest_folder()
            .join(format!("{}.partial", digest.hex()));
        let failed = |error| Error::io(format!("continue blob {digest}"), error);
        let file = open_locked(&path, digest)?;
        // The one we waited for may have finished it.
        if self.has_blob(descriptor) {
            fs::remove_file(&path).map_err(failed)?;
            return Ok(Resumed::Present);
        }
        let mut partial = Box::new(PartialBlob {
            file,
            hasher: Hasher::default(),
            digest,
            size: descriptor.size,
            path,
            target: self.store.layout.blob_path(&digest),
        });
        partial.read_back().map_err(failed)?;
        Ok(Resumed::Partial(partial))
    }
}

impl PartialBlob {
    /// Bytes that are there already.
    pub(crate) fn len(&self) -> u64 {
        self.hasher.len()
    }

    /// Appends the next piece.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] as soon as there is more than the descriptor says; failures of the
    /// disk.
    pub(crate) fn write(&mut self, piece: &[u8]) -> Result<()> {
        let digest = self.digest;
        if self.hasher.len() + piece.len() as u64 > self.size {
            let message = format!(
                "write blob {digest}: its content is longer than {} bytes",
                self.size
            );
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        self.file
            .write_all(piece)
            .map_err(|error| Error::io(format!("write blob {digest}"), error))?;
        self.hasher.update(piece);
        Ok(())
    }

    /// Throws away what is there.
    ///
    /// # Errors
    /// Failures of the disk.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.hasher = Hasher::default();
        self.file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)))
            .map(drop)
            .map_err(|error| Error::io(format!("write blob {}", self.digest), error))
    }

    /// Verifies the blob and moves it to its place.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] when size or digest differ: then what was there is thrown away, and
    /// the blob can be written again. Failures of the disk.
    pub(crate) fn finish(&mut self) -> Result<()> {
        let (found, len) = self.hasher.clone().finish();
        let digest = self.digest;
        if len != self.size || found != digest {
            self.restart()?;
            let message = format!("write blob {digest}: digest mismatch: its content is {found}");
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        self.file
            .sync_all()
            .and_then(|()| fs::rename(&self.path, &self.target))
            .map_err(|error| Error::io(format!("write blob {digest}"), error))
    }

    /// Computes the digest of what an earlier command left.
    fn read_back(&mut self) -> io::Result<()> {
        if self.file.metadata()?.len() > self.size {
            self.file.set_len(0)?;
        }
        io::copy(&mut self.file, &mut self.hasher).map(drop)
    }
}

fn open_locked(path: &Path, digest: Digest) -> Result<File> {
    let failed = |error| Error::io(format!("lock blob {digest}"), error);
    let mut last_len = 0;
    let mut last_progress = Instant::now();
    loop {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(path)
            .map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            // Whoever had the lock may have moved the file to its place or removed it.
            Ok(()) if is_at(&file, path).map_err(failed)? => return Ok(file),
            Ok(()) | Err(Errno::INTR) => continue,
            Err(Errno::WOULDBLOCK) => {}
            Err(errno) => return Err(failed(errno.into())),
        }
        let len = file.metadata().map_err(failed)?.len();
        if len != last_len {
            (last_len, last_progress) = (len, Instant::now());
        } else if last_progress.elapsed() > DOWNLOAD_STALL_MAX {
            let seconds = DOWNLOAD_STALL_MAX.as_secs();
            let message = format!(
                "lock blob {digest}: another command downloads it, without progress for {seconds} \
                 seconds"
            );
            return Err(Error::new(ErrorKind::Busy, message));
        }
        thread::sleep(POLL);
    }
}

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(theirs) => Ok(ours.ino() == theirs.ino() && ours.dev() == theirs.dev()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
