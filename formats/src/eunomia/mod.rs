//! `package.json` of eunomia-bpf, by itself or in a tar archive.

mod archive;
mod plan;
mod schema;
mod targets;

use std::io::Read;
use std::sync::Arc;

use base64::Engine as _;

pub(crate) use plan::plan;
pub use schema::Meta;

use crate::error::{Error, Result};
use crate::limits::{OBJECT_BYTES_MAX, PACKAGE_BYTES_MAX};
use crate::package::{Package, PackageKind};

/// What was read of a package's file.
#[derive(Clone, Debug)]
pub struct Eunomia {
    /// What to do with the object.
    pub meta: Meta,
    /// The archive that it came in, which may have types of kernels.
    pub(crate) archive: Option<Arc<[u8]>>,
}

/// Whether bytes are a package, by itself or in an archive.
pub fn is_package(bytes: &[u8]) -> bool {
    archive::is_tar(bytes) || bytes.trim_ascii_start().first() == Some(&b'{')
}

/// Read a package.
///
/// # Errors
/// Names the field that is wrong.
pub fn read(name: &str, bytes: &[u8]) -> Result<Package> {
    if bytes.len() > PACKAGE_BYTES_MAX {
        return Err(Error::new(format!(
            "the package has {} bytes, at most {PACKAGE_BYTES_MAX}",
            bytes.len()
        )));
    }
    let json = match archive::is_tar(bytes) {
        true => archive::package_json(bytes)?,
        false => bytes.to_vec(),
    };
    let document = schema::parse(&json)?;
    let elf = object(&document)?;
    crate::check_object(&elf).map_err(|error| error.within("bpf_object"))?;
    let shown = match document.meta.bpf_skel.obj_name.as_str() {
        "" => name,
        own => own.strip_suffix("_bpf").unwrap_or(own),
    };
    Ok(Package {
        name: if name == "-" { shown } else { name }.to_owned(),
        elf: elf.into(),
        kind: PackageKind::Eunomia(Box::new(Eunomia {
            meta: document.meta,
            archive: archive::is_tar(bytes).then(|| bytes.into()),
        })),
    })
}

/// The object: base64 of zlib.
fn object(document: &schema::Document) -> Result<Vec<u8>> {
    let size = usize::try_from(document.bpf_object_size)
        .ok()
        .filter(|size| *size <= OBJECT_BYTES_MAX)
        .ok_or_else(|| {
            Error::new(format!(
                "bpf_object_size: {} bytes, at most {OBJECT_BYTES_MAX}",
                document.bpf_object_size
            ))
        })?;
    let packed = base64::engine::general_purpose::STANDARD
        .decode(document.bpf_object.trim())
        .map_err(|error| Error::new(format!("bpf_object: it is not base64: {error}")))?;
    let mut elf = Vec::new();
    // One byte more than is promised tells that there is more.
    let limit = size as u64 + 1;
    flate2::read::ZlibDecoder::new(packed.as_slice())
        .take(limit)
        .read_to_end(&mut elf)
        .map_err(|error| Error::new(format!("bpf_object: it is not zlib: {error}")))?;
    if elf.len() != size {
        let found = match elf.len() > size {
            true => "more".to_owned(),
            false => elf.len().to_string(),
        };
        return Err(Error::new(format!(
            "bpf_object: it unpacks to {found} bytes, bpf_object_size says {size}"
        )));
    }
    Ok(elf)
}
