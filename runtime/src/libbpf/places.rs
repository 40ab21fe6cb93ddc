//! What the words of an attach target lead to on this host: one name for each thing, whichever way
//! somebody writes it.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use super::host;

/// Where most systems mount cgroup2, so that people and tools write paths with it in front.
const USUAL_CGROUP_MOUNT: &str = "/sys/fs/cgroup";

/// Where libbpf looks for programs beside PATH.
const PROGRAM_FOLDERS: &str = "/usr/bin:/usr/sbin";
/// Where it looks for libraries beside LD_LIBRARY_PATH, before the CPU's own folder.
const LIBRARY_FOLDERS: &str = "/usr/lib64:/usr/lib";

/// The real path of a program or library; bare names are looked up where libbpf does
/// (`resolve_full_path`). None when there is none.
pub fn binary(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return real(Path::new(name));
    }
    let is_library = name.ends_with(".so") || name.contains(".so.");
    let (variable, folders) = match is_library {
        true => ("LD_LIBRARY_PATH", LIBRARY_FOLDERS),
        false => ("PATH", PROGRAM_FOLDERS),
    };
    let chosen = std::env::var_os(variable).unwrap_or_default();
    let own = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let own = is_library.then(|| PathBuf::from(own));
    std::env::split_paths(&chosen)
        .chain(std::env::split_paths(folders))
        .chain(own)
        .filter(|folder| !folder.as_os_str().is_empty())
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .and_then(|file| real(&file))
}

/// The real path of what is there, if it has one: links of `/proc/PID/root` cross into other mount
/// namespaces, which their text does not show. What is below such a link has the path that says so.
pub fn real(path: &Path) -> Option<PathBuf> {
    let wanted = path.metadata().ok()?;
    let is_it = |found: &PathBuf| {
        let found = found.metadata();
        found.is_ok_and(|found| (found.dev(), found.ino()) == (wanted.dev(), wanted.ino()))
    };
    let found = path.canonicalize().ok().filter(is_it);
    let is_plain = |part| part != Component::ParentDir;
    let is_named = path.starts_with("/proc") && path.components().all(is_plain);
    found.or_else(|| is_named.then(|| path.to_owned()))
}

/// The real path of a cgroup: absolute paths that lead to the cgroup2 file system as they are,
/// others below its mount. None when there is none.
pub fn cgroup(path: &str) -> Option<PathBuf> {
    real(&cgroup_place(&host::cgroup_mount()?, Path::new(path)))
}

/// Where a cgroup is; paths below the usual mount are where it is mounted elsewhere, too.
pub(super) fn cgroup_place(mount: &Path, path: &Path) -> PathBuf {
    if path.starts_with(mount) {
        return path.to_owned();
    }
    let below = path.strip_prefix(USUAL_CGROUP_MOUNT).unwrap_or(path);
    mount.join(below.strip_prefix("/").unwrap_or(below))
}

/// The name of a network interface that is given by name or as a number. None for a number that no
/// interface has.
pub fn interface(text: &str) -> Option<String> {
    let Ok(index) = text.parse::<u32>() else {
        return Some(text.to_owned());
    };
    let entries = std::fs::read_dir("/sys/class/net").ok()?;
    entries.flatten().find_map(|entry| {
        let number = std::fs::read_to_string(entry.path().join("ifindex")).ok()?;
        (number.trim().parse() == Ok(index)).then(|| entry.file_name().into_string().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_name() {
        let shell = binary("/bin/sh").unwrap();
        assert_eq!(binary("/bin/../bin/./sh"), Some(shell.clone()));
        assert!(binary("sh").is_some_and(|found| found.is_absolute()));
        assert_eq!(binary("/nowhere/sh"), None);
        assert_eq!(binary("no-such-program.so"), None);
        let library = binary("libc.so.6").unwrap();
        assert!(library.is_absolute(), "{}", library.display());
    }

    #[test]
    fn an_interface_has_one_name() {
        assert_eq!(interface("lo").as_deref(), Some("lo"));
        assert_eq!(interface("1").as_deref(), Some("lo"));
        assert_eq!(interface("4000000000"), None);
    }

    #[test]
    fn cgroups_are_found_below_the_real_mount() {
        let place = |mount: &str, path: &str| {
            let place = cgroup_place(Path::new(mount), Path::new(path));
            place.to_str().unwrap().trim_end_matches('/').to_owned()
        };
        let (usual, hybrid) = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified");
        assert_eq!(place(usual, "/sys/fs/cgroup/web"), "/sys/fs/cgroup/web");
        assert_eq!(
            place(hybrid, "/sys/fs/cgroup/web"),
            "/sys/fs/cgroup/unified/web"
        );
        assert_eq!(
            place(hybrid, "/sys/fs/cgroup/unified/web"),
            "/sys/fs/cgroup/unified/web"
        );
        assert_eq!(place(hybrid, "/sys/fs/cgroup/"), hybrid);
        assert_eq!(place(hybrid, "/"), hybrid);
        assert_eq!(place(hybrid, "/web"), "/sys/fs/cgroup/unified/web");
        assert_eq!(place(usual, "web"), "/sys/fs/cgroup/web");
    }
}
