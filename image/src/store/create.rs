//! Making a folder a store.

use std::fs;
use std::io;

use super::lock::{Lock, Sharing};
use super::{CACHE_FOLDER, INDEX_LOCK, INGEST_FOLDER, LOCK_FOLDER, Store};
use crate::layout::{BLOBS_FOLDER, INDEX_FILE, IndexFile, LAYOUT_FILE};
use crate::{Error, ErrorKind, Result};

pub(super) const LAYOUT_CONTENT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

impl Store {
    /// A creation that was interrupted is continued: `oci-layout` comes last.
    pub(super) fn open_or_create(&self) -> Result<()> {
        match self.layout.check_version() {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return self.create(),
            Err(error) => return Err(error),
        }
        // A layout that another tool made lacks our folders.
        self.create_folders()
    }

    fn create(&self) -> Result<()> {
        self.refuse_foreign_content()?;
        self.create_folders()?;
        let _exclusive = Lock::take(&self.root().join(INDEX_LOCK), Sharing::Exclusive)?;
        if !self.root().join(INDEX_FILE).exists() {
            self.replace_file(INDEX_FILE, &IndexFile::empty().to_json())?;
        }
        self.replace_file(LAYOUT_FILE, LAYOUT_CONTENT)
    }

    fn create_folders(&self) -> Result<()> {
        for folder in [BLOBS_FOLDER, INGEST_FOLDER, LOCK_FOLDER] {
            let path = self.root().join(folder);
            fs::create_dir_all(&path)
                .map_err(|error| Error::io(format!("create {}", path.display()), error))?;
        }
        Ok(())
    }

    /// A mistyped path must not fill somebody's folder.
    fn refuse_foreign_content(&self) -> Result<()> {
        let entries = match fs::read_dir(self.root()) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::io("list the folder", error)),
        };
        for entry in entries {
            let name = entry
                .map_err(|error| Error::io("list the folder", error))?
                .file_name();
            let ours = [
                "blobs",
                INDEX_FILE,
                LAYOUT_FILE,
                INGEST_FOLDER,
                LOCK_FOLDER,
                CACHE_FOLDER,
            ];
            if !ours.iter().any(|own| name == *own) {
                let message = format!("it is not an image store: it holds {name:?}");
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
        }
        Ok(())
    }
}
