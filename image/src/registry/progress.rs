//! What a transfer tells while it runs.

use std::sync::Arc;
use std::time::Duration;

use crate::Descriptor;

/// One step of a pull, a push or a copy.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<'p> {
    /// The blobs that will be looked at, before the first of them.
    Planned {
        /// Number of blobs.
        blobs: usize,
        /// Their bytes.
        bytes: u64,
    },
    /// A blob needs no transfer: it is there already, or the registry has mounted it.
    Present(&'p Descriptor),
    /// A blob's transfer starts, or starts again, after `offset` bytes.
    Started {
        /// The blob.
        blob: &'p Descriptor,
        /// Bytes that are there.
        offset: u64,
    },
    /// A piece was transferred.
    Advanced {
        /// The blob.
        blob: &'p Descriptor,
        /// Bytes of the piece.
        bytes: u64,
    },
    /// A blob is complete and verified.
    Finished(&'p Descriptor),
    /// A mirror does not have the image, or not now: the next one is asked, or the registry itself.
    MirrorFailed {
        /// The mirror, as it was configured.
        mirror: &'p str,
        /// What failed.
        reason: &'p str,
    },
    /// A transient failure: the request is repeated after a pause.
    Retrying {
        /// What failed.
        reason: &'p str,
        /// The pause.
        pause: Duration,
    },
}

/// Receives [`Progress`], from several threads at once. Must not block for long.
pub type ProgressSink = Arc<dyn Fn(&Progress<'_>) + Send + Sync>;
