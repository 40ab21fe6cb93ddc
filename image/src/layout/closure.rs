//! All blobs that an image needs.

use std::collections::{BTreeMap, BTreeSet};

use super::Layout;
use crate::document::{Descriptor, Index, Manifest};
use crate::limits::{INDEX_DEPTH_MAX, MANIFEST_BYTES_MAX};
use crate::{Digest, Error, ErrorKind, media_type};

/// What is reachable from one descriptor.
#[derive(Debug, Default)]
pub(crate) struct Closure {
    /// Every blob that was reached, itself included. Layers and configs are listed, not opened.
    pub(crate) blobs: BTreeMap<Digest, Descriptor>,
    /// Every manifest that was read.
    pub(crate) manifests: Vec<(Descriptor, Manifest)>,
    /// Manifests and indexes that could not be read: what they point to is unknown.
    pub(crate) problems: Vec<(Descriptor, Error)>,
}

/// Reads the manifests below `root`.
///
/// An index may name manifests that were not fetched (other platforms): they are left out as long
/// as one of its manifests is there.
pub(crate) fn closure(layout: &Layout, root: &Descriptor) -> Closure {
    let mut closure = Closure::default();
    let mut seen = BTreeSet::new();
    let mut pending = vec![(root.clone(), 0)];
    while let Some((descriptor, depth)) = pending.pop() {
        if !seen.insert(descriptor.digest) {
            continue;
        }
        closure.blobs.insert(descriptor.digest, descriptor.clone());
        match children(layout, &descriptor, depth) {
            Ok(Children::None) => {}
            Ok(Children::Manifests(children)) => {
                pending.extend(children.into_iter().map(|child| (child, depth + 1)));
            }
            Ok(Children::Parts(manifest)) => {
                for part in std::iter::once(&manifest.config).chain(&manifest.layers) {
                    closure.blobs.insert(part.digest, part.clone());
                }
                closure.manifests.push((descriptor, *manifest));
            }
            Err(error) => closure.problems.push((descriptor, error)),
        }
    }
    closure
}

/// Checks that the image `root` can be used: that a manifest, or at least one manifest of an index,
/// is there with all its parts in their full size. Their content is verified when it is read.
///
/// # Errors
/// What is missing or damaged.
pub(crate) fn require_complete(layout: &Layout, root: &Descriptor) -> Result<(), Error> {
    let mut found = closure(layout, root);
    let mut first_error = None;
    for (_, manifest) in &found.manifests {
        // Another manifest may be what an interrupted pull for another platform left.
        match std::iter::once(&manifest.config)
            .chain(&manifest.layers)
            .try_for_each(|part| layout.open_blob(part).map(drop))
        {
            Ok(()) => return Ok(()),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    let problem = found.problems.pop().map(|(_, error)| error);
    match first_error.or(problem) {
        Some(error) => Err(error),
        None if found.blobs.len() == 1 => layout.open_blob(root).map(drop),
        None => Err(Error::new(
            ErrorKind::Corrupt,
            format!("{} names no manifest", root.digest),
        )),
    }
}

/// The manifests of the index `root` that are there; none of a manifest.
///
/// # Errors
/// What is missing or damaged.
pub(crate) fn children_of_index(
    layout: &Layout,
    root: &Descriptor,
) -> Result<Vec<Descriptor>, Error> {
    if !media_type::is_index(&root.media_type) {
        return Ok(Vec::new());
    }
    let bytes = layout.read_blob(root, MANIFEST_BYTES_MAX)?;
    let mut children = Index::parse(&bytes)?.manifests;
    children.retain(|child| layout.blob_path(&child.digest).exists());
    Ok(children)
}

enum Children {
    None,
    Manifests(Vec<Descriptor>),
    Parts(Box<Manifest>),
}

fn children(layout: &Layout, descriptor: &Descriptor, depth: usize) -> Result<Children, Error> {
    let in_blob = |error: Error| error.context(format_args!("read blob {}", descriptor.digest));
    if media_type::is_manifest(&descriptor.media_type) {
        let bytes = layout.read_blob(descriptor, MANIFEST_BYTES_MAX)?;
        let manifest = Manifest::parse(&bytes).map_err(in_blob)?;
        return Ok(Children::Parts(Box::new(manifest)));
    }
    if !media_type::is_index(&descriptor.media_type) {
        return Ok(Children::None);
    }
    if depth >= INDEX_DEPTH_MAX {
        let message = format!("indexes are nested deeper than {INDEX_DEPTH_MAX}");
        return Err(in_blob(Error::new(ErrorKind::Corrupt, message)));
    }
    let bytes = layout.read_blob(descriptor, MANIFEST_BYTES_MAX)?;
    let children = Index::parse(&bytes).map_err(in_blob)?.manifests;
    let is_there = |child: &&Descriptor| layout.blob_path(&child.digest).exists();
    let fetched: Vec<Descriptor> = children.iter().filter(is_there).cloned().collect();
    // When none is there they are all reported as missing.
    Ok(Children::Manifests(if fetched.is_empty() {
        children
    } else {
        fetched
    }))
}
