//! Signatures beside images: in a real registry, in the store, and by the hand of the real cosign.

#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use eunomia_image::registry::{Attachment, Platforms, Registry, RegistryOptions};
use eunomia_image::{
    Compression, Descriptor, Digest, ErrorKind, PackedImage, PrivateKey, Reference, Signature,
    SignatureForm, Store, media_type,
};
use support::registry::RegistryServer;
use support::{builder, packed, reference, run, store, text};

const PASSWORD: &str = "secret";

fn client() -> Registry {
    let mut options = RegistryOptions::default();
    options.credential_file = None;
    options.signatures = true;
    Registry::new(options).unwrap()
}

fn key() -> PrivateKey {
    PrivateKey::generate().unwrap()
}

/// An image that was pushed, with its store.
fn pushed(server: &RegistryServer) -> (tempfile::TempDir, Store, Reference, Descriptor) {
    let (folder, store) = store();
    let name = reference(&server.name("tools/a:1"));
    let descriptor = store.write_image(&name, &packed("a")).unwrap();
    client().push(&store, &name, &name).unwrap();
    (folder, store, name, descriptor)
}

#[test]
fn both_forms_are_found_at_a_registry_and_verified() {
    let server = RegistryServer::start();
    let (_folder, _, name, image) = pushed(&server);
    let (registry, key) = (client(), key());
    assert!(
        registry
            .signatures(&name, &image.digest)
            .unwrap()
            .found
            .is_empty()
    );
    let bundle = Signature::sign(&key, &image.digest).unwrap();
    let simple = Signature::sign_simple(&key, &image.digest, &name).unwrap();
    let other = Signature::sign_simple(&self::key(), &image.digest, &name).unwrap();
    for signature in [&bundle, &simple, &other, &simple, &bundle] {
        registry.push_signature(&name, &image, signature).unwrap();
    }
    let found = registry.signatures(&name, &image.digest).unwrap();
    assert_eq!(found.found, [bundle.clone(), simple, other], "{found:?}");
    assert!(found.skipped.is_empty(), "{found:?}");
    let (verified, _) = found.verify([&key.public_key()], &[image.digest]).unwrap();
    assert_eq!(verified, &bundle);
    assert!(
        found
            .verify([&self::key().public_key()], &[image.digest])
            .is_none()
    );
    // A signature of another image, attached to this one.
    assert!(
        found
            .verify([&key.public_key()], &[Digest::of(b"another")])
            .is_none()
    );
}

#[test]
fn rubbish_beside_an_image_does_not_hide_its_signature() {
    let server = RegistryServer::start();
    let (_folder, _, name, image) = pushed(&server);
    let (registry, key) = (client(), key());
    let bundle_type = media_type::SIGSTORE_BUNDLE;
    let rubbish = [
        Attachment::new(bundle_type, bundle_type, b"{\"mediaType\":17}".to_vec()),
        Attachment::new(bundle_type, bundle_type, b"\xff\xfe".to_vec()),
        // Too large for a signature.
        Attachment::new(bundle_type, bundle_type, vec![b' '; 1 << 20]),
        // No annotation with the signature.
        Attachment::new(
            media_type::COSIGN_SIGNATURE,
            media_type::SIMPLE_SIGNING,
            b"{}".to_vec(),
        ),
        // Not a signature, and none of our business.
        Attachment::new(
            "application/spdx+json",
            "application/spdx+json",
            b"{}".to_vec(),
        ),
    ];
    for attachment in &rubbish {
        registry.attach(&name, &image, attachment).unwrap();
    }
    let signature = Signature::sign(&key, &image.digest).unwrap();
    registry.push_signature(&name, &image, &signature).unwrap();
    let found = registry.signatures(&name, &image.digest).unwrap();
    assert_eq!(found.found, [signature]);
    assert_eq!(found.skipped.len(), 4, "{found:?}");
}

