//! Packing the products into an image.

use anyhow::{Context as _, Result};
use eunomia_image::{ImageBuilder, KernelNeeds, Metadata, Resources, Timestamp, World, annotation};

use super::guest::Component;
use super::manifest::MANIFEST_FILE;
use super::{Built, Object, Project};
use crate::size;

const README_FILE: &str = "README.md";

/// Packs what was built of `project`.
pub(super) fn pack(
    project: &Project,
    name: &str,
    objects: Vec<Object>,
    component: Option<Component>,
) -> Result<Built> {
    let world = component
        .as_ref()
        .map_or(World::Command, |component| component.world);
    let mut parts = Vec::new();
    let mut builder = ImageBuilder::new(metadata(project, name, world)?);
    for object in objects {
        parts.push((
            format!("BPF object {}", object.name),
            object.bytes.len() as u64,
        ));
        builder = builder.object(object.name, object.bytes);
    }
    if let Some(component) = component {
        parts.push((format!("component ({world})"), component.bytes.len() as u64));
        builder = builder.component(component.bytes);
    }
    let readme = project.folder.join(README_FILE);
    if readme.is_file() {
        let text = std::fs::read_to_string(&readme)
            .with_context(|| format!("read {}", readme.display()))?;
        parts.push((README_FILE.to_owned(), text.len() as u64));
        builder = builder.readme(text);
    }
    if let Some(created) = Timestamp::from_source_date_epoch()? {
        builder = builder.created(created);
    }
    let package = project.cargo.as_ref().map(|workspace| &workspace.package);
    let manifest = &project.manifest;
    for (key, value) in [
        (
            annotation::LICENSES,
            manifest
                .license
                .as_ref()
                .or(package.and_then(|package| package.license.as_ref())),
        ),
        (
            annotation::SOURCE,
            manifest
                .source
                .as_ref()
                .or(package.and_then(|package| package.repository.as_ref())),
        ),
    ] {
        if let Some(value) = value {
            builder = builder.annotation(key, value);
        }
    }
    Ok(Built {
        image: builder.build()?,
        parts,
    })
}

fn metadata(project: &Project, name: &str, world: World) -> Result<Metadata> {
    let manifest = &project.manifest;
    let package = project.cargo.as_ref().map(|workspace| &workspace.package);
    let mut metadata = Metadata::new(name, world);
    metadata.description = manifest
        .description
        .clone()
        .or_else(|| package.and_then(|package| package.description.clone()))
        .unwrap_or_default();
    metadata.version = manifest
        .version
        .clone()
        .or_else(|| package.map(|package| package.version.clone()));
    metadata.arguments = manifest.arguments.clone();
    if let Some(memory) = &manifest.resources.memory {
        let mut resources = Resources::default();
        resources.memory_bytes = Some(
            size::parse(memory).with_context(|| format!("{MANIFEST_FILE}: resources.memory"))?,
        );
        metadata.resources = Some(resources);
    }
    let mut kernel = KernelNeeds::default();
    kernel.release_min = manifest.kernel.release_min.clone();
    kernel.btf = true;
    metadata.kernel = Some(kernel);
    Ok(metadata)
}
