//! What a user names a tool by: an image in the store, a project's folder, an image layout on disk,
//! or a component's file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use eunomia_formats::Package;
use eunomia_image::{ErrorKind, Image, Layout, Metadata, Platform, Reference, World};
use eunomia_runtime::Tool;

use crate::commands::unknown_image;
use crate::consent;
use crate::context::Context;
use crate::failure::{causes, hinted};
use crate::foreign;
use crate::project::{Language, Project};
use crate::transfer::Fetch;

/// Marks a folder as an image layout.
const LAYOUT_FILE: &str = "oci-layout";

/// Bytes of a file that is given as a component or BPF object: more than any tool has, less than
/// the machine's memory.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// A tool that was found and read.
#[derive(Debug)]
pub(crate) struct Found {
    /// How the user would call it: `execsnoop:latest`, `./tool.wasm`.
    pub(crate) shown: String,
    /// Verified contents.
    pub(crate) image: FoundImage,
    /// How it was found.
    pub(crate) provenance: Provenance,
}

/// How a tool was found.
#[derive(Debug)]
pub(crate) enum Provenance {
    /// In the store, under this name.
    Store(Reference),
    /// In an image layout on disk.
    Layout {
        /// Its folder.
        folder: PathBuf,
        /// What the image is called there.
        name: Option<String>,
    },
    /// By its path, or on standard input: the user has it already.
    Path,
    /// At an address of the network.
    Address,
}

/// Where the contents come from.
#[derive(Debug)]
pub(crate) enum FoundImage {
    /// An image of the store, of a layout, or just built.
    Image(Box<Image>),
    /// A component's file, and BPF objects given with it.
    Files {
        /// Made up, as an image of these files would have it.
        metadata: Box<Metadata>,
        /// By name.
        objects: Vec<(String, Vec<u8>)>,
        /// The component.
        component: Vec<u8>,
    },
    /// A BPF object and a description of what to show of it.
    Package {
        /// Made up, as an image of it would have it.
        metadata: Box<Metadata>,
        /// Object and description.
        package: Box<Package>,
    },
}

/// Finds and reads the tool that `text` names; `objects` go with a component's file.
///
/// A path begins with `/`, `./` or `../`, or names no image but a file or folder.
pub(crate) fn find(ctx: &Context, text: &str, objects: &[(String, PathBuf)]) -> Result<Found> {
    find_or_fetch(ctx, text, objects, &Fetch::never())
}

/// The same; an image that the store lacks comes from its registry, as far as `fetch` allows.
pub(crate) fn find_or_fetch(
    ctx: &Context,
    text: &str,
    objects: &[(String, PathBuf)],
    fetch: &Fetch,
) -> Result<Found> {
    if let Some(package) = foreign::elsewhere(text)? {
        let provenance = match text {
            foreign::STDIN => Provenance::Path,
            _ => Provenance::Address,
        };
        return Ok(packaged(text, package, provenance));
    }
    let path = Path::new(text);
    let is_path = text.starts_with(['/', '.', '~']);
    if !is_path {
        // What is here goes before what may be at a registry.
        let is_here = path_exists(path) && !fetch.is_always(ctx)?;
        let fetch = if is_here { &Fetch::never() } else { fetch };
        match named(ctx, text, fetch) {
            Ok(found) if objects.is_empty() => return Ok(found),
            Ok(_) => return Err(only_files_take_objects()),
            // A damaged image is not to be replaced by something else of that name.
            Err(error) if !is_unknown(&error) || !path_exists(path) => return Err(error),
            Err(_) => {}
        }
    }
    let found = at_path(ctx, text, path, objects)?;
    if !objects.is_empty() && !matches!(found.image, FoundImage::Files { .. }) {
        return Err(only_files_take_objects());
    }
    Ok(found)
}

/// The bytes of a BPF object's file; nothing when `text` is the path of something else, or none.
pub(crate) fn bpf_object(text: &str) -> Result<Option<Vec<u8>>> {
    let path = Path::new(text);
    if !text.starts_with(['/', '.', '~']) || !path.is_file() {
        return Ok(None);
    }
    let bytes = read(path)?;
    Ok(Some(bytes).filter(|bytes| bytes.starts_with(b"\x7fELF")))
}

fn only_files_take_objects() -> anyhow::Error {
    anyhow!("--object goes with a component's file: an image brings its own BPF objects")
}

/// Whether it is a path, perhaps to an image in a layout (`FOLDER:NAME`).
fn path_exists(path: &Path) -> bool {
    path.exists() || split_layout(path).is_some()
}

