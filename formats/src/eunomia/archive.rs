//! The tar form: `package.json` beside a `btfhub-archive/` of kernels' types.

use std::io::Read;

use crate::error::{Error, Result};
use crate::limits::{ARCHIVE_ENTRIES_MAX, PACKAGE_BYTES_MAX};

const FILE_NAME: &str = "package.json";
/// Where a tar archive says that it is one (POSIX.1-2017, pax).
const MAGIC_AT: usize = 257;
const MAGIC: &[u8] = b"ustar";

pub(super) fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(MAGIC_AT..MAGIC_AT + MAGIC.len()) == Some(MAGIC)
}

/// The content of `package.json`.
pub(super) fn package_json(bytes: &[u8]) -> Result<Vec<u8>> {
    let broken = |error: std::io::Error| Error::new(format!("read the tar archive: {error}"));
    let mut archive = tar::Archive::new(bytes);
    for (count, entry) in archive.entries().map_err(broken)?.enumerate() {
        if count >= ARCHIVE_ENTRIES_MAX {
            return Err(Error::new(format!(
                "the tar archive has more than {ARCHIVE_ENTRIES_MAX} files"
            )));
        }
        let entry = entry.map_err(broken)?;
        let path = entry.path_bytes();
        let path = path.strip_prefix(b"./").unwrap_or(&path);
        if path != FILE_NAME.as_bytes() || !entry.header().entry_type().is_file() {
            continue;
        }
        let mut content = Vec::new();
        let limit = PACKAGE_BYTES_MAX as u64 + 1;
        entry
            .take(limit)
            .read_to_end(&mut content)
            .map_err(broken)?;
        if content.len() > PACKAGE_BYTES_MAX {
            return Err(Error::new(format!(
                "{FILE_NAME} has more than {PACKAGE_BYTES_MAX} bytes"
            )));
        }
        return Ok(content);
    }
    Err(Error::new(format!("the tar archive has no {FILE_NAME}")))
}
