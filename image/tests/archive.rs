//! Images as one file.

#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod support;

use std::fs;
use std::process::Command;

use eunomia_image::{Compression, ErrorKind, PackedImage, Platform, Store};
use support::{blob_path, builder, host, packed, reference, run, store, text};

/// An archive of two images, one of them for two platforms.
fn saved(compression: Compression) -> (PackedImage, PackedImage, Vec<u8>) {
    let (_folder, store) = store();
    let one = packed("one");
    let platforms = ["amd64", "arm64"].map(Platform::linux);
    let images = platforms.map(|platform| builder("two").platform(platform).build().unwrap());
    let two = PackedImage::index(images.to_vec()).unwrap();
    store
        .write_image(&reference("localhost:5000/one:1"), &one)
        .unwrap();
    store.write_image(&reference("two"), &two).unwrap();
    let mut archive = Vec::new();
    let names = [reference("localhost:5000/one:1"), reference("two")];
    store.save(&names, compression, &mut archive).unwrap();
    (one, two, archive)
}

fn check_loaded(store: &Store, one: &PackedImage, two: &PackedImage) {
    assert_eq!(
        store
            .image(&reference("localhost:5000/one:1"), &host())
            .unwrap()
            .digest,
        one.digest()
    );
    assert_eq!(
        store.resolve(&reference("two")).unwrap().digest,
        two.digest()
    );
    for platform in ["amd64", "arm64"].map(Platform::linux) {
        store.image(&reference("two"), &platform).unwrap();
    }
    assert!(store.check().unwrap().problems.is_empty());
    assert!(store.prune().unwrap().blobs.is_empty());
}

#[test]
fn an_archive_loads_into_another_store_whatever_compressed_it() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two, plain) = saved(Compression::None);
    let file = folder.path().join("archive.tar");
    fs::write(&file, &plain).unwrap();
    let by_us = [Compression::Gzip, Compression::Zstd].map(|how| saved(how).2);
    let theirs = ["gzip", "zstd"].map(|program| run(program, &["-c", text(&file)]));
    for archive in [plain].into_iter().chain(by_us).chain(theirs) {
        let (_folder, store) = store();
        let names = store.load(&mut archive.as_slice(), None).unwrap();
        assert_eq!(names, [reference("localhost:5000/one:1"), reference("two")]);
        check_loaded(&store, &one, &two);
    }
}

#[test]
fn the_programs_of_others_unpack_what_we_compress() {
    let folder = tempfile::tempdir().unwrap();
    let plain = saved(Compression::None).2;
    for (how, program) in [(Compression::Gzip, "gzip"), (Compression::Zstd, "zstd")] {
        let file = folder.path().join(program);
        fs::write(&file, saved(how).2).unwrap();
        let input = fs::File::open(&file).unwrap();
        let output = Command::new(program)
            .arg("-dc")
            .stdin(input)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(output.stdout == plain, "{program}");
    }
}

#[test]
fn an_archive_is_reproducible() {
    for how in [Compression::None, Compression::Gzip, Compression::Zstd] {
        assert_eq!(saved(how).2, saved(how).2);
    }
}

#[test]
fn skopeo_and_tar_read_our_archive() {
    let folder = tempfile::tempdir().unwrap();
    let (one, _, archive) = saved(Compression::None);
    let file = folder.path().join("archive.tar");
    fs::write(&file, archive).unwrap();
    let source = format!("oci-archive:{}:localhost:5000/one:1", text(&file));
    let (_, manifest) = one.blobs().last().unwrap();
    assert_eq!(&run("skopeo", &["inspect", "--raw", &source]), manifest);
    let listed = run("tar", &["-tf", text(&file)]);
    assert!(
        String::from_utf8(listed)
            .unwrap()
            .starts_with("oci-layout\nindex.json\nblobs/")
    );
}

