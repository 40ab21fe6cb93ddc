//! Keys: ECDSA P-256 for signing; for verifying all kinds that cosign takes.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::PublicEncryptingKey;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA256_ASN1,
    ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA512_ASN1, ED25519, EcdsaKeyPair,
    KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, VerificationAlgorithm,
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

/// The kinds of keys, and how each may sign: cosign 1 and 2 hash with SHA-256 whatever the key is,
/// version 3 with the hash of the curve's size.
const KINDS: [&[&'static dyn VerificationAlgorithm]; 4] = [
    &[&ECDSA_P256_SHA256_ASN1],
    &[&ECDSA_P384_SHA384_ASN1, &ECDSA_P384_SHA256_ASN1],
    &[&ECDSA_P521_SHA512_ASN1, &ECDSA_P521_SHA256_ASN1],
    &[&ED25519],
];
const KINDS_SHOWN: &str = "ECDSA P-256, P-384 or P-521, Ed25519, or RSA of 2048 to 8192 bits";
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A key that signs: ECDSA on the curve P-256 with SHA-256, as cosign makes them.
#[derive(Clone)]
pub struct PrivateKey(Arc<EcdsaKeyPair>);

/// A key that verifies.
#[derive(Clone)]
pub struct PublicKey {
    /// The key with each algorithm by which it may have signed.
    algorithms: Vec<ParsedPublicKey>,
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
    /// Reads a key in PEM (`PUBLIC KEY`), as `cosign.pub` is: ECDSA on the curves P-256, P-384 and
    /// P-521, Ed25519, or RSA (PKCS #1 version 1.5) of 2048 bits and more.
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
            .ok_or_else(|| invalid(&format!("it is not a PEM file with a key of {KINDS_SHOWN}")))
    }

    fn from_der(der: &[u8]) -> Option<Self> {
        // The fingerprint is of the whole: nothing may hide behind the key.
        if der_len(der) != Some(der.len()) {
            return None;
        }
        let parse = |kind: &&[&'static dyn VerificationAlgorithm]| {
            let keys = kind.iter().map(|how| ParsedPublicKey::new(*how, der).ok());
            keys.collect::<Option<Vec<_>>>()
        };
        let rsa = || {
            // A short key can be parsed as well, but would verify nothing.
            let bits = PublicEncryptingKey::from_der(der).ok()?.key_size_bits();
            let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der).ok()?;
            RSA_BITS.contains(&bits).then(|| vec![key])
        };
        let algorithms = KINDS.iter().find_map(parse).or_else(rsa)?;
        let der = der.to_vec();
        Some(Self { algorithms, der })
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
        self.algorithms
            .iter()
            .any(|key| key.verify_sig(message, signature).is_ok())
    }
}

