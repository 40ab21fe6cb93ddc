//! Signatures of images, in the two forms that users of cosign have.
//!
//! - A sigstore bundle: a DSSE envelope around an in-toto statement about the image's digest. In a
//!   registry it is a referrer of the image, with the tag fallback. Written by this crate and by
//!   cosign 3.
//! - Simple signing: a JSON text, whose signature is an annotation, under the tag
//!   `sha256-<hex>.sig`. Written by cosign 1 and 2, and by this crate when asked.
//!
//! What is signed is a digest, of a manifest or of the index of an image for several CPUs; names
//! are not. Verifying needs the public key and nothing else: no clock, no network, no transparency
//! log. A signature is worth what its key is; which keys count is the caller's to say.
//!
//! ```
//! use eunomia_image::{Digest, PrivateKey, Signature};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = PrivateKey::generate()?;
//! let digest = Digest::of(b"the manifest");
//! let signature = Signature::sign(&key, &digest)?;
//! signature.verify(&key.public_key(), &digest)?;
//! assert!(signature.verify(&key.public_key(), &Digest::of(b"another")).is_err());
//! # Ok(())
//! # }
//! ```

mod attachment;
mod bundle;
mod encrypted;
mod key;
mod pem;
mod secret_box;
mod simple;

use std::fmt;

pub(crate) use attachment::{is_signature_type, may_be_signature, signatures_in, simple_tag};
pub use key::{PrivateKey, PublicKey};

use crate::{Digest, Error, ErrorKind, Reference, Result};
use bundle::Bundle;
use simple::SimpleSigning;

/// A signature of an image. It is a claim until it was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature(Content);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Bundle {
        /// As it was read: its digest is to stay the same.
        bytes: Vec<u8>,
        parsed: Bundle,
    },
    Simple(SimpleSigning),
}

/// How a [`Signature`] is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureForm {
    /// A sigstore bundle, attached to the image.
    Bundle,
    /// Simple signing, under a tag of its own.
    Simple,
}

/// The signatures that were found for an image.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Signatures {
    /// Those that could be read.
    pub found: Vec<Signature>,
    /// Why others could not: whoever can write to a repository can put rubbish there.
    pub skipped: Vec<String>,
}

impl Signature {
    /// Signs the image whose manifest or index has this digest, as a bundle.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the operating system has no random numbers.
    pub fn sign(key: &PrivateKey, digest: &Digest) -> Result<Self> {
        let parsed = Bundle::sign(key, digest)?;
        let bytes = parsed.to_json();
        Ok(Self(Content::Bundle { bytes, parsed }))
    }

    /// Signs in the form of cosign 1 and 2, which also says what the image was called.
    ///
    /// # Errors
    /// As [`Signature::sign`].
    pub fn sign_simple(key: &PrivateKey, digest: &Digest, reference: &Reference) -> Result<Self> {
        SimpleSigning::sign(key, digest, reference).map(|simple| Self(Content::Simple(simple)))
    }

    /// Reads a bundle.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] for what is no bundle, or one without a signature of an image.
    pub fn from_bundle(bytes: &[u8]) -> Result<Self> {
        let parsed = Bundle::parse(bytes)?;
        let bytes = bytes.to_vec();
        Ok(Self(Content::Bundle { bytes, parsed }))
    }

    /// Takes a text of simple signing and its signature in base64, neither of them looked at yet.
    pub fn from_simple(payload: Vec<u8>, signature: String) -> Self {
        Self(Content::Simple(SimpleSigning { payload, signature }))
    }

    /// The bundle, or the text of simple signing.
    pub fn to_bytes(&self) -> Vec<u8> {
        match &self.0 {
            Content::Bundle { bytes, .. } => bytes.clone(),
            Content::Simple(simple) => simple.payload.clone(),
        }
    }

    /// The signature of a text of simple signing, in base64, which is kept beside the text.
    pub fn simple_signature(&self) -> Option<&str> {
        match &self.0 {
            Content::Bundle { .. } => None,
            Content::Simple(simple) => Some(&simple.signature),
        }
    }

    /// Checks that `key` signed the image `digest`.
    ///
    /// # Errors
    /// [`ErrorKind::BadSignature`] when it did not, [`ErrorKind::Corrupt`] when it cannot be told.
    pub fn verify(&self, key: &PublicKey, digest: &Digest) -> Result<()> {
        match &self.0 {
            Content::Bundle { parsed, .. } => parsed.verify(key, digest),
            Content::Simple(simple) => simple.verify(key, digest),
        }
    }

    /// How it is written.
    pub fn form(&self) -> SignatureForm {
        match &self.0 {
            Content::Bundle { .. } => SignatureForm::Bundle,
            Content::Simple(_) => SignatureForm::Simple,
        }
    }

    /// What it says of the key that made it: [`PublicKey::fingerprint`], if anything.
    pub fn key_hint(&self) -> Option<&str> {
        match &self.0 {
            Content::Bundle { parsed, .. } => parsed.key_hint(),
            Content::Simple(_) => None,
        }
    }
}

