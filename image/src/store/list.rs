//! The images of a store, for people.

use std::time::SystemTime;

use super::Store;
use crate::layout::{Closure, Entry, Layout, closure};
use crate::timestamp::Timestamp;
use crate::{Descriptor, Digest, Platform, Reference, Result, annotation};

/// One named image.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListEntry {
    /// The name; `None` when other tools left it out or wrote one that is no reference.
    pub reference: Option<Reference>,
    /// The name as it is written in `index.json`.
    pub name: Option<String>,
    /// Digest of the manifest or index; `None` for a broken entry.
    pub digest: Option<Digest>,
    /// Bytes of all blobs of the image, as its manifests state them.
    pub size: u64,
    /// Time of creation, if the image says so.
    pub created: Option<Timestamp>,
    /// When the manifest or index was written into this store.
    pub stored: Option<SystemTime>,
    /// The platforms that are there.
    pub platforms: Vec<Platform>,
    /// The image's title and description annotations.
    pub description: Option<String>,
    /// Why the image cannot be used. Only manifests are read for this, see [`Store::check`].
    pub problem: Option<String>,
}

impl Store {
    /// Lists the images, sorted by name.
    ///
    /// # Errors
    /// An unreadable `index.json`. A damaged image does not hide the others.
    pub fn list(&self) -> Result<Vec<ListEntry>> {
        let _shared = self.share()?;
        let index = self.layout.read_index_file()?;
        let mut list: Vec<ListEntry> = index
            .entries()
            .filter(|entry| !entry.is_attachment())
            .map(|entry| describe(&self.layout, entry))
            .collect();
        list.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(list)
    }
}

fn describe(layout: &Layout, entry: &Entry) -> ListEntry {
    let mut listed = ListEntry {
        reference: entry.reference(),
        name: entry.name().map(str::to_owned),
        digest: None,
        size: 0,
        created: None,
        stored: None,
        platforms: Vec::new(),
        description: None,
        problem: None,
    };
    match entry.descriptor() {
        Ok(descriptor) => describe_contents(&mut listed, layout, descriptor),
        Err(error) => listed.problem = Some(error.to_string()),
    }
    listed
}

fn describe_contents(listed: &mut ListEntry, layout: &Layout, root: &Descriptor) {
    listed.digest = Some(root.digest);
    listed.stored = std::fs::metadata(layout.blob_path(&root.digest))
        .and_then(|metadata| metadata.modified())
        .ok();
    let Closure {
        blobs,
        manifests,
        problems,
    } = closure(layout, root);
    listed.size = blobs
        .values()
        .fold(0, |sum, blob| sum.saturating_add(blob.size));
    listed.problem = problems.first().map(|(_, error)| error.to_string());
    for (descriptor, manifest) in manifests {
        let annotated = |key| manifest.annotations.get(key);
        if let Some(platform) = descriptor.platform {
            listed.platforms.push(platform);
        }
        let created = annotated(annotation::CREATED).and_then(|text| text.parse().ok());
        listed.created = listed.created.max(created);
        if listed.description.is_none() {
            listed.description = annotated(annotation::DESCRIPTION).cloned();
        }
    }
    listed.platforms.sort();
}
