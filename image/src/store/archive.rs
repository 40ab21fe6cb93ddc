//! Images as one file: a tar archive with an OCI image layout in it.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};

use flate2::Compression as Level;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::create::LAYOUT_CONTENT;
use super::zstd::{self, ZstdReader, ZstdWriter};
use super::{Store, StoreWriter, signatures};
use crate::digest::Hasher;
use crate::layout::{
    BLOBS_FOLDER, Entry, INDEX_FILE, IndexFile, LAYOUT_FILE, closure, require_complete,
};
use crate::limits::{ARCHIVE_BYTES_MAX, ARCHIVE_FILES_MAX, BLOB_BYTES_MAX, STORE_INDEX_BYTES_MAX};
use crate::tar::{TarEntry, TarReader, TarWriter};
use crate::{Descriptor, Digest, Error, ErrorKind, Reference, Result, media_type};

const BUFFER_BYTES: usize = 128 << 10;

/// How [`Store::save`] compresses. [`Store::load`] finds out by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// With gzip.
    Gzip,
    /// With Zstandard: faster, a little larger.
    Zstd,
}

impl Store {
    /// Writes the images `references` as one tar archive, which [`Store::load`], skopeo
    /// (`oci-archive:`) and other clients read. The same images give the same bytes.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; [`ErrorKind::Corrupt`] for a damaged blob, which is noticed at its
    /// end: what was written until then is useless.
    pub fn save(
        &self,
        references: &[Reference],
        compression: Compression,
        target: &mut dyn Write,
    ) -> Result<()> {
        let _shared = self.share()?;
        let finished = match compression {
            Compression::None => return self.save_tar(references, target),
            Compression::Gzip => {
                let mut encoder = GzEncoder::new(target, Level::default());
                self.save_tar(references, &mut encoder)?;
                encoder.finish().map(drop)
            }
            Compression::Zstd => {
                let mut encoder = ZstdWriter::new(target);
                self.save_tar(references, &mut encoder)?;
                encoder.finish()
            }
        };
        finished.map_err(|error| Error::io("write archive", error))
    }

    /// Reads the images of an archive (tar, also compressed with gzip or zstd) into the store.
    /// Returns their names.
    ///
    /// Blobs are verified while they are written; memory stays flat. A name replaces the one in the
    /// archive, which must then hold one image; without it every image must have one.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] for what is no archive or is cut, for blobs that do not match their
    /// digest or are missing; [`ErrorKind::TooLarge`]; [`ErrorKind::InvalidInput`] when a name is
    /// missing. Images that were read before the failure may be there.
    pub fn load(&self, source: &mut dyn Read, name: Option<&Reference>) -> Result<Vec<Reference>> {
        self.load_compressed(source, name)
            .map_err(|error| error.context("load archive"))
    }

    fn save_tar(&self, references: &[Reference], target: &mut dyn Write) -> Result<()> {
        let mut index = IndexFile::empty();
        let mut blobs: BTreeMap<Digest, Descriptor> = BTreeMap::new();
        for reference in references {
            let context = |error: Error| error.context(format_args!("save image {reference}"));
            for descriptor in self.find(reference).map_err(context)? {
                let needed = closure(&self.layout, &descriptor);
                if let Some((_, error)) = needed.problems.into_iter().next() {
                    return Err(context(error));
                }
                blobs.extend(needed.blobs);
                index.set(reference, descriptor);
            }
        }
        for (attachment, manifest) in self.layout.attachments(None)? {
            if manifest
                .subject
                .is_some_and(|own| blobs.contains_key(&own.digest))
            {
                let own = signatures::blobs(&self.layout, &attachment);
                blobs.extend(own.into_iter().map(|blob| (blob.digest, blob)));
                index.add_attachment(attachment);
            }
        }
        let failed = |error| Error::io("write archive", error);
        let mut tar = TarWriter::new(target);
        for (name, content) in [
            (LAYOUT_FILE, LAYOUT_CONTENT),
            (INDEX_FILE, &index.to_json()),
        ] {
            tar.file(name, content.len() as u64, &mut &*content)
                .map_err(failed)?;
        }
        for descriptor in blobs.values() {
            self.save_blob(&mut tar, descriptor)?;
        }
        tar.finish().map_err(failed)
    }

    fn save_blob(&self, tar: &mut TarWriter, descriptor: &Descriptor) -> Result<()> {
        let digest = descriptor.digest;
        let mut content = Hashed {
            file: self.layout.open_blob(descriptor)?,
            hasher: Hasher::default(),
        };
        let name = format!("{BLOBS_FOLDER}/{}", digest.hex());
        tar.file(&name, descriptor.size, &mut content)
            .map_err(|error| Error::io(format!("save blob {digest}"), error))?;
        let (found, _) = content.hasher.finish();
        if found == digest {
            return Ok(());
        }
        let message = format!("save blob {digest}: digest mismatch: its content is {found}");
        Err(Error::new(ErrorKind::Corrupt, message))
    }

    fn load_compressed(
        &self,
        source: &mut dyn Read,
        name: Option<&Reference>,
    ) -> Result<Vec<Reference>> {
        let mut source = BufReader::with_capacity(BUFFER_BYTES, source);
        let magic = source
            .fill_buf()
            .map_err(|error| Error::io("read", error))?;
        if magic.starts_with(b"\x1f\x8b") {
            return self.load_tar(&mut Decoded(MultiGzDecoder::new(source)), name);
        }
        if magic.starts_with(&zstd::MAGIC) {
            return self.load_tar(&mut Decoded(ZstdReader::new(source)), name);
        }
        self.load_tar(&mut source, name)
    }

