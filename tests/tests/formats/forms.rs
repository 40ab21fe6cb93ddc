//! Making packages and images in their published forms.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use base64::Engine as _;
use eunomia_image::{Descriptor, Digest};
use serde_json::{Value, json};

/// A `package.json` of eunomia-bpf.
pub(crate) fn package(object: &[u8], meta: &Value) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(object)?;
    let packed = base64::engine::general_purpose::STANDARD.encode(encoder.finish()?);
    let document = json!({
        "bpf_object": packed,
        "bpf_object_size": object.len(),
        "meta": meta,
        "eunomia_version": "1.0.0",
    });
    Ok(serde_json::to_vec(&document)?)
}

/// A tar archive of these files.
pub(crate) fn tar(files: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content)?;
    }
    Ok(builder.into_inner()?)
}

/// The same, compressed.
pub(crate) fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// Content with its media type and title.
pub(crate) struct Part<'a> {
    pub(crate) media_type: &'a str,
    pub(crate) title: Option<&'a str>,
    pub(crate) content: &'a [u8],
}

/// Write an image layout with one image.
pub(crate) fn layout(
    root: &Path,
    config: &Part<'_>,
    layers: &[Part<'_>],
    artifact_type: Option<&str>,
) -> Result<()> {
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor(root, config)?,
        "layers": layers.iter().map(|part| descriptor(root, part)).collect::<Result<Vec<_>>>()?,
    });
    if let Some(artifact_type) = artifact_type {
        manifest["artifactType"] = artifact_type.into();
    }
    let manifest = serde_json::to_vec(&manifest)?;
    let manifest = Part {
        media_type: "application/vnd.oci.image.manifest.v1+json",
        title: None,
        content: &manifest,
    };
    let index = json!({ "schemaVersion": 2, "manifests": [descriptor(root, &manifest)?] });
    std::fs::write(root.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
    std::fs::write(root.join("index.json"), serde_json::to_vec(&index)?)?;
    Ok(())
}

/// Put the image of a layout into an index, beside one for another CPU, which is not there: as
/// images for several CPUs are after the parts for this one were fetched.
pub(crate) fn index(root: &Path) -> Result<()> {
    let path = root.join("index.json");
    let mut own: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    let mut manifest = own["manifests"][0].take();
    let mut other = serde_json::to_value(Descriptor::of(
        "application/vnd.oci.image.manifest.v1+json",
        b"not here",
    ))?;
    let (here, there) = match std::env::consts::ARCH {
        "aarch64" => ("arm64", "amd64"),
        _ => ("amd64", "arm64"),
    };
    manifest["platform"] = json!({ "architecture": here, "os": "linux" });
    other["platform"] = json!({ "architecture": there, "os": "linux" });
    let media_type = "application/vnd.oci.image.index.v1+json";
    let index = serde_json::to_vec(&json!({
        "schemaVersion": 2, "mediaType": media_type, "manifests": [other, manifest],
    }))?;
    let index = Part {
        media_type,
        title: None,
        content: &index,
    };
    own["manifests"] = json!([descriptor(root, &index)?]);
    Ok(std::fs::write(&path, serde_json::to_vec(&own)?)?)
}

fn descriptor(root: &Path, part: &Part<'_>) -> Result<Value> {
    let folder = root.join("blobs/sha256");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(Digest::of(part.content).hex()), part.content)?;
    let mut descriptor = serde_json::to_value(Descriptor::of(part.media_type, part.content))?;
    if let Some(title) = part.title {
        descriptor["annotations"] = json!({ "org.opencontainers.image.title": title });
    }
    Ok(descriptor)
}
