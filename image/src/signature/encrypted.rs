//! Private keys in the form of cosign: scrypt of a password, then NaCl's secretbox, as JSON in PEM.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::key::invalid;
use super::pem as armor;
use super::secret_box::{self, KEY_BYTES, NONCE_BYTES};
use crate::document::to_json;
use crate::{Error, ErrorKind, Result};

const LABEL: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
/// What cosign 1 wrote.
const LABEL_OLD: &str = "ENCRYPTED COSIGN PRIVATE KEY";

const KDF: &str = "scrypt";
const CIPHER: &str = "nacl/secretbox";
const SALT_BYTES: usize = 32;
/// Cosign's choice of 2024: 64 MiB, some tenths of a second.
const COST_LOG2: u8 = 16;
const BLOCK_SIZE: u32 = 8;
const PARALLELISM: u32 = 1;
/// Bytes that a key file may make us use: 128 * N * r.
const MEMORY_BYTES_MAX: u64 = 256 << 20;
/// Rounds of that work, one after the other.
const PARALLELISM_MAX: u32 = 4;

#[derive(Serialize, Deserialize)]
struct Envelope {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Serialize, Deserialize)]
struct Kdf {
    name: String,
    params: KdfParams,
    salt: String,
}

#[derive(Serialize, Deserialize)]
struct KdfParams {
    #[serde(rename = "N")]
    cost: u64,
    #[serde(rename = "r")]
    block_size: u32,
    #[serde(rename = "p")]
    parallelism: u32,
}

#[derive(Serialize, Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

pub(super) fn is_encrypted(pem: &str) -> bool {
    [LABEL, LABEL_OLD]
        .iter()
        .any(|label| pem.contains(&format!("-----BEGIN {label}-----")))
}

/// The DER bytes that `password` protects.
pub(super) fn decrypt(pem: &str, password: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let invalid = |reason: &str| invalid("decrypt private key", reason);
    let damaged = || invalid("the file is damaged");
    let decode = |text: &str| STANDARD.decode(text).map_err(|_| damaged());
    let body = armor::decode(pem, LABEL).or_else(|| armor::decode(pem, LABEL_OLD));
    let envelope: Envelope =
        serde_json::from_slice(&body.ok_or_else(damaged)?).map_err(|_| damaged())?;
    if envelope.kdf.name != KDF || envelope.cipher.name != CIPHER {
        return Err(invalid("it is protected in a way that is not known here"));
    }
    let nonce: [u8; NONCE_BYTES] = decode(&envelope.cipher.nonce)?
        .try_into()
        .map_err(|_| damaged())?;
    let key = derive(password, &decode(&envelope.kdf.salt)?, &envelope.kdf.params)?;
    let ciphertext = decode(&envelope.ciphertext)?;
    secret_box::open(&key, &nonce, &ciphertext)
        .ok_or_else(|| invalid("wrong password, or the file is damaged"))
}

/// Protects `der` with `password`.
pub(super) fn encrypt(der: &[u8], password: &[u8]) -> Result<Zeroizing<String>> {
    let mut salt = [0; SALT_BYTES];
    let mut nonce = [0; NONCE_BYTES];
    for bytes in [&mut salt[..], &mut nonce[..]] {
        aws_lc_rs::rand::fill(bytes)
            .map_err(|_| Error::new(ErrorKind::Io, "encrypt private key: no random numbers"))?;
    }
    let params = KdfParams {
        cost: 1 << COST_LOG2,
        block_size: BLOCK_SIZE,
        parallelism: PARALLELISM,
    };
    let key = derive(password, &salt, &params)?;
    let ciphertext = secret_box::seal(&key, &nonce, der);
    let envelope = Envelope {
        kdf: Kdf {
            name: KDF.to_owned(),
            params,
            salt: STANDARD.encode(salt),
        },
        cipher: Cipher {
            name: CIPHER.to_owned(),
            nonce: STANDARD.encode(nonce),
        },
        ciphertext: STANDARD.encode(ciphertext),
    };
    Ok(armor::encode(&to_json(&envelope), LABEL))
}

fn derive(password: &[u8], salt: &[u8], params: &KdfParams) -> Result<Zeroizing<[u8; KEY_BYTES]>> {
    let refused = || {
        invalid(
            "derive the key of a password",
            "its parameters are out of bounds",
        )
    };
    let memory = params
        .cost
        .saturating_mul(128)
        .saturating_mul(params.block_size.into());
    if !params.cost.is_power_of_two()
        || memory > MEMORY_BYTES_MAX
        || params.parallelism > PARALLELISM_MAX
    {
        return Err(refused());
    }
    // A power of two of 64 bits: its logarithm fits.
    let cost_log2 = params.cost.trailing_zeros() as u8;
    let params = scrypt::Params::new(cost_log2, params.block_size, params.parallelism)
        .map_err(|_| refused())?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    scrypt::scrypt(password, salt, &params, &mut *key).map_err(|_| refused())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::{PrivateKey, PublicKey};

    /// Made by cosign 3.1 with the password `secret`, for a test and nothing else.
    const COSIGN_KEY: &str = include_str!("../../tests/fixtures/cosign.key");
    const COSIGN_PUB: &str = include_str!("../../tests/fixtures/cosign.pub");

    #[test]
    fn a_key_of_cosign_is_read_with_its_password() {
        assert!(PrivateKey::is_encrypted(COSIGN_KEY));
        let key = PrivateKey::from_pem(COSIGN_KEY, Some(b"secret")).expect("the right password");
        let public = PublicKey::from_pem(COSIGN_PUB).expect("cosign's");
        assert_eq!(key.public_key(), public);
        let error = PrivateKey::from_pem(COSIGN_KEY, Some(b"Secret")).expect_err("wrong");
        assert!(error.to_string().contains("wrong password"), "{error}");
        let error = PrivateKey::from_pem(COSIGN_KEY, None).expect_err("none");
        assert!(error.to_string().contains("password protects"), "{error}");
    }

    #[test]
    fn what_is_encrypted_reads_back() {
        let pem = encrypt(b"content", b"").expect("random numbers");
        assert_eq!(*decrypt(&pem, b"").expect("the same password"), b"content");
    }

    #[test]
    fn costs_out_of_bounds_are_refused_before_they_are_paid() {
        for (cost, block_size, parallelism) in [
            (1 << 40, 8, 1),
            (3, 8, 1),
            (0, 8, 1),
            (1 << 16, 1 << 30, 1),
            (1 << 10, 8, 1 << 20),
        ] {
            let params = KdfParams {
                cost,
                block_size,
                parallelism,
            };
            assert!(derive(b"", b"", &params).is_err(), "{cost}");
        }
    }
}
