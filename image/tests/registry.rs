//! Pull and push against a real registry, beside skopeo, and through a network that fails.

#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use eunomia_image::registry::{
    Attachment, CredentialFile, Credentials, Platforms, Progress, Registry, RegistryOptions,
};
use eunomia_image::{
    Error, ErrorKind, ImageBuilder, Layout, Metadata, PackedImage, Platform, Reference, Store,
    World,
};
use support::noise::noise;
use support::proxy::{Fault, Proxy};
use support::registry::{PASSWORD, RegistryServer, USER};
use support::{builder, host, packed, reference, run, store, text};

/// Options that ask no file of the user who runs the tests, and pause briefly.
fn options() -> RegistryOptions {
    let mut options = RegistryOptions::default();
    options.credential_file = None;
    options.retry.pause_first = Duration::from_millis(1);
    options.retry.pause_max = Duration::from_millis(20);
    options
}

fn client() -> Registry {
    Registry::new(options()).unwrap()
}

fn only_host() -> Platforms {
    Platforms::Only(host())
}

fn large(len: usize) -> PackedImage {
    let metadata = Metadata::new("large", World::Command);
    ImageBuilder::new(metadata)
        .component(noise(len, 1))
        .object("o", noise(1000, 2))
        .build()
        .unwrap()
}

/// A registry that holds `image` as `repository:1`.
fn serving(image: &PackedImage, repository: &str) -> (RegistryServer, Reference) {
    let server = RegistryServer::start();
    let name = reference(&format!("{}:1", server.name(repository)));
    let (_folder, store) = store();
    store.write_image(&name, image).unwrap();
    client().push(&store, &name, &name).unwrap();
    (server, name)
}

/// The same image by another address.
fn through(proxy: &Proxy, name: &Reference) -> Reference {
    let tag = name.tag().unwrap();
    reference(&format!("{}/{}:{tag}", proxy.address, name.repository()))
}

#[test]
fn skopeo_reads_what_we_push() {
    let image = packed("a");
    let (server, name) = serving(&image, "tools/a");
    let source = format!("docker://{name}");
    let raw = run(
        "skopeo",
        &["inspect", "--tls-verify=false", "--raw", &source],
    );
    assert_eq!(&raw, &image.blobs().last().unwrap().1);
    let folder = tempfile::tempdir().unwrap();
    let target = format!("oci:{}:copy", text(folder.path()));
    run(
        "skopeo",
        &[
            "copy",
            "--quiet",
            "--src-tls-verify=false",
            &source,
            &target,
        ],
    );
    let read = Layout::open(folder.path())
        .unwrap()
        .image(Some("copy"), &host())
        .unwrap();
    assert_eq!(read.digest, image.digest());
    drop(server);
}

#[test]
fn we_pull_what_skopeo_pushes() {
    let server = RegistryServer::start();
    let (_folder, store) = store();
    let image = packed("a");
    store.write_image(&reference("a:1"), &image).unwrap();
    let name = reference(&format!("{}:2", server.name("a")));
    let source = format!("oci:{}:a:1", text(store.root()));
    let target = format!("docker://{name}");
    run(
        "skopeo",
        &[
            "copy",
            "--quiet",
            "--dest-tls-verify=false",
            &source,
            &target,
        ],
    );

    let (_folder, other) = support::store();
    let client = client();
    assert_eq!(client.resolve(&name).unwrap().digest, image.digest());
    let pulled = client.pull(&other, &name, &only_host()).unwrap();
    assert_eq!(pulled.descriptor.digest, image.digest());
    assert_eq!(
        other.image(&name, &host()).unwrap().objects[0].bytes,
        b"\x7fELF a"
    );
    assert!(other.check().unwrap().problems.is_empty());
}

