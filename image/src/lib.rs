//! OCI images of eBPF tools: the format, image references, the local store, the registry client.
//!
//! An image carries the kernel side of a tool (BPF objects), its user-space side (a WebAssembly
//! component) and a document that describes it. It is a standard OCI image with layers of our own
//! media types, so that registries, skopeo and containerd handle it; `docs/image-format.md` is the
//! specification. This crate only stores and verifies: it neither loads nor runs anything.
//!
//! Everything that it reads is untrusted: sizes are bounded ([`limits`]), digests are verified from
//! the same bytes that are returned, and what an image claims is a claim.
//!
//! ```
//! use eunomia_image::{ImageBuilder, Metadata, Platform, Reference, Store, World};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let store = Store::open(folder.path().join("store"))?;
//! let reference: Reference = "execsnoop:1.0".parse()?;
//!
//! let mut metadata = Metadata::new("execsnoop", World::Command);
//! metadata.description = "trace new processes".to_owned();
//! let image = ImageBuilder::new(metadata)
//!     .object("execsnoop", b"\x7fELF...".to_vec())
//!     .component(b"\0asm\x0d\0\x01\0".to_vec())
//!     .build()?;
//! store.write_image(&reference, &image)?;
//!
//! let image = store.image(&reference, &Platform::host())?;
//! assert_eq!(image.metadata.description, "trace new processes");
//! assert_eq!(image.objects[0].name, "execsnoop");
//! for listed in store.list()? {
//!     println!("{:?} {:?} {}", listed.name, listed.digest, listed.size);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Everything blocks; only [`registry`] uses the network.

#![forbid(unsafe_code)]

pub mod annotation;
mod builder;
mod bytecode;
mod digest;
mod document;
mod error;
mod file;
mod image;
mod kernel_types;
mod layout;
pub mod limits;
pub mod media_type;
mod metadata;
mod platform;
mod reference;
pub mod registry;
pub mod signature;
mod store;
mod tar;
mod timestamp;

pub use builder::{ImageBuilder, PackedImage};
pub use digest::{Digest, Hasher};
pub use document::{Annotations, Descriptor, ImageConfig, Index, Manifest};
pub use error::{Error, ErrorKind, Result};
pub use image::{Content, Form, Image, Object, Warning};
pub use kernel_types::KernelTypes;
pub use layout::Layout;
pub use metadata::{KernelNeeds, Metadata, Permissions, Resources, World};
pub use platform::Platform;
pub use reference::{DEFAULT_TAG, Reference};
pub use signature::{PrivateKey, PublicKey, Signature, SignatureForm, Signatures};
pub use store::{
    BlobWriter, CheckReport, Compression, ListEntry, Problem, ProblemKind, PruneReport, Store,
    StoreWriter, Usage, default_store_root,
};
pub use timestamp::{SOURCE_DATE_EPOCH, Timestamp};