/// The image of the store that `text` names.
fn named(ctx: &Context, text: &str, fetch: &Fetch) -> Result<Found> {
    let name = fetch.image(ctx, &ctx.store()?, &text.parse()?)?;
    stored(ctx, name)
}

/// Whether there is no such image, or `text` cannot be the name of one.
fn is_unknown(error: &anyhow::Error) -> bool {
    let kind = causes(error)
        .find_map(|cause| cause.downcast_ref::<eunomia_image::Error>())
        .map(eunomia_image::Error::kind);
    matches!(
        kind,
        Some(ErrorKind::NotFound | ErrorKind::InvalidReference)
    )
}

fn stored(ctx: &Context, wanted: Reference) -> Result<Found> {
    let store = ctx.store()?;
    let image = store
        .image(&wanted, &Platform::host())
        .map_err(|error| unknown_image(&store, &wanted, error))?;
    Ok(Found {
        shown: wanted.to_string(),
        image: FoundImage::Image(Box::new(image)),
        provenance: Provenance::Store(wanted),
    })
}

fn at_path(ctx: &Context, text: &str, path: &Path, objects: &[(String, PathBuf)]) -> Result<Found> {
    let shown = text.to_owned();
    if let Some((folder, name)) = split_layout(path) {
        let image = Layout::open(folder)?.image(name, &Platform::host())?;
        return Ok(Found {
            shown,
            image: FoundImage::Image(Box::new(image)),
            provenance: Provenance::Layout {
                folder: folder.to_owned(),
                name: name.map(str::to_owned),
            },
        });
    }
    if path.is_dir() {
        return built(ctx, path, None);
    }
    let component = read(path)?;
    if objects.is_empty()
        && let Some(package) = foreign::package(text, &component)
            .with_context(|| format!("read {}", path.display()))?
    {
        return Ok(packaged(text, package, Provenance::Path));
    }
    check_kind(&component).with_context(|| format!("read {}", path.display()))?;
    let name = path
        .file_stem()
        .and_then(|name| name.to_str())
        .unwrap_or("component");
    let objects = objects
        .iter()
        .map(|(name, path)| Ok((name.clone(), read(path)?)))
        .collect::<Result<Vec<_>>>()?;
    let metadata = Box::new(Metadata::new(name, World::Command));
    Ok(Found {
        shown,
        image: FoundImage::Files {
            metadata,
            objects,
            component,
        },
        provenance: Provenance::Path,
    })
}

/// A package that was found by itself.
fn packaged(text: &str, package: Package, provenance: Provenance) -> Found {
    let metadata = Box::new(Metadata::new(&*package.name, World::Command));
    Found {
        shown: text.to_owned(),
        image: FoundImage::Package {
            metadata,
            package: Box::new(package),
        },
        provenance,
    }
}

/// Builds the project, with its guest in this language, and takes its image from the store.
pub(crate) fn built(ctx: &Context, folder: &Path, language: Option<Language>) -> Result<Found> {
    if !Project::is_at(folder) {
        let error = anyhow!(
            "{} is neither a project nor an image layout",
            folder.display()
        );
        return Err(hinted(
            error,
            "a project has a file ecli.toml, which may be empty; an image layout has oci-layout",
        ));
    }
    let project = Project::open(folder, language)?;
    let reference = project.reference()?;
    let built = project.build()?;
    let store = ctx.store()?;
    let descriptor = store.write_image(&reference, &built.image)?;
    consent::remember_built(&store, &built.image);
    stored(ctx, reference.at_digest(descriptor.digest)).map(|found| Found {
        shown: reference.to_string(),
        ..found
    })
}

/// The folder of a layout and the name of the image in it: `FOLDER` or `FOLDER:NAME`.
pub(crate) fn split_layout(path: &Path) -> Option<(&Path, Option<&str>)> {
    if path.join(LAYOUT_FILE).is_file() {
        return Some((path, None));
    }
    // Names may have a tag: the folder ends at the first colon behind which there is a layout.
    let text = path.to_str()?;
    text.match_indices(':')
        .map(|(at, _)| (Path::new(&text[..at]), Some(&text[at + 1..])))
        .find(|(folder, _)| folder.join(LAYOUT_FILE).is_file())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let operation = || format!("read {}", path.display());
    let size = std::fs::metadata(path).with_context(operation)?.len();
    if size > FILE_BYTES_MAX {
        bail!(
            "{}: {size} bytes, at most {FILE_BYTES_MAX} are read",
            operation()
        );
    }
    std::fs::read(path).with_context(operation)
}