    fn load_tar(&self, source: &mut dyn Read, name: Option<&Reference>) -> Result<Vec<Reference>> {
        let writer = self.writer()?;
        let index = load_files(&writer, source)?;
        let images = named_images(&index, name)?;
        let mut loaded: Vec<Reference> = Vec::new();
        for (reference, descriptor) in images {
            writer
                .publish(&reference, descriptor)
                .map_err(|error| error.context(format_args!("write image {reference}")))?;
            loaded.push(reference);
        }
        for entry in index.entries().filter(|entry| entry.is_attachment()) {
            let attachment = entry.descriptor()?;
            require_complete(&self.layout, attachment)
                .map_err(|error| error.context("read a signature"))?;
            writer.publish_attachment(attachment)?;
        }
        Ok(loaded)
    }
}

/// Computes the digest of what is read from a blob.
struct Hashed {
    file: std::fs::File,
    hasher: Hasher,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.file.read(buffer)?;
        self.hasher.update(&buffer[..len]);
        Ok(len)
    }
}

/// Decoders report damaged input as errors of several kinds; here they are all one.
struct Decoded<D>(D);

impl<D: Read> Read for Decoded<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
                io::Error::new(io::ErrorKind::InvalidData, error)
            }
            _ => error,
        })
    }
}

/// Writes all blobs of an archive and returns its index.
fn load_files(writer: &StoreWriter, source: &mut dyn Read) -> Result<IndexFile> {
    let mut tar = TarReader::new(source);
    let mut index = None;
    let mut files = 0;
    let mut bytes: u64 = 0;
    while let Some(entry) = tar.next().map_err(unreadable)? {
        files += 1;
        bytes = bytes.saturating_add(entry.size);
        if files > ARCHIVE_FILES_MAX || bytes > ARCHIVE_BYTES_MAX {
            let message = format!(
                "it holds more than {ARCHIVE_FILES_MAX} files or {ARCHIVE_BYTES_MAX} bytes"
            );
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        if !entry.is_file {
            continue;
        }
        if entry.name == INDEX_FILE {
            index = Some(IndexFile::parse(&read_index(&mut tar, &entry)?)?);
        } else if let Some(digest) = blob_digest(&entry.name) {
            load_blob(writer, &mut tar, digest, entry.size)?;
        }
    }
    index.ok_or_else(|| {
        let message = format!("it holds no {INDEX_FILE}: it is no archive of an OCI image layout");
        Error::new(ErrorKind::Corrupt, message)
    })
}

fn read_index(tar: &mut TarReader, entry: &TarEntry) -> Result<Vec<u8>> {
    if entry.size > STORE_INDEX_BYTES_MAX {
        let message = format!("its {INDEX_FILE} is larger than {STORE_INDEX_BYTES_MAX} bytes");
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    let mut bytes = Vec::new();
    tar.read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn blob_digest(name: &str) -> Option<Digest> {
    let hex = name.strip_prefix(BLOBS_FOLDER)?.strip_prefix('/')?;
    format!("sha256:{hex}").parse().ok()
}

fn load_blob(writer: &StoreWriter, tar: &mut TarReader, digest: Digest, size: u64) -> Result<()> {
    if size > BLOB_BYTES_MAX {
        let message = format!("read blob {digest}: {size} bytes, at most {BLOB_BYTES_MAX}");
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    // The index says later what it is.
    let media_type = "application/octet-stream".to_owned();
    let descriptor = Descriptor {
        digest,
        size,
        ..Descriptor::of(media_type, &[])
    };
    writer.write_blob(&descriptor, tar)
}

/// The images of `index` and the names that they get.
fn named_images<'i>(
    index: &'i IndexFile,
    name: Option<&Reference>,
) -> Result<Vec<(Reference, &'i Descriptor)>> {
    let mut images = Vec::new();
    for entry in index.entries().filter(|entry| !entry.is_attachment()) {
        let descriptor = entry.descriptor()?;
        let is_image = media_type::is_manifest(&descriptor.media_type)
            || media_type::is_index(&descriptor.media_type);
        if is_image {
            images.push((entry, descriptor));
        }
    }
    match (name, images.as_slice()) {
        (_, []) => Err(Error::new(ErrorKind::Corrupt, "it holds no images")),
        (Some(name), [(_, descriptor)]) => Ok(vec![(name.clone(), descriptor)]),
        (Some(_), several) => {
            let message = format!("it holds {} images, but one name was given", several.len());
            Err(Error::new(ErrorKind::InvalidInput, message))
        }
        (None, several) => several
            .iter()
            .map(|(entry, descriptor)| Ok((own_name(entry, descriptor)?, *descriptor)))
            .collect(),
    }
}

fn own_name(entry: &Entry, descriptor: &Descriptor) -> Result<Reference> {
    entry.reference().ok_or_else(|| {
        let message = match entry.name() {
            Some(name) => format!(
                "its image {} is called {name:?}: give it a name",
                descriptor.digest
            ),
            None => format!("its image {} has no name: give it one", descriptor.digest),
        };
        Error::new(ErrorKind::InvalidInput, message)
    })
}

fn unreadable(error: io::Error) -> Error {
    Error::io("read", error)
}