#[test]
fn what_is_there_is_neither_pulled_nor_pushed_again() {
    let image = large(1 << 20);
    let (server, name) = serving(&image, "a");
    let (_folder, store) = store();
    let client = client();
    let first = client.pull(&store, &name, &only_host()).unwrap();
    assert!(first.downloaded > 1 << 20);
    assert_eq!(
        client.pull(&store, &name, &only_host()).unwrap().downloaded,
        0
    );
    assert_eq!(client.push(&store, &name, &name).unwrap().uploaded, 0);
    // Mounted from the other repository.
    let other = reference(&format!("{}:1", server.name("other/b")));
    assert_eq!(client.push(&store, &name, &other).unwrap().uploaded, 0);
    let (_folder, again) = support::store();
    client.pull(&again, &other, &only_host()).unwrap();
    assert_eq!(again.image(&other, &host()).unwrap().digest, image.digest());
}

#[test]
fn an_index_travels_whole_or_for_one_platform() {
    let (amd64, arm64) = (Platform::linux("amd64"), Platform::linux("arm64"));
    let platforms = [amd64.clone(), arm64.clone()];
    let images = platforms.map(|platform| {
        let salt = platform.to_string();
        builder(&salt).platform(platform).build().unwrap()
    });
    let index = PackedImage::index(images.to_vec()).unwrap();
    let (server, name) = serving(&index, "a");
    let client = client();

    let (_folder, whole) = store();
    client.pull(&whole, &name, &Platforms::All).unwrap();
    for platform in [&amd64, &arm64] {
        whole.image(&name, platform).unwrap();
    }
    let (_folder, part) = support::store();
    let pulled = client
        .pull(&part, &name, &Platforms::Only(arm64.clone()))
        .unwrap();
    assert_eq!(pulled.descriptor.digest, index.digest());
    part.image(&name, &arm64).unwrap();
    assert!(part.check().unwrap().problems.is_empty());
    assert!(part.prune().unwrap().blobs.is_empty());
    // The digest of the index and that of one image in it.
    let one = name.at_digest(images[0].digest());
    client.pull(&part, &one, &only_host()).unwrap();
    assert_eq!(part.image(&one, &amd64).unwrap().digest, images[0].digest());

    let error = client
        .pull(&part, &name, &Platforms::Only(Platform::linux("riscv64")))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoPlatform);
    let (_folder, incomplete) = support::store();
    client
        .pull(&incomplete, &name, &Platforms::Only(arm64))
        .unwrap();
    let other = reference(&format!("{}:1", server.name("b")));
    let error = client.push(&incomplete, &name, &other).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.to_string().contains("linux/amd64 was not pulled"),
        "{error}"
    );
    client.push(&whole, &name, &other).unwrap();
}

#[test]
fn what_does_not_exist_is_named() {
    let (server, name) = serving(&packed("a"), "a");
    let (_folder, store) = store();
    let client = client();
    let no_tag = reference(&format!("{}:9", server.name("a")));
    let no_repository = reference(&server.name("b"));
    let no_digest = name.at_digest(eunomia_image::Digest::of(b"x"));
    for missing in [no_tag, no_repository, no_digest] {
        let error = client.pull(&store, &missing, &only_host()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains(&missing.to_string()), "{error}");
        assert_eq!(
            client.resolve(&missing).unwrap_err().kind(),
            ErrorKind::NotFound
        );
    }
    let error = client
        .pull(&store, &reference("short"), &only_host())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidReference);
    let error = client.push(&store, &reference("nope"), &name).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    // Nobody listens on port 1.
    let nobody = reference("127.0.0.1:1/a");
    assert_eq!(
        client.resolve(&nobody).unwrap_err().kind(),
        ErrorKind::Network
    );
}

