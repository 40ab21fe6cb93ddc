//! Annotation keys (OCI image specification, "Pre-Defined Annotation Keys").

/// Name of the tool (on a manifest) or of the file (on a layer).
pub const TITLE: &str = "org.opencontainers.image.title";
/// One sentence about the tool.
pub const DESCRIPTION: &str = "org.opencontainers.image.description";
/// Version of the packaged tool.
pub const VERSION: &str = "org.opencontainers.image.version";
/// Where the source code is.
pub const SOURCE: &str = "org.opencontainers.image.source";
/// Commit of the source code.
pub const REVISION: &str = "org.opencontainers.image.revision";
/// SPDX licence expression.
pub const LICENSES: &str = "org.opencontainers.image.licenses";
/// Who made the image.
pub const AUTHORS: &str = "org.opencontainers.image.authors";
/// Build time, RFC 3339. Written only when the builder was given one.
pub const CREATED: &str = "org.opencontainers.image.created";
/// Name of an entry of `index.json`. Ours holds the full reference.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// A signature of simple signing, in base64 (on a layer).
pub const COSIGN_SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// What an entry of `index.json` is, written by `cosign save`.
pub const COSIGN_KIND: &str = "kind";
/// The signatures of an image.
pub const COSIGN_KIND_SIGNATURES: &str = "dev.cosignproject.cosign/sigs";
/// What a sigstore bundle holds (on a manifest).
pub const BUNDLE_CONTENT: &str = "dev.sigstore.bundle.content";
/// What a sigstore bundle says of the image (on a manifest).
pub const BUNDLE_PREDICATE: &str = "dev.sigstore.bundle.predicateType";
/// Digest of the image that an entry of `index.json` is about, written by this crate.
pub const SUBJECT: &str = "io.eunomia.ecli.subject";
/// Releases of the kernels of which a layer has the types, with a space between two.
pub const KERNELS: &str = "io.eunomia.ecli.kernels";
