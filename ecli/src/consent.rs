//! Images that may run without a question: those that were built here, and those that somebody said
//! yes to. One empty file each, named by the digest, in a folder of the store.

use std::fs::{DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use eunomia_image::{Digest, PackedImage, Store, media_type};

const FOLDER: &str = "consent";
/// Others must not be able to answer in the user's place.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// Bits of those that others could write with.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Why an image may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// It was built here.
    Built,
    /// Somebody said yes.
    Accepted,
}

impl Known {
    fn suffix(self) -> &'static str {
        match self {
            Self::Built => "built",
            Self::Accepted => "accepted",
        }
    }
}

/// Remembers that the image may run.
///
/// # Errors
/// Failures to write, and a folder that others can write to.
pub(crate) fn remember(store: &Store, digest: &Digest, known: Known) -> Result<()> {
    let folder = folder(store);
    let operation = || format!("remember image {digest} in {}", folder.display());
    match DirBuilder::new().mode(FOLDER_MODE).create(&folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(error).with_context(operation);
        }
        _ => {}
    }
    if !is_ours(&folder) {
        anyhow::bail!("{}: others can write to it", operation());
    }
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(file(&folder, digest, known))
        .map(drop)
        .with_context(operation)
}

/// The same; where it cannot be remembered the next run asks.
pub(crate) fn remember_or_warn(store: &Store, digest: &Digest, known: Known) {
    if let Err(error) = remember(store, digest, known) {
        tracing::warn!("{error:#}");
    }
}

/// Remembers that this user has built an image, for all its platforms.
pub(crate) fn remember_built(store: &Store, image: &PackedImage) {
    let runnable = [media_type::OCI_INDEX, media_type::OCI_MANIFEST];
    for (descriptor, _) in image.blobs() {
        if runnable.contains(&&*descriptor.media_type) {
            remember_or_warn(store, &descriptor.digest, Known::Built);
        }
    }
}

/// Whether the image was remembered so, in a store of this user.
pub(crate) fn is_known(store: &Store, digest: &Digest, known: Known) -> bool {
    let folder = folder(store);
    is_ours(&folder) && is_ours(&file(&folder, digest, known))
}

fn folder(store: &Store) -> PathBuf {
    store.root().join(FOLDER)
}

fn file(folder: &Path, digest: &Digest, known: Known) -> PathBuf {
    folder.join(format!("{}.{}", digest.hex(), known.suffix()))
}

/// Whether nobody but this user, root, or who called sudo can have made it. A link is somebody
/// else's word.
fn is_ours(path: &Path) -> bool {
    let Ok(metadata) = std::fs::symlink_metadata(path) else {
        return false;
    };
    let own = rustix::process::geteuid();
    // Who calls sudo has a store of their own, and is the one to ask.
    let caller = std::env::var("SUDO_UID").ok().filter(|_| own.is_root());
    let is_caller = caller.and_then(|uid| uid.parse().ok()) == Some(metadata.uid());
    !metadata.is_symlink()
        && (metadata.uid() == own.as_raw() || metadata.uid() == 0 || is_caller)
        && metadata.mode() & WRITABLE_BY_OTHERS == 0
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn chmod(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_is_remembered_is_known_until_others_can_write_there() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path().join("store")).unwrap();
        let digest = Digest::of(b"image");
        assert!(!is_known(&store, &digest, Known::Accepted));
        remember(&store, &digest, Known::Accepted).unwrap();
        remember(&store, &digest, Known::Accepted).unwrap();
        assert!(is_known(&store, &digest, Known::Accepted));
        assert!(!is_known(&store, &digest, Known::Built));
        assert!(!is_known(&store, &Digest::of(b"x"), Known::Accepted));
        chmod(&folder(&store), 0o777);
        assert!(!is_known(&store, &digest, Known::Accepted));
        assert!(remember(&store, &digest, Known::Accepted).is_err());
    }
}
