//! Containers, by the namespaces of their processes.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

/// Namespaces that are remembered; a machine has hundreds.
const KNOWN_MAX: usize = 4096;

/// Processes that one search looks at.
const PROCESSES_MAX: usize = 32_768;

/// Time between searches: one takes some milliseconds, and events of unknown namespaces may come
/// by the thousand.
const SEARCH_INTERVAL: Duration = Duration::from_secs(1);

/// Digits of a container's id that are shown, as container engines do.
const SHOWN_DIGITS: usize = 12;

/// Digits of a container's id.
const ID_DIGITS: usize = 64;

/// A kind of namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::render) enum Namespace {
    Mount,
    Network,
}

impl Namespace {
    const ALL: [Self; 2] = [Self::Mount, Self::Network];

    fn file(self) -> &'static str {
        match self {
            Self::Mount => "mnt",
            Self::Network => "net",
        }
    }
}

/// What is known of namespaces: the short id of the container, or that there is none.
#[derive(Debug, Default)]
pub(in crate::render) struct Containers {
    known: HashMap<(Namespace, u64), Option<String>>,
    searched: Option<Instant>,
}

impl Containers {
    /// The container whose processes have this namespace.
    pub(in crate::render) fn name(&mut self, kind: Namespace, inode: u64) -> Option<&str> {
        if !self.known.contains_key(&(kind, inode)) {
            let is_due = self
                .searched
                .is_none_or(|time| time.elapsed() >= SEARCH_INTERVAL);
            if !is_due {
                return None;
            }
            self.search();
            // It has no process any more, or never had: no search for it each time.
            self.known.entry((kind, inode)).or_insert(None);
        }
        self.known.get(&(kind, inode))?.as_deref()
    }

    fn search(&mut self) {
        self.searched = Some(Instant::now());
        if self.known.len() > KNOWN_MAX {
            self.known.clear();
        }
        let Ok(processes) = fs::read_dir("/proc") else {
            return;
        };
        let is_process = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
        let names = processes.flatten().filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            is_process(&name).then_some(name)
        });
        for process in names.take(PROCESSES_MAX) {
            let mut container = None;
            for kind in Namespace::ALL {
                let Some(inode) = inode(&process, kind) else {
                    continue; // It has ended, or is none of ours.
                };
                if self.known.len() > KNOWN_MAX {
                    return;
                }
                let id = container.get_or_insert_with(|| container_of(&process));
                let known = self.known.entry((kind, inode)).or_insert(None);
                // A process of the host may have entered a container's namespace, not the other
                // way round.
                if known.is_none() {
                    known.clone_from(id);
                }
            }
        }
    }
}

/// The inode of a namespace: the link says `mnt:[4026531841]`.
fn inode(process: &str, kind: Namespace) -> Option<u64> {
    let link = fs::read_link(format!("/proc/{process}/ns/{}", kind.file())).ok()?;
    let text = link.to_str()?;
    let (_, number) = text.split_once(":[")?;
    number.strip_suffix(']')?.parse().ok()
}

fn container_of(process: &str) -> Option<String> {
    let groups = fs::read_to_string(format!("/proc/{process}/cgroup")).ok()?;
    groups.lines().find_map(container_in)
}

/// The id in a path like `0::/system.slice/docker-<64 digits>.scope`, in its short form.
fn container_in(line: &str) -> Option<String> {
    let is_digit = |character: char| character.is_ascii_digit() || matches!(character, 'a'..='f');
    let mut words = line.split(|character| !is_digit(character));
    let id = words.find(|word| word.len() == ID_DIGITS)?;
    Some(id[..SHOWN_DIGITS].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_the_paths_of_all_container_engines() {
        let id = "0123456789ab".to_owned() + &"cd".repeat(26);
        for line in [
            format!("0::/system.slice/docker-{id}.scope"),
            format!("12:memory:/docker/{id}"),
            format!("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope"),
            format!("0::/machine.slice/libpod-{id}.scope/container"),
        ] {
            assert_eq!(
                container_in(&line).as_deref(),
                Some("0123456789ab"),
                "{line}"
            );
        }
        assert_eq!(container_in("0::/user.slice/user-1000.slice"), None);
        assert_eq!(container_in(&format!("0::/x{id}0")), None);
    }

    #[test]
    fn namespaces_of_this_process_are_known_after_a_search() {
        let mine = inode("self", Namespace::Mount).unwrap();
        let mut containers = Containers::default();
        let name = containers.name(Namespace::Mount, mine).map(str::to_owned);
        // A namespace is shared, so that any of its processes may tell the container.
        assert!(containers.known.contains_key(&(Namespace::Mount, mine)));
        if let Some(id) = container_of("self") {
            assert!(name.is_some(), "{id}");
        }
        // The second search has to wait; an unknown namespace has no name.
        assert_eq!(containers.name(Namespace::Network, 1), None);
        assert!(!containers.known.contains_key(&(Namespace::Network, 1)));
    }
}
