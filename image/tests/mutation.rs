//! Mutated documents: every parser answers, none panics, and what it accepts prints as it parses.

#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod support;

use eunomia_image::{
    Compression, Digest, ImageConfig, Index, Manifest, Metadata, PackedImage, Platform, Reference,
    Timestamp,
};
use support::{builder, reference, store};

const ROUNDS: u64 = 20_000;

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

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) as usize % bound.max(1)
    }

    /// Some changes to `bytes`: flips, cuts, copies and pieces.
    fn mutate(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len() + 1);
            let end = at + self.below(bytes.len() - at + 1).min(40);
            match self.below(5) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let copy = bytes[at..end].to_vec();
                    bytes.splice(at..at, copy);
                }
                3 => bytes.truncate(at),
                _ => {
                    let piece = PIECES[self.below(PIECES.len())].bytes();
                    bytes.splice(at..end, piece);
                }
            }
        }
        bytes
    }
}

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
    for _ in 0..ROUNDS {
        let seed = &seeds[random.below(seeds.len())];
        let bytes = random.mutate(seed.as_bytes());
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
    for _ in 0..ROUNDS {
        let seed = random.below(seeds.len());
        let bytes = random.mutate(&seeds[seed]);
        accepted += usize::from(Manifest::parse(&bytes).is_ok());
        accepted += usize::from(Index::parse(&bytes).is_ok());
        accepted += usize::from(ImageConfig::parse(&bytes).is_ok());
        if let Ok(metadata) = Metadata::parse(&bytes) {
            assert_eq!(Metadata::parse(&metadata.to_json()).unwrap(), metadata);
            accepted += 1;
        }
    }
    // Otherwise the mutations are so wild that nothing is learned.
    assert!(accepted > ROUNDS as usize / 100, "{accepted}");
}

#[test]
fn archives() {
    let (_folder, source) = store();
    source
        .write_image(&reference("a"), &builder("x").build().unwrap())
        .unwrap();
    let mut seeds = [Vec::new(), Vec::new()];
    source
        .save(&[reference("a")], Compression::None, &mut seeds[0])
        .unwrap();
    source
        .save(&[reference("a")], Compression::Gzip, &mut seeds[1])
        .unwrap();
    let (_folder, target) = store();
    let mut random = Random(3);
    for _ in 0..ROUNDS / 100 {
        let seed = random.below(seeds.len());
        let bytes = random.mutate(&seeds[seed]);
        drop(target.load(&mut bytes.as_slice(), None));
    }
    assert!(target.check().unwrap().problems.is_empty());
}
