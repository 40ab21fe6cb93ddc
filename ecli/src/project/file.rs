//! Files that other processes may be reading, or writing at the same time.

use std::io::Write;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Writes a file in one step, unless it has this content already: whoever watches its time of
/// change then sees none.
pub(super) fn write_if_changed(path: &Path, content: &[u8]) -> Result<()> {
    if std::fs::read(path).is_ok_and(|present| present == content) {
        return Ok(());
    }
    write(path, content)
}

/// Writes a file in one step.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<()> {
    let temporary = temporary_beside(path);
    let outcome = create_folder_of(path)
        .and_then(|()| std::fs::File::create(&temporary))
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| std::fs::rename(&temporary, path));
    if outcome.is_err() {
        // It may not exist.
        let _ = std::fs::remove_file(&temporary);
    }
    outcome.with_context(|| format!("write {}", path.display()))
}

/// A path in the same folder that no other process uses.
pub(super) fn temporary_beside(path: &Path) -> std::path::PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

pub(super) fn create_folder_of(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)
}
