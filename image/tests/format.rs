//! The bytes of an image: reproducible, bounded, and as `docs/image-format.md` shows them.

#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod support;

use std::path::Path;

use eunomia_image::limits::{KERNEL_TYPES_MAX, METADATA_LIST_MAX, NAME_BYTES_MAX, OBJECTS_MAX};
use eunomia_image::{
    ErrorKind, ImageBuilder, KernelNeeds, Manifest, Metadata, PackedImage, Permissions, Platform,
    Resources, Timestamp, World, annotation,
};
use serde_json::Value;
use support::{COMPONENT, builder, reference};

/// The tool whose image `docs/image-format.md` shows.
fn documented() -> PackedImage {
    let mut metadata = Metadata::new("execsnoop", World::Command);
    metadata.description = "trace new processes".to_owned();
    metadata.version = Some("1.2.0".to_owned());
    metadata.arguments = vec!["--time".to_owned()];
    let mut resources = Resources::default();
    resources.memory_bytes = Some(16 << 20);
    metadata.resources = Some(resources);
    let mut kernel = KernelNeeds::default();
    kernel.release_min = Some("5.8".to_owned());
    kernel.btf = true;
    metadata.kernel = Some(kernel);
    let mut permissions = Permissions::default();
    permissions.program_types = vec!["tracepoint".to_owned()];
    permissions.attach_targets = vec!["tracepoint/syscalls/sys_enter_execve".to_owned()];
    permissions.imports = vec![
        "eunomia:bpf/object".to_owned(),
        "wasi:cli/stdout".to_owned(),
    ];
    metadata.permissions = Some(permissions);
    ImageBuilder::new(metadata)
        .platform(Platform::linux("amd64"))
        .object("execsnoop", b"\x7fELF".to_vec())
        .component(COMPONENT)
        .kernel_types("5.4.0-216-generic", b"\x9f\xeb\x01\x00")
        .kernel_types("4.19.0-27-amd64", b"\x9f\xeb\x01\x00")
        .readme("# execsnoop\n")
        .annotation(annotation::LICENSES, "MIT OR Apache-2.0")
        .annotation(annotation::SOURCE, "https://example.org/execsnoop")
        .created(Timestamp::from_unix(1_700_000_000).unwrap())
        .build()
        .unwrap()
}

fn blob(image: &PackedImage, media_type: &str) -> String {
    let (_, content) = image
        .blobs()
        .iter()
        .find(|(blob, _)| blob.media_type == media_type)
        .unwrap();
    String::from_utf8(content.clone()).unwrap()
}

/// The JSON blocks of the document, each named by the heading above it.
fn documented_blocks() -> Vec<(String, Value)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/image-format.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut blocks = Vec::new();
    let mut heading = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            heading = title.to_owned();
        } else if line == "```json" {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let value = serde_json::from_str(&block.join("\n"))
                .unwrap_or_else(|error| panic!("the JSON under {heading:?}: {error}"));
            blocks.push((heading.clone(), value));
        }
    }
    blocks
}

#[test]
fn the_documented_examples_are_what_is_written() {
    let image = documented();
    let index = PackedImage::index(vec![image.clone()]).unwrap();
    let (_folder, store) = support::store();
    store
        .write_image(&reference("registry.example/tools/execsnoop:1.2.0"), &image)
        .unwrap();
    let store_index = std::fs::read_to_string(store.root().join("index.json")).unwrap();

    let written = [
        (
            "Manifest",
            blob(&image, eunomia_image::media_type::OCI_MANIFEST),
        ),
        (
            "Config",
            blob(&image, eunomia_image::media_type::OCI_CONFIG),
        ),
        (
            "Metadata",
            blob(&image, eunomia_image::media_type::METADATA),
        ),
        (
            "Several CPUs",
            blob(&index, eunomia_image::media_type::OCI_INDEX),
        ),
        ("Local store", store_index),
    ];
    let documented = documented_blocks();
    let headings: Vec<&str> = documented
        .iter()
        .map(|(heading, _)| heading.as_str())
        .collect();
    assert_eq!(headings, written.each_ref().map(|(heading, _)| *heading));
    for ((heading, documented), (_, written)) in documented.iter().zip(&written) {
        let value: Value = serde_json::from_str(written).unwrap();
        assert_eq!(*documented, value, "{heading} is written as:\n{written}");
    }
}

#[test]
fn the_same_contents_give_the_same_digest_in_any_order() {
    let one = builder("x")
        .object("a", b"a".to_vec())
        .object("b", b"b".to_vec());
    let two = builder("x")
        .object("b", b"b".to_vec())
        .object("a", b"a".to_vec());
    let annotated = |builder: ImageBuilder, keys: [&str; 2]| {
        keys.into_iter()
            .fold(builder, |builder, key| builder.annotation(key, "v"))
    };
    let one = annotated(one, ["x", "y"]).build().unwrap();
    let two = annotated(two, ["y", "x"]).build().unwrap();
    assert_eq!(one.digest(), two.digest());
    assert_eq!(one.blobs(), two.blobs());
}