/// Tells apart what people may take for a component. The runtime checks the rest.
fn check_kind(bytes: &[u8]) -> Result<()> {
    match bytes {
        [] => bail!("the file is empty"),
        [0x7f, b'E', b'L', b'F', ..] => Err(hinted(
            anyhow!("this is an ELF file, not a component"),
            "a BPF object needs its user-space half: ecli run COMPONENT.wasm --object NAME=FILE",
        )),
        _ => Ok(()),
    }
}

impl Found {
    /// What it says about itself.
    pub(crate) fn metadata(&self) -> &Metadata {
        match &self.image {
            FoundImage::Image(image) => &image.metadata,
            FoundImage::Files { metadata, .. } | FoundImage::Package { metadata, .. } => metadata,
        }
    }

    /// What it is, when it has no program in user space.
    pub(crate) fn package(&self) -> Result<Option<Package>> {
        match &self.image {
            FoundImage::Package { package, .. } => Ok(Some((**package).clone())),
            FoundImage::Image(image) => foreign::of_image(&self.shown, image)
                .with_context(|| format!("read {}", self.shown)),
            FoundImage::Files { .. } => Ok(None),
        }
    }

    /// The parts that run.
    pub(crate) fn into_tool(self) -> Result<Tool> {
        let shown = self.shown.clone();
        let tool = self.into_parts();
        if !tool.component.is_empty() {
            return Ok(tool);
        }
        bail!("run {shown}: it has no component, only BPF objects")
    }

    /// All parts; without a component its bytes are empty. A core module of the older wasm-bpf form
    /// stands in the component's place.
    pub(crate) fn into_parts(self) -> Tool {
        let shown = self.shown;
        match self.image {
            FoundImage::Package { package, .. } => Tool {
                objects: vec![(package.name.clone(), Arc::clone(&package.elf))],
                name: package.name,
                component: Vec::new().into(),
            },
            FoundImage::Files {
                metadata,
                objects,
                component,
            } => tool(metadata.name, objects, component),
            FoundImage::Image(image) => {
                let Image {
                    metadata,
                    objects,
                    component,
                    module,
                    ..
                } = *image;
                let objects = objects
                    .into_iter()
                    .map(|object| (object.name, object.bytes));
                // Images of modules say no name.
                let name = match module.is_some() {
                    true => last_name(&shown).to_owned(),
                    false => metadata.name,
                };
                let component = component
                    .or(module)
                    .map(|component| component.bytes)
                    .unwrap_or_default();
                tool(name, objects.collect(), component)
            }
        }
    }
}

/// `execve` of `ghcr.io/eunomia-bpf/execve:latest`.
fn last_name(reference: &str) -> &str {
    let last = reference.rsplit('/').next().unwrap_or(reference);
    last.split([':', '@']).next().unwrap_or(last)
}

fn tool(name: String, objects: Vec<(String, Vec<u8>)>, component: Vec<u8>) -> Tool {
    let objects = objects
        .into_iter()
        .map(|(name, bytes)| (name, Arc::from(bytes)))
        .collect();
    Tool {
        name,
        objects,
        component: component.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_may_be_named_with_an_image_in_it() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a:b");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join(LAYOUT_FILE), "").unwrap();
        let text = folder.to_str().unwrap();
        assert_eq!(split_layout(&folder), Some((folder.as_path(), None)));
        let named = format!("{text}:tool:1.0");
        assert_eq!(
            split_layout(Path::new(&named)),
            Some((folder.as_path(), Some("tool:1.0")))
        );
        assert_eq!(split_layout(Path::new("tool:1.0")), None);
    }

    #[test]
    fn images_of_modules_are_called_by_their_reference() {
        assert_eq!(last_name("ghcr.io/eunomia-bpf/execve:latest"), "execve");
        assert_eq!(last_name("localhost:5000/tools/a@sha256:00"), "a");
        assert_eq!(last_name("execve"), "execve");
    }

    #[test]
    fn what_is_no_component_is_called_by_its_name() {
        let message = |bytes: &[u8]| check_kind(bytes).unwrap_err().to_string();
        assert_eq!(message(b""), "the file is empty");
        assert!(message(b"\x7fELF\x02").contains("ELF"));
        // A tool of wasm-bpf; whether it is one, the runtime says.
        assert!(check_kind(b"\0asm\x01\0\0\0").is_ok());
        assert!(check_kind(b"\0asm\x0d\0\x01\0").is_ok());
    }
}
