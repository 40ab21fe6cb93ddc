//! Copies between registries, through a network that fails as well.

#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod support;

use std::sync::atomic::Ordering;
use std::time::Duration;

use eunomia_image::registry::{Login, Platforms, Registry, RegistryOptions};
use eunomia_image::{ErrorKind, ImageBuilder, Metadata, PackedImage, Reference, World};
use support::noise::noise;
use support::proxy::{Fault, Proxy};
use support::registry::RegistryServer;
use support::{host, packed, reference, store};

fn client() -> Registry {
    let mut options = RegistryOptions::default();
    options.credential_file = None;
    options.retry.pause_first = Duration::from_millis(1);
    options.retry.pause_max = Duration::from_millis(20);
    Registry::new(options).unwrap()
}

fn large(len: usize) -> PackedImage {
    let metadata = Metadata::new("large", World::Command);
    ImageBuilder::new(metadata)
        .component(noise(len, 1))
        .build()
        .unwrap()
}

fn serving(image: &PackedImage) -> (RegistryServer, Reference) {
    let server = RegistryServer::start();
    let name = reference(&server.name("a:1"));
    let (_folder, store) = store();
    store.write_image(&name, image).unwrap();
    client().push(&store, &name, &name).unwrap();
    (server, name)
}

#[test]
fn a_copy_continues_where_its_download_was_cut() {
    let image = large(4 << 20);
    let (from, name) = serving(&image);
    let to = RegistryServer::start();
    // More cuts than attempts without progress: only continuing gets to the end.
    let cutting = Proxy::start(from.address, |_| Fault::Cut(300 << 10));
    let source = reference(&format!("{}/a:1", cutting.address));
    let target = reference(&to.name("b:2"));
    let copied = client().copy(&source, &target, &Platforms::All).unwrap();
    assert_eq!(copied.descriptor.digest, image.digest());
    assert!(cutting.connections.load(Ordering::Relaxed) > 10);
    let (_folder, store) = store();
    client().pull(&store, &target, &Platforms::All).unwrap();
    assert_eq!(
        store.image(&target, &host()).unwrap().digest,
        image.digest()
    );
    // The next one finds all there; in another repository it is mounted.
    let again = client().copy(&name, &target, &Platforms::All).unwrap();
    assert_eq!(again.uploaded, 0);
    let beside = reference(&to.name("c/d:1"));
    let mounted = client().copy(&target, &beside, &Platforms::All).unwrap();
    assert_eq!(mounted.uploaded, 0);
}

#[test]
fn a_copy_through_a_bad_network_arrives_whole_or_not_at_all() {
    let image = large(1 << 20);
    let (from, _) = serving(&image);
    let to = RegistryServer::start();
    let bad = |number: u64| match number % 6 {
        0 => Fault::Refuse,
        1 => Fault::Flip(100_000),
        2 => Fault::Answer("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"),
        3 => Fault::Cut(200 << 10),
        _ => Fault::None,
    };
    let bad = Proxy::start(from.address, bad);
    let mut succeeded = 0;
    for round in 0..20 {
        let source = reference(&format!("{}/a:1", bad.address));
        let target = reference(&to.name(&format!("r{round}:1")));
        match client().copy(&source, &target, &Platforms::All) {
            Ok(_) => {
                let (_folder, store) = store();
                client().pull(&store, &target, &Platforms::All).unwrap();
                succeeded += 1;
            }
            Err(error) => {
                let known = [ErrorKind::Network, ErrorKind::Corrupt, ErrorKind::Registry];
                assert!(known.contains(&error.kind()), "{error}");
                let missing = client().resolve(&target).unwrap_err();
                assert_eq!(missing.kind(), ErrorKind::NotFound);
            }
        }
    }
    println!("{succeeded} of 20 succeeded");
    assert!(succeeded >= 15, "{succeeded}");
}

#[test]
fn what_cannot_be_copied_is_named() {
    let (from, name) = serving(&packed("a"));
    let target = reference(&from.name("b:1"));
    for (source, target, kind) in [
        (from.name("a:9"), target.to_string(), ErrorKind::NotFound),
        (
            "short".to_owned(),
            target.to_string(),
            ErrorKind::InvalidReference,
        ),
        (
            name.to_string(),
            "short".to_owned(),
            ErrorKind::InvalidReference,
        ),
        (
            name.to_string(),
            "127.0.0.1:1/b".to_owned(),
            ErrorKind::Network,
        ),
    ] {
        let (source, target) = (reference(&source), reference(&target));
        let error = client()
            .copy(&source, &target, &Platforms::All)
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        let expected = format!("copy image {source} to {target}: ");
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
}

#[test]
fn a_registry_says_whether_it_was_asked_to_check() {
    let (open, _) = serving(&packed("a"));
    assert_eq!(
        client().login(&open.address.to_string()).unwrap(),
        Login::NotAsked
    );
    let private = RegistryServer::start_private();
    let error = client().login(&private.address.to_string()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.to_string().starts_with("log in to "), "{error}");
}
