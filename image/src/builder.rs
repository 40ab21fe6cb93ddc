//! Packs a tool into an image.

use std::collections::BTreeMap;

use crate::document::{Annotations, Descriptor, ImageConfig, Index, Manifest, to_json};
use crate::kernel_types::{self, KernelTypes, check_release};
use crate::limits::{
    COMPONENT_BYTES_MAX, METADATA_BYTES_MAX, OBJECT_BYTES_MAX, OBJECTS_MAX, README_BYTES_MAX,
    TEXT_BYTES_MAX,
};
use crate::metadata::check_name;
use crate::timestamp::Timestamp;
use crate::{Digest, Error, ErrorKind, Metadata, Platform, Result, annotation, media_type};

/// File names that other clients give to the layers that have no name of their own.
const COMPONENT_TITLE: &str = "component.wasm";
const METADATA_TITLE: &str = "metadata.json";
const README_TITLE: &str = "README.md";

/// Collects the contents of one image; [`ImageBuilder::build`] packs them.
///
/// Reproducible: the same contents give the same digest, in whatever order they were added.
/// Nothing is read from the clock or the environment; see [`Timestamp::from_source_date_epoch`].
///
/// Defaults: the host's platform, no objects, no component, no types of kernels, no README, no time
/// of creation.
#[derive(Clone, Debug)]
pub struct ImageBuilder {
    metadata: Metadata,
    platform: Platform,
    objects: BTreeMap<String, Vec<u8>>,
    component: Option<Vec<u8>>,
    kernel_types: BTreeMap<String, Vec<u8>>,
    readme: Option<String>,
    created: Option<Timestamp>,
    annotations: Annotations,
}

impl ImageBuilder {
    /// An image of the tool that `metadata` describes. `metadata.objects` is filled in by the
    /// builder.
    pub fn new(metadata: Metadata) -> Self {
        Self {
            metadata,
            platform: Platform::host(),
            objects: BTreeMap::new(),
            component: None,
            kernel_types: BTreeMap::new(),
            readme: None,
            created: None,
            annotations: Annotations::new(),
        }
    }

    /// The platform of the BPF objects.
    #[must_use]
    pub fn platform(mut self, platform: Platform) -> Self {
        self.platform = platform;
        self
    }

    /// Adds the BPF object (ELF) that the guest opens as `name`; replaces one of the same name.
    #[must_use]
    pub fn object(mut self, name: impl Into<String>, elf: impl Into<Vec<u8>>) -> Self {
        self.objects.insert(name.into(), elf.into());
        self
    }

    /// Sets the component.
    #[must_use]
    pub fn component(mut self, wasm: impl Into<Vec<u8>>) -> Self {
        self.component = Some(wasm.into());
        self
    }

    /// Adds types (raw BTF) of the kernel of this release that the BPF objects need, for when it
    /// does not show its own; replaces those of the same release.
    #[must_use]
    pub fn kernel_types(mut self, release: impl Into<String>, btf: impl Into<Vec<u8>>) -> Self {
        self.kernel_types.insert(release.into(), btf.into());
        self
    }

    /// Sets the README (Markdown).
    #[must_use]
    pub fn readme(mut self, markdown: impl Into<String>) -> Self {
        self.readme = Some(markdown.into());
        self
    }

    /// Sets the time of creation, which becomes part of the digest.
    #[must_use]
    pub fn created(mut self, created: Timestamp) -> Self {
        self.created = Some(created);
        self
    }

