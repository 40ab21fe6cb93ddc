//! What the integration tests share: a tool to pack, stores in temporary folders, other people's
//! programs.

#![allow(dead_code, reason = "every test file uses a part of it")]

pub(crate) mod mutate;
pub(crate) mod noise;
pub(crate) mod proxy;
pub(crate) mod registry;
pub(crate) mod server;

use std::path::Path;
use std::process::Command;

use eunomia_image::{
    Descriptor, Digest, ImageBuilder, Metadata, PackedImage, Platform, Reference, Store, World,
};
use tempfile::TempDir;

/// The header of a component; nothing here runs it.
pub(crate) const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

pub(crate) fn host() -> Platform {
    Platform::host()
}

pub(crate) fn reference(text: &str) -> Reference {
    Reference::parse(text).expect("a valid reference")
}

/// A builder whose contents depend on `salt`, so that images differ.
pub(crate) fn builder(salt: &str) -> ImageBuilder {
    let mut metadata = Metadata::new("execsnoop", World::Command);
    metadata.description = "trace new processes".to_owned();
    ImageBuilder::new(metadata)
        .object("execsnoop", format!("\x7fELF {salt}").into_bytes())
        .component([COMPONENT, salt.as_bytes()].concat())
        .readme("# execsnoop\n")
}

pub(crate) fn packed(salt: &str) -> PackedImage {
    builder(salt).build().expect("a valid image")
}

pub(crate) fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::open(folder.path().join("store")).expect("a new store");
    (folder, store)
}

/// Writes a blob as any tool would, verified by nobody, and describes it.
pub(crate) fn raw_blob(root: &Path, media_type: &str, content: &[u8]) -> Descriptor {
    let folder = root.join("blobs/sha256");
    std::fs::create_dir_all(&folder).expect("create the blobs folder");
    let name = Digest::of(content).hex();
    std::fs::write(folder.join(name), content).expect("write a blob");
    Descriptor::of(media_type, content)
}

/// Makes `root` a layout whose `index.json` is `index`.
pub(crate) fn raw_layout(root: &Path, index: &str) {
    std::fs::create_dir_all(root.join("blobs/sha256")).expect("create the blobs folder");
    std::fs::write(root.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)
        .expect("write oci-layout");
    std::fs::write(root.join("index.json"), index).expect("write index.json");
}

/// Runs a program that must be installed and must succeed; returns its standard output.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program} must be installed for this test: {error}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// A file in which the blob of `descriptor` lies.
pub(crate) fn blob_path(root: &Path, digest: &Digest) -> std::path::PathBuf {
    root.join("blobs/sha256").join(digest.hex())
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}
