//! Deleting what no image needs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{Store, signatures};
use crate::layout::{Entry, closure};
use crate::{Digest, Error, ErrorKind, Result};

/// What a prune deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PruneReport {
    /// Blobs that no image needed.
    pub blobs: Vec<Digest>,
    /// Unfinished files of commands that were killed.
    pub unfinished: usize,
    /// Files of [`Store::cache_folder`] that were derived from such blobs.
    pub derived: usize,
    /// Bytes of all of these.
    pub bytes: u64,
}

impl Store {
    /// Deletes the blobs that no entry of `index.json` needs, files of [`Store::cache_folder`]
    /// whose name has the digest of no other blob, and unfinished downloads.
    ///
    /// Waits until no other command uses the store, and keeps them waiting while it runs. Files
    /// that are no blobs are left alone.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] when an entry is so damaged that what it needs is unknown: nothing is
    /// deleted then. [`ErrorKind::Busy`]; failures to delete.
    pub fn prune(&self) -> Result<PruneReport> {
        self.prune_alone()
            .map_err(|error| error.context(format_args!("prune {}", self.root().display())))
    }

    fn prune_alone(&self) -> Result<PruneReport> {
        let _exclusive = self.exclude_others()?;
        let mut needed = self.needed_blobs()?;
        self.drop_orphans(&needed)?;
        for (attachment, _) in self.layout.attachments(None)? {
            let blobs = signatures::blobs(&self.layout, &attachment);
            needed.extend(blobs.into_iter().map(|blob| blob.digest));
        }
        let mut report = PruneReport::default();
        for (name, bytes) in list(&self.layout.blobs_folder())? {
            let Ok(digest) = format!("sha256:{name}").parse::<Digest>() else {
                continue;
            };
            if needed.contains(&digest) {
                continue;
            }
            delete(&self.layout.blob_path(&digest))?;
            report.blobs.push(digest);
            report.bytes = report.bytes.saturating_add(bytes);
        }
        // All writers hold the shared lock, so that these are nobody's.
        for (name, bytes) in list(&self.ingest_folder())? {
            delete(&self.ingest_folder().join(name))?;
            report.unfinished += 1;
            report.bytes = report.bytes.saturating_add(bytes);
        }
        if self.cache_folder().is_dir() {
            for (name, bytes) in list(&self.cache_folder())? {
                if !is_derived_from(&name, &needed) {
                    delete(&self.cache_folder().join(name))?;
                    report.derived += 1;
                    report.bytes = report.bytes.saturating_add(bytes);
                }
            }
        }
        report.blobs.sort();
        Ok(report)
    }

    /// Removes the entries of signatures whose image has gone.
    fn drop_orphans(&self, needed: &BTreeSet<Digest>) -> Result<()> {
        let is_orphan =
            |entry: &Entry| signatures::is_orphan(&self.layout, entry, |of| needed.contains(of));
        if !self.layout.read_index_file()?.entries().any(is_orphan) {
            return Ok(());
        }
        self.change_index(|index| {
            index.remove(is_orphan);
            Ok(())
        })
    }

    /// What the images need, without their signatures.
    fn needed_blobs(&self) -> Result<BTreeSet<Digest>> {
        let mut needed = BTreeSet::new();
        let index = self.layout.read_index_file()?;
        for entry in index.entries().filter(|entry| !entry.is_attachment()) {
            let descriptor = entry.descriptor()?;
            let closure = closure(&self.layout, descriptor);
            if let Some((_, error)) = closure.problems.into_iter().next() {
                let name = entry.name().unwrap_or("without name");
                let message =
                    format!("image {name:?} is damaged, remove or fetch it first: {error}");
                return Err(Error::new(ErrorKind::Corrupt, message));
            }
            needed.extend(closure.blobs.into_keys());
        }
        Ok(needed)
    }
}

/// Whether a file of the cache has the digest of one of `blobs` in its name.
fn is_derived_from(name: &str, blobs: &BTreeSet<Digest>) -> bool {
    name.split(['-', '.']).any(|part| {
        let digest = format!("sha256:{part}").parse::<Digest>();
        digest.is_ok_and(|digest| blobs.contains(&digest))
    })
}

/// Names and sizes of the files in `folder`; names that are not UTF-8 are none of ours.
pub(super) fn list(folder: &Path) -> Result<Vec<(String, u64)>> {
    let failed = |error| Error::io(format!("list {}", folder.display()), error);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let metadata = entry.metadata().map_err(failed)?;
        if metadata.is_dir() {
            continue;
        }
        if let Ok(name) = entry.file_name().into_string() {
            files.push((name, metadata.len()));
        }
    }
    Ok(files)
}

fn delete(path: &Path) -> Result<()> {
    fs::remove_file(path).map_err(|error| Error::io(format!("delete {}", path.display()), error))
}