    /// Sets an annotation of the manifest, see [`crate::annotation`]. Title, description and
    /// version follow from the metadata when they are not set here.
    #[must_use]
    pub fn annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.annotations.insert(key.into(), value.into());
        self
    }

    /// Packs the image.
    ///
    /// # Errors
    /// [`ErrorKind::NothingRunnable`] without component and objects, [`ErrorKind::TooLarge`] and
    /// [`ErrorKind::InvalidInput`] for contents that no reader would accept.
    pub fn build(mut self) -> Result<PackedImage> {
        self.metadata.objects = self.objects.keys().cloned().collect();
        self.check().map_err(|error| {
            error.context(format_args!("pack image of tool {:?}", self.metadata.name))
        })?;
        let created = self.created.map(|created| created.to_string());
        let annotations = self.manifest_annotations(created.as_deref());
        let mut blobs = Vec::new();
        let config = to_json(&ImageConfig::new(self.platform.clone(), created));
        let config = add(&mut blobs, media_type::OCI_CONFIG, None, config);
        let mut layers = Vec::new();
        let metadata = self.metadata.to_json();
        layers.push(add(
            &mut blobs,
            media_type::METADATA,
            Some(METADATA_TITLE),
            metadata,
        ));
        for (name, elf) in self.objects {
            layers.push(add(&mut blobs, media_type::BPF_OBJECT, Some(&name), elf));
        }
        if let Some(wasm) = self.component {
            layers.push(add(
                &mut blobs,
                media_type::COMPONENT,
                Some(COMPONENT_TITLE),
                wasm,
            ));
        }
        for types in kernel_types::grouped(self.kernel_types) {
            let (title, kernels) = (types.title(), types.annotation());
            let media_type = media_type::KERNEL_TYPES;
            let mut layer = Descriptor::of(media_type, &types.bytes);
            layer
                .annotations
                .insert(annotation::TITLE.to_owned(), title);
            layer
                .annotations
                .insert(annotation::KERNELS.to_owned(), kernels);
            blobs.push((layer.clone(), types.bytes));
            layers.push(layer);
        }
        if let Some(markdown) = self.readme {
            let markdown = markdown.into_bytes();
            layers.push(add(
                &mut blobs,
                media_type::README,
                Some(README_TITLE),
                markdown,
            ));
        }
        let mut manifest = Manifest::new(config, layers);
        manifest.annotations = annotations;
        let manifest = to_json(&manifest);
        let mut descriptor = add(&mut blobs, media_type::OCI_MANIFEST, None, manifest);
        descriptor.artifact_type = Some(media_type::ARTIFACT.to_owned());
        descriptor.platform = Some(self.platform);
        Ok(PackedImage { descriptor, blobs })
    }

    fn check(&self) -> Result<()> {
        self.metadata.check()?;
        check_size(
            "metadata",
            self.metadata.to_json().len(),
            METADATA_BYTES_MAX,
        )?;
        if self.objects.len() > OBJECTS_MAX {
            let count = self.objects.len();
            let message = format!("{count} BPF objects: at most {OBJECTS_MAX} are allowed");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        for (name, elf) in &self.objects {
            check_name("BPF object", name)?;
            if [COMPONENT_TITLE, METADATA_TITLE, README_TITLE].contains(&name.as_str()) {
                let message =
                    format!("name BPF object {name:?}: this is the name of another layer");
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
            check_size(&format!("BPF object {name:?}"), elf.len(), OBJECT_BYTES_MAX)?;
        }
        self.check_kernel_types()?;
        if let Some(wasm) = &self.component {
            check_size("component", wasm.len(), COMPONENT_BYTES_MAX)?;
        }
        check_size(
            "README",
            self.readme.as_deref().unwrap_or_default().len(),
            README_BYTES_MAX,
        )?;
        for (key, value) in &self.annotations {
            if key.is_empty() || key.len() > TEXT_BYTES_MAX || value.len() > TEXT_BYTES_MAX {
                let shown: String = key.chars().take(80).collect();
                let message = format!(
                    "annotation {shown:?}: key and value are at most {TEXT_BYTES_MAX} bytes, and \
                     the key is not empty"
                );
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
        }
        if self.component.is_none() && self.objects.is_empty() {
            let message = "it has neither a component nor a BPF object";
            return Err(Error::new(ErrorKind::NothingRunnable, message));
        }
        Ok(())
    }

    fn check_kernel_types(&self) -> Result<()> {
        for release in self.kernel_types.keys() {
            check_release(release)?;
        }
        let grouped = kernel_types::grouped(self.kernel_types.clone());
        let titles: Vec<String> = grouped.iter().map(KernelTypes::title).collect();
        if let Some(name) = self.objects.keys().find(|name| titles.contains(name)) {
            let message = format!("name BPF object {name:?}: this is the name of another layer");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        kernel_types::check(&grouped)
    }

    fn manifest_annotations(&mut self, created: Option<&str>) -> Annotations {
        let mut annotations = std::mem::take(&mut self.annotations);
        let metadata = &self.metadata;
        let derived = [
            (annotation::TITLE, Some(metadata.name.as_str())),
            (annotation::DESCRIPTION, Some(metadata.description.as_str())),
            (annotation::VERSION, metadata.version.as_deref()),
            (annotation::CREATED, created),
        ];
        for (key, value) in derived {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                annotations
                    .entry(key.to_owned())
                    .or_insert_with(|| value.to_owned());
            }
        }
        annotations
    }
}

/// An image as blobs, ready to be written or pushed.
#[derive(Clone, Debug)]
pub struct PackedImage {
    descriptor: Descriptor,
    blobs: Vec<(Descriptor, Vec<u8>)>,
}

impl PackedImage {
    /// Packs `images`, one a platform, into one index. Blobs that they share are kept once.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for no images, two for one platform, or an index among them.
    pub fn index(images: Vec<PackedImage>) -> Result<Self> {
        let mut manifests: BTreeMap<Platform, Descriptor> = BTreeMap::new();
        let mut blobs: BTreeMap<Digest, (Descriptor, Vec<u8>)> = BTreeMap::new();
        for image in images {
            let Some(platform) = image.descriptor.platform.clone() else {
                let message = "pack image index: an index cannot hold another one";
                return Err(Error::new(ErrorKind::InvalidInput, message));
            };
            if manifests.contains_key(&platform) {
                let message = format!("pack image index: two images are for {platform}");
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
            manifests.insert(platform, image.descriptor);
            blobs.extend(image.blobs.into_iter().map(|blob| (blob.0.digest, blob)));
        }
        if manifests.is_empty() {
            let message = "pack image index: it has no images";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let mut blobs = blobs.into_values().collect();
        let index = to_json(&Index::new(manifests.into_values().collect()));
        let mut descriptor = add(&mut blobs, media_type::OCI_INDEX, None, index);
        descriptor.artifact_type = Some(media_type::ARTIFACT.to_owned());
        Ok(Self { descriptor, blobs })
    }

    /// Describes the manifest or index.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The digest of the manifest or index: the image's identity.
    pub fn digest(&self) -> Digest {
        self.descriptor.digest
    }

    /// All blobs; one that others point to comes after them, the manifest or index last.
    pub fn blobs(&self) -> &[(Descriptor, Vec<u8>)] {
        &self.blobs
    }
}

fn add(
    blobs: &mut Vec<(Descriptor, Vec<u8>)>,
    media_type: &str,
    title: Option<&str>,
    content: Vec<u8>,
) -> Descriptor {
    let mut descriptor = Descriptor::of(media_type, &content);
    if let Some(title) = title {
        descriptor
            .annotations
            .insert(annotation::TITLE.to_owned(), title.to_owned());
    }
    blobs.push((descriptor.clone(), content));
    descriptor
}

fn check_size(what: &str, len: usize, max: u64) -> Result<()> {
    if len as u64 <= max {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::TooLarge,
        format!("{what}: {len} bytes, at most {max} are allowed"),
    ))
}
