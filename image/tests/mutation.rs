//! Mutated documents: every parser answers, none panics, and what it accepts prints as it parses.

#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod support;

use eunomia_image::{
    Compression, Digest, ImageConfig, Index, Manifest, Metadata, PackedImage, Platform, PrivateKey,
    PublicKey, Reference, Signature, Timestamp,
};
use support::mutate::{Random, rounds};
use support::{builder, reference, store};

/// Pieces that have meaning somewhere.
const PIECES: &[&str] = &[
    "",
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "@",
    "/",
    "..",
    "../",
    "-1",
    "0",
    "1e999",
    "null",
    "true",
    "18446744073709551616",
    "sha256:",
    "sha512:",
    "\u{0}",
    "\u{fffd}",
    "é",
    "\\u0000",
    "\\ud800",
    "latest",
    "linux",
    "T",
    "Z",
    "%2e",
    "[::1]",
    ":5000",
    "//",
    "localhost",
    "schemaVersion",
];

fn prints_as_it_parses<T>(text: &str)
where
    T: std::str::FromStr + std::fmt::Display + PartialEq + std::fmt::Debug,
    T::Err: std::fmt::Debug,
{
    if let Ok(parsed) = text.parse::<T>() {
        let again: T = parsed.to_string().parse().unwrap();
        assert_eq!(again, parsed, "{text:?}");
    }
}

#[test]
fn texts() {
    let digest = Digest::of(b"x");
    let seeds = [
        "execsnoop".to_owned(),
        format!("registry.example:5000/tools/a_b--c.d:v1.0@{digest}"),
        format!("[::1]:5000/a@{digest}"),
        "linux/arm/v7".to_owned(),
        "2024-02-29T12:34:56.789+01:30".to_owned(),
        digest.to_string(),
    ];
    let mut random = Random(1);
    for _ in 0..rounds() {
        let seed = &seeds[random.below(seeds.len())];
        let bytes = random.mutate(seed.as_bytes(), PIECES);
        let text = String::from_utf8_lossy(&bytes);
        prints_as_it_parses::<Reference>(&text);
        prints_as_it_parses::<Platform>(&text);
        prints_as_it_parses::<Timestamp>(&text);
        prints_as_it_parses::<Digest>(&text);
        if let Ok(parsed) = Reference::parse(&text) {
            // What becomes part of a URL and of a file's content is harmless there.
            let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/:@[]".contains(c);
            assert!(parsed.to_string().chars().all(allowed), "{parsed}");
            assert!(
                !parsed.repository().split('/').any(|part| part == ".."),
                "{parsed}"
            );
        }
    }
}

#[test]
fn documents() {
    let image = builder("x").build().unwrap();
    let index = PackedImage::index(vec![image.clone()]).unwrap();
    let mut seeds: Vec<Vec<u8>> = image
        .blobs()
        .iter()
        .filter(|(blob, _)| blob.media_type.ends_with("json"))
        .map(|(_, content)| content.clone())
        .collect();
    seeds.push(index.blobs().last().unwrap().1.clone());
    let mut random = Random(2);
    let mut accepted = 0;
    for _ in 0..rounds() {
        let seed = random.below(seeds.len());
        let bytes = random.mutate(&seeds[seed], PIECES);
        accepted += usize::from(Manifest::parse(&bytes).is_ok());
        accepted += usize::from(Index::parse(&bytes).is_ok());
        accepted += usize::from(ImageConfig::parse(&bytes).is_ok());
        if let Ok(metadata) = Metadata::parse(&bytes) {
            assert_eq!(Metadata::parse(&metadata.to_json()).unwrap(), metadata);
            accepted += 1;
        }
    }
    // Otherwise the mutations are so wild that nothing is learned.
    assert!(accepted > rounds() / 100, "{accepted}");
}

/// What whoever can write to a repository can put beside an image, and what a key file can hold.
#[test]
fn signatures_and_keys() {
    let key = PrivateKey::generate().unwrap();
    let (public, digest) = (key.public_key(), Digest::of(b"image"));
    let bundle = Signature::sign(&key, &digest).unwrap().to_bytes();
    let simple = Signature::sign_simple(&key, &digest, &reference("r.example/a")).unwrap();
    let (payload, own) = (
        simple.to_bytes(),
        simple.simple_signature().unwrap().to_owned(),
    );
    let keys = [public.to_pem(), key.to_pem().unwrap().to_string()];
    let cosign = include_str!("fixtures/cosign.key");
    let mut random = Random(4);
    let mut read = 0;
    for _ in 0..rounds() {
        let changed = random.mutate(&bundle, PIECES);
        if let Ok(signature) = Signature::from_bundle(&changed) {
            read += 1;
            // Only what verifies is believed, and only the same statement does.
            if signature.verify(&public, &digest).is_ok() {
                let other = Digest::of(b"another");
                signature.verify(&public, &other).unwrap_err();
            }
        }
        let changed = random.mutate(&payload, PIECES);
        let is_same = changed == payload;
        let signature = Signature::from_simple(changed, own.clone());
        assert_eq!(signature.verify(&public, &digest).is_ok(), is_same);
        for pem in &keys {
            let changed = random.mutate(pem.as_bytes(), PIECES);
            let changed = String::from_utf8_lossy(&changed);
            drop(PublicKey::from_pem(&changed));
            drop(PrivateKey::from_pem(&changed, None));
        }
    }
    assert!(read > rounds() / 100, "{read}");
    // Each costs a password's derivation.
    for _ in 0..rounds() / 1000 {
        let changed = random.mutate(cosign.as_bytes(), PIECES);
        drop(PrivateKey::from_pem(
            &String::from_utf8_lossy(&changed),
            Some(b"secret"),
        ));
    }
}

#[test]
fn archives() {
    let (_folder, source) = store();
    source
        .write_image(&reference("a"), &builder("x").build().unwrap())
        .unwrap();
    let seeds = [Compression::None, Compression::Gzip, Compression::Zstd].map(|how| {
        let mut bytes = Vec::new();
        source.save(&[reference("a")], how, &mut bytes).unwrap();
        bytes
    });
    let (_folder, target) = store();
    let mut random = Random(3);
    for _ in 0..rounds() / 100 {
        let seed = random.below(seeds.len());
        let bytes = random.mutate(&seeds[seed], PIECES);
        drop(target.load(&mut bytes.as_slice(), None));
    }
    assert!(target.check().unwrap().problems.is_empty());
}
