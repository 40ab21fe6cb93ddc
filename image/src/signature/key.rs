//! Keys: ECDSA P-256 for signing and verifying, Ed25519 for verifying.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ED25519, EcdsaKeyPair, KeyPair as _,
    ParsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{encrypted, pem};
use crate::limits::KEY_BYTES_MAX;
use crate::{Error, ErrorKind, Result};

const PRIVATE_LABEL: &str = "PRIVATE KEY";
const PUBLIC_LABEL: &str = "PUBLIC KEY";

/// What the DER form of a P-256 key begins with (RFC 5480): the algorithm and the curve, then an
/// uncompressed point of 65 bytes.
const P256_PREFIX: &[u8] = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\
    \x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04";
/// The same for Ed25519 (RFC 8410), then 32 bytes.
const ED25519_PREFIX: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

/// A key that signs: ECDSA on the curve P-256 with SHA-256, as cosign makes them.
#[derive(Clone)]
pub struct PrivateKey(Arc<EcdsaKeyPair>);

/// A key that verifies.
#[derive(Clone)]
pub struct PublicKey {
    key: ParsedPublicKey,
    /// `SubjectPublicKeyInfo`.
    der: Vec<u8>,
}

impl PrivateKey {
    /// A new key, from the operating system's random numbers.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when there are none to be had.
    pub fn generate() -> Result<Self> {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)
            .map(|key| Self(Arc::new(key)))
            .map_err(|_| Error::new(ErrorKind::Io, "make a key: no random numbers"))
    }

    /// Whether [`PrivateKey::from_pem`] needs a password for this file.
    pub fn is_encrypted(pem: &str) -> bool {
        encrypted::is_encrypted(pem)
    }

    /// Reads a key: PKCS#8 (`PRIVATE KEY`), or cosign's own form that a password protects
    /// (`ENCRYPTED SIGSTORE PRIVATE KEY`, before version 2 `ENCRYPTED COSIGN PRIVATE KEY`).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`] for another form, another algorithm, or a wrong password. No part
    /// of the key is in the message.
    pub fn from_pem(pem: &str, password: Option<&[u8]>) -> Result<Self> {
        let invalid = |reason: &str| invalid("read private key", reason);
        if pem.len() > KEY_BYTES_MAX {
            return Err(invalid("the file is too large for a key"));
        }
        if encrypted::is_encrypted(pem) {
            let password = password.ok_or_else(|| invalid("a password protects it"))?;
            let der = encrypted::decrypt(pem, password)?;
            return from_pkcs8(&der)
                .ok_or_else(|| invalid("what the password protects is no key of the curve P-256"));
        }
        pem::decode(pem, PRIVATE_LABEL)
            .and_then(|der| from_pkcs8(&der))
            .ok_or_else(|| {
                invalid("it is neither a PKCS#8 key of the curve P-256 nor a key of cosign")
            })
    }

    /// The key as PKCS#8 in PEM, readable by everybody who gets hold of it.
    ///
    /// # Errors
    /// None that is known.
    pub fn to_pem(&self) -> Result<Zeroizing<String>> {
        Ok(pem::encode(self.to_pkcs8()?.as_ref(), PRIVATE_LABEL))
    }

    /// The key in the form of cosign, protected by a password. Takes 64 MiB and some tenths of a
    /// second, so that passwords cannot be tried fast.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the operating system has no random numbers.
    pub fn to_encrypted_pem(&self, password: &[u8]) -> Result<Zeroizing<String>> {
        encrypted::encrypt(self.to_pkcs8()?.as_ref(), password)
    }

    /// The key that verifies what this one signs.
    pub fn public_key(&self) -> PublicKey {
        let der: PublicKeyX509Der<'_> = self
            .0
            .public_key()
            .as_der()
            .expect("a key that was made or read can be encoded");
        PublicKey::from_der(der.as_ref()).expect("a key's own form can be read")
    }

    /// Signs. ASN.1 DER.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        self.0
            .sign(&SystemRandom::new(), message)
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_| Error::new(ErrorKind::Io, "sign: no random numbers"))
    }

    /// Wiped from memory when it is dropped.
    fn to_pkcs8(&self) -> Result<impl AsRef<[u8]> + use<>> {
        self.0
            .to_pkcs8v1()
            .map_err(|_| invalid("write private key", "it cannot be encoded"))
    }
}

fn from_pkcs8(der: &[u8]) -> Option<PrivateKey> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der)
        .ok()
        .map(|key| PrivateKey(Arc::new(key)))
}