#[test]
fn every_input_changes_the_digest() {
    let base = builder("x").platform(Platform::linux("amd64"));
    let digest = base.clone().build().unwrap().digest();
    let created = Timestamp::from_unix(0).unwrap();
    for (what, changed) in [
        ("component", base.clone().component(b"other".to_vec())),
        (
            "object",
            base.clone().object("execsnoop", b"other".to_vec()),
        ),
        (
            "object name",
            base.clone().object("other", b"\x7fELF x".to_vec()),
        ),
        ("kernel types", base.clone().kernel_types("5.4", [1])),
        ("readme", base.clone().readme("other")),
        ("platform", base.clone().platform(Platform::linux("arm64"))),
        ("created", base.clone().created(created)),
        ("annotation", base.clone().annotation("x", "y")),
    ] {
        assert_ne!(changed.build().unwrap().digest(), digest, "{what}");
    }
}

#[test]
fn no_time_is_written_unless_one_is_given() {
    let image = support::packed("x");
    for (_, content) in image.blobs() {
        assert!(!String::from_utf8_lossy(content).contains("created"));
    }
    let (_, manifest) = documented().blobs().last().unwrap().clone();
    let created = Manifest::parse(&manifest)
        .unwrap()
        .annotations
        .remove(annotation::CREATED);
    assert_eq!(created.as_deref(), Some("2023-11-14T22:13:20Z"));
}

#[test]
fn annotations_of_the_caller_win_over_those_from_the_metadata() {
    let image = builder("x")
        .annotation(annotation::TITLE, "mine")
        .build()
        .unwrap();
    let (_, manifest) = image.blobs().last().unwrap();
    let annotations = Manifest::parse(manifest).unwrap().annotations;
    assert_eq!(annotations[annotation::TITLE], "mine");
    assert_eq!(annotations[annotation::DESCRIPTION], "trace new processes");
}

#[test]
fn an_image_with_nothing_in_it_is_not_built() {
    let error = ImageBuilder::new(Metadata::new("x", World::Command))
        .build()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NothingRunnable);
    assert!(
        error.to_string().contains("pack image of tool \"x\""),
        "{error}"
    );
}

#[test]
fn contents_that_no_reader_accepts_are_not_built() {
    let metadata = |name: &str| Metadata::new(name, World::Command);
    let component = |metadata| ImageBuilder::new(metadata).component(COMPONENT);
    let mut long_list = metadata("x");
    long_list.arguments = vec![String::new(); METADATA_LIST_MAX + 1];
    let objects = (0..=OBJECTS_MAX).fold(component(metadata("x")), |builder, index| {
        builder.object(format!("o{index}"), [])
    });
    for (what, builder) in [
        ("a tool without name", component(metadata(""))),
        ("a tool with a path as name", component(metadata("a/b"))),
        (
            "a long name",
            component(metadata(&"n".repeat(NAME_BYTES_MAX + 1))),
        ),
        ("a long list", component(long_list)),
        ("too many objects", objects),
        (
            "a path as object name",
            component(metadata("x")).object("../x", []),
        ),
        (
            "the name of another layer",
            component(metadata("x")).object("README.md", []),
        ),
        (
            "types of a kernel without a release",
            component(metadata("x")).kernel_types("vmlinux", []),
        ),
        (
            "large types of a kernel",
            component(metadata("x")).kernel_types("5.4", vec![0; (1 << 20) + 1]),
        ),
        (
            "types of too many kernels",
            (0..=KERNEL_TYPES_MAX).fold(component(metadata("x")), |builder, index| {
                builder.kernel_types(format!("5.{index}"), format!("{index}"))
            }),
        ),
        (
            "an object with the name of types",
            component(metadata("x"))
                .kernel_types("5.4", [])
                .object("5.4.btf", []),
        ),
        (
            "an annotation without key",
            component(metadata("x")).annotation("", "v"),
        ),
        (
            "a large README",
            component(metadata("x")).readme("r".repeat((1 << 20) + 1)),
        ),
    ] {
        assert!(builder.build().is_err(), "{what}");
    }
}

#[test]
fn an_index_needs_one_image_a_platform() {
    assert!(PackedImage::index(Vec::new()).is_err());
    let image = support::packed("x");
    assert!(PackedImage::index(vec![image.clone(), image.clone()]).is_err());
    let index = PackedImage::index(vec![image]).unwrap();
    assert!(PackedImage::index(vec![index]).is_err());
}

#[test]
fn the_types_of_a_kernel_are_found_by_its_release() {
    let (_folder, store) = support::store();
    let name = reference("x");
    store.write_image(&name, &documented()).unwrap();
    let image = store.image(&name, &Platform::linux("amd64")).unwrap();
    assert!(image.warnings.is_empty(), "{:?}", image.warnings);
    for release in ["4.19.0-27-amd64", "5.4.0-216-generic"] {
        assert_eq!(
            image.kernel_types(release).unwrap().bytes,
            b"\x9f\xeb\x01\x00"
        );
    }
    assert_eq!(image.kernel_types("4.19.0-27"), None);
}
