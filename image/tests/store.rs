//! What the store does with sound content.

#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use eunomia_image::{
    Descriptor, Digest, ErrorKind, Layout, PackedImage, Platform, Store, Timestamp, media_type,
};
use support::{COMPONENT, builder, host, packed, raw_blob, raw_layout, reference, store};

#[test]
fn an_image_reads_back_as_it_was_written() {
    let (_folder, store) = store();
    let image = packed("a");
    let written = store.write_image(&reference("a:1"), &image).unwrap();
    assert_eq!(written.digest, image.digest());

    let read = store.image(&reference("a:1"), &host()).unwrap();
    assert_eq!(read.digest, image.digest());
    assert_eq!(read.platform, Some(host()));
    assert_eq!(read.metadata.objects, ["execsnoop"]);
    assert_eq!(read.objects[0].bytes, b"\x7fELF a");
    assert_eq!(read.objects[0].digest, Digest::of(b"\x7fELF a"));
    let component = read.component.unwrap();
    assert_eq!(component.bytes, [COMPONENT, b"a"].concat());
    assert_eq!(component.digest, Digest::of(&component.bytes));
    assert_eq!(read.readme.unwrap(), "# execsnoop\n");
    assert!(read.warnings.is_empty());
    let total: usize = image.blobs().iter().map(|(_, content)| content.len()).sum();
    assert_eq!(read.size, total as u64);
}

#[test]
fn an_unknown_image_is_named_in_the_error() {
    let (_folder, store) = store();
    let error = store.image(&reference("nope"), &host()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("nope:latest"), "{error}");
}

#[test]
fn an_index_gives_each_platform_its_image() {
    let (_folder, store) = store();
    let (amd64, arm64) = (Platform::linux("amd64"), Platform::linux("arm64"));
    let one = builder("one").platform(amd64.clone()).build().unwrap();
    let two = builder("two").platform(arm64.clone()).build().unwrap();
    let index = PackedImage::index(vec![two.clone(), one.clone()]).unwrap();
    let same = PackedImage::index(vec![one.clone(), two.clone()]).unwrap();
    assert_eq!(index.digest(), same.digest());
    let name = reference("a:1");
    store.write_image(&name, &index).unwrap();
    assert_eq!(store.image(&name, &amd64).unwrap().digest, one.digest());
    assert_eq!(store.image(&name, &arm64).unwrap().digest, two.digest());
    assert_eq!(store.resolve(&name).unwrap().digest, index.digest());
    assert_eq!(
        store.resolve_platform(&name, &arm64).unwrap().digest,
        two.digest()
    );

    let error = store.image(&name, &Platform::linux("riscv64")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoPlatform);
    assert!(
        error.to_string().contains("linux/amd64, linux/arm64"),
        "{error}"
    );

    let listed = &store.list().unwrap()[0];
    assert_eq!(listed.platforms, [amd64, arm64]);
}

