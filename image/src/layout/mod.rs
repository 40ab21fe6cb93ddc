//! An OCI image layout: a folder of blobs and an index (OCI image specification, "Image Layout").

mod closure;
mod index_file;
mod signatures;

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub(crate) use closure::{Closure, children_of_index, closure, require_complete};
pub(crate) use index_file::{Entry, IndexFile};

use crate::document::{Descriptor, Index, from_json};
use crate::file::{open_regular, read_bounded};
use crate::limits::{INDEX_DEPTH_MAX, MANIFEST_BYTES_MAX, STORE_INDEX_BYTES_MAX};
use crate::{Digest, Error, ErrorKind, Image, Platform, Result, media_type};

pub(crate) const LAYOUT_FILE: &str = "oci-layout";
pub(crate) const INDEX_FILE: &str = "index.json";
pub(crate) const BLOBS_FOLDER: &str = "blobs/sha256";
const LAYOUT_FILE_BYTES_MAX: u64 = 4096;

/// Any OCI image layout on disk, read-only and without locks.
///
/// Nothing in it is trusted: sizes are bounded, digests are verified from the bytes that are
/// returned, and only regular files are opened. For the folder that commands share and change,
/// see [`crate::Store`].
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Opens the layout in the folder `root`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when `root` holds no `oci-layout` file, [`ErrorKind::Corrupt`] or
    /// [`ErrorKind::Unsupported`] when that file is not of version 1.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self> {
        let layout = Self { root: root.into() };
        layout
            .check_version()
            .map_err(|error| layout.name_in(error))?;
        Ok(layout)
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The names of the images (`org.opencontainers.image.ref.name`), sorted, as they are written.
    ///
    /// # Errors
    /// An unreadable `index.json`.
    pub fn names(&self) -> Result<Vec<String>> {
        let index = self.read_index_file()?;
        let mut names: Vec<String> = index
            .entries()
            .filter_map(Entry::name)
            .map(str::to_owned)
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Reads the image that is called `name` in this layout, for `platform`. Without a name the
    /// layout must hold exactly one image.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such image, or more than one to choose from (the
    /// message lists the names); else as [`crate::Store::image`].
    pub fn image(&self, name: Option<&str>, platform: &Platform) -> Result<Image> {
        self.find(name)
            .and_then(|entries| self.choose(&entries, platform))
            .and_then(|descriptor| Image::read(self, &descriptor, platform))
            .map_err(|error| match name {
                Some(name) => error.context(format_args!(
                    "read image {name:?} of {}",
                    self.root.display()
                )),
                None => error.context(format_args!("read image of {}", self.root.display())),
            })
    }

    /// Reads and verifies one blob of at most `bytes_max` bytes.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`], [`ErrorKind::NotFound`], or [`ErrorKind::Corrupt`] when size or
    /// digest are not those of `descriptor`.
    pub fn read_blob(&self, descriptor: &Descriptor, bytes_max: u64) -> Result<Vec<u8>> {
        let digest = descriptor.digest;
        if descriptor.size > bytes_max {
            let message = format!(
                "read blob {digest} of type {:?}: {} bytes, at most {bytes_max} are allowed",
                descriptor.media_type, descriptor.size
            );
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        let file = self.open_blob(descriptor)?;
        let mut bytes = Vec::with_capacity(usize::try_from(descriptor.size).unwrap_or(0));
        file.take(descriptor.size + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Error::io(format!("read blob {digest}"), error))?;
        let found = Digest::of(&bytes);
        if found != digest {
            let message = format!("read blob {digest}: digest mismatch: its content is {found}");
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        Ok(bytes)
    }

    /// Where the blob `digest` is, if it is there.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.blobs_folder().join(digest.hex())
    }

    pub(crate) fn blobs_folder(&self) -> PathBuf {
        self.root.join(BLOBS_FOLDER)
    }

    /// A layout whose `oci-layout` file is not looked at.
    pub(crate) fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// Opens a blob after comparing its size; its content is not verified yet.
    pub(crate) fn open_blob(&self, descriptor: &Descriptor) -> Result<std::fs::File> {
        let digest = descriptor.digest;
        let (file, len) = open_regular(&self.blob_path(&digest))
            .map_err(|error| Error::io(format!("open blob {digest}"), error))?;
        if len != descriptor.size {
            let message = format!(
                "read blob {digest}: size mismatch: {len} bytes instead of {}",
                descriptor.size
            );
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        Ok(file)
    }

    pub(crate) fn read_index_file(&self) -> Result<IndexFile> {
        let path = self.root.join(INDEX_FILE);
        IndexFile::parse(&read_bounded(&path, STORE_INDEX_BYTES_MAX)?)
            .map_err(|error| error.context(format_args!("read {}", path.display())))
    }

    pub(crate) fn check_version(&self) -> Result<()> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct LayoutFile {
            image_layout_version: String,
        }
        let bytes = read_bounded(&self.root.join(LAYOUT_FILE), LAYOUT_FILE_BYTES_MAX)?;
        let file: LayoutFile = from_json("parse oci-layout", &bytes)?;
        if file.image_layout_version.split('.').next() == Some("1") {
            return Ok(());
        }
        let version: String = file.image_layout_version.chars().take(32).collect();
        Err(Error::new(
            ErrorKind::Unsupported,
            format!("its version {version:?} is not 1"),
        ))
    }

    fn name_in(&self, error: Error) -> Error {
        error.context(format_args!("open image layout {}", self.root.display()))
    }

    /// The entries of `index.json` called `name`.
    fn find(&self, name: Option<&str>) -> Result<Vec<Descriptor>> {
        let index = self.read_index_file()?;
        let named = |entry: &&Entry| match name {
            None => !entry.is_attachment() && !entry.is_of_cosign(),
            Some(_) => entry.name() == name,
        };
        let found: Vec<Descriptor> = index
            .entries()
            .filter(named)
            .map(|entry| entry.descriptor().cloned())
            .collect::<Result<_>>()?;
        let images: std::collections::BTreeSet<Option<&str>> =
            index.entries().filter(named).map(Entry::name).collect();
        if images.len() == 1 {
            return Ok(found);
        }
        let names: Vec<&str> = index.entries().filter_map(Entry::name).collect();
        let problem = if found.is_empty() {
            "no such image"
        } else {
            "which image?"
        };
        Err(Error::new(
            ErrorKind::NotFound,
            format!("{problem} it holds {names:?}"),
        ))
    }

    /// Chooses among entries of one name, then descends to the manifest for `platform`.
    pub(crate) fn choose(&self, entries: &[Descriptor], platform: &Platform) -> Result<Descriptor> {
        let mut chosen = choose_platform(entries, platform)?.clone();
        for _ in 0..INDEX_DEPTH_MAX {
            if !media_type::is_index(&chosen.media_type) {
                return Ok(chosen);
            }
            let bytes = self.read_blob(&chosen, MANIFEST_BYTES_MAX)?;
            let index = Index::parse(&bytes)
                .map_err(|error| error.context(format_args!("read blob {}", chosen.digest)))?;
            chosen = choose_platform(&index.manifests, platform)?.clone();
        }
        Err(Error::new(
            ErrorKind::Corrupt,
            format!("indexes are nested deeper than {INDEX_DEPTH_MAX}"),
        ))
    }
}

/// The manifest or index for `platform`. A single one is taken as it is when it names no platform.
pub(crate) fn choose_platform<'d>(
    from: &'d [Descriptor],
    platform: &Platform,
) -> Result<&'d Descriptor> {
    let usable = |descriptor: &&Descriptor| {
        media_type::is_manifest(&descriptor.media_type)
            || media_type::is_index(&descriptor.media_type)
    };
    let candidates: Vec<&Descriptor> = from.iter().filter(usable).collect();
    if let [only] = candidates.as_slice()
        && only
            .platform
            .as_ref()
            .is_none_or(|own| own.runs_on(platform))
    {
        return Ok(only);
    }
    let mut matching = candidates
        .iter()
        .filter(|c| c.platform.as_ref().is_some_and(|own| own.runs_on(platform)));
    if let Some(first) = matching.next() {
        return Ok(first);
    }
    let offered: Vec<String> = candidates
        .iter()
        .filter_map(|c| c.platform.as_ref())
        .map(Platform::to_string)
        .collect();
    let message = if !offered.is_empty() {
        format!("no image for {platform}, only for {}", offered.join(", "))
    } else if candidates.is_empty() {
        let types: Vec<&str> = from
            .iter()
            .map(|descriptor| &*descriptor.media_type)
            .collect();
        format!("no image for {platform}: neither manifest nor index among {types:?}")
    } else {
        format!(
            "no image for {platform}: {} images name no platform",
            candidates.len()
        )
    };
    Err(Error::new(ErrorKind::NoPlatform, message))
}
