//! What survives a run on purpose: maps, programs and links, in a folder of a BPF file system.
//!
//! ```text
//! FOLDER/image                a symbolic link to the image's name: the folder is ecli's
//! FOLDER/OBJECT/maps/MAP
//! FOLDER/OBJECT/programs/PROGRAM
//! FOLDER/OBJECT/links/PROGRAM
//! ```
//!
//! A dot in a name becomes `_`, since the file system has none; what is there more than once gets a
//! number. Links go first and come last, so that what is attached has its maps.

use std::fs;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use eunomia_host_abi::{Error, ErrorKind, Result};

use super::failure::from_io;
use super::raw;

/// The symbolic link that marks a folder.
const MARK: &str = "image";
const MAPS: &str = "maps";
const PROGRAMS: &str = "programs";
const LINKS: &str = "links";
/// In this order they are removed.
const KINDS: [&str; 3] = [LINKS, PROGRAMS, MAPS];

/// `BPF_FS_MAGIC`.
const BPF_FILE_SYSTEM: u64 = 0xcafe_4a11;
/// Folders within folders that are looked into, and entries of one: more than people make.
const DEPTH_MAX: usize = 8;
const ENTRIES_MAX: usize = 4096;
/// Things of one name in a run.
const SAME_NAME_MAX: usize = 256;

/// The pins of one run. Nothing is made before there is something to pin.
#[derive(Debug)]
pub struct Pins {
    folder: PathBuf,
    image: String,
    made: Mutex<Made>,
}

#[derive(Debug, Default)]
struct Made {
    /// In the order of making.
    paths: Vec<PathBuf>,
    /// Something could not be loaded, attached or pinned.
    failed: bool,
}

/// What a folder holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// The folder.
    pub folder: PathBuf,
    /// The name of the image that pinned it.
    pub image: String,
    /// Attached programs.
    pub links: usize,
    /// Programs.
    pub programs: usize,
    /// Maps.
    pub maps: usize,
}

impl Pins {
    /// Pins for a run of `image`, in a folder that does not exist yet.
    ///
    /// # Errors
    /// `Busy` when it exists, `InvalidArgument` when it cannot be one of a BPF file system,
    /// `NotSupported` when there is no such file system there.
    pub fn new(folder: &Path, image: &str) -> Result<Self> {
        let refuse = |kind, why: String| {
            Err(Error::new(
                kind,
                format!("pin to {}: {why}", folder.display()),
            ))
        };
        let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else {
            return refuse(
                ErrorKind::InvalidArgument,
                "it is no folder's name".to_owned(),
            );
        };
        if name.as_encoded_bytes().contains(&b'.') {
            let why = "names in a BPF file system have no dots".to_owned();
            return refuse(ErrorKind::InvalidArgument, why);
        }
        if !is_bpf_file_system(parent) {
            let why = format!(
                "{} is no folder of a BPF file system: `mount -t bpf bpf /sys/fs/bpf` makes one",
                parent.display()
            );
            return refuse(ErrorKind::NotSupported, why);
        }
        if let Some(image) = mark_of(folder) {
            let why = format!("it is in use by what {image} has pinned: `ecli unpin` removes that");
            return refuse(ErrorKind::Busy, why);
        }
        if folder.symlink_metadata().is_ok() {
            return refuse(ErrorKind::Busy, "it exists already".to_owned());
        }
        Ok(Self {
            folder: folder.to_owned(),
            image: image.to_owned(),
            made: Mutex::default(),
        })
    }