#[test]
fn a_digest_reference_finds_exactly_that_image() {
    let (_folder, store) = store();
    let (amd64, arm64) = (Platform::linux("amd64"), Platform::linux("arm64"));
    let one = builder("one").platform(amd64.clone()).build().unwrap();
    let two = builder("two").platform(arm64).build().unwrap();
    let index = PackedImage::index(vec![one.clone(), two.clone()]).unwrap();
    let name = reference("a:1");
    store.write_image(&name, &index).unwrap();
    // The digest of the index and that of one manifest in it, whatever the tag says.
    for text in [
        format!("a@{}", index.digest()),
        format!("a:9@{}", index.digest()),
    ] {
        assert_eq!(
            store.image(&reference(&text), &amd64).unwrap().digest,
            one.digest()
        );
    }
    let of_two = name.at_digest(two.digest());
    assert_eq!(store.resolve(&of_two).unwrap().digest, two.digest());
    let elsewhere = reference("b").at_digest(index.digest());
    assert_eq!(
        store.resolve(&elsewhere).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let unknown = name.at_digest(Digest::of(b"unknown"));
    assert_eq!(
        store.resolve(&unknown).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn an_image_for_another_platform_is_read_with_a_warning() {
    let (_folder, store) = store();
    let image = builder("a")
        .platform(Platform::linux("s390x"))
        .build()
        .unwrap();
    // Without platform in the entry, as skopeo writes it.
    let writer = store.writer().unwrap();
    for (descriptor, content) in image.blobs() {
        writer
            .write_blob(descriptor, &mut content.as_slice())
            .unwrap();
    }
    let entry = Descriptor {
        platform: None,
        ..image.descriptor().clone()
    };
    writer.publish(&reference("a"), &entry).unwrap();
    drop(writer);
    let read = store
        .image(&reference("a"), &Platform::linux("amd64"))
        .unwrap();
    let shown = read.warnings[0].to_string();
    assert_eq!(shown, "the image is for linux/s390x, not for linux/amd64");
}

#[test]
fn tags_move_and_go() {
    let (_folder, store) = store();
    store
        .write_image(&reference("a:1"), &packed("one"))
        .unwrap();
    store
        .write_image(&reference("a:2"), &packed("two"))
        .unwrap();
    store.tag(&reference("a:1"), &reference("b")).unwrap();
    store.tag(&reference("a:2"), &reference("b")).unwrap();
    let names = |store: &Store| -> Vec<String> {
        store
            .list()
            .unwrap()
            .into_iter()
            .filter_map(|listed| listed.name)
            .collect()
    };
    assert_eq!(names(&store), ["a:1", "a:2", "b:latest"]);
    assert_eq!(
        store.resolve(&reference("b")).unwrap().digest,
        packed("two").digest()
    );
    assert_eq!(store.remove(&reference("b")).unwrap(), [reference("b")]);
    assert_eq!(names(&store), ["a:1", "a:2"]);

    let by_digest = reference("a").at_digest(packed("one").digest());
    assert_eq!(store.remove(&by_digest).unwrap(), [reference("a:1")]);
    assert_eq!(
        store.remove(&by_digest).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let error = store.tag(&reference("nope"), &reference("c")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let digest_target = reference("c").at_digest(packed("two").digest());
    let error = store.tag(&reference("a:2"), &digest_target).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn prune_deletes_only_what_no_image_needs() {
    let (_folder, store) = store();
    store.write_image(&reference("a"), &packed("one")).unwrap();
    store.write_image(&reference("a"), &packed("two")).unwrap();
    store
        .write_image(&reference("b"), &packed("three"))
        .unwrap();
    fs::write(store.root().join("ingest/new-left-by-a-kill"), "half").unwrap();
    fs::write(store.root().join("blobs/sha256/README"), "not a blob").unwrap();
    let cache = store.cache_folder();
    fs::create_dir(&cache).unwrap();
    let compiled = |text: &str| {
        let component = Digest::of(&[COMPONENT, text.as_bytes()].concat());
        cache.join(format!("{}-0.1.0.cwasm", component.hex()))
    };
    for path in [compiled("one"), compiled("two"), cache.join("functions")] {
        fs::write(path, "machine code").unwrap();
    }
    let report = store.prune().unwrap();
    // Of the first image: manifest, object and component; config, metadata and README are shared.
    let deleted = (report.blobs.len(), report.derived, report.unfinished);
    assert_eq!(deleted, (3, 2, 1));
    assert!(compiled("two").exists());
    assert!(report.bytes > 4);
    assert_eq!(
        store.image(&reference("a"), &host()).unwrap().digest,
        packed("two").digest()
    );
    assert!(store.root().join("blobs/sha256/README").exists());
    assert!(store.prune().unwrap().blobs.is_empty());

    store.remove(&reference("a")).unwrap();
    store.remove(&reference("b")).unwrap();
    // Three of each and three shared ones.
    assert_eq!(store.prune().unwrap().blobs.len(), 3 + 3 + 3);
    assert!(store.list().unwrap().is_empty());
}

#[test]
fn a_list_tells_size_creation_and_description() {
    let (_folder, store) = store();
    let created = Timestamp::from_unix(1_700_000_000).unwrap();
    let image = builder("a").created(created).build().unwrap();
    store.write_image(&reference("a"), &image).unwrap();
    let listed = store.list().unwrap().remove(0);
    assert_eq!(listed.reference, Some(reference("a")));
    assert_eq!(listed.digest, Some(image.digest()));
    assert_eq!(listed.created, Some(created));
    assert_eq!(listed.description.as_deref(), Some("trace new processes"));
    assert_eq!(
        listed.size,
        store.image(&reference("a"), &host()).unwrap().size
    );
    assert!(listed.stored.is_some());
    assert_eq!(listed.problem, None);
}

#[test]
fn old_unfinished_files_go_when_the_next_writer_comes() {
    let (_folder, store) = store();
    let old = store.root().join("ingest/new-old");
    let young = store.root().join("ingest/new-young");
    fs::write(&young, "half").unwrap();
    let file = fs::File::create(&old).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3 * 24 * 3600))
        .unwrap();
    drop(store.writer().unwrap());
    assert!(!old.exists());
    assert!(young.exists());
}

#[test]
fn a_folder_with_other_content_does_not_become_a_store() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "").unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("thesis.tex"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_interrupted_creation_is_continued() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("blobs/sha256")).unwrap();
    fs::create_dir(folder.path().join("lock")).unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert!(store.list().unwrap().is_empty());
}

#[test]
fn a_layout_of_another_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    raw_layout(folder.path(), "{}");
    fs::write(
        folder.path().join("oci-layout"),
        r#"{"imageLayoutVersion":"2.0.0"}"#,
    )
    .unwrap();
    assert_eq!(
        Store::open(folder.path()).unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    let error = Layout::open(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(
        Layout::open("/nonexistent").unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn blobs_are_readable_by_all() {
    let (_folder, store) = store();
    store.write_image(&reference("a"), &packed("a")).unwrap();
    let blob = support::blob_path(store.root(), &packed("a").digest());
    let mode = fs::metadata(blob).unwrap().permissions().mode();
    assert_eq!(mode & 0o444, 0o444);
}

#[test]
fn an_older_wasm_image_gives_its_module() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let config = raw_blob(root, "application/vnd.wasm.config.v1+json", b"{}");
    let module = raw_blob(root, media_type::WASM_MODULE, b"\0asm\x01\0\0\0");
    let json = |descriptor: &Descriptor| serde_json::to_string(descriptor).unwrap();
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{},"layers":[{}]}}"#,
        json(&config),
        json(&module)
    );
    let manifest = raw_blob(root, media_type::OCI_MANIFEST, manifest.as_bytes());
    raw_layout(
        root,
        &format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, json(&manifest)),
    );

    let image = Layout::open(root).unwrap().image(None, &host()).unwrap();
    assert_eq!(image.module.unwrap().bytes, b"\0asm\x01\0\0\0");
    assert!(image.component.is_none());
    assert_eq!(image.platform, None);
    assert_eq!(image.warnings, [eunomia_image::Warning::NoMetadata]);
}

