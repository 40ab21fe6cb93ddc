//! Packing the products into an image.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use eunomia_image::{
    ImageBuilder, KernelNeeds, Metadata, Platform, Resources, Timestamp, World, annotation,
};
use eunomia_runtime::{Permissions, Runtime, Tool};

use super::manifest::MANIFEST_FILE;
use super::{Built, Object, Project, kernel_types};
use crate::inspection::Inspection;
use crate::{permissions, size};

const README_FILE: &str = "README.md";

/// Packs what was built of `project`; without a component its bytes are empty.
pub(super) fn pack(
    project: &Project,
    name: &str,
    platform: &Platform,
    objects: Vec<Object>,
    component: Vec<u8>,
) -> Result<Built> {
    let objects: Vec<(String, Arc<[u8]>)> = objects
        .into_iter()
        .map(|object| (object.name, object.bytes.into()))
        .collect();
    let component: Arc<[u8]> = component.into();
    let tool = Tool {
        name: name.to_owned(),
        objects: objects.clone(),
        component: Arc::clone(&component),
    };
    let computed = Permissions::of(&tool)?;
    let without_component = kernel_types::objects_of(name, &objects);
    let inspection = Inspection::of(&Runtime::builder().build()?, tool)?;
    let mut parts = Vec::new();
    let mut metadata = metadata(project, name, &inspection)?;
    metadata.permissions = Some(permissions::to_image(&computed));
    let mut builder = ImageBuilder::new(metadata).platform(platform.clone());
    for (name, bytes) in objects {
        parts.push((format!("BPF object {name}"), bytes.len() as u64));
        builder = builder.object(name, &*bytes);
    }
    if let Some(facts) = &inspection.component {
        parts.push((
            format!("component ({})", facts.world),
            component.len() as u64,
        ));
        builder = builder.component(&*component);
    }
    let (with_types, types) = kernel_types::add(&project.kernels, &without_component, builder)?;
    builder = with_types;
    parts.extend(types);
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
    for (key, value) in annotations(project) {
        builder = builder.annotation(key, value);
    }
    Ok(Built {
        image: builder.build()?,
        parts,
    })
}

/// What registries show; the manifest goes before `Cargo.toml`.
fn annotations(project: &Project) -> impl Iterator<Item = (&'static str, &String)> {
    let package = project.cargo.as_ref().map(|workspace| &workspace.package);
    let manifest = &project.manifest;
    let license = manifest.license.as_ref();
    let license = license.or_else(|| package.and_then(|package| package.license.as_ref()));
    let source = manifest.source.as_ref();
    let source = source.or_else(|| package.and_then(|package| package.repository.as_ref()));
    [
        (annotation::LICENSES, license),
        (annotation::SOURCE, source),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key, value?)))
}

fn metadata(project: &Project, name: &str, inspection: &Inspection) -> Result<Metadata> {
    let world = match &inspection.component {
        Some(facts) if facts.world == "plugin" => World::Plugin,
        _ => World::Command,
    };
    let manifest = &project.manifest;
    let package = project.cargo.as_ref().map(|workspace| &workspace.package);
    let mut metadata = Metadata::new(name, world);
    metadata.description = manifest
        .description
        .clone()
        .or_else(|| package.and_then(|package| package.description.clone()))
        .unwrap_or_default();
    metadata.version = project.version().map(str::to_owned);
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
