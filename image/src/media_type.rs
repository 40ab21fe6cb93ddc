//! Media types of manifests and layers.

/// `artifactType` of our images.
pub const ARTIFACT: &str = "application/vnd.eunomia.ecli.image.v1";
/// A BPF object (ELF). Its name is the annotation `org.opencontainers.image.title`.
pub const BPF_OBJECT: &str = "application/vnd.eunomia.bpf.object.v1+elf";
/// A WebAssembly component.
pub const COMPONENT: &str = "application/wasm";
/// Types (raw BTF) of kernels that do not show their own. Of which, says the annotation
/// [`crate::annotation::KERNELS`].
pub const KERNEL_TYPES: &str = "application/vnd.eunomia.bpf.kernel-types.v1+btf";
/// The metadata document: see [`crate::Metadata`].
pub const METADATA: &str = "application/vnd.eunomia.ecli.metadata.v1+json";
/// A README for people.
pub const README: &str = "text/markdown";

/// The core module of an older eunomia (`wasm_bpf`) image. Read, never written.
pub const WASM_MODULE: &str = "application/vnd.wasm.content.layer.v1+wasm";

/// The config of a bumblebee image. Read, never written, as all that follow.
pub const BUMBLEBEE_CONFIG: &str = "application/ebpf.oci.image.config.v1+json";
/// The BPF object of a bumblebee image.
pub const BUMBLEBEE_PROGRAM: &str = "application/ebpf.oci.image.program.v1+binary";
/// `artifactType` of an Inspektor Gadget image.
pub const GADGET_ARTIFACT: &str = "application/vnd.gadget.v1+binary";
/// The `gadget.yaml` of an Inspektor Gadget image, as its config.
pub const GADGET_CONFIG: &str = "application/vnd.gadget.config.v1+yaml";
/// The BPF object of an Inspektor Gadget image.
pub const GADGET_PROGRAM: &str = "application/vnd.gadget.ebpf.program.v1+binary";
/// The WebAssembly module of an Inspektor Gadget image.
pub const GADGET_MODULE: &str = "application/vnd.gadget.wasm.program.v1+binary";
/// Types of older kernels, in an Inspektor Gadget image.
pub const GADGET_KERNEL_TYPES: &str = "application/vnd.gadget.btfgen.v1+binary";
/// A file system layer of a container image, in which bpfman has its bytecode.
pub const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// The same without compression.
pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// Docker's name of it.
pub const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/// An OCI image manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// An OCI image index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// An OCI image config.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// The content `{}`, the config of what needs none.
pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// Docker's form of an image manifest. Read, never written.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker's form of an image index. Read, never written.
pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Docker's form of an image config. Read, never written.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

/// A sigstore bundle: the type of the layer and of the artifact around it.
pub const SIGSTORE_BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// What the types of older bundles begin with. Read, never written.
pub const SIGSTORE_BUNDLE_OLD: &str = "application/vnd.dev.sigstore.bundle+json";
/// A text of simple signing, whose signature is an annotation of its layer.
pub const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The artifact around texts of simple signing, where they are attached to an image.
pub const COSIGN_SIGNATURE: &str = "application/vnd.dev.cosign.artifact.sig.v1+json";

/// Whether `media_type` is an image manifest.
pub fn is_manifest(media_type: &str) -> bool {
    matches!(media_type, OCI_MANIFEST | DOCKER_MANIFEST)
}

/// Whether `media_type` is an image index.
pub fn is_index(media_type: &str) -> bool {
    matches!(media_type, OCI_INDEX | DOCKER_INDEX)
}
