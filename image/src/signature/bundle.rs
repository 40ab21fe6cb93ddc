//! Sigstore bundles, version 0.3: a DSSE envelope around an in-toto statement about the image.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::{Deserialize, Serialize};

use super::{PrivateKey, PublicKey, bad, damaged};
use crate::document::to_json;
use crate::limits::ENVELOPE_SIGNATURES_MAX;
use crate::{Digest, Result, media_type};

/// Older bundles have the same envelope.
const VERSIONS: [&str; 3] = [
    media_type::SIGSTORE_BUNDLE,
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
];
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// What cosign calls the statement "this image is signed". Other statements about an image, such as
/// a list of its faults, are signed by the same keys and say nothing of that kind.
pub(super) const SIGN_PREDICATE: &str = "https://sigstore.dev/cosign/sign/v1";
/// Subjects of one statement.
const SUBJECTS_MAX: usize = 64;

/// `Bundle` of sigstore's protobuf specification, as far as keys need it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bundle {
    media_type: String,
    #[serde(default)]
    verification_material: VerificationMaterial,
    /// `None` in bundles about files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dsse_envelope: Option<Envelope>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct VerificationMaterial {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_key: Option<KeyHint>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeyHint {
    #[serde(default)]
    hint: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct EnvelopeSignature {
    sig: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(rename = "_type")]
    statement_type: String,
    subject: Vec<Subject>,
    predicate_type: String,
    #[serde(default)]
    predicate: serde_json::Value,
}

#[derive(Serialize, Deserialize)]
struct Subject {
    digest: SubjectDigest,
}

#[derive(Serialize, Deserialize)]
struct SubjectDigest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

impl Bundle {
    /// Signs the statement that the image `digest` is signed.
    pub(super) fn sign(key: &PrivateKey, digest: &Digest) -> Result<Self> {
        let statement = Statement {
            statement_type: STATEMENT_TYPE.to_owned(),
            subject: vec![Subject {
                digest: SubjectDigest {
                    sha256: Some(digest.hex()),
                },
            }],
            predicate_type: SIGN_PREDICATE.to_owned(),
            predicate: serde_json::Value::Object(serde_json::Map::new()),
        };
        let payload = to_json(&statement);
        let signature = key.sign(&pre_authentication(PAYLOAD_TYPE, &payload))?;
        Ok(Self {
            media_type: media_type::SIGSTORE_BUNDLE.to_owned(),
            verification_material: VerificationMaterial {
                public_key: Some(KeyHint {
                    hint: key.public_key().fingerprint(),
                }),
            },
            dsse_envelope: Some(Envelope {
                payload: STANDARD.encode(payload),
                payload_type: PAYLOAD_TYPE.to_owned(),
                signatures: vec![EnvelopeSignature {
                    sig: STANDARD.encode(signature),
                }],
            }),
        })
    }

    /// Reads a bundle; what it says is not verified yet.
    pub(super) fn parse(content: &[u8]) -> Result<Self> {
        let bundle: Self = serde_json::from_slice(content)
            .map_err(|error| damaged(format_args!("parse bundle: {error}")))?;
        if !VERSIONS.contains(&&*bundle.media_type) {
            return Err(damaged(
                "parse bundle: it is of a version that is not known here",
            ));
        }
        let envelope = bundle.envelope()?;
        if envelope.signatures.len() > ENVELOPE_SIGNATURES_MAX {
            let message =
                format!("parse bundle: it has more than {ENVELOPE_SIGNATURES_MAX} signatures");
            return Err(damaged(message));
        }
        Ok(bundle)
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        to_json(self)
    }

    /// What the bundle calls the key.
    pub(super) fn key_hint(&self) -> Option<&str> {
        let key = self.verification_material.public_key.as_ref()?;
        Some(&*key.hint).filter(|hint| !hint.is_empty())
    }

    /// Checks that `key` signed that the image `digest` is signed: the signature first, then what
    /// was signed, of the same bytes.
    pub(super) fn verify(&self, key: &PublicKey, digest: &Digest) -> Result<()> {
        let envelope = self.envelope()?;
        let payload = decode(&envelope.payload)?;
        if envelope.payload_type != PAYLOAD_TYPE {
            return Err(bad("what it signs is no in-toto statement"));
        }
        let message = pre_authentication(&envelope.payload_type, &payload);
        let signed = envelope
            .signatures
            .iter()
            .filter_map(|signature| decode(&signature.sig).ok())
            .any(|signature| key.verifies(&message, &signature));
        if !signed {
            return Err(bad("it was not made with this key, or was changed since"));
        }
        let statement: Statement = serde_json::from_slice(&payload)
            .map_err(|_| bad("what it signs is no in-toto statement"))?;
        statement.check(digest)
    }

    fn envelope(&self) -> Result<&Envelope> {
        self.dsse_envelope
            .as_ref()
            .ok_or_else(|| damaged("parse bundle: it holds no DSSE envelope"))
    }
}

impl Statement {
    fn check(&self, digest: &Digest) -> Result<()> {
        if self.predicate_type != SIGN_PREDICATE {
            return Err(bad(format_args!(
                "it signs a statement of another kind: {:?}",
                self.predicate_type.chars().take(100).collect::<String>()
            )));
        }
        let hex = digest.hex();
        let mut subjects = self.subject.iter().take(SUBJECTS_MAX);
        if !subjects.any(|subject| subject.digest.sha256.as_ref() == Some(&hex)) {
            return Err(bad("it signs another image"));
        }
        Ok(())
    }
}

/// DSSE protocol, "Signature Definition": what is signed.
fn pre_authentication(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        payload.len()
    );
    [head.as_bytes(), payload].concat()
}

/// DSSE allows both alphabets.
fn decode(text: &str) -> Result<Vec<u8>> {
    STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .map_err(|_| damaged("parse bundle: its base64 is damaged"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_as_the_protocol_says() {
        // DSSE protocol, "Test Vectors".
        let message = pre_authentication("http://example.com/HelloWorld", b"hello world");
        assert_eq!(
            message,
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    #[test]
    fn a_statement_of_another_kind_is_no_signature() {
        let key = PrivateKey::generate().expect("random numbers");
        let digest = Digest::of(b"image");
        let mut bundle = Bundle::sign(&key, &digest).expect("random numbers");
        let payload = format!(
            r#"{{"_type":"{STATEMENT_TYPE}","subject":[{{"digest":{{"sha256":"{}"}}}}],
                "predicateType":"https://example.com/faults","predicate":{{}}}}"#,
            digest.hex()
        );
        let signature = key
            .sign(&pre_authentication(PAYLOAD_TYPE, payload.as_bytes()))
            .expect("random numbers");
        let envelope = bundle.dsse_envelope.as_mut().expect("one was made");
        envelope.payload = STANDARD.encode(payload);
        envelope.signatures[0].sig = STANDARD.encode(signature);
        let error = bundle
            .verify(&key.public_key(), &digest)
            .expect_err("faults");
        assert!(error.to_string().contains("another kind"), "{error}");
    }
}
