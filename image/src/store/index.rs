//! Images of several platforms under one name.

use std::collections::BTreeMap;

use super::{Store, StoreWriter};
use crate::document::{Descriptor, ImageConfig, Index, Manifest, to_json};
use crate::limits::MANIFEST_BYTES_MAX;
use crate::{Error, ErrorKind, Platform, Reference, Result, media_type};

impl Store {
    /// Makes `name` an index of the images `parts`, each for another platform; of an index among
    /// them, the images that were fetched. Returns the entry of `index.json`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for a missing image, [`ErrorKind::InvalidInput`] for two images of
    /// one platform or an image that names none.
    pub fn create_index(&self, name: &Reference, parts: &[Reference]) -> Result<Descriptor> {
        self.write_index(name, parts)
            .map_err(|error| error.context(format_args!("create index {name}")))
    }

    fn write_index(&self, name: &Reference, parts: &[Reference]) -> Result<Descriptor> {
        let writer = self.writer()?;
        let mut manifests = BTreeMap::new();
        for part in parts {
            for descriptor in self.find(part)? {
                self.add_images(&descriptor, &mut manifests)
                    .map_err(|error| error.context(format_args!("add image {part}")))?;
            }
        }
        if manifests.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "it would have no images",
            ));
        }
        let content = to_json(&Index::new(manifests.into_values().collect()));
        let mut descriptor = Descriptor::of(media_type::OCI_INDEX, &content);
        descriptor.artifact_type = Some(media_type::ARTIFACT.to_owned());
        publish(&writer, name, &descriptor, &content)?;
        Ok(descriptor)
    }

    fn add_images(
        &self,
        descriptor: &Descriptor,
        manifests: &mut BTreeMap<Platform, Descriptor>,
    ) -> Result<()> {
        let bytes = self.layout.read_blob(descriptor, MANIFEST_BYTES_MAX)?;
        if media_type::is_index(&descriptor.media_type) {
            // Of its images, those that are there; an index in it would be none for a platform.
            let images = Index::parse(&bytes)?.manifests.into_iter();
            let present = images.filter(|image| {
                media_type::is_manifest(&image.media_type)
                    && self.layout.blob_path(&image.digest).exists()
            });
            return present
                .collect::<Vec<_>>()
                .iter()
                .try_for_each(|image| self.add_images(image, manifests));
        }
        let manifest = Manifest::parse(&bytes)?;
        let platform = match &descriptor.platform {
            Some(platform) => platform.clone(),
            None => self.platform_of(&manifest)?,
        };
        let image = Descriptor {
            media_type: descriptor.media_type.clone(),
            artifact_type: manifest.artifact_type,
            platform: Some(platform.clone()),
            ..Descriptor::of("", &bytes)
        };
        if let Some(other) = manifests.insert(platform.clone(), image)
            && other.digest != descriptor.digest
        {
            let message = format!("another image is for {platform} as well");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        Ok(())
    }

    fn platform_of(&self, manifest: &Manifest) -> Result<Platform> {
        let bytes = self
            .layout
            .read_blob(&manifest.config, MANIFEST_BYTES_MAX)?;
        ImageConfig::parse(&bytes)
            .map(|config| config.platform)
            .map_err(|_| Error::new(ErrorKind::InvalidInput, "it does not say its platform"))
    }
}

fn publish(
    writer: &StoreWriter,
    name: &Reference,
    descriptor: &Descriptor,
    mut content: &[u8],
) -> Result<()> {
    writer.write_blob(descriptor, &mut content)?;
    writer.publish(name, descriptor)
}
