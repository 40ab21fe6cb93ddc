//! Bounds on everything that comes from disk, from a registry or from a caller.
//!
//! Content is hostile until it was checked; each bound is far above what real images need and far
//! below what would hurt the host.

use std::time::Duration;

/// Bytes of a manifest, an image config or an image index: registries refuse larger manifests.
pub const MANIFEST_BYTES_MAX: u64 = 4 << 20;

/// Bytes of the store's own `index.json`: about 40,000 images.
pub const STORE_INDEX_BYTES_MAX: u64 = 16 << 20;

/// Layers of one image.
pub const LAYERS_MAX: usize = 128;

/// Manifests of one image index: an entry a CPU, with room for attestations.
pub const INDEX_MANIFESTS_MAX: usize = 256;

/// Nesting of indexes below an entry of `index.json`.
pub const INDEX_DEPTH_MAX: usize = 4;

/// Bytes of one BPF object, debug information included.
pub const OBJECT_BYTES_MAX: u64 = 64 << 20;

/// BPF objects of one image.
pub const OBJECTS_MAX: usize = 32;

/// Bytes of a component or module: guests in interpreted languages carry their interpreter.
pub const COMPONENT_BYTES_MAX: u64 = 256 << 20;

/// Bytes of a blob that is copied without being looked at (foreign layers).
pub const BLOB_BYTES_MAX: u64 = 8 << 30;

/// Bytes of all files of an image archive, unpacked: an archive of a kilobyte can claim terabytes.
pub const ARCHIVE_BYTES_MAX: u64 = 64 << 30;

/// Files of an image archive.
pub const ARCHIVE_FILES_MAX: u64 = 100_000;

/// Bytes of the types of one kernel, as far as the objects of an image need them: some kilobytes.
pub const KERNEL_TYPES_BYTES_MAX: u64 = 1 << 20;

/// Layers with types of kernels; those of kernels that need the same are one.
pub const KERNEL_TYPES_MAX: usize = 64;

/// Kernels of which an image has types.
pub const KERNELS_MAX: usize = 1024;

/// Bytes of a kernel's release: `struct utsname` has room for as many.
pub const KERNEL_RELEASE_BYTES_MAX: usize = 64;

/// Bytes of the metadata document.
pub const METADATA_BYTES_MAX: u64 = 1 << 20;

/// Bytes of the README.
pub const README_BYTES_MAX: u64 = 1 << 20;

/// Bytes of all layers of an image that are read into memory.
pub const IMAGE_BYTES_MAX: u64 = 512 << 20;

/// Bytes of a tool's or an object's name.
pub const NAME_BYTES_MAX: usize = 128;

/// Bytes of one descriptive text (description, one argument, one permission).
pub const TEXT_BYTES_MAX: usize = 4096;

/// Entries of one list in the metadata document.
pub const METADATA_LIST_MAX: usize = 1024;

/// Bytes of `registry/repository`, as in Docker.
pub const REFERENCE_NAME_BYTES_MAX: usize = 255;

/// Bytes of a tag, as in the OCI distribution specification.
pub const TAG_BYTES_MAX: usize = 128;

/// Bytes of a reference's text before it is looked at in detail.
pub const REFERENCE_BYTES_MAX: usize = 512;

/// How long a command waits for another one's lock. Locks are held for milliseconds, except by a
/// pull, which holds a shared one that only `prune` waits for.
pub const LOCK_WAIT_MAX: Duration = Duration::from_secs(30);

/// How long a command waits for another one that downloads the same blob without progress: longer
/// than that one needs to give up.
pub const DOWNLOAD_STALL_MAX: Duration = Duration::from_secs(300);

/// Bytes of one layer of an attachment: a signature, a list of ingredients.
pub const ATTACHMENT_BYTES_MAX: u64 = 16 << 20;

/// Attachments that are copied with one image, those of its manifests and of attachments included.
pub const ATTACHMENTS_MAX: usize = 256;

/// How deep attachments of attachments are copied: a list of ingredients, its signature.
pub const ATTACHMENTS_DEPTH_MAX: usize = 3;
/// Bytes of one signature: a bundle with a certificate chain has a tenth of it.
pub const SIGNATURE_BYTES_MAX: u64 = 256 << 10;

/// Attachments of one image that are looked at for signatures: everybody who can write to a
/// repository can attach.
pub const SIGNATURES_MAX: usize = 64;

/// Signatures in one envelope: each costs a verification.
pub const ENVELOPE_SIGNATURES_MAX: usize = 16;

/// Bytes of a file with a key.
pub const KEY_BYTES_MAX: usize = 64 << 10;

/// Bytes of all blobs of one image that is pulled.
pub const PULL_BYTES_MAX: u64 = 16 << 30;

/// Blobs that are transferred at the same time.
pub const TRANSFERS_MAX: usize = 4;

/// Redirects of one request.
pub const REDIRECTS_MAX: usize = 5;

/// Bytes of a token or of an error message from a registry.
pub const ANSWER_BYTES_MAX: u64 = 256 << 10;

/// Bytes of a credentials file or of what a credential helper prints.
pub const CREDENTIALS_BYTES_MAX: u64 = 1 << 20;

/// How long an upload may make no progress, its end included: a registry verifies the whole blob
/// before it answers.
pub const UPLOAD_STALL_MAX: Duration = Duration::from_secs(120);

/// Longest pause that a registry can ask for (`Retry-After`).
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// How often a blob is downloaded again when its content is wrong.
pub const RESTARTS_MAX: u32 = 2;

/// Age from which an unfinished download is thrown away instead of being resumed.
pub const INGEST_AGE_MAX: Duration = Duration::from_secs(24 * 3600);

/// Bytes of the one layer of a bytecode image, as bpfman has it.
pub const BYTECODE_LAYER_BYTES_MAX: u64 = 16 << 20;

/// Labels of an image config.
pub const LABELS_MAX: usize = 1024;
