//! The JSON documents of the OCI image specification, as far as this crate uses them.
//!
//! Own types rather than those of `oci-spec`, for three reasons: annotations are sorted, so that
//! one image has one digest; digests are checked while parsing, so that no path-like digest exists
//! as a value; and `null` lists, which Go clients write, are read as empty.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};

use crate::limits::{INDEX_MANIFESTS_MAX, LAYERS_MAX};
use crate::{Digest, Error, ErrorKind, Platform, Result, annotation, media_type};

/// Annotations, sorted by key.
pub type Annotations = BTreeMap<String, String>;

const SCHEMA_VERSION: u32 = 2;

/// Points at content: media type, digest and size (OCI image specification, "Content Descriptors").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the content is.
    pub media_type: String,
    /// Digest of the content.
    pub digest: Digest,
    /// Size of the content in bytes.
    pub size: u64,
    /// Type of the artifact that the manifest describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The platform of the manifest, in an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Further properties.
    #[serde(
        default,
        deserialize_with = "or_empty",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: Annotations,
}

impl Descriptor {
    /// Describes `content`.
    pub fn of(media_type: impl Into<String>, content: &[u8]) -> Self {
        Self {
            media_type: media_type.into(),
            digest: Digest::of(content),
            size: content.len() as u64,
            artifact_type: None,
            platform: None,
            annotations: Annotations::new(),
        }
    }

    /// The annotation `org.opencontainers.image.title`.
    pub fn title(&self) -> Option<&str> {
        self.annotations.get(annotation::TITLE).map(String::as_str)
    }
}

/// One image for one platform (OCI image specification, "Image Manifest").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    schema_version: u32,
    /// The manifest's own media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What kind of image it is: [`media_type::ARTIFACT`] in ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The image config.
    pub config: Descriptor,
    /// The contents.
    #[serde(default, deserialize_with = "or_empty")]
    pub layers: Vec<Descriptor>,
    /// The manifest that this one is about (signatures, attestations).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Box<Descriptor>>,
    /// Further properties.
    #[serde(
        default,
        deserialize_with = "or_empty",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: Annotations,
}

impl Manifest {
    /// A manifest with our own artifact type.
    pub(crate) fn new(config: Descriptor, layers: Vec<Descriptor>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            media_type: Some(media_type::OCI_MANIFEST.to_owned()),
            artifact_type: Some(media_type::ARTIFACT.to_owned()),
            config,
            layers,
            subject: None,
            annotations: Annotations::new(),
        }
    }

    /// Parses and checks a manifest.
    ///
    /// # Errors
    /// JSON that is no manifest, or more than [`LAYERS_MAX`] layers.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        refuse_ambiguous(bytes)?;
        let manifest: Self = from_json("parse manifest", bytes)?;
        check_schema("manifest", manifest.schema_version)?;
        if manifest
            .media_type
            .as_deref()
            .is_some_and(|own| !media_type::is_manifest(own))
        {
            return Err(wrong_type("manifest", manifest.media_type.as_deref()));
        }
        check_count("layers of a manifest", manifest.layers.len(), LAYERS_MAX)?;
        Ok(manifest)
    }
}

/// One image for several platforms (OCI image specification, "Image Index").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    schema_version: u32,
    /// The index's own media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What kind of image it is: [`media_type::ARTIFACT`] in ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// A manifest a platform.
    #[serde(default, deserialize_with = "or_empty")]
    pub manifests: Vec<Descriptor>,
    /// Further properties.
    #[serde(
        default,
        deserialize_with = "or_empty",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: Annotations,
}

impl Index {
    pub(crate) fn new(manifests: Vec<Descriptor>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            media_type: Some(media_type::OCI_INDEX.to_owned()),
            artifact_type: Some(media_type::ARTIFACT.to_owned()),
            manifests,
            annotations: Annotations::new(),
        }
    }

    /// Parses and checks an index.
    ///
    /// # Errors
    /// JSON that is no index, or more than [`INDEX_MANIFESTS_MAX`] manifests.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        refuse_ambiguous(bytes)?;
        let index: Self = from_json("parse image index", bytes)?;
        check_schema("image index", index.schema_version)?;
        if index
            .media_type
            .as_deref()
            .is_some_and(|own| !media_type::is_index(own))
        {
            return Err(wrong_type("image index", index.media_type.as_deref()));
        }
        check_count(
            "manifests of an image index",
            index.manifests.len(),
            INDEX_MANIFESTS_MAX,
        )?;
        Ok(index)
    }
}

/// The image config (OCI image specification, "Image Configuration"): says the platform, and has
/// no file system layers, so that container runtimes pull the image without unpacking it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// Build time, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Platform of the image.
    #[serde(flatten)]
    pub platform: Platform,
    /// Required by the specification; ours is empty.
    #[serde(default)]
    config: ContainerConfig,
    rootfs: RootFs,
}

/// What container runtimes would run; of interest are only labels of images of other projects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct ContainerConfig {
    #[serde(
        default,
        rename = "Labels",
        deserialize_with = "or_empty",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    labels: Annotations,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RootFs {
    r#type: String,
    #[serde(default, deserialize_with = "or_empty")]
    diff_ids: Vec<String>,
}