/// Bytes of the DER sequence at the beginning of `der`, its head included (X.690, section 8.1.3).
fn der_len(der: &[u8]) -> Option<usize> {
    const SEQUENCE: u8 = 0x30;
    const LONG_FORM: u8 = 0x80;
    let [SEQUENCE, first, rest @ ..] = der else {
        return None;
    };
    if *first < LONG_FORM {
        return Some(2 + usize::from(*first));
    }
    let bytes = rest.get(..usize::from(first - LONG_FORM))?;
    // No key is longer than two bytes can say.
    if bytes.is_empty() || bytes.len() > 2 {
        return None;
    }
    let content = bytes
        .iter()
        .fold(0, |len, byte| len << 8 | usize::from(*byte));
    Some(2 + bytes.len() + content)
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

    /// Made by `openssl`, their private parts thrown away.
    const RSA_2048: &str = "-----BEGIN PUBLIC KEY-----\n\
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA8U3Zt5JSVPb1Uue4n0gB\n\
        m6ybD6NkV/ZoJ/ffYGh2tCyll30eMknVl+GAGJTMcYJhvcUFJtrbXyXRomu3cBOc\n\
        0V0mLFAX/HVUKayjR0UiY/GHtL4WkQhiAPENmR9dJzWlWcw0qttU4609Q9Q+TTMi\n\
        a9wJmUULb0ZaFi7ar5m+XOKqxVxzBIl9l0MzYv9RjdszUww9Ur2gas46wHfqR+KT\n\
        WHWSIshNF3Z2jkkTQwMWV/ytgKNwvampOHy5WKRauGpItwoJzv60AMj573xXvVyO\n\
        HMHyQ2QfTerg/cQYHuPDf+zvvDyAffitL8siNmUPVBLGxxRMNEovxgv9gpF4+HRN\n\
        lQIDAQAB\n\
        -----END PUBLIC KEY-----\n";
    const P384: &str = "-----BEGIN PUBLIC KEY-----\n\
        MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEt3IFjQxFp9XFHwrOakMOcdsV0/cEYq4P\n\
        qXAmvS+1XbkQOriYkGySTMkCt/EiI9Yyoh5oGECdlUfmnWR7B0qZMo+rHqbUampP\n\
        nvxUEDfX/SPvYgvbpqEQmQVtyc+qvtei\n\
        -----END PUBLIC KEY-----\n";
    const P521: &str = "-----BEGIN PUBLIC KEY-----\n\
        MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQA9uCkOAbqOh1/BN6k7Z9EUgLMvDAN\n\
        oV0M+j9xEgHgyYjDs1obtSYsnCUAvU1CBY3B0dK9mzN7nddQ81LCbbc8gU8BJMtZ\n\
        R84aIFfPMPd45QwiKs9oO/Rjbh08LYR823Bt34sBWhn25yn1FE1Aeg5WmyCm0zlZ\n\
        gsgX2NENzF8S+sXVU7M=\n\
        -----END PUBLIC KEY-----\n";
    const RSA_1024: &str = "-----BEGIN PUBLIC KEY-----\n\
        MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDQHnG0Gu4r3sN0C9AhosreYYEQ\n\
        bPbSpxIGyuPoopO69R0aerrWJytBAf0kn4xHVtf9IHR8oPZ4Mt9set6Uv/GyG0hp\n\
        tK/fkdyrpo0HB1LAy/HTBSAfvBbjkCqJpAojf2TWoM7wTgKXU6ZDWgkMkcHl3iuu\n\
        iS7AEu7vt3+Z7d/1vwIDAQAB\n\
        -----END PUBLIC KEY-----\n";
    /// Key, hash, signature of `message` in base64.
    const OPENSSL: [(&str, &str, &str); 5] = [
        (
            RSA_2048,
            "SHA-256",
            "BtdknGRUb0e/b35Kx4xujbpQvzKRTOnE/ruWD9hR/qDaaTr6B7oDbX6W528U41LM0HtjiOWbOJEb\
             91pem7HVQBCUR+kOBIC+OB2EU64K8kYMOwqh3MmfuM/q/YRfl8X2WuwZqfpj7zujDbCI4WGLqT1K\
             Rl1MNaWyYnpjX9eA87btbTSyhjtNXDBqUbQUHIAOiA2ttnktmxoy4Zh/xKlLq5DWKm34YmqHYhhu\
             GHvLD65VzE0VF9JH1s2cDYN5Uj6Er4eQdeN5C21HZcFRBvsCXTEkRsk2n3yaoVhZjc+ooHt82L0a\
             GPtoeUHUyg6+p4JSS37fKq7aRtQXQk8FZ0wJmQ==",
        ),
        (
            P384,
            "SHA-256",
            "MGUCMAYbBxCqp6rEMGWBWCPXMQ2SQaw7D6xRGYDUixws/Yo+JfsPkUv7GUGwtCWP4+nW5QIxAKbS\
             vFmjakkS387kMjhBrFkqErNv8g9iZXgO/ACN2JjFbiFGaSNvl/3u0QePKY3LAQ==",
        ),
        (
            P384,
            "SHA-384",
            "MGUCMQDXc/s11mxUomlw4zgCoL0janCy1HL34+R47t0i2zpwBULUvFdftaKQOpGlSMAAkHgCMHJG\
             HhuqO73Q1KqKu8h51mk+H9x9zDp+j1UwPty+zUp0CoHYpUbRPSGATAz8UkCZgg==",
        ),
        (
            P521,
            "SHA-256",
            "MIGHAkIBo552GH0N4wft839EeSyGjiWopxHuu5SB7UWPxKrDhKK3ACMMw1tx5KOuFQwBlzlMqYVl\
             Jxeszy5gnCFDZXrWqaYCQQIz/y/NSGClOROoLveZkLVLsP79QKGMm8g8E8jdNtbK8jfwrHOqcOf1\
             49yQ06Vf9C1jAR+pJ7Ey61Z0JUwnSIuS",
        ),
        (
            P521,
            "SHA-512",
            "MIGHAkEPqpOdIb1BJyZwTfJA44oQ+gpLejwJxakAweWOGY0aiMZI/Dg2CFXRuhMsx4jmf9P7JBmR\
             cK69ZzJemidXCiuR2AJCATsQlZucs7wQsOJ+KT21py8EtgSG37CxYBXqXgBRsPtHgnhONrknec5I\
             maCN37D4++f5d1VZFvKcbRuQ7effb+dd",
        ),
    ];

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
    fn keys_of_other_kinds_verify_what_openssl_signed() {
        for (key, hash, signature) in OPENSSL {
            let key = PublicKey::from_pem(key).expect("a key of openssl");
            let signature = STANDARD.decode(signature).expect("base64");
            assert!(key.verifies(b"message", &signature), "{hash}");
            assert!(!key.verifies(b"massage", &signature), "{hash}");
            let again = PublicKey::from_pem(&key.to_pem()).expect("the same");
            assert_eq!(again, key);
        }
    }

    #[test]
    fn a_key_that_is_short_or_followed_by_something_is_refused() {
        let error = PublicKey::from_pem(RSA_1024).expect_err("1024 bits");
        assert!(error.to_string().contains("2048"), "{error}");
        let der = pem::decode(ED25519, PUBLIC_LABEL).expect("a key");
        let longer = [&der[..], b"x"].concat();
        assert!(PublicKey::from_der(&longer).is_none());
        for len in 0..der.len() {
            assert!(PublicKey::from_der(&der[..len]).is_none());
        }
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
