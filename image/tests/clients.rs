//! Other people's programs read what we write, and we read what they write.

#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod support;

use eunomia_image::{Layout, Manifest, PackedImage, Platform, Store};
use oci_spec::image::{ImageConfiguration, ImageIndex, ImageManifest};
use support::{builder, host, packed, raw_layout, reference, run, store, text};

#[test]
fn skopeo_reads_the_manifest_byte_for_byte() {
    let (_folder, store) = store();
    let image = packed("a");
    for name in ["execsnoop:1.0", "localhost:5000/tools/execsnoop:latest"] {
        store.write_image(&reference(name), &image).unwrap();
        let source = format!("oci:{}:{name}", text(store.root()));
        let raw = run("skopeo", &["inspect", "--raw", &source]);
        let (_, manifest) = image.blobs().last().unwrap();
        assert_eq!(&raw, manifest, "{name}");
    }
}

#[test]
fn skopeo_copies_an_image_without_changing_its_digest() {
    let (folder, store) = store();
    let image = packed("a");
    store
        .write_image(&reference("execsnoop:1.0"), &image)
        .unwrap();
    let source = format!("oci:{}:execsnoop:1.0", text(store.root()));
    let copy = folder.path().join("copy");
    run(
        "skopeo",
        &[
            "copy",
            "--quiet",
            &source,
            &format!("oci:{}:renamed", text(&copy)),
        ],
    );

    let layout = Layout::open(&copy).unwrap();
    assert_eq!(layout.names().unwrap(), ["renamed"]);
    let read = layout.image(Some("renamed"), &host()).unwrap();
    assert_eq!(read.digest, image.digest());
    assert_eq!(read.objects[0].bytes, b"\x7fELF a");
    assert!(read.warnings.is_empty(), "{:?}", read.warnings);
}

#[test]
fn skopeo_copies_an_index_with_all_its_platforms() {
    let (folder, store) = store();
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    let images = platforms
        .iter()
        .map(|platform| builder("a").platform(platform.clone()).build().unwrap());
    let index = PackedImage::index(images.collect()).unwrap();
    store
        .write_image(&reference("execsnoop:1.0"), &index)
        .unwrap();
    let source = format!("oci:{}:execsnoop:1.0", text(store.root()));
    let copy = folder.path().join("copy");
    let target = format!("oci:{}:all", text(&copy));
    run("skopeo", &["copy", "--quiet", "--all", &source, &target]);

    let layout = Layout::open(&copy).unwrap();
    for platform in &platforms {
        let read = layout.image(Some("all"), platform).unwrap();
        assert_eq!(read.platform.as_ref(), Some(platform));
        assert!(read.warnings.is_empty(), "{:?}", read.warnings);
    }
}

#[test]
fn an_image_that_skopeo_wrote_into_the_store_is_found() {
    let (folder, store) = store();
    let other = Store::open(folder.path().join("other")).unwrap();
    store
        .write_image(&reference("here:1.0"), &packed("here"))
        .unwrap();
    let image = packed("there");
    other.write_image(&reference("there:1.0"), &image).unwrap();
    run(
        "skopeo",
        &[
            "copy",
            "--quiet",
            &format!("oci:{}:there:1.0", text(other.root())),
            &format!("oci:{}:there:2.0", text(store.root())),
        ],
    );
    assert_eq!(
        store
            .image(&reference("there:2.0"), &host())
            .unwrap()
            .digest,
        image.digest()
    );
    assert!(store.image(&reference("here:1.0"), &host()).is_ok());
    assert!(store.prune().unwrap().blobs.is_empty());
    assert!(store.check().unwrap().problems.is_empty());
}

#[test]
fn umoci_lists_tags_and_collects_garbage_without_harm() {
    let (_folder, store) = store();
    store
        .write_image(&reference("execsnoop:1.0"), &packed("a"))
        .unwrap();
    store
        .write_image(&reference("opensnoop:latest"), &packed("b"))
        .unwrap();
    let listed = run("umoci", &["list", "--layout", text(store.root())]);
    let mut names: Vec<&str> = std::str::from_utf8(&listed).unwrap().lines().collect();
    names.sort_unstable();
    assert_eq!(names, ["execsnoop:1.0", "opensnoop:latest"]);

    let image = format!("{}:execsnoop:1.0", text(store.root()));
    run("umoci", &["tag", "--image", &image, "execsnoop:2.0"]);
    run("umoci", &["gc", "--layout", text(store.root())]);
    let report = store.check().unwrap();
    assert_eq!(
        (report.images, report.problems.len()),
        (3, 0),
        "{:?}",
        report.problems
    );
    let tagged = store.image(&reference("execsnoop:2.0"), &host()).unwrap();
    assert_eq!(tagged.digest, packed("a").digest());
}

#[test]
fn an_empty_layout_from_umoci_becomes_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("made-by-umoci");
    run("umoci", &["init", "--layout", text(&root)]);
    let store = Store::open(&root).unwrap();
    assert!(store.list().unwrap().is_empty());
    store.write_image(&reference("a"), &packed("a")).unwrap();
    assert_eq!(store.list().unwrap().len(), 1);
}

#[test]
fn an_independent_parser_accepts_every_document() {
    let image = packed("a");
    let index = PackedImage::index(vec![packed("a")]).unwrap();
    let (_, manifest) = image.blobs().last().unwrap();
    let parsed = ImageManifest::from_reader(manifest.as_slice()).unwrap();
    assert_eq!(parsed.layers().len(), 4);
    let (_, bytes) = index.blobs().last().unwrap();
    assert_eq!(
        ImageIndex::from_reader(bytes.as_slice())
            .unwrap()
            .manifests()
            .len(),
        1
    );
    let digest = Manifest::parse(manifest).unwrap().config.digest;
    let (_, config) = image
        .blobs()
        .iter()
        .find(|(part, _)| part.digest == digest)
        .unwrap();
    let config = ImageConfiguration::from_reader(config.as_slice()).unwrap();
    assert!(config.rootfs().diff_ids().is_empty());

    let (_folder, store) = store();
    store.write_image(&reference("a"), &image).unwrap();
    let written = ImageIndex::from_file(store.root().join("index.json")).unwrap();
    assert_eq!(written.manifests().len(), 1);
}

#[test]
fn a_container_image_is_refused_with_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("layout");
    run("umoci", &["init", "--layout", text(&root)]);
    let image = format!("{}:box", text(&root));
    run("umoci", &["new", "--image", &image]);
    let source = folder.path().join("file");
    std::fs::write(&source, "content").unwrap();
    run(
        "umoci",
        &[
            "insert",
            "--rootless",
            "--image",
            &image,
            text(&source),
            "/file",
        ],
    );

    let error = Layout::open(&root)
        .unwrap()
        .image(Some("box"), &host())
        .unwrap_err();
    assert_eq!(error.kind(), eunomia_image::ErrorKind::NothingRunnable);
    assert!(
        error.to_string().contains("vnd.oci.image.layer.v1.tar"),
        "{error}"
    );
}

#[test]
fn a_layout_without_images_says_so() {
    let folder = tempfile::tempdir().unwrap();
    raw_layout(folder.path(), r#"{"schemaVersion":2,"manifests":[]}"#);
    let error = Layout::open(folder.path())
        .unwrap()
        .image(None, &host())
        .unwrap_err();
    assert_eq!(error.kind(), eunomia_image::ErrorKind::NotFound);
}
