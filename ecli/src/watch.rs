//! Waiting for changes of a project's sources. Looks at all of them from time to time: a project
//! has few files, editors replace them in many ways, and this works on every file system.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How long changes stay unseen at the most.
pub(crate) const INTERVAL: Duration = Duration::from_millis(200);

/// How often it is looked until no more files change: for two seconds.
const LOOKS_MAX: u32 = 20;

/// Files that are looked at: more than any project has, and still quick.
const FILES_MAX: usize = 20_000;

/// Folders of products and of what tools fetch.
const LEFT_OUT: [&str; 3] = ["target", "node_modules", "__pycache__"];

/// When a file was changed last, and its bytes.
type Stamps = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// The sources of a project as they were seen last.
#[derive(Debug)]
pub(crate) struct Watch {
    folder: PathBuf,
    seen: Stamps,
}

impl Watch {
    /// Looks at all files of a folder but hidden ones and products.
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            seen: look(folder),
        }
    }

    /// The first file, in order, that was changed, added or removed since the last call. Editors
    /// and version control write several files: waits until no more change, but not for ever for a
    /// file that something keeps writing to.
    pub(crate) fn changed(&mut self) -> Option<PathBuf> {
        let mut now = look(&self.folder);
        if now == self.seen {
            return None;
        }
        let first = first_difference(&self.seen, &now);
        for _ in 0..LOOKS_MAX {
            std::thread::sleep(INTERVAL / 2);
            let next = look(&self.folder);
            if next == now {
                break;
            }
            now = next;
        }
        self.seen = now;
        first
    }

    /// Blocks until a file was changed.
    pub(crate) fn wait(&mut self) -> PathBuf {
        loop {
            std::thread::sleep(INTERVAL);
            if let Some(path) = self.changed() {
                return path;
            }
        }
    }
}

fn first_difference(before: &Stamps, now: &Stamps) -> Option<PathBuf> {
    let paths = before.keys().chain(now.keys());
    let mut changed: Vec<&PathBuf> = paths
        .filter(|path| before.get(*path) != now.get(*path))
        .collect();
    changed.sort();
    changed.first().map(|path| (*path).clone())
}

fn look(folder: &Path) -> Stamps {
    let mut stamps = Stamps::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // What cannot be read, or is gone meanwhile, has not changed.
        let entries = folder.read_dir().into_iter().flatten();
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') || LEFT_OUT.contains(&&*name) || stamps.len() >= FILES_MAX {
                continue;
            }
            // Of what a link leads to, nothing is followed: it could lead anywhere.
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => {
                    stamps.insert(entry.path(), (metadata.modified().ok(), metadata.len()));
                }
                Err(_) => {}
            }
        }
    }
    stamps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_seen_once_and_products_never() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("a.c"), "1").unwrap();
        for name in ["target", ".ecli", "src"] {
            std::fs::create_dir(path(name)).unwrap();
        }
        let mut watch = Watch::new(folder.path());
        assert_eq!(watch.changed(), None);
        std::fs::write(path("a.c"), "22").unwrap();
        assert_eq!(watch.changed(), Some(path("a.c")));
        assert_eq!(watch.changed(), None);
        std::fs::write(path("src/b.c"), "").unwrap();
        assert_eq!(watch.changed(), Some(path("src/b.c")));
        std::fs::remove_file(path("src/b.c")).unwrap();
        assert_eq!(watch.changed(), Some(path("src/b.c")));
        std::fs::write(path("target/x"), "").unwrap();
        std::fs::write(path(".ecli/x"), "").unwrap();
        assert_eq!(watch.changed(), None);
    }
}