#[test]
fn we_read_the_archives_of_skopeo_and_tar() {
    let (folder, store) = store();
    let image = packed("a");
    store.write_image(&reference("a:1"), &image).unwrap();
    let file = folder.path().join("skopeo.tar");
    let source = format!("oci:{}:a:1", text(store.root()));
    run(
        "skopeo",
        &[
            "copy",
            "--quiet",
            &source,
            &format!("oci-archive:{}:b:2", text(&file)),
        ],
    );
    let by_skopeo = fs::read(&file).unwrap();
    // Names with a leading `./`, folders, GNU's format.
    let by_tar = run(
        "tar",
        &["-c", "--format=gnu", "-C", text(store.root()), "."],
    );
    for (archive, name) in [(by_skopeo, "b:2"), (by_tar, "a:1")] {
        let (_folder, other) = support::store();
        assert_eq!(
            other.load(&mut archive.as_slice(), None).unwrap(),
            [reference(name)]
        );
        assert_eq!(
            other.image(&reference(name), &host()).unwrap().digest,
            image.digest()
        );
    }
}

#[test]
fn a_name_that_is_given_replaces_the_one_in_the_archive() {
    let (folder, store) = store();
    store.write_image(&reference("a:1"), &packed("a")).unwrap();
    let file = folder.path().join("unnamed.tar");
    let source = format!("oci:{}:a:1", text(store.root()));
    run(
        "skopeo",
        &[
            "copy",
            "--quiet",
            &source,
            &format!("oci-archive:{}", text(&file)),
        ],
    );
    let unnamed = fs::read(&file).unwrap();
    let (_folder, other) = support::store();
    let error = other.load(&mut unnamed.as_slice(), None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("has no name"), "{error}");
    let name = reference("mine:2");
    assert_eq!(
        other.load(&mut unnamed.as_slice(), Some(&name)).unwrap(),
        [reference("mine:2")]
    );
    assert!(other.image(&name, &host()).is_ok());

    let two = saved(Compression::None).2;
    let error = other.load(&mut two.as_slice(), Some(&name)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_damaged_blob_is_not_saved_as_if_it_were_sound() {
    let (_folder, store) = store();
    let image = packed("a");
    store.write_image(&reference("a"), &image).unwrap();
    for (blob, content) in image.blobs() {
        let path = blob_path(store.root(), &blob.digest);
        let mut flipped = content.clone();
        flipped[0] ^= 1;
        fs::write(&path, flipped).unwrap();
        let error = store
            .save(&[reference("a")], Compression::None, &mut std::io::sink())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        fs::write(&path, content).unwrap();
    }
    let error = store
        .save(&[reference("b")], Compression::None, &mut std::io::sink())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn cut_and_flipped_archives_leave_no_bad_image() {
    for compression in [Compression::None, Compression::Gzip] {
        let sound = saved(compression).2;
        let (_folder, store) = store();
        // Every place that matters is met: steps that are no multiple of a block.
        for len in (0..sound.len() - 1024).step_by(797) {
            let result = store.load(&mut &sound[..len], None);
            if compression == Compression::None {
                assert_eq!(result.unwrap_err().kind(), ErrorKind::Corrupt, "{len}");
            }
        }
        for position in (0..sound.len()).step_by(509) {
            let mut flipped = sound.clone();
            flipped[position] ^= 0x10;
            // The flip may hit padding, a time or a name: then it loads.
            drop(store.load(&mut flipped.as_slice(), None));
        }
        let report = store.check().unwrap();
        assert!(report.problems.is_empty(), "{:?}", report.problems);
    }
}

#[test]
fn what_is_no_archive_is_refused() {
    let (_folder, store) = store();
    for source in [
        &b""[..],
        b"hello",
        b"\x1f\x8bhello",
        b"\x28\xb5\x2f\xfdhello",
        &[0; 4096],
    ] {
        let error = store.load(&mut &*source, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
    assert!(store.list().unwrap().is_empty());
}