    /// Pins the maps and programs of an object that was loaded. If one cannot be, none is.
    pub(super) fn object(
        &self,
        object: &str,
        maps: &[(&str, BorrowedFd<'_>)],
        programs: &[(&str, BorrowedFd<'_>)],
    ) -> Result<ObjectPins> {
        self.undone_if_failed(|made| {
            self.make_root(made)?;
            let folder = unique(&self.folder, object, |path| fs::create_dir(path))
                .map_err(|error| self.failed(&error, "create a folder for object", object))?;
            made.push(folder.clone());
            for (kind, what, items) in [(MAPS, "map", maps), (PROGRAMS, "program", programs)] {
                let inner = self.make_folder(&folder, kind, made)?;
                for (name, fd) in items {
                    made.push(self.pin(&inner, what, name, *fd)?);
                }
            }
            self.make_folder(&folder, LINKS, made)?;
            Ok(ObjectPins { folder })
        })
    }

    /// Pins the links of a program. If one cannot be, none is.
    pub(super) fn links(
        &self,
        object: &ObjectPins,
        program: &str,
        links: &[BorrowedFd<'_>],
    ) -> Result<Vec<PathBuf>> {
        let folder = object.folder.join(LINKS);
        self.undone_if_failed(|made| {
            let mut pinned = Vec::new();
            for fd in links {
                let path = self.pin(&folder, "link of program", program, *fd)?;
                made.push(path.clone());
                pinned.push(path);
            }
            Ok(pinned)
        })
    }

    /// Removes the pins of links that were detached on purpose.
    pub(super) fn remove(&self, links: &[PathBuf]) {
        for path in links {
            remove_or_log(path);
        }
        self.made().paths.retain(|path| !links.contains(path));
    }

    /// Notes that something could not be loaded or attached.
    pub(super) fn note_failure(&self) {
        self.made().failed = true;
    }

    /// Ends the run. What it pinned stays, unless the tool failed (`tool_failed`) for want of
    /// something that could not be loaded, attached or pinned, or before anything was attached:
    /// then nothing stays, and nothing is returned.
    pub fn finish(&self, tool_failed: bool) -> Option<Pinned> {
        let mut made = self.made();
        let pinned = pinned_in(&self.folder).filter(|_| !made.paths.is_empty())?;
        if tool_failed && (made.failed || pinned.links == 0) {
            undo(&mut made.paths, 0);
            return None;
        }
        Some(pinned)
    }

    fn make_root(&self, made: &mut Vec<PathBuf>) -> Result<()> {
        if made.first().is_some_and(|first| *first == self.folder) {
            return Ok(());
        }
        // Fails when somebody was faster.
        fs::create_dir(&self.folder).map_err(|error| self.failed(&error, "create", "it"))?;
        made.push(self.folder.clone());
        let mark = self.folder.join(MARK);
        std::os::unix::fs::symlink(&self.image, &mark)
            .map_err(|error| self.failed(&error, "write the name of", &self.image))?;
        made.push(mark);
        Ok(())
    }

    fn make_folder(&self, parent: &Path, name: &str, made: &mut Vec<PathBuf>) -> Result<PathBuf> {
        let path = parent.join(name);
        fs::create_dir(&path).map_err(|error| self.failed(&error, "create folder", name))?;
        made.push(path.clone());
        Ok(path)
    }

    fn pin(&self, folder: &Path, what: &str, name: &str, fd: BorrowedFd<'_>) -> Result<PathBuf> {
        unique(folder, name, |path| raw::pin(fd, path))
            .map_err(|error| self.failed(&error, what, name))
    }

    fn failed(&self, error: &io::Error, what: &str, name: &str) -> Error {
        from_io(
            error,
            format!("pin to {}: {what} `{name}`", self.folder.display()),
        )
    }

    /// Does a step; takes back what a step has made that failed.
    fn undone_if_failed<T>(&self, step: impl FnOnce(&mut Vec<PathBuf>) -> Result<T>) -> Result<T> {
        let mut made = self.made();
        let before = made.paths.len();
        let outcome = step(&mut made.paths);
        if outcome.is_err() {
            made.failed = true;
            undo(&mut made.paths, before);
        }
        outcome
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        // A list that is pushed to is whole even if somebody panicked meanwhile.
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the links of a loaded object are pinned.
#[derive(Debug)]
pub(super) struct ObjectPins {
    folder: PathBuf,
}

/// All folders of the mounted BPF file systems that runs have pinned to, sorted.
///
/// # Errors
/// When this process may not look into one.
pub fn list() -> Result<Vec<Pinned>> {
    let mut found = Vec::new();
    for mount in mounts() {
        fs::read_dir(&mount)
            .map_err(|error| from_io(&error, format!("list pins: read {}", mount.display())))?;
        look_into(&mount, DEPTH_MAX, &mut found);
    }
    found.sort_by(|one, other| one.folder.cmp(&other.folder));
    found.dedup_by(|one, other| one.folder == other.folder);
    Ok(found)
}

/// Removes what a run has pinned to `folder`, links first; what is not held by others ends.
///
/// # Errors
/// `NotFound` when no run has pinned there; the first thing that cannot be removed.
pub fn remove(folder: &Path) -> Result<Pinned> {
    let operation = || format!("unpin {}", folder.display());
    let pinned = pinned_in(folder).ok_or_else(|| {
        let why = "nothing there was pinned by `ecli run --pin`; `ecli pins` lists what was";
        Error::new(ErrorKind::NotFound, format!("{}: {why}", operation()))
    })?;
    let failed = |error: io::Error| from_io(&error, operation());
    let objects = folders_in(folder);
    for kind in KINDS {
        for object in &objects {
            let inner = object.join(kind);
            for entry in fs::read_dir(&inner).map_err(failed)? {
                fs::remove_file(entry.map_err(failed)?.path()).map_err(failed)?;
            }
            fs::remove_dir(&inner).map_err(failed)?;
        }
    }
    for object in &objects {
        fs::remove_dir(object).map_err(failed)?;
    }
    // Last, so that a removal that was cut off can be tried again.
    fs::remove_file(folder.join(MARK)).map_err(failed)?;
    fs::remove_dir(folder).map_err(failed)?;
    Ok(pinned)
}

/// The maps that are shared by name, see [`Options::pin_root`](super::Options::pin_root).
pub fn shared_maps(pin_root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(pin_root) else {
        return Vec::new();
    };
    let paths = entries
        .flatten()
        .take(ENTRIES_MAX)
        .map(|entry| entry.path());
    let mut maps: Vec<PathBuf> = paths.filter(|path| path.is_file()).collect();
    maps.sort();
    maps
}

fn pinned_in(folder: &Path) -> Option<Pinned> {
    let image = mark_of(folder)?;
    let objects = folders_in(folder);
    let count = |kind: &str| {
        let inner = objects.iter().map(|object| object.join(kind));
        inner
            .filter_map(|inner| fs::read_dir(inner).ok())
            .map(Iterator::count)
            .sum()
    };
    Some(Pinned {
        folder: folder.to_owned(),
        image,
        links: count(LINKS),
        programs: count(PROGRAMS),
        maps: count(MAPS),
    })
}

fn mark_of(folder: &Path) -> Option<String> {
    let image = fs::read_link(folder.join(MARK)).ok()?;
    is_bpf_file_system(folder).then(|| image.to_string_lossy().into_owned())
}

fn look_into(folder: &Path, depth: usize, found: &mut Vec<Pinned>) {
    if let Some(pinned) = pinned_in(folder) {
        found.push(pinned);
    } else if depth > 0 {
        for inner in folders_in(folder) {
            look_into(&inner, depth - 1, found);
        }
    }
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let folders = entries.flatten().filter(is_folder);
    folders
        .take(ENTRIES_MAX)
        .map(|entry| entry.path())
        .collect()
}

/// Where BPF file systems are mounted.
fn mounts() -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mounted = mounts.lines().filter_map(|line| {
        let (mount, file_system) = line.split_once(" - ")?;
        let is_bpf = file_system.split(' ').next() == Some("bpf");
        // Spaces and the like in it are escaped, which no real mount point needs.
        mount
            .split(' ')
            .nth(4)
            .filter(|_| is_bpf)
            .map(PathBuf::from)
    });
    mounted.collect()
}

fn is_bpf_file_system(folder: &Path) -> bool {
    // The type is an int in some libraries, a long in others: only its 32 bits count.
    #[allow(
        clippy::cast_sign_loss,
        clippy::unnecessary_cast,
        trivial_numeric_casts
    )]
    rustix::fs::statfs(folder)
        .is_ok_and(|system| system.f_type as u64 & 0xffff_ffff == BPF_FILE_SYSTEM)
}

/// Makes something under a name, or under that name with the first number that is free.
fn unique(
    folder: &Path,
    name: &str,
    make: impl Fn(&Path) -> io::Result<()>,
) -> io::Result<PathBuf> {
    let name = name.replace(['.', '/'], "_");
    let mut path = folder.join(&name);
    let mut number = 1;
    loop {
        match make(&path) {
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists && number < SAME_NAME_MAX =>
            {
                number += 1;
                path = folder.join(format!("{name}_{number}"));
            }
            outcome => return outcome.map(|()| path),
        }
    }
}

/// Removes what was made, up to the first `keep`, the last first.
fn undo(made: &mut Vec<PathBuf>, keep: usize) {
    for path in made.drain(keep..).rev() {
        remove_or_log(&path);
    }
}

fn remove_or_log(path: &Path) {
    let is_folder = path
        .symlink_metadata()
        .is_ok_and(|metadata| metadata.is_dir());
    let outcome = match is_folder {
        true => fs::remove_dir(path),
        false => fs::remove_file(path),
    };
    if let Err(error) = outcome {
        tracing::warn!(%error, path = %path.display(), "unpin");
    }
}