#[test]
fn a_writer_refuses_to_publish_an_incomplete_image() {
    let (_folder, store) = store();
    let image = packed("a");
    for left_out in 0..image.blobs().len() {
        let (_folder, store) = self::store();
        let writer = store.writer().unwrap();
        for (index, (descriptor, content)) in image.blobs().iter().enumerate() {
            if index != left_out {
                writer
                    .write_blob(descriptor, &mut content.as_slice())
                    .unwrap();
            }
        }
        let error = writer
            .publish(&reference("a"), image.descriptor())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "blob {left_out}");
        assert!(store.list().unwrap().is_empty());
    }
    drop(store);
}

#[test]
fn a_blob_with_other_content_does_not_get_in() {
    let (_folder, store) = store();
    let writer = store.writer().unwrap();
    let descriptor = Descriptor::of("a/b", b"content");
    for wrong in [&b"Content"[..], b"conten", b"contents", b""] {
        let error = writer.write_blob(&descriptor, &mut &*wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{wrong:?}");
        assert!(!writer.has_blob(&descriptor));
    }
    // An endless source ends at the size that was announced.
    let error = writer
        .write_blob(&descriptor, &mut std::io::repeat(0))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(
        fs::read_dir(store.root().join("ingest")).unwrap().count(),
        0
    );
    writer
        .write_blob(&descriptor, &mut &b"content"[..])
        .unwrap();
    assert!(writer.has_blob(&descriptor));
}