#[test]
fn a_pull_brings_the_signatures_and_the_store_verifies_without_a_registry() {
    let server = RegistryServer::start();
    let (_folder, source, name, image) = pushed(&server);
    let (registry, key) = (client(), key());
    let signatures = [
        Signature::sign(&key, &image.digest).unwrap(),
        Signature::sign_simple(&key, &image.digest, &name).unwrap(),
    ];
    for signature in &signatures {
        source.add_signature(&image, signature).unwrap();
    }
    registry.push(&source, &name, &name).unwrap();
    let (_folder, target) = store();
    let platforms = Platforms::Only(support::host());
    registry.pull(&target, &name, &platforms).unwrap();
    drop(server);
    let found = target.signatures(&image.digest).unwrap();
    assert_eq!(found.found, signatures);
    assert!(found.verify([&key.public_key()], &[image.digest]).is_some());
    // Signatures are no images: nothing of them shows where images do.
    assert_eq!(target.list().unwrap().len(), 1);
    let report = target.check().unwrap();
    assert!(
        report.problems.is_empty() && report.images == 1,
        "{report:?}"
    );
}

#[test]
fn the_signature_of_an_index_covers_each_platform() {
    let (_folder, store) = store();
    let name = reference("registry.example/tools/a:1");
    let images = ["amd64", "arm64"].map(|architecture| {
        builder(architecture)
            .platform(format!("linux/{architecture}").parse().unwrap())
            .build()
            .unwrap()
    });
    let arm = images[1].digest();
    let index = PackedImage::index(images.to_vec()).unwrap();
    let root = store.write_image(&name, &index).unwrap();
    let key = key();
    let signature = Signature::sign(&key, &root.digest).unwrap();
    store.add_signature(&root, &signature).unwrap();
    let digests = store.signed_digests(&name, &arm).unwrap();
    assert_eq!(digests, [arm, root.digest]);
    let found = store.signatures(&root.digest).unwrap();
    assert!(found.verify([&key.public_key()], &digests).is_some());
    // An image that the index does not list is not covered by it.
    let stranger = Digest::of(b"stranger");
    assert_eq!(store.signed_digests(&name, &stranger).unwrap(), [stranger]);
    assert_eq!(store.signable(&name).unwrap().len(), 3);
}

#[test]
fn archives_carry_signatures_and_prune_deletes_them_with_the_image() {
    let (_folder, source) = store();
    let (name, key) = (reference("a"), key());
    let image = source.write_image(&name, &packed("a")).unwrap();
    source.write_image(&reference("b"), &packed("b")).unwrap();
    let signature = Signature::sign(&key, &image.digest).unwrap();
    source.add_signature(&image, &signature).unwrap();
    source.add_signature(&image, &signature).unwrap();
    let mut archive = Vec::new();
    source
        .save(std::slice::from_ref(&name), Compression::None, &mut archive)
        .unwrap();
    let (_folder, target) = store();
    assert_eq!(
        target.load(&mut archive.as_slice(), None).unwrap(),
        std::slice::from_ref(&name)
    );
    assert_eq!(
        target.signatures(&image.digest).unwrap().found,
        std::slice::from_ref(&signature)
    );
    // The image without the name is that image too.
    let (_folder, renamed) = store();
    let other = reference("other:2");
    renamed.load(&mut archive.as_slice(), Some(&other)).unwrap();
    assert_eq!(
        renamed.signatures(&image.digest).unwrap().found,
        std::slice::from_ref(&signature)
    );
    assert_eq!(target.prune().unwrap().blobs.len(), 0);
    assert_eq!(target.signatures(&image.digest).unwrap().found, [signature]);
    target.remove(&name).unwrap();
    target.prune().unwrap();
    assert!(target.signatures(&image.digest).unwrap().found.is_empty());
    let left = std::fs::read_dir(target.root().join("blobs/sha256"))
        .unwrap()
        .count();
    assert_eq!(left, 0);
}

#[test]
fn a_damaged_signature_is_skipped_and_does_not_hurt_the_image() {
    let (_folder, store) = store();
    let name = reference("a");
    let image = store.write_image(&name, &packed("a")).unwrap();
    let before: Vec<PathBuf> = blobs(&store);
    store
        .add_signature(&image, &Signature::sign(&key(), &image.digest).unwrap())
        .unwrap();
    let own: Vec<PathBuf> = blobs(&store)
        .into_iter()
        .filter(|blob| !before.contains(blob))
        .collect();
    for blob in own {
        let whole = std::fs::read(&blob).unwrap();
        std::fs::write(&blob, vec![b'x'; whole.len()]).unwrap();
        assert!(store.signatures(&image.digest).unwrap().found.is_empty() || whole == b"{}");
        store.image(&name, &support::host()).unwrap();
        assert!(!store.check().unwrap().problems.is_empty());
        std::fs::write(&blob, whole).unwrap();
    }
    assert_eq!(store.signatures(&image.digest).unwrap().found.len(), 1);
}

