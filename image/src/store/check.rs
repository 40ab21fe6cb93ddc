//! Finding damage.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Store;
use crate::layout::{Entry, closure};
use crate::{Descriptor, Digest, Error, ErrorKind, Reference, Result};

/// What [`Store::check`] looked at and found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CheckReport {
    /// Entries of `index.json`.
    pub images: usize,
    /// Blobs that were read.
    pub blobs: usize,
    /// Bytes that were read.
    pub bytes: u64,
    /// The damage; empty for a sound store.
    pub problems: Vec<Problem>,
}

impl CheckReport {
    /// The images with damage that can be fetched again by their digest, as the registry client's
    /// `repair` does.
    pub fn repairable(&self) -> BTreeSet<Reference> {
        let problems = self
            .problems
            .iter()
            .filter(|problem| problem.blob.is_some());
        let names = problems.flat_map(|problem| &problem.images);
        names
            .filter_map(|name| Reference::parse(name).ok())
            .collect()
    }
}

/// One damaged thing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Problem {
    /// What is wrong.
    pub kind: ProblemKind,
    /// Names of the images that it affects, as they are written in `index.json`.
    pub images: Vec<String>,
    /// The blob; `None` when `index.json` or `oci-layout` itself is damaged.
    pub blob: Option<Descriptor>,
    /// The error that a reader would get.
    pub message: String,
}

/// The class of a [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProblemKind {
    /// `oci-layout` or `index.json` cannot be read.
    BrokenStore,
    /// An entry of `index.json` is malformed.
    BrokenEntry,
    /// A blob is not there.
    MissingBlob,
    /// A blob's content is not what its digest or size says.
    CorruptBlob,
    /// A manifest, index or config is intact but not valid.
    InvalidManifest,
    /// A blob cannot be read (permissions, disk errors).
    UnreadableBlob,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.images.is_empty() {
            write!(f, " (image {})", self.images.join(", "))?;
        }
        Ok(())
    }
}

/// A blob and the images that need it.
struct Needed {
    descriptor: Descriptor,
    images: Vec<String>,
}

impl Store {
    /// Reads every blob that an image needs and compares it with its digest.
    ///
    /// Manifests for other platforms that were not fetched are no damage. Memory stays flat.
    ///
    /// # Errors
    /// Only failures to look at all, such as [`ErrorKind::Busy`]; damage is in the report.
    pub fn check(&self) -> Result<CheckReport> {
        let _shared = self.share()?;
        let mut report = CheckReport::default();
        if let Err(error) = self.layout.check_version() {
            report.problems.push(broken_store(&error));
        }
        let index = match self.layout.read_index_file() {
            Ok(index) => index,
            Err(error) => {
                report.problems.push(broken_store(&error));
                return Ok(report);
            }
        };
        let mut needed = BTreeMap::new();
        for entry in index.entries() {
            report.images += usize::from(!entry.is_attachment());
            self.check_entry(entry, &mut needed, &mut report);
        }
        for blob in needed.into_values() {
            self.check_blob(blob, &mut report);
        }
        Ok(report)
    }

    /// Checks one entry's manifests and collects its other blobs.
    fn check_entry(
        &self,
        entry: &Entry,
        needed: &mut BTreeMap<Digest, Needed>,
        report: &mut CheckReport,
    ) {
        let name = match entry.is_attachment() {
            // No name has a space: nothing is fetched again under it.
            true => "a signature",
            false => entry.name().unwrap_or("without name"),
        }
        .to_owned();
        let descriptor = match entry.descriptor() {
            Ok(descriptor) => descriptor,
            Err(error) => {
                let (kind, message) = (ProblemKind::BrokenEntry, chain(&error));
                report.problems.push(Problem {
                    kind,
                    images: vec![name],
                    blob: None,
                    message,
                });
                return;
            }
        };
        let mut found = closure(&self.layout, descriptor);
        for (blob, error) in found.problems {
            found.blobs.remove(&blob.digest);
            // The bytes may be what the digest says and still be no manifest.
            let kind = match classify(&error) {
                ProblemKind::CorruptBlob if self.verify(&blob).is_ok() => {
                    ProblemKind::InvalidManifest
                }
                kind => kind,
            };
            let (images, message) = (vec![name.clone()], chain(&error));
            report.problems.push(Problem {
                kind,
                images,
                blob: Some(blob),
                message,
            });
        }
        for (digest, descriptor) in found.blobs {
            needed
                .entry(digest)
                .or_insert_with(|| Needed {
                    descriptor,
                    images: Vec::new(),
                })
                .images
                .push(name.clone());
        }
    }

    fn check_blob(&self, blob: Needed, report: &mut CheckReport) {
        report.blobs += 1;
        match self.verify(&blob.descriptor) {
            Ok(()) => report.bytes = report.bytes.saturating_add(blob.descriptor.size),
            Err(error) => report.problems.push(Problem {
                kind: classify(&error),
                images: blob.images,
                blob: Some(blob.descriptor),
                message: chain(&error),
            }),
        }
    }

    /// Compares a blob with its digest without holding it in memory.
    fn verify(&self, descriptor: &Descriptor) -> Result<()> {
        let mut file = self.layout.open_blob(descriptor)?;
        let digest = descriptor.digest;
        let (found, _) = Digest::of_reader(&mut file)
            .map_err(|error| Error::io(format!("read blob {digest}"), error))?;
        if found == digest {
            return Ok(());
        }
        let message = format!("read blob {digest}: digest mismatch: its content is {found}");
        Err(Error::new(ErrorKind::Corrupt, message))
    }
}

fn classify(error: &Error) -> ProblemKind {
    match error.kind() {
        ErrorKind::NotFound => ProblemKind::MissingBlob,
        ErrorKind::Corrupt => ProblemKind::CorruptBlob,
        ErrorKind::TooLarge | ErrorKind::Unsupported => ProblemKind::InvalidManifest,
        _ => ProblemKind::UnreadableBlob,
    }
}

fn broken_store(error: &Error) -> Problem {
    let (kind, message) = (ProblemKind::BrokenStore, chain(error));
    Problem {
        kind,
        images: Vec::new(),
        blob: None,
        message,
    }
}

/// A report outlives the error, so that the causes go into its text.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
