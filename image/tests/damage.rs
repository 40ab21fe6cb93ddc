//! Damaged and hostile content: a clear error that names the thing, and nothing else is harmed.

#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use eunomia_image::limits::{
    COMPONENT_BYTES_MAX, LAYERS_MAX, MANIFEST_BYTES_MAX, OBJECT_BYTES_MAX,
};
use eunomia_image::{
    Descriptor, Digest, Error, ErrorKind, Image, Layout, Manifest, ProblemKind, Store, media_type,
};
use support::{COMPONENT, blob_path, host, packed, raw_blob, raw_layout, reference, run, text};

fn json(descriptor: &Descriptor) -> String {
    serde_json::to_string(descriptor).unwrap()
}

/// A store with one image `a`, and the descriptors of its manifest and layers.
fn store_with_image() -> (tempfile::TempDir, Store, Vec<Descriptor>) {
    let (folder, store) = support::store();
    let image = packed("a");
    store.write_image(&reference("a"), &image).unwrap();
    let (_, manifest) = image.blobs().last().unwrap();
    let manifest = Manifest::parse(manifest).unwrap();
    let mut parts = vec![image.descriptor().clone(), manifest.config];
    parts.extend(manifest.layers);
    (folder, store, parts)
}

fn read(store: &Store) -> Result<Image, Error> {
    store.image(&reference("a"), &host())
}

/// A layout with one manifest of these layers, without metadata.
fn layout_with(root: &Path, layers: &[Descriptor], artifact_type: &str) -> Layout {
    let config = raw_blob(root, "application/vnd.oci.empty.v1+json", b"{}");
    let layers: Vec<String> = layers.iter().map(json).collect();
    let manifest = format!(
        r#"{{"schemaVersion":2,"artifactType":"{artifact_type}","config":{},"layers":[{}]}}"#,
        json(&config),
        layers.join(",")
    );
    let manifest = raw_blob(root, media_type::OCI_MANIFEST, manifest.as_bytes());
    raw_layout(
        root,
        &format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, json(&manifest)),
    );
    Layout::open(root).unwrap()
}

fn read_layers(layers: impl FnOnce(&Path) -> Vec<Descriptor>) -> Result<Image, Error> {
    let folder = tempfile::tempdir().unwrap();
    let layers = layers(folder.path());
    layout_with(folder.path(), &layers, "").image(None, &host())
}

fn titled(mut descriptor: Descriptor, title: &str) -> Descriptor {
    descriptor.annotations.insert(
        eunomia_image::annotation::TITLE.to_owned(),
        title.to_owned(),
    );
    descriptor
}

#[test]
fn every_flipped_blob_is_noticed_by_reading_and_by_the_check() {
    let (_folder, store, parts) = store_with_image();
    for part in &parts {
        let path = blob_path(store.root(), &part.digest);
        let sound = fs::read(&path).unwrap();
        let mut flipped = sound.clone();
        flipped[sound.len() / 2] ^= 1;
        fs::write(&path, flipped).unwrap();

        let error = read(&store).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{}", part.media_type);
        let message = error.to_string();
        assert!(message.contains("read image a:latest"), "{message}");
        assert!(message.contains(&part.digest.to_string()), "{message}");
        assert!(message.contains("digest mismatch"), "{message}");
        let problems = store.check().unwrap().problems;
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].kind, ProblemKind::CorruptBlob);
        assert_eq!(problems[0].blob.as_ref().unwrap().digest, part.digest);
        assert_eq!(problems[0].images, ["a:latest"]);
        fs::write(&path, sound).unwrap();
    }
    assert!(store.check().unwrap().problems.is_empty());
}

