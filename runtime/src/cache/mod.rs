//! What was computed at an earlier start, on disk: compiled components, the kernel's types that an
//! object needs.
//!
//! A file is found by the digest of everything that its contents depend on. It is trusted like a
//! program of the operator's. So it is only taken from a folder that nobody else can write to, and
//! its own digest must be right, which finds files that a crash cut short.

#[cfg(feature = "compiler")]
mod compile;
mod component;
#[cfg(feature = "compiler")]
mod functions;

use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

pub(crate) use component::Compiled;

/// Bytes of the digest at the head of a file.
const DIGEST_BYTES: usize = 32;

/// A folder with such files.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// The cache in `dir`, which is made when it is missing.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)?;
        let metadata = std::fs::metadata(dir)?;
        let mine = metadata.uid() == rustix::process::geteuid().as_raw();
        if !mine || metadata.permissions().mode() & 0o022 != 0 {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "others could put machine code there: it must be writable by its owner only",
            ));
        }
        Ok(Self {
            dir: dir.to_owned(),
        })
    }

    /// Its folder.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The contents of the file `name`, if it is here and sound.
    pub(crate) fn read(&self, name: &str) -> Option<Vec<u8>> {
        let path = self.dir.join(name);
        let mut file = std::fs::read(&path).ok()?;
        let sound = file
            .split_at_checked(DIGEST_BYTES)
            .is_some_and(|(digest, contents)| Sha256::digest(contents).as_slice() == digest);
        if !sound {
            tracing::warn!(path = %path.display(), "remove a damaged file of the cache");
            let _ = std::fs::remove_file(&path); // It will be written anew.
            return None;
        }
        file.drain(..DIGEST_BYTES);
        Some(file)
    }

    /// Keep `contents` as the file `name`. A failure costs time at the next start, no more.
    pub(crate) fn write(&self, name: &str, contents: &[u8]) {
        if let Err(error) = self.try_write(name, contents) {
            tracing::warn!(%error, dir = %self.dir.display(), "keep a file in the cache");
        }
    }

    fn try_write(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        let mut file = Sha256::digest(contents).to_vec();
        file.extend_from_slice(contents);
        let path = self.dir.join(name);
        // Unique among the threads and processes that may be writing the same file.
        let thread = std::thread::current().id();
        let part = path.with_extension(format!("{}.{thread:?}.part", std::process::id()));
        let outcome = std::fs::write(&part, &file).and_then(|()| std::fs::rename(&part, &path));
        if outcome.is_err() {
            let _ = std::fs::remove_file(&part); // It is the first failure that counts.
        }
        outcome
    }

    #[cfg(feature = "compiler")]
    fn remove(&self, name: &str) {
        let _ = std::fs::remove_file(self.dir.join(name)); // It need not be there.
    }
}

/// A digest as a part of a file's name.
pub(crate) fn name_of(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("ecli-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder); // Of a process of the same number.
        folder
    }

    #[test]
    fn what_was_written_is_read_unless_it_was_changed() {
        let folder = folder("cache");
        let cache = Cache::open(&folder).unwrap();
        assert_eq!(cache.read("a"), None);
        cache.write("a", b"contents");
        assert_eq!(cache.read("a").as_deref(), Some(&b"contents"[..]));
        for damage in [&b""[..], b"short", &[0; DIGEST_BYTES], &[1; 100]] {
            std::fs::write(folder.join("a"), damage).unwrap();
            assert_eq!(cache.read("a"), None);
            assert!(!folder.join("a").exists(), "a damaged file is removed");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_refused() {
        let folder = folder("shared-cache");
        Cache::open(&folder).unwrap();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
        let error = Cache::open(&folder).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
