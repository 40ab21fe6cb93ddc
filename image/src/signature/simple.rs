//! Signatures as cosign 1 and 2 make them: "simple signing", a JSON text and a signature of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::bundle::SIGN_PREDICATE;
use super::{PrivateKey, PublicKey, bad, damaged};
use crate::document::to_json;
use crate::{Digest, Reference, Result};

const TYPE: &str = "cosign container image signature";

/// A signed text and its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SimpleSigning {
    /// The text, byte by byte as it was signed.
    pub(super) payload: Vec<u8>,
    /// Base64, as the annotation has it.
    pub(super) signature: String,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    critical: Critical,
    #[serde(default)]
    optional: Option<serde_json::Value>,
}

#[derive(Serialize, Deserialize)]
struct Critical {
    identity: Identity,
    image: ImageDigest,
    r#type: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Identity {
    #[serde(default)]
    docker_reference: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ImageDigest {
    docker_manifest_digest: String,
}

impl SimpleSigning {
    /// Signs that `reference` named the image `digest`.
    pub(super) fn sign(key: &PrivateKey, digest: &Digest, reference: &Reference) -> Result<Self> {
        let registry = reference.registry().map(|registry| format!("{registry}/"));
        let payload = to_json(&Payload {
            critical: Critical {
                identity: Identity {
                    docker_reference: format!(
                        "{}{}",
                        registry.unwrap_or_default(),
                        reference.repository()
                    ),
                },
                image: ImageDigest {
                    docker_manifest_digest: digest.to_string(),
                },
                r#type: TYPE.to_owned(),
            },
            optional: None,
        });
        let signature = STANDARD.encode(key.sign(&payload)?);
        Ok(Self { payload, signature })
    }

    /// Checks that `key` signed the image `digest`. Under which name is not checked: an image keeps
    /// its signatures in mirrors.
    pub(super) fn verify(&self, key: &PublicKey, digest: &Digest) -> Result<()> {
        let signature = STANDARD
            .decode(self.signature.trim())
            .map_err(|_| damaged("parse signature: its base64 is damaged"))?;
        if !key.verifies(&self.payload, &signature) {
            return Err(bad("it was not made with this key, or was changed since"));
        }
        let payload: Payload = serde_json::from_slice(&self.payload)
            .map_err(|_| bad("what it signs is no statement about an image"))?;
        let critical = payload.critical;
        if critical.r#type != TYPE && critical.r#type != SIGN_PREDICATE {
            return Err(bad("it signs a statement of another kind"));
        }
        if critical.image.docker_manifest_digest != digest.to_string() {
            return Err(bad("it signs another image"));
        }
        Ok(())
    }
}