#[test]
fn a_private_registry_wants_the_right_password_and_gets_it() {
    let server = RegistryServer::start_private();
    let name = reference(&format!("{}:1", server.name("a")));
    let registry = name.registry().unwrap().to_owned();
    let (folder, store) = store();
    store.write_image(&name, &packed("a")).unwrap();
    let with = |change: &dyn Fn(&mut RegistryOptions)| {
        let mut options = options();
        change(&mut options);
        Registry::new(options).unwrap()
    };
    let password = |password: &str| Credentials::Password {
        username: USER.to_owned(),
        password: password.to_owned(),
    };
    let error = client().push(&store, &name, &name).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.to_string().contains("it wants a login"), "{error}");

    let wrong = with(&|options| {
        options
            .credentials
            .insert(registry.clone(), password("wrong-password"));
    });
    let error = wrong.push(&store, &name, &name).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(
        error.to_string().contains("it refuses the credentials"),
        "{error}"
    );
    assert!(!format!("{error:?} {wrong:?}").contains("wrong-password"));

    let explicit = with(&|options| {
        options
            .credentials
            .insert(registry.clone(), password(PASSWORD));
    });
    explicit.push(&store, &name, &name).unwrap();

    // As `ecli login` and `docker login` keep it.
    let file = CredentialFile::at(folder.path().join("docker/config.json"));
    file.store(&registry, USER, PASSWORD).unwrap();
    let from_file = with(&|options| options.credential_file = Some(file.clone()));
    let (_folder, other) = support::store();
    from_file.pull(&other, &name, &only_host()).unwrap();
    assert!(file.remove(&registry).unwrap());
    assert!(!file.remove(&registry).unwrap());
    let logged_out = with(&|options| options.credential_file = Some(file.clone()));
    let error = logged_out.pull(&other, &name, &only_host()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
}

#[test]
fn a_registry_with_tls_is_trusted_only_with_its_certificate() {
    let server = RegistryServer::start_with_tls();
    let name = reference(&format!("{}:1", server.name("a")));
    let (_folder, store) = store();
    let image = large(1 << 20);
    store.write_image(&name, &image).unwrap();
    let with = |certificates: &[&str]| {
        let mut options = options();
        options.retry.attempts = 2;
        options.tls_hosts.push(name.registry().unwrap().to_owned());
        let read = |name| {
            std::fs::read(format!(
                "{}/tests/fixtures/{name}",
                env!("CARGO_MANIFEST_DIR")
            ))
            .unwrap()
        };
        options.certificates_pem = certificates.iter().map(read).collect();
        Registry::new(options)
    };
    let error = with(&[]).unwrap().push(&store, &name, &name).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(error.to_string().contains("certificate"), "{error}");

    let trusting = with(&["ca.pem"]).unwrap();
    trusting.push(&store, &name, &name).unwrap();
    let (_folder, other) = support::store();
    trusting.pull(&other, &name, &only_host()).unwrap();
    assert_eq!(other.image(&name, &host()).unwrap().digest, image.digest());

    let error = with(&["README.md"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    // Plain HTTP to the same port: the server says what is wrong, we pass it on.
    assert!(client().pull(&other, &name, &only_host()).is_err());
}

#[test]
fn a_cut_download_continues_where_it_stopped() {
    const SIZE: usize = 3 << 20;
    let image = large(SIZE);
    let (server, name) = serving(&image, "a");
    let cutting = Proxy::start(server.address, |_| Fault::Cut(1 << 20));
    let (_folder, store) = store();
    let mut once = options();
    once.retry.attempts = 1;
    let error = Registry::new(once)
        .unwrap()
        .pull(&store, &through(&cutting, &name), &only_host());
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Network);
    assert!(store.list().unwrap().is_empty());

    // Another client, as after a kill; another address has the same digests.
    let pulled = client().pull(&store, &name, &only_host()).unwrap();
    assert!(
        pulled.downloaded < SIZE as u64 - (1 << 19),
        "{}",
        pulled.downloaded
    );
    assert!(store.check().unwrap().problems.is_empty());
    assert_eq!(store.image(&name, &host()).unwrap().digest, image.digest());
}

#[test]
fn a_download_that_is_cut_again_and_again_goes_on_while_it_progresses() {
    let image = large(4 << 20);
    let (server, name) = serving(&image, "a");
    // More cuts than attempts without progress.
    let cutting = Proxy::start(server.address, |_| Fault::Cut(300 << 10));
    let (_folder, store) = store();
    let name = through(&cutting, &name);
    client().pull(&store, &name, &only_host()).unwrap();
    assert!(cutting.connections.load(Ordering::Relaxed) > 10);
    assert_eq!(store.image(&name, &host()).unwrap().digest, image.digest());
}

#[test]
fn a_partial_blob_that_was_damaged_on_disk_is_fetched_again() {
    let image = large(2 << 20);
    let (server, name) = serving(&image, "a");
    let cutting = Proxy::start(server.address, |_| Fault::Cut(1 << 20));
    let (_folder, store) = store();
    let mut once = options();
    once.retry.attempts = 1;
    drop(
        Registry::new(once)
            .unwrap()
            .pull(&store, &through(&cutting, &name), &only_host()),
    );
    let mut damaged = 0;
    for entry in std::fs::read_dir(store.root().join("ingest")).unwrap() {
        let path = entry.unwrap().path();
        let mut content = std::fs::read(&path).unwrap();
        if let Some(byte) = content.first_mut() {
            *byte ^= 1;
            damaged += 1;
        }
        std::fs::write(&path, content).unwrap();
    }
    assert!(damaged > 0);
    client().pull(&store, &name, &only_host()).unwrap();
    assert_eq!(store.image(&name, &host()).unwrap().digest, image.digest());
}

#[test]
fn ten_pulls_at_once_download_each_blob_once() {
    let image = large(2 << 20);
    let (server, name) = serving(&image, "a");
    let slow = Proxy::start(server.address, |_| Fault::Delay(Duration::from_millis(1)));
    let name = through(&slow, &name);
    let (_folder, store) = store();
    let total = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                // Its own store and client, as in processes of their own.
                let store = Store::open(store.root()).unwrap();
                let pulled = client().pull(&store, &name, &only_host()).unwrap();
                total.fetch_add(pulled.downloaded, Ordering::Relaxed);
            });
        }
    });
    let manifests = image.blobs().last().unwrap().1.len();
    let blobs: usize = image.blobs().iter().map(|(_, content)| content.len()).sum();
    assert_eq!(total.into_inner(), (blobs - manifests) as u64);
    assert!(store.check().unwrap().problems.is_empty());
}

