//! Reading and replacing files, defensively.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use tempfile::NamedTempFile;

use crate::{Error, ErrorKind, Result};

/// Images are public: readable by all, as far as the umask and the folder allow.
pub(crate) const FILE_MODE: u32 = 0o644;

/// Opens a regular file for reading. A layout may come from anyone: a FIFO in it must not block,
/// and a device must not be read.
pub(crate) fn open_regular(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits() as i32)
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok((file, metadata.len()))
}

/// Reads a whole file of at most `max` bytes.
pub(crate) fn read_bounded(path: &Path, max: u64) -> Result<Vec<u8>> {
    let operation = || format!("read {}", path.display());
    let (file, len) = open_regular(path).map_err(|error| Error::io(operation(), error))?;
    let mut bytes = Vec::with_capacity(usize::try_from(len.min(max)).unwrap_or(0));
    file.take(max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Error::io(operation(), error))?;
    if bytes.len() as u64 > max {
        let message = format!("{}: larger than {max} bytes", operation());
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    Ok(bytes)
}

/// A new file in `folder` that disappears when it is dropped before it is persisted.
pub(crate) fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix("new-")
        .permissions(std::fs::Permissions::from_mode(FILE_MODE))
        .tempfile_in(folder)
}

/// Replaces `path` by a file with `content`: after a crash at any moment it is the old or the new
/// one. `scratch` is a folder on the same file system.
pub(crate) fn replace(path: &Path, scratch: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = temporary(scratch)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    match path.parent() {
        Some(folder) => sync_folder(folder),
        None => Ok(()),
    }
}

/// Makes renames into `folder` survive a power failure.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
