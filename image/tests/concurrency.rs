//! Many threads on one store.

#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use eunomia_image::{ErrorKind, Store};
use support::{host, packed, reference, store};

const WRITERS: usize = 6;
const IMAGES_PER_WRITER: usize = 15;

#[test]
fn writers_readers_and_a_pruner_do_not_disturb_each_other() {
    let (_folder, store) = store();
    let root = store.root().to_owned();
    store
        .write_image(&reference("always"), &packed("always"))
        .unwrap();
    let written = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let root = &root;
                scope.spawn(move || {
                    let store = Store::open(root).unwrap();
                    for image in 0..IMAGES_PER_WRITER {
                        let name = reference(&format!("w{writer}:{image}"));
                        // Shared between writers, so that prune and write meet at one blob.
                        let salt = format!("shared-{image}");
                        store.write_image(&name, &packed(&salt)).unwrap();
                        store
                            .tag(&name, &reference(&format!("w{writer}:newest")))
                            .unwrap();
                        if image % 2 == 0 {
                            store.remove(&name).unwrap();
                        }
                    }
                })
            })
            .collect();
        let (root, written) = (&root, &written);
        scope.spawn(move || {
            let store = Store::open(root).unwrap();
            while !written.load(Ordering::Relaxed) {
                store.prune().unwrap();
            }
        });
        scope.spawn(move || {
            let store = Store::open(root).unwrap();
            while !written.load(Ordering::Relaxed) {
                store.image(&reference("always"), &host()).unwrap();
                assert!(
                    store
                        .list()
                        .unwrap()
                        .iter()
                        .all(|listed| listed.problem.is_none())
                );
            }
        });
        let results: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        // Before a failure is raised, or the loops above would not end.
        written.store(true, Ordering::Relaxed);
        results.into_iter().for_each(|result| result.unwrap());
    });
    let kept = IMAGES_PER_WRITER / 2;
    assert_eq!(store.list().unwrap().len(), 1 + WRITERS * (kept + 1));
    let report = store.check().unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    for listed in store.list().unwrap() {
        store.image(&listed.reference.unwrap(), &host()).unwrap();
    }
}

#[test]
fn a_writer_keeps_its_blobs_from_a_prune_until_it_publishes() {
    let (_folder, store) = store();
    let image = packed("a");
    let writer = store.writer().unwrap();
    for (descriptor, content) in image.blobs() {
        writer
            .write_blob(descriptor, &mut content.as_slice())
            .unwrap();
    }
    let half = writer.blob(image.descriptor()).unwrap();
    let other = store.clone();
    let prune = thread::spawn(move || other.prune());
    // The prune waits for the writer, who goes on as long as it likes.
    writer.publish(&reference("a"), image.descriptor()).unwrap();
    drop(half);
    drop(writer);
    let report = prune.join().unwrap().unwrap();
    assert!(report.blobs.is_empty());
    store.image(&reference("a"), &host()).unwrap();
}

#[test]
fn many_openers_create_one_store() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    thread::scope(|scope| {
        for opener in 0..8 {
            let root = &root;
            scope.spawn(move || {
                let store = Store::open(root).unwrap();
                let name = reference(&format!("o{opener}"));
                store.write_image(&name, &packed("a")).unwrap();
            });
        }
    });
    assert_eq!(Store::open(&root).unwrap().list().unwrap().len(), 8);
}

#[test]
fn removing_while_another_runs_gives_the_image_or_a_clear_error() {
    let (_folder, store) = store();
    let name = reference("a");
    thread::scope(|scope| {
        let (store, name) = (&store, &name);
        let changer = scope.spawn(move || {
            for round in 0..30 {
                store
                    .write_image(name, &packed(&format!("{round}")))
                    .unwrap();
                store.remove(name).unwrap();
                store.prune().unwrap();
            }
        });
        while !changer.is_finished() {
            match store.image(name, &host()) {
                Ok(image) => assert_eq!(image.objects.len(), 1),
                Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
            }
        }
    });
}