fn blobs(store: &Store) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(store.root().join("blobs/sha256")).unwrap();
    folder.map(|entry| entry.unwrap().path()).collect()
}

/// Where `scripts/cosign` puts it. Whoever has none reads so; CI must have it.
fn cosign(version: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../.cache/cosign")
        .join(version)
        .join("cosign");
    if path.is_file() {
        return Some(path);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "CI needs {}",
        path.display()
    );
    eprintln!("NOT RUN: there is no cosign {version}; scripts/cosign fetches it");
    None
}

fn run_cosign(program: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .env("COSIGN_PASSWORD", PASSWORD)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(error),
    }
}

/// A folder with a pair of keys that cosign made.
fn cosign_keys(program: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(program)
        .arg("generate-key-pair")
        .current_dir(folder.path())
        .env("COSIGN_PASSWORD", PASSWORD)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    folder
}

fn verify_with_cosign(program: &Path, key: &Path, image: &Reference) -> Result<String, String> {
    let arguments = [
        "verify",
        "--key",
        text(key),
        "--insecure-ignore-tlog=true",
        "--allow-http-registry=true",
        &image.to_string(),
    ];
    run_cosign(program, &arguments)
}

#[test]
fn what_cosign_signs_is_verified_here() {
    for (version, form) in [("3", SignatureForm::Bundle), ("2", SignatureForm::Simple)] {
        let Some(program) = cosign(version) else {
            continue;
        };
        let server = RegistryServer::start();
        let (_folder, _, name, image) = pushed(&server);
        let keys = cosign_keys(&program);
        let private = keys.path().join("cosign.key");
        sign_with_cosign(&program, version, &private, &name.at_digest(image.digest));
        let public = std::fs::read_to_string(keys.path().join("cosign.pub")).unwrap();
        let public = eunomia_image::PublicKey::from_pem(&public).unwrap();
        let found = client().signatures(&name, &image.digest).unwrap();
        assert!(found.skipped.is_empty(), "{found:?}");
        let (signature, _) = found.verify([&public], &[image.digest]).unwrap();
        assert_eq!(signature.form(), form);
        // And its private key is one that signs here.
        let pem = std::fs::read_to_string(&private).unwrap();
        let own = PrivateKey::from_pem(&pem, Some(PASSWORD.as_bytes())).unwrap();
        assert_eq!(own.public_key(), public);
    }
}

/// A private key of that kind, made by openssl, as cosign 3 imports it (version 2 of Debian 13
/// cannot); its public part.
fn imported_key(folder: &Path, kind: &[&str]) -> Option<eunomia_image::PublicKey> {
    let program = &cosign("3")?;
    let (plain, prefix) = (folder.join("plain.pem"), folder.join("cosign"));
    run(
        "openssl",
        &[&["genpkey", "-out", text(&plain)], kind].concat(),
    );
    let arguments = ["import-key-pair", "--key", text(&plain)];
    let output = ["--output-key-prefix", text(&prefix), "--yes"];
    run_cosign(program, &[arguments, output].concat()).unwrap();
    let public = std::fs::read_to_string(folder.join("cosign.pub")).unwrap();
    Some(eunomia_image::PublicKey::from_pem(&public).unwrap())
}