impl Signatures {
    /// The first of `keys` that signed one of `digests`, and which signature shows it.
    pub fn verify<'s, 'k>(
        &'s self,
        keys: impl IntoIterator<Item = &'k PublicKey>,
        digests: &[Digest],
    ) -> Option<(&'s Signature, &'k PublicKey)> {
        keys.into_iter().find_map(|key| {
            let signed = |signature: &&Signature| {
                digests
                    .iter()
                    .any(|digest| signature.verify(key, digest).is_ok())
            };
            Some((self.found.iter().find(signed)?, key))
        })
    }

    /// The signatures of several digests, each found by `find`.
    ///
    /// # Errors
    /// The first of `find`.
    pub fn of(digests: &[Digest], find: impl Fn(&Digest) -> Result<Self>) -> Result<Self> {
        let mut all = Self::default();
        for digest in digests {
            let Self { found, skipped } = find(digest)?;
            all.found.extend(found);
            all.skipped.extend(skipped);
        }
        Ok(all)
    }

    pub(crate) fn add(&mut self, result: Result<Signature>) {
        match result {
            Ok(signature) if self.found.contains(&signature) => {}
            Ok(signature) => self.found.push(signature),
            Err(error) => self.skipped.push(error.to_string()),
        }
    }
}

impl fmt::Display for SignatureForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bundle => "bundle",
            Self::Simple => "simple signing",
        })
    }
}

/// The signature is not what it should be.
fn bad(reason: impl fmt::Display) -> Error {
    Error::new(
        ErrorKind::BadSignature,
        format!("verify signature: {reason}"),
    )
}

fn damaged(message: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Corrupt, message.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> PrivateKey {
        PrivateKey::generate().expect("random numbers")
    }

    fn both(key: &PrivateKey, digest: &Digest) -> [Signature; 2] {
        let reference = Reference::parse("registry.example/tools/a:1").expect("valid");
        [
            Signature::sign(key, digest).expect("random numbers"),
            Signature::sign_simple(key, digest, &reference).expect("random numbers"),
        ]
    }

    #[test]
    fn only_the_key_and_the_image_that_were_signed_verify() {
        let (key, digest) = (key(), Digest::of(b"image"));
        let other = PrivateKey::generate().expect("random numbers").public_key();
        for signature in both(&key, &digest) {
            signature.verify(&key.public_key(), &digest).expect("valid");
            let error = signature.verify(&other, &digest).expect_err("key");
            assert_eq!(error.kind(), ErrorKind::BadSignature);
            assert!(error.to_string().contains("with this key"), "{error}");
            let error = signature.verify(&key.public_key(), &Digest::of(b"x"));
            let error = error.expect_err("image");
            assert!(error.to_string().contains("another image"), "{error}");
        }
    }

    #[test]
    fn a_bundle_reads_back_and_no_changed_byte_verifies() {
        let (key, digest) = (key(), Digest::of(b"image"));
        let signature = Signature::sign(&key, &digest).expect("random numbers");
        let Content::Bundle { bytes, .. } = signature.0 else {
            panic!("a bundle was asked for");
        };
        let again = Signature::from_bundle(&bytes).expect("ours");
        assert_eq!(again.key_hint(), Some(&*key.public_key().fingerprint()));
        again.verify(&key.public_key(), &digest).expect("valid");
        let envelope = bytes
            .windows(9)
            .position(|window| window == b"\"payload\"")
            .expect("an envelope");
        for at in envelope..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let Ok(signature) = Signature::from_bundle(&changed) else {
                continue;
            };
            let verified = signature.verify(&key.public_key(), &digest).is_ok();
            assert!(!verified, "{}", String::from_utf8_lossy(&changed));
        }
    }

    #[test]
    fn rubbish_is_no_bundle() {
        let many = vec![r#"{"sig":""}"#; crate::limits::ENVELOPE_SIGNATURES_MAX + 1].join(",");
        let version = crate::media_type::SIGSTORE_BUNDLE;
        for text in [
            "",
            "{}",
            "[]",
            "null",
            &"[".repeat(100_000),
            r#"{"mediaType":"application/vnd.dev.sigstore.bundle.v9+json"}"#,
            &format!(r#"{{"mediaType":"{version}","messageSignature":{{}}}}"#),
            &format!(
                r#"{{"mediaType":"{version}","dsseEnvelope":{{"payload":"","payloadType":"",
                "signatures":[{many}]}}}}"#
            ),
        ] {
            let error = Signature::from_bundle(text.as_bytes()).expect_err("rubbish");
            assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
    }

    #[test]
    fn the_first_key_that_signed_is_found() {
        let (key, other, digest) = (key(), self::key().public_key(), Digest::of(b"image"));
        let mut signatures = Signatures::default();
        for signature in both(&key, &digest) {
            signatures.add(Ok(signature.clone()));
            signatures.add(Ok(signature));
        }
        assert_eq!(signatures.found.len(), 2);
        let public = key.public_key();
        let found = signatures.verify([&other, &public], &[Digest::of(b"x"), digest]);
        assert_eq!(found.expect("signed").1, &public);
        assert!(signatures.verify([&other], &[digest]).is_none());
    }
}
