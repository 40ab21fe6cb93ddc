//! An image that was read: verified, bounded, and sorted by what each layer is for.

use std::collections::BTreeSet;
use std::fmt;

use crate::bytecode;
use crate::document::{Annotations, Descriptor, ImageConfig, Manifest};
use crate::kernel_types::{self, KernelTypes};
use crate::layout::Layout;
use crate::limits::{
    BYTECODE_LAYER_BYTES_MAX, COMPONENT_BYTES_MAX, IMAGE_BYTES_MAX, KERNEL_TYPES_BYTES_MAX,
    KERNEL_TYPES_MAX, LABELS_MAX, MANIFEST_BYTES_MAX, METADATA_BYTES_MAX, OBJECT_BYTES_MAX,
    OBJECTS_MAX, README_BYTES_MAX,
};
use crate::metadata::{World, check_name};
use crate::{Digest, Error, ErrorKind, Metadata, Platform, Result, annotation, media_type};

/// The name of a tool whose image has none.
const UNNAMED: &str = "unnamed";

/// The name of the only object of an image of another project.
const PROGRAM_NAME: &str = "program";

/// How labels of bytecode images begin.
const BYTECODE_LABEL: &str = "io.ebpf.";

/// The verified contents of one image, in memory.
///
/// Every byte in it was compared with its digest, from the same bytes that are here. That says what
/// it is, not that it means well: texts in it may hold escape sequences, so that they must not
/// reach a terminal as they are.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Image {
    /// Digest of the manifest.
    pub digest: Digest,
    /// Platform of the image config, if it says one.
    pub platform: Option<Platform>,
    /// What the image says about the tool. For images of older forms, which carry no such
    /// document: name from the title annotation, world `command`.
    pub metadata: Metadata,
    /// The BPF objects, in the order of the manifest.
    pub objects: Vec<Object>,
    /// The component.
    pub component: Option<Content>,
    /// The core module of an older (`wasm_bpf`) image.
    pub module: Option<Content>,
    /// Types of kernels that do not show their own, in the order of the manifest.
    pub kernel_types: Vec<KernelTypes>,
    /// What other project's form it has, if it is not one of ours.
    pub form: Form,
    /// The README; bytes that are not UTF-8 are replaced.
    pub readme: Option<String>,
    /// Annotations of the manifest.
    pub annotations: Annotations,
    /// The layers as the manifest lists them, with sizes and digests.
    pub layers: Vec<Descriptor>,
    /// Bytes of manifest, config and all layers.
    pub size: u64,
    /// What was skipped or looks wrong, to be shown to the user.
    pub warnings: Vec<Warning>,
}

/// The forms of images that are read. Except for the first they are other projects'; this crate
/// says which one it is and hands out the parts, and leaves to others what they mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// Ours, of any age.
    #[default]
    Ecli,
    /// bumblebee: one BPF object, which is in [`Image::objects`].
    Bumblebee,
    /// A bytecode image of bpfman: an ordinary container image.
    Bytecode {
        /// Labels of the image config.
        labels: Annotations,
        /// Its one layer, packed as it is: an archive, an object, either compressed.
        layer: Content,
    },
    /// Inspektor Gadget: at most one BPF object, in [`Image::objects`], and one module, in
    /// [`Image::module`].
    Gadget {
        /// The `gadget.yaml`; empty when there is none.
        description: Vec<u8>,
    },
}

/// A BPF object of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The name that the guest opens.
    pub name: String,
    /// The ELF file.
    pub bytes: Vec<u8>,
    /// Digest of `bytes`.
    pub digest: Digest,
}

/// Verified bytes and their digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Digest of `bytes`.
    pub digest: Digest,
}

/// Something about an image that does not keep it from running.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A layer of a media type that is not known here.
    UnknownLayer {
        /// The layer's media type.
        media_type: String,
        /// The layer's title annotation.
        title: Option<String>,
        /// The layer's size in bytes.
        size: u64,
    },
    /// The image has no metadata document.
    NoMetadata,
    /// The image says that it is for another platform than the one asked for.
    OtherPlatform {
        /// The platform in the image config.
        image: Platform,
        /// The platform that was asked for.
        wanted: Platform,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::UnknownLayer {
                media_type,
                title,
                size,
            } => {
                write!(f, "skipped a layer of unknown type {media_type:?}")?;
                if let Some(title) = title {
                    write!(f, " named {title:?}")?;
                }
                write!(f, " ({size} bytes)")
            }
            Warning::NoMetadata => f.write_str("the image has no metadata document"),
            Warning::OtherPlatform { image, wanted } => {
                write!(f, "the image is for {image}, not for {wanted}")
            }
        }
    }
}