#[test]
fn truncated_and_missing_blobs_are_told_apart() {
    let (_folder, store, parts) = store_with_image();
    for part in &parts {
        let path = blob_path(store.root(), &part.digest);
        let sound = fs::read(&path).unwrap();
        for len in [0, sound.len() - 1] {
            fs::write(&path, &sound[..len]).unwrap();
            let error = read(&store).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            assert!(error.to_string().contains("size mismatch"), "{error}");
            assert_eq!(
                store.check().unwrap().problems[0].kind,
                ProblemKind::CorruptBlob
            );
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(read(&store).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(
            store.check().unwrap().problems[0].kind,
            ProblemKind::MissingBlob
        );
        fs::write(&path, sound).unwrap();
    }
    read(&store).unwrap();
}

#[test]
fn writing_the_image_again_heals_it() {
    let (_folder, store, parts) = store_with_image();
    for part in &parts {
        fs::write(blob_path(store.root(), &part.digest), "garbage").unwrap();
    }
    store.write_image(&reference("a"), &packed("a")).unwrap();
    read(&store).unwrap();
    assert!(store.check().unwrap().problems.is_empty());
}

#[test]
fn a_damaged_image_keeps_prune_from_deleting_anything() {
    let (_folder, store, parts) = store_with_image();
    store.write_image(&reference("b"), &packed("b")).unwrap();
    store.remove(&reference("b")).unwrap();
    fs::write(blob_path(store.root(), &parts[0].digest), "garbage").unwrap();
    let before = run("ls", &[text(&store.root().join("blobs/sha256"))]);
    let error = store.prune().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("a:latest"), "{error}");
    assert_eq!(
        run("ls", &[text(&store.root().join("blobs/sha256"))]),
        before
    );
    // Listing goes on and says which image it is.
    assert!(store.list().unwrap()[0].problem.is_some());
    store.remove(&reference("a")).unwrap();
    assert!(!store.prune().unwrap().blobs.is_empty());
}

#[test]
fn a_broken_entry_hides_no_other_image_and_can_be_removed() {
    let (_folder, store, _) = store_with_image();
    let path = store.root().join("index.json");
    let sound = fs::read_to_string(&path).unwrap();
    let name = r#""annotations":{"org.opencontainers.image.ref.name":"bad:1"}"#;
    for (number, entry) in [
        format!(r#"{{"mediaType":"a/b","digest":"sha256:../../../etc/passwd","size":1,{name}}}"#),
        format!(
            r#"{{"mediaType":"a/b","digest":"{}","size":1e300,{name}}}"#,
            Digest::of(b"x")
        ),
        format!(
            r#"{{"mediaType":"a/b","digest":"{}","size":-1,{name}}}"#,
            Digest::of(b"x")
        ),
        format!(r#"{{"mediaType":7,{name}}}"#),
        format!("{{{name}}}"),
    ]
    .iter()
    .enumerate()
    {
        let broken = sound.replacen(r#""manifests":["#, &format!(r#""manifests":[{entry},"#), 1);
        assert_ne!(broken, sound);
        fs::write(&path, broken).unwrap();
        read(&store).unwrap();
        let error = store.image(&reference("bad:1"), &host()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{number}: {error}");
        let problems = store.check().unwrap().problems;
        assert_eq!(problems[0].kind, ProblemKind::BrokenEntry, "{number}");
        assert_eq!(store.list().unwrap().len(), 2);
        assert_eq!(store.prune().unwrap_err().kind(), ErrorKind::Corrupt);
        store.remove(&reference("bad:1")).unwrap();
        assert!(store.check().unwrap().problems.is_empty());
    }
}

#[test]
fn entries_that_are_no_objects_are_reported() {
    let (_folder, store, _) = store_with_image();
    let path = store.root().join("index.json");
    let sound = fs::read_to_string(&path).unwrap();
    let broken = sound.replacen(r#""manifests":["#, r#""manifests":[null,7,"x",[],"#, 1);
    fs::write(&path, broken).unwrap();
    read(&store).unwrap();
    assert_eq!(store.check().unwrap().problems.len(), 4);
    assert_eq!(store.list().unwrap().len(), 5);
}

#[test]
fn a_truncated_index_is_named_and_not_overwritten() {
    let (_folder, store, _) = store_with_image();
    let path = store.root().join("index.json");
    let sound = fs::read(&path).unwrap();
    for len in [0, 1, sound.len() / 2, sound.len() - 1] {
        fs::write(&path, &sound[..len]).unwrap();
        for error in [
            read(&store).unwrap_err(),
            store
                .write_image(&reference("b"), &packed("b"))
                .unwrap_err(),
            store.prune().unwrap_err(),
            store.list().unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            assert!(error.to_string().contains("index.json"), "{error}");
        }
        assert_eq!(
            store.check().unwrap().problems[0].kind,
            ProblemKind::BrokenStore
        );
        assert_eq!(fs::read(&path).unwrap().len(), len);
    }
}

#[test]
fn doubled_entries_are_an_error_until_the_name_is_written_again() {
    let (_folder, store, _) = store_with_image();
    let path = store.root().join("index.json");
    let mut index: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let entries = index["manifests"].as_array_mut().unwrap();
    let mut doubled = entries[0].clone();
    doubled["platform"]["architecture"] = "other".into();
    entries.push(doubled);
    fs::write(&path, index.to_string()).unwrap();
    // Two entries of one name for two platforms are what the specification allows.
    read(&store).unwrap();
    assert_eq!(
        store.resolve(&reference("a")).unwrap_err().kind(),
        ErrorKind::Corrupt
    );
    store.write_image(&reference("a"), &packed("a")).unwrap();
    store.resolve(&reference("a")).unwrap();
}

#[test]
fn sizes_above_the_bounds_are_refused_before_anything_is_read() {
    for (media_type, size) in [
        (media_type::BPF_OBJECT, OBJECT_BYTES_MAX + 1),
        (media_type::COMPONENT, COMPONENT_BYTES_MAX + 1),
        (media_type::METADATA, u64::MAX),
        (media_type::README, u64::MAX),
    ] {
        let error = read_layers(|root| {
            let mut layer = titled(raw_blob(root, media_type, b"x"), "x");
            layer.size = size;
            vec![layer]
        })
        .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{media_type}");
    }
    // Each within its bound, together too much.
    let error = read_layers(|root| {
        let layer = |index: u32| {
            let blob = raw_blob(root, media_type::BPF_OBJECT, &index.to_le_bytes());
            Descriptor {
                size: OBJECT_BYTES_MAX,
                ..titled(blob, &format!("o{index}"))
            }
        };
        (0..32).map(layer).collect()
    })
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[test]
fn a_manifest_above_the_bound_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let huge = raw_blob(
        folder.path(),
        media_type::OCI_MANIFEST,
        &vec![b' '; MANIFEST_BYTES_MAX as usize + 1],
    );
    raw_layout(
        folder.path(),
        &format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, json(&huge)),
    );
    let error = Layout::open(folder.path())
        .unwrap()
        .image(None, &host())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[test]
fn too_many_layers_are_refused() {
    let error = read_layers(|root| {
        vec![titled(raw_blob(root, media_type::BPF_OBJECT, b"x"), "x"); LAYERS_MAX + 1]
    })
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[test]
fn unknown_layers_are_skipped_with_a_warning() {
    let image = read_layers(|root| {
        vec![
            titled(
                raw_blob(root, "application/x-later", b"later"),
                "\x1b[31mlater",
            ),
            titled(raw_blob(root, media_type::BPF_OBJECT, b"x"), "x"),
        ]
    })
    .unwrap();
    let shown: Vec<String> = image.warnings.iter().map(ToString::to_string).collect();
    // Escape sequences of a hostile title do not reach the terminal.
    assert!(
        shown[0].contains("application/x-later") && !shown[0].contains('\x1b'),
        "{shown:?}"
    );
    assert_eq!(image.objects.len(), 1);
    assert_eq!(image.metadata.objects, ["x"]);
}

#[test]
fn an_image_with_nothing_runnable_lists_what_it_holds() {
    let error = read_layers(|root| {
        vec![
            raw_blob(root, media_type::README, b"# readme"),
            titled(raw_blob(root, "application/x-other", b"other"), "other.bin"),
        ]
    })
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NothingRunnable);
    let message = error.to_string();
    for part in ["text/markdown", "application/x-other", "other.bin"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn layers_that_contradict_each_other_are_refused() {
    let metadata = r#"{"schemaVersion":1,"name":"x","world":"command","objects":["y"]}"#;
    let object = |root: &Path, title| titled(raw_blob(root, media_type::BPF_OBJECT, b"x"), title);
    let component = |root: &Path| raw_blob(root, media_type::COMPONENT, COMPONENT);
    let refused: [(&str, Result<Image, Error>); 6] = [
        (
            "an object without name",
            read_layers(|r| vec![raw_blob(r, media_type::BPF_OBJECT, b"")]),
        ),
        (
            "a path as a name",
            read_layers(|r| vec![object(r, "../../etc/cron.d/x")]),
        ),
        ("an empty name", read_layers(|r| vec![object(r, "")])),
        (
            "two objects of one name",
            read_layers(|r| vec![object(r, "x"), object(r, "x")]),
        ),
        (
            "two components",
            read_layers(|r| vec![component(r), component(r)]),
        ),
        (
            "metadata that lists another object",
            read_layers(|r| {
                vec![
                    object(r, "x"),
                    raw_blob(r, media_type::METADATA, metadata.as_bytes()),
                ]
            }),
        ),
    ];
    for (what, result) in refused {
        assert!(result.is_err(), "{what}");
    }
}

#[test]
fn an_image_of_ours_without_metadata_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let layer = raw_blob(folder.path(), media_type::COMPONENT, COMPONENT);
    let layout = layout_with(folder.path(), &[layer], media_type::ARTIFACT);
    let error = layout.image(None, &host()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("metadata"), "{error}");
}

#[test]
fn a_fifo_a_device_and_a_folder_in_place_of_a_blob_neither_block_nor_harm() {
    let (_folder, store, parts) = store_with_image();
    let path = blob_path(store.root(), &parts[2].digest);
    fs::remove_file(&path).unwrap();
    run("mkfifo", &[text(&path)]);
    assert_eq!(read(&store).unwrap_err().kind(), ErrorKind::Io);
    fs::remove_file(&path).unwrap();
    symlink("/dev/zero", &path).unwrap();
    assert_eq!(read(&store).unwrap_err().kind(), ErrorKind::Io);
    fs::remove_file(&path).unwrap();
    symlink("/etc/passwd", &path).unwrap();
    assert_eq!(read(&store).unwrap_err().kind(), ErrorKind::Corrupt);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(read(&store).unwrap_err().kind(), ErrorKind::Io);
    assert_eq!(
        store.check().unwrap().problems[0].kind,
        ProblemKind::UnreadableBlob
    );
}

#[test]
fn an_index_that_nests_too_deep_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let mut inner = raw_blob(root, media_type::OCI_MANIFEST, b"{}");
    for _ in 0..6 {
        let text = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, json(&inner));
        inner = raw_blob(root, media_type::OCI_INDEX, text.as_bytes());
    }
    raw_layout(
        root,
        &format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, json(&inner)),
    );
    let error = Layout::open(root)
        .unwrap()
        .image(None, &host())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("nested"), "{error}");
    let store = Store::open(root).unwrap();
    assert!(!store.check().unwrap().problems.is_empty());
    assert!(store.prune().is_err());
}

#[test]
fn a_read_only_layout_is_read_without_being_changed() {
    let (_folder, store, _) = store_with_image();
    let files = || run("find", &[text(store.root()), "-printf", "%p %s %T@\n"]);
    let before = files();
    let layout = Layout::open(store.root()).unwrap();
    layout.image(None, &host()).unwrap();
    layout.image(Some("a:latest"), &host()).unwrap();
    let error = layout.image(Some("b"), &host()).unwrap_err();
    assert!(error.to_string().contains("a:latest"), "{error}");
    assert_eq!(files(), before);
}
