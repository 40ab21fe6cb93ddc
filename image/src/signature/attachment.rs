//! Signatures as layers of a manifest that is about an image.

use super::{Content, Signature, bundle, damaged};
use crate::limits::SIGNATURE_BYTES_MAX;
use crate::registry::Attachment;
use crate::{Annotations, Digest, Result, annotation, media_type};

/// Whether an artifact of this type holds signatures.
pub(crate) fn is_signature_type(artifact_type: &str) -> bool {
    artifact_type == media_type::SIGSTORE_BUNDLE
        || artifact_type == media_type::COSIGN_SIGNATURE
        || artifact_type.starts_with(media_type::SIGSTORE_BUNDLE_OLD)
}

/// The same for the type that a list of attachments states. Cosign 3.1 writes that of the
/// manifest's config into the fallback tag, and others nothing: then only a look inside tells.
pub(crate) fn may_be_signature(stated: Option<&str>) -> bool {
    stated.is_none_or(|stated| stated == media_type::OCI_EMPTY || is_signature_type(stated))
}

/// The tag of cosign's older form: `sha256-<hex>.sig`.
pub(crate) fn simple_tag(subject: &Digest) -> String {
    format!("sha256-{}.sig", subject.hex())
}

/// The signatures in an attachment.
pub(crate) fn signatures_in(attachment: Attachment) -> impl Iterator<Item = Result<Signature>> {
    attachment
        .layers
        .into_iter()
        .filter_map(|(media_type, annotations, content)| {
            let form = layer_form(&media_type)?;
            Some(read(form, &annotations, content))
        })
}

#[derive(Clone, Copy)]
enum LayerForm {
    Bundle,
    Simple,
}

fn layer_form(media_type: &str) -> Option<LayerForm> {
    if media_type == media_type::SIMPLE_SIGNING {
        return Some(LayerForm::Simple);
    }
    let is_bundle = media_type == media_type::SIGSTORE_BUNDLE
        || media_type.starts_with(media_type::SIGSTORE_BUNDLE_OLD);
    is_bundle.then_some(LayerForm::Bundle)
}

fn read(form: LayerForm, annotations: &Annotations, content: Vec<u8>) -> Result<Signature> {
    if content.len() as u64 > SIGNATURE_BYTES_MAX {
        let message = format!("read signature: it is larger than {SIGNATURE_BYTES_MAX} bytes");
        return Err(damaged(message));
    }
    match form {
        LayerForm::Bundle => Signature::from_bundle(&content),
        LayerForm::Simple => {
            let signature = annotations
                .get(annotation::COSIGN_SIGNATURE)
                .ok_or_else(|| damaged("read signature: its annotation is missing"))?;
            Ok(Signature::from_simple(content, signature.clone()))
        }
    }
}

impl Signature {
    /// The signature as something that can be attached to its image.
    pub(crate) fn to_attachment(&self) -> Attachment {
        let (media_type, annotations, content) = self.to_layer();
        let mut attachment = match &self.0 {
            Content::Bundle { .. } => {
                let mut attachment =
                    Attachment::new(media_type::SIGSTORE_BUNDLE, &media_type, content);
                attachment.annotations = Annotations::from([
                    (
                        annotation::BUNDLE_CONTENT.to_owned(),
                        "dsse-envelope".to_owned(),
                    ),
                    (
                        annotation::BUNDLE_PREDICATE.to_owned(),
                        bundle::SIGN_PREDICATE.to_owned(),
                    ),
                ]);
                attachment
            }
            Content::Simple(_) => {
                Attachment::new(media_type::COSIGN_SIGNATURE, &media_type, content)
            }
        };
        attachment.layers[0].1 = annotations;
        attachment
    }

    /// Media type, annotations and content.
    pub(crate) fn to_layer(&self) -> (String, Annotations, Vec<u8>) {
        match &self.0 {
            Content::Bundle { bytes, .. } => (
                media_type::SIGSTORE_BUNDLE.to_owned(),
                Annotations::new(),
                bytes.clone(),
            ),
            Content::Simple(simple) => (
                media_type::SIMPLE_SIGNING.to_owned(),
                Annotations::from([(
                    annotation::COSIGN_SIGNATURE.to_owned(),
                    simple.signature.clone(),
                )]),
                simple.payload.clone(),
            ),
        }
    }
}
