//! What this machine allows, found out when something failed: capabilities, mounts, BTF.

use std::fs;
use std::path::{Path, PathBuf};

use eunomia_host_abi::ErrorKind;

/// Where the kernel shows its own types.
pub const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

/// Whether the kernel shows its own types.
pub(crate) fn shows_types() -> bool {
    Path::new(KERNEL_BTF).exists()
}

const EPERM: i32 = rustix::io::Errno::PERM.raw_os_error();
const EACCES: i32 = rustix::io::Errno::ACCESS.raw_os_error();

/// Numbers of `linux/capability.h`.
pub(crate) const CAP_SYS_ADMIN: u32 = 21;
pub(crate) const CAP_PERFMON: u32 = 38;
pub(crate) const CAP_BPF: u32 = 39;

/// Why something failed, and what to do about it.
pub(super) struct Hint {
    pub(super) kind: ErrorKind,
    pub(super) text: String,
}

/// Why loading failed with `errno`, if that can be told. `log` is the verifier's, empty when it was
/// not even asked; `messages` are libbpf's. `has_other_types`: the object is relocated by types
/// that the kernel does not show.
pub(super) fn load_hint(
    errno: i32,
    log: &str,
    messages: &[String],
    has_other_types: bool,
) -> Option<Hint> {
    if !log.trim_start().is_empty() && errno != EPERM {
        return None;
    }
    let lacks_btf = messages
        .iter()
        .any(|message| message.contains("vmlinux BTF"));
    if lacks_btf && !shows_types() {
        return Some(lacking_types(has_other_types));
    }
    if errno != EPERM {
        return None;
    }
    Some(lacking_capabilities().unwrap_or_else(forbidden))
}

/// The kernel does not describe its types. That an object gets them from elsewhere (`has_others`)
/// does not help where the kernel itself must know them.
fn lacking_types(has_others: bool) -> Hint {
    let missing = format!(
        "this kernel does not describe its types ({KERNEL_BTF} is missing, CONFIG_DEBUG_INFO_BTF)"
    );
    let text = match has_others {
        false => format!(
            "{missing}: give a BTF file of exactly this kernel (--btf), for example from btfhub"
        ),
        true => format!("{missing}: {NEEDS_OWN_TYPES}"),
    };
    Hint {
        kind: ErrorKind::NotSupported,
        text,
    }
}

/// What a BTF file cannot stand in for.
pub(crate) const NEEDS_OWN_TYPES: &str = "programs of this kind (fentry, fexit, fmod_ret, tp_btf, \
    LSM, iterators, struct_ops, or calls of kernel functions) are verified by the kernel's own \
    types, for which no BTF file can stand in: use kprobes, tracepoints or raw tracepoints";

/// EPERM to a process that may do everything.
fn forbidden() -> Hint {
    Hint {
        kind: ErrorKind::NotSupported,
        text: "the kernel forbids it although the process has the capabilities: this kernel may \
               have this kind of program (fentry, fexit, fmod_ret, LSM, kprobe...) switched off, \
               by its configuration, its lockdown mode or a security module"
            .to_owned(),
    }
}

/// Why attaching failed with `errno`, if that can be told.
pub(super) fn attach_hint(errno: i32) -> Option<Hint> {
    match errno {
        EPERM => Some(lacking_capabilities().unwrap_or_else(forbidden)),
        EACCES => lacking_capabilities(),
        _ => None,
    }
}

/// Where the kernel offers probes of its functions through perf events.
const KPROBE_EVENTS: &str = "/sys/bus/event_source/devices/kprobe";

/// Why a kernel function could not be probed: the kernel has no probes, or not of this function.
pub(super) fn kprobe_hint() -> Hint {
    if has_kprobes() {
        return Hint {
            kind: ErrorKind::NotFound,
            text:
                "this kernel has no such function, or has inlined it or forbids to probe it (see \
                   /sys/kernel/tracing/available_filter_functions)"
                    .to_owned(),
        };
    }
    Hint {
        kind: ErrorKind::NotSupported,
        text: "this kernel has no kprobes (CONFIG_KPROBE_EVENTS): use a tracepoint instead"
            .to_owned(),
    }
}

/// Whether kernel functions can be probed at all.
pub(crate) fn has_kprobes() -> bool {
    let events = tracing_events();
    let has_legacy = events.is_some_and(|events| events.with_file_name("kprobe_events").exists());
    Path::new(KPROBE_EVENTS).exists() || has_legacy
}

fn lacking_capabilities() -> Option<Hint> {
    let effective = effective_capabilities()?;
    let has = |capability: u32| effective & (1 << capability) != 0;
    if has(CAP_SYS_ADMIN) || (has(CAP_BPF) && has(CAP_PERFMON)) {
        return None;
    }
    Some(Hint {
        kind: ErrorKind::PermissionDenied,
        text: "run it as root, or with the capabilities CAP_BPF and CAP_PERFMON (for network \
               programs also CAP_NET_ADMIN)"
            .to_owned(),
    })
}

pub(crate) fn effective_capabilities() -> Option<u64> {
    let status = fs::read_to_string("/proc/thread-self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

/// Linux version: major, minor, patch.
pub(crate) fn kernel_version() -> (u32, u32, u32) {
    parse_version(&fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default())
}

/// `6.18.44-fc-v595` is 6.18.44.
fn parse_version(release: &str) -> (u32, u32, u32) {
    let mut numbers = release
        .split(|character: char| !character.is_ascii_digit())
        .map(|number| number.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next())
}

/// The folder with tracepoints, if tracefs is mounted.
pub(crate) fn tracing_events() -> Option<PathBuf> {
    [
        "/sys/kernel/tracing/events",
        "/sys/kernel/debug/tracing/events",
    ]
    .into_iter()
    .map(PathBuf::from)
    .find(|events| events.is_dir())
}

/// What is said where [`is_tracing_hidden`].
pub(crate) const TRACING_HIDDEN: &str = "cannot be told: tracefs shows nothing to this user";

/// Whether tracefs may be there, and this user is not let in.
pub(crate) fn is_tracing_hidden() -> bool {
    let places = ["/sys/kernel/tracing/events", "/sys/kernel/debug/tracing"];
    let mut errors = places.iter().filter_map(|place| fs::metadata(place).err());
    errors.any(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
}

/// Where the cgroup2 hierarchy is mounted.
pub(crate) fn cgroup_mount() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    mounts.lines().find_map(|line| {
        let (mount, filesystem) = line.split_once(" - ")?;
        if filesystem.split(' ').next() != Some("cgroup2") {
            return None;
        }
        // Spaces and the like in it are escaped, which no real mount point needs.
        mount.split(' ').nth(4).map(PathBuf::from)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_log_speaks_for_itself() {
        assert!(load_hint(EACCES, "0: R1 !read_ok", &[], false).is_none());
    }

    #[test]
    fn other_errors_get_no_hint() {
        assert!(load_hint(22, "", &[], false).is_none());
        assert!(attach_hint(2).is_none());
    }

    #[test]
    fn a_version_ends_where_the_numbers_do() {
        assert_eq!(parse_version("6.18.44-fc-v595"), (6, 18, 44));
        assert_eq!(parse_version("6.1.0-13-amd64"), (6, 1, 0));
        assert_eq!(parse_version("6.9-rc1"), (6, 9, 0));
        assert_eq!(parse_version("odd"), (0, 0, 0));
    }
}