#[test]
fn two_hundred_pulls_through_a_bad_network_end_right_or_with_a_clear_error() {
    let image = large(200 << 10);
    let (server, name) = serving(&image, "a");
    let fault = |number: u64| match number % 9 {
        0 => Fault::Refuse,
        1 => Fault::Cut(number * 977 % 250_000),
        2 => Fault::Flip(number * 7919 % 200_000),
        3 => Fault::Answer("HTTP/1.1 503 No\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"),
        4 => Fault::Answer("HTTP/1.1 429 Slow\r\nContent-Length: 5\r\n\r\nlater"),
        5 => Fault::Answer("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nshort"),
        6 => Fault::Delay(Duration::from_millis(1)),
        7 => Fault::Cut(number * 31 % 2000),
        _ => Fault::None,
    };
    let bad = Proxy::start(server.address, fault);
    let name = through(&bad, &name);
    let next = AtomicU64::new(0);
    let succeeded = AtomicU64::new(0);
    let failures = std::sync::Mutex::new(Vec::<Error>::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::Relaxed) < 200 {
                    let (_folder, store) = support::store();
                    match client().pull(&store, &name, &only_host()) {
                        Ok(_) => {
                            let read = store.image(&name, &host()).unwrap();
                            assert_eq!(read.digest, image.digest());
                            succeeded.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => {
                            assert!(store.list().unwrap().is_empty());
                            failures.lock().unwrap().push(error);
                        }
                    }
                    assert!(store.check().unwrap().problems.is_empty());
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    println!("{} of 200 succeeded", succeeded.load(Ordering::Relaxed));
    for error in &failures {
        let known = [ErrorKind::Network, ErrorKind::Corrupt, ErrorKind::Registry];
        println!("{error}");
        assert!(known.contains(&error.kind()), "{error}");
        assert!(error.to_string().contains(&name.to_string()), "{error}");
    }
    assert!(succeeded.into_inner() >= 150, "{} failed", failures.len());
}

#[test]
fn pushes_through_a_bad_network_arrive_whole() {
    let server = RegistryServer::start();
    let bad = Proxy::start(server.address, |number| match number % 5 {
        0 => Fault::Refuse,
        1 => Fault::Cut(100),
        2 => Fault::Answer("HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n"),
        _ => Fault::None,
    });
    let (_folder, store) = store();
    for round in 0..10 {
        let image = builder(&format!("{round}")).build().unwrap();
        let local = reference(&format!("a:{round}"));
        store.write_image(&local, &image).unwrap();
        let target = reference(&format!("{}/a:{round}", bad.address));
        client().push(&store, &local, &target).unwrap();
        let direct = reference(&format!("{}:{round}", server.name("a")));
        let (_folder, other) = support::store();
        client().pull(&other, &direct, &only_host()).unwrap();
        assert_eq!(
            other.image(&direct, &host()).unwrap().digest,
            image.digest()
        );
    }
}

#[test]
fn a_damaged_blob_is_not_pushed() {
    let server = RegistryServer::start();
    let (_folder, store) = store();
    let image = packed("a");
    let name = reference(&format!("{}:1", server.name("a")));
    store.write_image(&name, &image).unwrap();
    let component = image
        .blobs()
        .iter()
        .find(|(blob, _)| blob.media_type == "application/wasm");
    let (component, _) = component.unwrap();
    let path = support::blob_path(store.root(), &component.digest);
    let mut content = std::fs::read(&path).unwrap();
    content[0] ^= 1;
    std::fs::write(&path, content).unwrap();
    let error = client().push(&store, &name, &name).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(
        error.to_string().contains(&component.digest.to_string()),
        "{error}"
    );
    assert_eq!(
        client().resolve(&name).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn what_an_interrupted_pull_left_does_not_hinder_one_for_another_platform() {
    let platforms = [host(), Platform::linux("s390x")];
    let mut seed = 0;
    let images = platforms.clone().map(|platform| {
        seed += 1;
        let component = noise(400 << 10, seed);
        builder("x")
            .component(component)
            .platform(platform)
            .build()
            .unwrap()
    });
    let index = PackedImage::index(images.to_vec()).unwrap();
    let (server, name) = serving(&index, "a");
    let (_folder, store) = store();
    // Manifest and index of the other platform are there, its layers are not.
    let writer = store.writer().unwrap();
    for (blob, content) in [
        images[1].blobs().last().unwrap(),
        index.blobs().last().unwrap(),
    ] {
        writer.write_blob(blob, &mut content.as_slice()).unwrap();
    }
    drop(writer);
    client().pull(&store, &name, &only_host()).unwrap();
    store.image(&name, &host()).unwrap();
    let other = Platforms::Only(platforms[1].clone());
    let cutting = Proxy::start(server.address, |_| Fault::Cut(100 << 10));
    let mut once = options();
    once.retry.attempts = 1;
    let through = through(&cutting, &name);
    assert!(
        Registry::new(once)
            .unwrap()
            .pull(&store, &through, &other)
            .is_err()
    );
    client().pull(&store, &name, &other).unwrap();
    assert!(store.check().unwrap().problems.is_empty());
    store.image(&name, &platforms[1]).unwrap();
}

#[test]
fn damage_is_repaired_by_fetching_the_same_image_again() {
    let images = ["amd64", "arm64"].map(|architecture| {
        let platform = Platform::linux(architecture);
        builder(architecture).platform(platform).build().unwrap()
    });
    let index = PackedImage::index(images.to_vec()).unwrap();
    let (_server, name) = serving(&index, "a");
    let (_folder, store) = store();
    let client = client();
    client.pull(&store, &name, &only_host()).unwrap();
    // The name means another image by now.
    let (_folder, other) = support::store();
    other.write_image(&name, &packed("newer")).unwrap();
    client.push(&other, &name, &name).unwrap();

    let blobs = std::fs::read_dir(store.root().join("blobs/sha256")).unwrap();
    for blob in blobs.map(|entry| entry.unwrap().path()) {
        let sound = std::fs::read(&blob).unwrap();
        for damaged in [Some(b"garbage".to_vec()), Some(vec![0; sound.len()]), None] {
            match damaged {
                Some(content) => std::fs::write(&blob, content).unwrap(),
                None => std::fs::remove_file(&blob).unwrap(),
            }
            let report = store.check().unwrap();
            assert!(!report.problems.is_empty());
            assert!(report.repairable().iter().eq([&name]));
            let repaired = client.repair(&store, &name).unwrap();
            assert_eq!(repaired.descriptor.digest, index.digest());
            assert!(store.check().unwrap().problems.is_empty());
            assert_eq!(std::fs::read(&blob).unwrap(), sound);
        }
    }
    store.image(&name, &host()).unwrap();
}

#[test]
fn what_is_attached_to_an_image_is_listed_and_fetched() {
    let image = packed("a");
    let (_server, name) = serving(&image, "a");
    let client = client();
    let subject = client.resolve(&name).unwrap();
    assert!(client.referrers(&name, &subject.digest).unwrap().is_empty());
    let mut signature = Attachment::new("application/x-signature", "text/plain", b"one".to_vec());
    signature
        .annotations
        .insert("key".to_owned(), "value".to_owned());
    let list = Attachment::new("application/x-list", "text/plain", b"two".to_vec());
    for attachment in [&signature, &list, &signature] {
        client.attach(&name, &subject, attachment).unwrap();
    }
    let listed = client.referrers(&name, &subject.digest).unwrap();
    // The same again is the same.
    assert_eq!(listed.len(), 2);
    assert_eq!(
        listed[0].artifact_type.as_deref(),
        Some("application/x-signature")
    );
    assert_eq!(listed[0].annotations["key"], "value");
    assert_eq!(client.attachment(&name, &listed[0]).unwrap(), signature);
    assert_eq!(client.attachment(&name, &listed[1]).unwrap(), list);
    assert!(
        client
            .referrers(&name, &eunomia_image::Digest::of(b"other"))
            .unwrap()
            .is_empty()
    );

    // This registry has no referrers API: others look for the tag.
    let tag = format!(
        "{}:sha256-{}",
        name.to_string().trim_end_matches(":1"),
        subject.digest.hex()
    );
    let source = format!("docker://{tag}");
    let raw = run(
        "skopeo",
        &["inspect", "--tls-verify=false", "--raw", &source],
    );
    let index = eunomia_image::Index::parse(&raw).unwrap();
    assert_eq!(index.manifests, listed);
    let attached = format!("docker://{}", name.at_digest(listed[0].digest));
    let raw = run(
        "skopeo",
        &["inspect", "--tls-verify=false", "--raw", &attached],
    );
    let manifest = eunomia_image::Manifest::parse(&raw).unwrap();
    assert_eq!(manifest.subject.unwrap().digest, subject.digest);
}

#[test]
fn a_caller_that_is_async_itself_can_use_and_drop_the_client() {
    let (_server, name) = serving(&packed("a"), "a");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (_folder, store) = store();
        let client = client();
        client.pull(&store, &name, &only_host()).unwrap();
        client.push(&store, &name, &name).unwrap();
        drop(client);
    });
}

#[test]
fn progress_adds_up_to_the_image() {
    let image = large(1 << 20);
    let (_server, name) = serving(&image, "a");
    let (planned, advanced) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut options = options();
    let (plan, advance) = (Arc::clone(&planned), Arc::clone(&advanced));
    options.progress = Arc::new(move |progress| match progress {
        Progress::Planned { bytes, .. } => plan.store(*bytes, Ordering::Relaxed),
        Progress::Advanced { bytes, .. } => drop(advance.fetch_add(*bytes, Ordering::Relaxed)),
        _ => {}
    });
    let (_folder, store) = store();
    let pulled = Registry::new(options)
        .unwrap()
        .pull(&store, &name, &only_host())
        .unwrap();
    assert_eq!(planned.load(Ordering::Relaxed), pulled.downloaded);
    assert_eq!(advanced.load(Ordering::Relaxed), pulled.downloaded);
}