/// What a layer is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Object,
    /// The only object of an image of another project.
    Program,
    KernelTypes,
    /// The same in a form of another project, which is not used here.
    ForeignKernelTypes,
    Component,
    Module,
    Metadata,
    Readme,
}

impl Role {
    fn of(media_type: &str) -> Option<Self> {
        Some(match media_type {
            media_type::BPF_OBJECT => Role::Object,
            media_type::BUMBLEBEE_PROGRAM | media_type::GADGET_PROGRAM => Role::Program,
            media_type::GADGET_MODULE => Role::Module,
            media_type::KERNEL_TYPES => Role::KernelTypes,
            media_type::GADGET_KERNEL_TYPES => Role::ForeignKernelTypes,
            media_type::COMPONENT => Role::Component,
            media_type::WASM_MODULE => Role::Module,
            media_type::METADATA => Role::Metadata,
            media_type::README => Role::Readme,
            _ => return None,
        })
    }

    fn bytes_max(self) -> u64 {
        match self {
            Role::Object | Role::Program => OBJECT_BYTES_MAX,
            Role::KernelTypes => KERNEL_TYPES_BYTES_MAX,
            Role::ForeignKernelTypes => 0,
            Role::Component | Role::Module => COMPONENT_BYTES_MAX,
            Role::Metadata => METADATA_BYTES_MAX,
            Role::Readme => README_BYTES_MAX,
        }
    }
}

