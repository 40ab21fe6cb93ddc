//! How much there is in a store.

use super::Store;
use super::prune::list;
use crate::Result;

/// Files of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Number of blobs, also of those that no image needs.
    pub blobs: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of unfinished downloads.
    pub unfinished_bytes: u64,
}

impl Store {
    /// Adds up the files of this store; compiled components are not counted.
    ///
    /// # Errors
    /// Folders that cannot be listed.
    pub fn usage(&self) -> Result<Usage> {
        let _shared = self.share()?;
        let sum = |files: &[(String, u64)]| {
            files
                .iter()
                .fold(0, |sum: u64, (_, bytes)| sum.saturating_add(*bytes))
        };
        let blobs = list(&self.layout.blobs_folder())?;
        let unfinished = list(&self.ingest_folder())?;
        Ok(Usage {
            blobs: blobs.len(),
            bytes: sum(&blobs),
            unfinished_bytes: sum(&unfinished),
        })
    }
}