impl ImageConfig {
    pub(crate) fn new(platform: Platform, created: Option<String>) -> Self {
        let rootfs = RootFs {
            r#type: "layers".to_owned(),
            diff_ids: Vec::new(),
        };
        Self {
            created,
            platform,
            config: ContainerConfig::default(),
            rootfs,
        }
    }

    /// Lists layers that are not compressed.
    pub(crate) fn set_layers(&mut self, digests: impl IntoIterator<Item = Digest>) {
        self.rootfs.diff_ids = digests
            .into_iter()
            .map(|digest| digest.to_string())
            .collect();
    }

    /// What the image says about itself in labels.
    pub fn labels(&self) -> &Annotations {
        &self.config.labels
    }

    /// Parses a config.
    ///
    /// # Errors
    /// JSON that is no image config.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        from_json("parse image config", bytes)
    }
}

/// Writes `document` compactly, with its fields in the order of the type: the same value always
/// gives the same bytes.
pub(crate) fn to_json<T: Serialize>(document: &T) -> Vec<u8> {
    serde_json::to_vec(document).expect("maps have string keys and no value fails to serialize")
}

pub(crate) fn from_json<T: DeserializeOwned>(operation: &str, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| Error::json(operation, error))
}

fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> std::result::Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A document that is both a manifest and an index could be verified as one and used as the other
/// (CVE-2021-41190).
fn refuse_ambiguous(bytes: &[u8]) -> Result<()> {
    #[derive(Deserialize)]
    struct Shape {
        layers: Option<IgnoredAny>,
        config: Option<IgnoredAny>,
        manifests: Option<IgnoredAny>,
    }
    let shape: Shape = from_json("parse manifest or index", bytes)?;
    if shape.manifests.is_some() && (shape.layers.is_some() || shape.config.is_some()) {
        return Err(Error::new(
            ErrorKind::Corrupt,
            "parse manifest or index: it claims to be both a manifest and an index",
        ));
    }
    Ok(())
}

fn check_schema(document: &str, version: u32) -> Result<()> {
    if version == SCHEMA_VERSION {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        format!("parse {document}: schema version {version}, expected {SCHEMA_VERSION}"),
    ))
}

fn wrong_type(document: &str, found: Option<&str>) -> Error {
    let found = found.unwrap_or_default();
    Error::new(
        ErrorKind::Corrupt,
        format!("parse {document}: its media type is {found:?}"),
    )
}

fn check_count(what: &str, count: usize, max: usize) -> Result<()> {
    if count <= max {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::TooLarge,
        format!("read {count} {what}: at most {max} are allowed"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(extra: &str) -> String {
        let digest = Digest::of(b"x");
        format!(r#"{{"mediaType":"a/b","digest":"{digest}","size":1{extra}}}"#)
    }

    #[test]
    fn lists_that_are_null_are_empty() {
        let text = format!(
            r#"{{"schemaVersion":2,"config":{},"layers":null,"annotations":null,"unknown":[1]}}"#,
            descriptor(r#","annotations":null,"urls":null"#)
        );
        let manifest = Manifest::parse(text.as_bytes()).expect("valid");
        assert!(manifest.layers.is_empty());
    }

    #[test]
    fn a_manifest_that_is_also_an_index_is_refused() {
        let text = format!(
            r#"{{"schemaVersion":2,"config":{},"layers":[],"manifests":[]}}"#,
            descriptor("")
        );
        assert!(Manifest::parse(text.as_bytes()).is_err());
        assert!(Index::parse(text.as_bytes()).is_err());
    }

    #[test]
    fn hostile_manifests_are_refused() {
        let ok = descriptor("");
        let layers = vec![ok.as_str(); LAYERS_MAX + 1].join(",");
        for text in [
            String::new(),
            "null".into(),
            "[]".into(),
            "{}".into(),
            "{".into(),
            "[".repeat(100_000),
            format!(r#"{{"schemaVersion":1,"config":{ok},"layers":[]}}"#),
            format!(r#"{{"schemaVersion":2e99,"config":{ok},"layers":[]}}"#),
            format!(r#"{{"schemaVersion":2,"schemaVersion":2,"config":{ok},"layers":[]}}"#),
            format!(r#"{{"schemaVersion":2,"mediaType":"x/y","config":{ok},"layers":[]}}"#),
            format!(r#"{{"schemaVersion":2,"config":{ok},"layers":[{layers}]}}"#),
            format!(
                r#"{{"schemaVersion":2,"config":{},"layers":[]}}"#,
                ok.replace(":1", ":-1")
            ),
            format!(
                r#"{{"schemaVersion":2,"config":{},"layers":[]}}"#,
                ok.replace(":1", ":1.5")
            ),
            format!(
                r#"{{"schemaVersion":2,"config":{},"layers":[]}}"#,
                ok.replace(":1", ":1e30")
            ),
            format!(
                r#"{{"schemaVersion":2,"config":{},"layers":[]}}"#,
                ok.replace(&Digest::of(b"x").hex(), "../../../../etc/passwd")
            ),
        ] {
            let shown: String = text.chars().take(120).collect();
            assert!(Manifest::parse(text.as_bytes()).is_err(), "{shown}");
        }
    }

    #[test]
    fn an_index_is_bounded() {
        let manifests = vec![descriptor(""); INDEX_MANIFESTS_MAX + 1].join(",");
        let text = format!(r#"{{"schemaVersion":2,"manifests":[{manifests}]}}"#);
        let error = Index::parse(text.as_bytes()).expect_err("too many");
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }
}