#[test]
fn keys_of_all_kinds_that_cosign_takes_are_verified() {
    let curve = |name: &'static str| vec!["-algorithm", "EC", "-pkeyopt", name];
    let kinds = [
        vec!["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
        curve("ec_paramgen_curve:P-256"),
        curve("ec_paramgen_curve:P-384"),
        curve("ec_paramgen_curve:P-521"),
    ];
    for version in ["3", "2"] {
        let Some(program) = cosign(version) else {
            continue;
        };
        let server = RegistryServer::start();
        let (_folder, _, name, image) = pushed(&server);
        let mut publics = Vec::new();
        for kind in &kinds {
            let folder = tempfile::tempdir().unwrap();
            let Some(public) = imported_key(folder.path(), kind) else {
                return;
            };
            publics.push(public);
            let private = folder.path().join("cosign.key");
            sign_with_cosign(&program, version, &private, &name.at_digest(image.digest));
        }
        let found = client().signatures(&name, &image.digest).unwrap();
        assert!(found.skipped.is_empty(), "{found:?}");
        for (public, kind) in publics.iter().zip(&kinds) {
            let verified = found.verify([public], &[image.digest]);
            assert!(verified.is_some(), "cosign {version}, {kind:?}");
        }
    }
}

#[test]
fn a_layout_that_cosign_saved_is_verified() {
    let Some(program) = cosign("2") else {
        return;
    };
    let server = RegistryServer::start();
    let (folder, _, name, image) = pushed(&server);
    let key = key();
    let signature = Signature::sign_simple(&key, &image.digest, &name).unwrap();
    client().push_signature(&name, &image, &signature).unwrap();
    let saved = folder.path().join("saved");
    let arguments = ["save", "--dir", text(&saved), "--allow-http-registry=true"];
    run_cosign(&program, &[&arguments[..], &[&name.to_string()]].concat()).unwrap();
    let layout = eunomia_image::Layout::open(&saved).unwrap();
    let read = layout.image(None, &support::host()).unwrap();
    assert_eq!(read.digest, image.digest);
    let digests = layout.signed_digests(None, &read.digest).unwrap();
    let found = layout.signatures(&image.digest).unwrap();
    assert!(found.verify([&key.public_key()], &digests).is_some());
}

fn sign_with_cosign(program: &Path, version: &str, private: &Path, image: &Reference) {
    let address = image.to_string();
    let mut arguments = vec!["sign", "--key", text(private), "--tlog-upload=false", "-y"];
    arguments.push("--allow-http-registry=true");
    // Version 3 would ask a server for its settings.
    arguments.extend((version == "3").then_some("--use-signing-config=false"));
    arguments.push(&address);
    run_cosign(program, &arguments).unwrap();
}

#[test]
fn what_is_signed_here_is_verified_by_cosign() {
    for (version, form) in [
        ("3", SignatureForm::Bundle),
        ("3", SignatureForm::Simple),
        ("2", SignatureForm::Simple),
    ] {
        let Some(program) = cosign(version) else {
            continue;
        };
        let server = RegistryServer::start();
        let (folder, _, name, image) = pushed(&server);
        let key = key();
        let public = folder.path().join("ecli.pub");
        std::fs::write(&public, key.public_key().to_pem()).unwrap();
        let error = verify_with_cosign(&program, &public, &name).unwrap_err();
        assert!(error.contains("no signatures found"), "{error}");
        let signature = match form {
            SignatureForm::Simple => Signature::sign_simple(&key, &image.digest, &name),
            _ => Signature::sign(&key, &image.digest),
        };
        client()
            .push_signature(&name, &image, &signature.unwrap())
            .unwrap();
        let shown = verify_with_cosign(&program, &public, &name).unwrap();
        assert!(shown.contains(&image.digest.to_string()), "{shown}");
        let stranger = folder.path().join("stranger.pub");
        std::fs::write(&stranger, self::key().public_key().to_pem()).unwrap();
        verify_with_cosign(&program, &stranger, &name).unwrap_err();
    }
}

#[test]
fn a_key_that_is_protected_here_signs_with_cosign() {
    let Some(program) = cosign("3") else {
        return;
    };
    let server = RegistryServer::start();
    let (folder, _, name, image) = pushed(&server);
    let key = key();
    let private = folder.path().join("ecli.key");
    let pem = key.to_encrypted_pem(PASSWORD.as_bytes()).unwrap();
    std::fs::write(&private, pem.as_bytes()).unwrap();
    sign_with_cosign(&program, "3", &private, &name.at_digest(image.digest));
    let found = client().signatures(&name, &image.digest).unwrap();
    assert!(found.verify([&key.public_key()], &[image.digest]).is_some());
}

#[test]
fn skopeo_still_copies_an_image_with_signatures() {
    let (folder, store) = store();
    let name = reference("a");
    let image = store.write_image(&name, &packed("a")).unwrap();
    store
        .add_signature(&image, &Signature::sign(&key(), &image.digest).unwrap())
        .unwrap();
    let source = format!("oci:{}:a:latest", text(store.root()));
    let target = format!("oci:{}:copy", text(&folder.path().join("copy")));
    run("skopeo", &["copy", &source, &target]);
    let missing = store.signatures(&Digest::of(b"x")).unwrap();
    assert!(missing.found.is_empty() && missing.skipped.is_empty());
    let error = store.signable(&reference("nothing")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