impl Image {
    /// Reads the image whose manifest `descriptor` points to.
    ///
    /// `wanted` is only compared with what the config says (a warning).
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] for blobs that do not match their digest and for a manifest that
    /// contradicts itself, [`ErrorKind::TooLarge`], [`ErrorKind::NotFound`] for a missing blob,
    /// [`ErrorKind::NothingRunnable`].
    pub(crate) fn read(
        layout: &Layout,
        descriptor: &Descriptor,
        wanted: &Platform,
    ) -> Result<Self> {
        let bytes = layout.read_blob(descriptor, MANIFEST_BYTES_MAX)?;
        let manifest = Manifest::parse(&bytes)
            .map_err(|error| error.context(format_args!("read blob {}", descriptor.digest)))?;
        check_total_size(&manifest)?;
        let mut image = Self {
            digest: descriptor.digest,
            platform: None,
            metadata: Metadata::new(title(&manifest), World::Command),
            objects: Vec::new(),
            component: None,
            module: None,
            kernel_types: Vec::new(),
            form: Form::Ecli,
            readme: None,
            size: total_size(descriptor, &manifest),
            annotations: manifest.annotations,
            layers: manifest.layers,
            warnings: Vec::new(),
        };
        let artifact_type = manifest.artifact_type.as_deref();
        image.read_config(layout, &manifest.config, artifact_type)?;
        let has_metadata = image.read_layers(layout)?;
        image.check_contents(has_metadata, artifact_type)?;
        if let Some(platform) = image.platform.clone().filter(|own| !own.runs_on(wanted)) {
            let wanted = wanted.clone();
            image.warnings.push(Warning::OtherPlatform {
                image: platform,
                wanted,
            });
        }
        Ok(image)
    }

    /// Finds platform and form by the config.
    fn read_config(
        &mut self,
        layout: &Layout,
        config: &Descriptor,
        artifact_type: Option<&str>,
    ) -> Result<()> {
        let read = || layout.read_blob(config, MANIFEST_BYTES_MAX);
        let is_gadget = artifact_type == Some(media_type::GADGET_ARTIFACT);
        match &*config.media_type {
            media_type::BUMBLEBEE_CONFIG => self.form = Form::Bumblebee,
            media_type::GADGET_CONFIG => {
                let description = layout.read_blob(config, METADATA_BYTES_MAX)?;
                self.form = Form::Gadget { description };
            }
            media_type::OCI_CONFIG | media_type::DOCKER_CONFIG => {
                let config = ImageConfig::parse(&read()?)
                    .map_err(|error| error.context(format_args!("read blob {}", config.digest)))?;
                self.read_bytecode(layout, config.labels())?;
                self.platform = Some(config.platform);
            }
            _ if is_gadget => {
                self.form = Form::Gadget {
                    description: Vec::new(),
                };
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes an ordinary container image of one layer for a bytecode image when its labels say so,
    /// or when the layer is small and holds a BPF object.
    fn read_bytecode(&mut self, layout: &Layout, labels: &Annotations) -> Result<()> {
        let [layer] = self.layers.as_slice() else {
            return Ok(());
        };
        let is_file_system = matches!(
            &*layer.media_type,
            media_type::OCI_LAYER_GZIP | media_type::OCI_LAYER | media_type::DOCKER_LAYER_GZIP
        );
        let says_so = labels.keys().any(|key| key.starts_with(BYTECODE_LABEL));
        if !is_file_system || labels.len() > LABELS_MAX {
            return Ok(());
        }
        if !says_so && layer.size > BYTECODE_LAYER_BYTES_MAX {
            return Ok(());
        }
        let bytes = layout.read_blob(layer, BYTECODE_LAYER_BYTES_MAX)?;
        if !says_so && !bytecode::holds_object(&bytes) {
            return Ok(());
        }
        let digest = layer.digest;
        self.form = Form::Bytecode {
            labels: labels.clone(),
            layer: Content { bytes, digest },
        };
        Ok(())
    }

    /// Returns whether there was a metadata document.
    fn read_layers(&mut self, layout: &Layout) -> Result<bool> {
        let mut has_metadata = false;
        if matches!(self.form, Form::Bytecode { .. }) {
            return Ok(false);
        }
        for layer in self.layers.clone() {
            let Some(role) = Role::of(&layer.media_type) else {
                self.warnings.push(unknown(&layer));
                continue;
            };
            let digest = layer.digest;
            if role == Role::ForeignKernelTypes {
                continue;
            }
            let bytes = layout.read_blob(&layer, role.bytes_max())?;
            match role {
                Role::ForeignKernelTypes => {}
                Role::KernelTypes => self.add_kernel_types(&layer, bytes)?,
                Role::Program if self.objects.is_empty() => self.objects.push(Object {
                    name: PROGRAM_NAME.to_owned(),
                    bytes,
                    digest,
                }),
                Role::Program => return Err(doubled(&layer)),
                Role::Object => self.add_object(&layer, bytes)?,
                Role::Component => {
                    set_once(&mut self.component, Content { bytes, digest }, &layer)?
                }
                Role::Module => set_once(&mut self.module, Content { bytes, digest }, &layer)?,
                Role::Metadata if has_metadata => return Err(doubled(&layer)),
                Role::Metadata => {
                    has_metadata = true;
                    self.metadata = Metadata::parse(&bytes)
                        .map_err(|error| error.context(format_args!("read blob {digest}")))?;
                }
                Role::Readme => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    set_once(&mut self.readme, text, &layer)?;
                }
            }
        }
        Ok(has_metadata)
    }

    fn add_object(&mut self, layer: &Descriptor, bytes: Vec<u8>) -> Result<()> {
        let Some(name) = layer.title() else {
            let message = format!(
                "read BPF object {}: it has no name (annotation {})",
                layer.digest,
                annotation::TITLE
            );
            return Err(Error::new(ErrorKind::Corrupt, message));
        };
        check_name("BPF object", name)?;
        if self.objects.iter().any(|object| object.name == name) {
            let message = format!("read BPF object {name:?}: the image has two of that name");
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        if self.objects.len() == OBJECTS_MAX {
            let message = format!("read BPF objects: more than {OBJECTS_MAX}");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        self.objects.push(Object {
            name: name.to_owned(),
            bytes,
            digest: layer.digest,
        });
        Ok(())
    }

    fn add_kernel_types(&mut self, layer: &Descriptor, bytes: Vec<u8>) -> Result<()> {
        if self.kernel_types.len() == KERNEL_TYPES_MAX {
            let message = format!("read kernel types: more than {KERNEL_TYPES_MAX}");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        self.kernel_types.push(KernelTypes::read(layer, bytes)?);
        Ok(())
    }

    /// The types of the kernel of this release, for when it does not show its own.
    pub fn kernel_types(&self, release: &str) -> Option<&KernelTypes> {
        let is_it = |types: &&KernelTypes| types.releases.iter().any(|own| own == release);
        self.kernel_types.iter().find(is_it)
    }

    fn check_contents(&mut self, has_metadata: bool, artifact_type: Option<&str>) -> Result<()> {
        if matches!(self.form, Form::Bytecode { .. }) {
            return Ok(());
        }
        kernel_types::check(&self.kernel_types)?;
        if self.component.is_none() && self.module.is_none() && self.objects.is_empty() {
            return Err(self.nothing_runnable());
        }
        if !has_metadata {
            if artifact_type == Some(media_type::ARTIFACT) {
                let message = format!("it has no metadata layer ({})", media_type::METADATA);
                return Err(Error::new(ErrorKind::Corrupt, message));
            }
            if self.form == Form::Ecli {
                self.warnings.push(Warning::NoMetadata);
            }
            self.metadata.objects = self
                .objects
                .iter()
                .map(|object| object.name.clone())
                .collect();
            return Ok(());
        }
        let declared: BTreeSet<&str> = self.metadata.objects.iter().map(String::as_str).collect();
        let present: BTreeSet<&str> = self.objects.iter().map(|object| &*object.name).collect();
        if declared != present {
            let message = format!(
                "the metadata lists the BPF objects {declared:?}, but the layers are {present:?}"
            );
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        Ok(())
    }

    fn nothing_runnable(&self) -> Error {
        let layers: Vec<String> = self
            .layers
            .iter()
            .map(|layer| match layer.title() {
                Some(title) => format!("{:?} named {title:?}", layer.media_type),
                None => format!("{:?}", layer.media_type),
            })
            .collect();
        let held = if layers.is_empty() {
            "no layers".to_owned()
        } else {
            layers.join(", ")
        };
        Error::new(
            ErrorKind::NothingRunnable,
            format!(
                "nothing in it can be run: it holds {held}, but no component and no BPF object"
            ),
        )
    }
}

/// The title annotation, when it can serve as a name.
fn title(manifest: &Manifest) -> &str {
    manifest
        .annotations
        .get(annotation::TITLE)
        .map(String::as_str)
        .filter(|title| check_name("tool", title).is_ok())
        .unwrap_or(UNNAMED)
}

/// Sizes are claims until the blobs were read; this bounds what will be read.
fn check_total_size(manifest: &Manifest) -> Result<()> {
    let known = manifest
        .layers
        .iter()
        .filter(|layer| Role::of(&layer.media_type).is_some());
    let total = known.fold(0, |sum: u64, layer| sum.saturating_add(layer.size));
    if total <= IMAGE_BYTES_MAX {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::TooLarge,
        format!("read layers: {total} bytes, at most {IMAGE_BYTES_MAX} are allowed"),
    ))
}

/// Bytes that an image takes, a layer that is listed twice counted once.
pub(crate) fn total_size(descriptor: &Descriptor, manifest: &Manifest) -> u64 {
    let mut seen = BTreeSet::new();
    [descriptor, &manifest.config]
        .into_iter()
        .chain(&manifest.layers)
        .filter(|part| seen.insert(part.digest))
        .fold(0, |sum, part| sum.saturating_add(part.size))
}

fn set_once<T>(slot: &mut Option<T>, value: T, layer: &Descriptor) -> Result<()> {
    if slot.is_some() {
        return Err(doubled(layer));
    }
    *slot = Some(value);
    Ok(())
}

fn doubled(layer: &Descriptor) -> Error {
    let message = format!(
        "it has two layers of type {:?}, where one is allowed",
        layer.media_type
    );
    Error::new(ErrorKind::Corrupt, message)
}

fn unknown(layer: &Descriptor) -> Warning {
    Warning::UnknownLayer {
        media_type: layer.media_type.clone(),
        title: layer.title().map(str::to_owned),
        size: layer.size,
    }
}