impl PublicKey {
    /// Reads a key in PEM (`PUBLIC KEY`), as `cosign.pub` is: P-256 or Ed25519.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`].
    pub fn from_pem(pem: &str) -> Result<Self> {
        let invalid = |reason: &str| invalid("read public key", reason);
        if pem.len() > KEY_BYTES_MAX {
            return Err(invalid("the file is too large for a key"));
        }
        if pem.contains("PRIVATE KEY-----") {
            return Err(invalid("it is a private key, and must stay private"));
        }
        pem::decode(pem, PUBLIC_LABEL)
            .and_then(|der| Self::from_der(&der))
            .ok_or_else(|| invalid("it is not a PEM file with a key of ECDSA P-256 or Ed25519"))
    }

    fn from_der(der: &[u8]) -> Option<Self> {
        let key = if let Some(coordinates) = der.strip_prefix(P256_PREFIX) {
            // The prefix ends with the mark of an uncompressed point, which belongs to it.
            let point = [&[4], coordinates].concat();
            ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
        } else {
            ParsedPublicKey::new(&ED25519, der.strip_prefix(ED25519_PREFIX)?)
        };
        let (key, der) = (key.ok()?, der.to_vec());
        Some(Self { key, der })
    }

    /// The key in PEM.
    pub fn to_pem(&self) -> String {
        pem::encode(&self.der, PUBLIC_LABEL).to_string()
    }

    /// What the key is called, in bundles too: the SHA-256 digest of its DER form, in base64.
    pub fn fingerprint(&self) -> String {
        STANDARD.encode(Sha256::digest(&self.der))
    }

    /// Whether `signature` is one of `message` by this key.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(for {})", self.public_key().fingerprint())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}

pub(super) fn invalid(operation: &str, reason: &str) -> Error {
    Error::new(ErrorKind::InvalidKey, format!("{operation}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.1, test 1, in PEM.
    const ED25519: &str = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
        -----END PUBLIC KEY-----\n";

    #[test]
    fn a_key_reads_back_and_its_signatures_verify() {
        let key = PrivateKey::generate().expect("random numbers");
        let again = PrivateKey::from_pem(&key.to_pem().expect("encodes"), None).expect("ours");
        let public = PublicKey::from_pem(&again.public_key().to_pem());
        let public = public.expect("ours");
        let signature = key.sign(b"message").expect("random numbers");
        assert!(public.verifies(b"message", &signature));
        assert!(!public.verifies(b"massage", &signature));
        assert!(!public.verifies(b"message", &signature[..10]));
        let other = PrivateKey::generate().expect("random numbers").public_key();
        assert!(!other.verifies(b"message", &signature));
        assert_ne!(other.fingerprint(), public.fingerprint());
    }

    #[test]
    fn ed25519_signatures_verify() {
        // The signature of the empty message.
        let key = PublicKey::from_pem(ED25519).expect("an Ed25519 key");
        let signature = [
            0xe5, 0x56, 0x43, 0x00, 0xc3, 0x60, 0xac, 0x72, 0x90, 0x86, 0xe2, 0xcc, 0x80, 0x6e,
            0x82, 0x8a, 0x84, 0x87, 0x7f, 0x1e, 0xb8, 0xe5, 0xd9, 0x74, 0xd8, 0x73, 0xe0, 0x65,
            0x22, 0x49, 0x01, 0x55, 0x5f, 0xb8, 0x82, 0x15, 0x90, 0xa3, 0x3b, 0xac, 0xc6, 0x1e,
            0x39, 0x70, 0x1c, 0xf9, 0xb4, 0x6b, 0xd2, 0x5b, 0xf5, 0xf0, 0x59, 0x5b, 0xbe, 0x24,
            0x65, 0x51, 0x41, 0x43, 0x8e, 0x7a, 0x10, 0x0b,
        ];
        assert!(key.verifies(b"", &signature));
        assert!(!key.verifies(b"x", &signature));
    }

    #[test]
    fn what_is_no_key_is_refused_without_repeating_it() {
        let rsa = "-----BEGIN PRIVATE KEY-----\nMIIBVAIBADANBgkqhkiG9w0BAQEFAASCAT4=\n\
                   -----END PRIVATE KEY-----\n";
        for text in ["", "x", rsa, &"-".repeat(KEY_BYTES_MAX + 1)] {
            let error = PrivateKey::from_pem(text, Some(b"")).expect_err("no key");
            assert_eq!(error.kind(), ErrorKind::InvalidKey);
            assert!(!error.to_string().contains("MIIB"), "{error}");
            assert!(PublicKey::from_pem(text).is_err());
        }
    }
}
