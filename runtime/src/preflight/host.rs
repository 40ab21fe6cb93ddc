//! What the host allows and offers.

use std::path::Path;

use super::{Checked, Report, Source};
use crate::libbpf::feature;
use crate::libbpf::host::{
    CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN, KERNEL_BTF, TRACING_HIDDEN, cgroup_mount, has_kprobes,
    is_tracing_hidden, kernel_version, tracing_events,
};

const SUBJECT: &str = "host";

/// `linux/capability.h`.
const CAP_NET_ADMIN: u32 = 12;

/// Where the kernel lists the security modules that are on.
const SECURITY_MODULES: &str = "/sys/kernel/security/lsm";

/// Options of the kernel's configuration and what needs them.
const OPTIONS: [(&str, &str); 10] = [
    ("BPF_SYSCALL", "all of BPF"),
    ("BPF_JIT", "fast programs"),
    ("DEBUG_INFO_BTF", "objects that adapt to the kernel (CO-RE)"),
    ("BPF_EVENTS", "tracing"),
    ("KPROBE_EVENTS", "kprobes"),
    ("FPROBE", "kprobe.multi"),
    ("UPROBE_EVENTS", "uprobes"),
    ("FTRACE_SYSCALLS", "tracepoints of system calls"),
    ("BPF_LSM", "LSM programs"),
    ("CGROUP_BPF", "programs of cgroups"),
];

/// Ring buffers, and types of programs that kernels are often without.
const MAP_TYPE_RINGBUF: u32 = libbpf_sys::BPF_MAP_TYPE_RINGBUF;

/// Everything, for `ecli check` alone.
pub(super) fn check(checked: &Checked, report: &mut Report) {
    let (major, minor, patch) = kernel_version();
    let release = format!("Linux {major}.{minor}.{patch}");
    report.fine(SUBJECT, "kernel", &release);
    check_needed(checked, report);
    check_config(checked, report);
    let known = feature::knows_map_type(MAP_TYPE_RINGBUF);
    match known.filter(|known| *known || checked.may_load()) {
        Some(true) => report.fine(SUBJECT, "ring buffers", ""),
        Some(false) => report.warning(
            SUBJECT,
            "ring buffers",
            "this kernel has none (they came with Linux 5.8)",
            "use a perf event array",
        ),
        None => report.warning(SUBJECT, "ring buffers", "cannot be told", "run it as root"),
    }
    match has_kprobes() {
        true => report.fine(SUBJECT, "kprobes", ""),
        false => report.warning(
            SUBJECT,
            "kprobes",
            "this kernel has none (CONFIG_KPROBE_EVENTS)",
            "use tracepoints",
        ),
    }
    match security_modules() {
        Ok(modules) if has_bpf_lsm(&modules) => report.fine(SUBJECT, "LSM programs", &modules),
        Ok(modules) => report.warning(
            SUBJECT,
            "LSM programs",
            &format!("the security module bpf is off; on are {modules}"),
            "add bpf to lsm= on the kernel's command line",
        ),
        Err(reason) => report.warning(SUBJECT, "LSM programs", &reason, ""),
    }
    match cgroup_mount() {
        Some(mount) => report.fine(SUBJECT, "cgroup2", &mount.display().to_string()),
        None => report.warning(
            SUBJECT,
            "cgroup2",
            "it is not mounted",
            "mount -t cgroup2 none /sys/fs/cgroup",
        ),
    }
}

/// What every tool needs.
pub(super) fn check_needed(checked: &Checked, report: &mut Report) {
    match checked.capabilities {
        Some(held) if can_load(held) => report.fine(SUBJECT, "capabilities", ""),
        Some(_) => report.failing(
            SUBJECT,
            "capabilities",
            "this process may not load BPF programs",
            "run it as root, or with CAP_BPF and CAP_PERFMON",
        ),
        None => report.warning(SUBJECT, "capabilities", "/proc does not tell", ""),
    }
    match &checked.types {
        Ok(_) => {
            let source = match checked.source {
                Source::Kernel => KERNEL_BTF,
                Source::File => "from a file",
                Source::Image => "those of this kernel that the image carries",
            };
            report.fine(SUBJECT, "BTF", source);
        }
        Err(reason) => report.warning(
            SUBJECT,
            "BTF",
            &format!("this kernel does not describe its types: {reason}"),
            "a kernel with CONFIG_DEBUG_INFO_BTF, a BTF file of this one (--btf of `ecli run`), or \
             an image that carries what it needs of this one (`ecli build --btf-for`)",
        ),
    }
    match tracing_events() {
        Some(events) => report.fine(SUBJECT, "tracefs", &events.display().to_string()),
        None if is_tracing_hidden() => {
            report.warning(SUBJECT, "tracefs", TRACING_HIDDEN, "run it as root");
        }
        None => report.warning(
            SUBJECT,
            "tracefs",
            "it is not mounted: tracepoints and kprobes need it",
            "mount -t tracefs tracefs /sys/kernel/tracing",
        ),
    }
}

fn check_config(checked: &Checked, report: &mut Report) {
    if !checked.config.is_known() {
        let reason = format!("not found in {}", checked.config.source);
        return report.warning(SUBJECT, "configuration", &reason, "");
    }
    report.fine(SUBJECT, "configuration", &checked.config.source);
    for (option, what) in OPTIONS {
        let name = format!("CONFIG_{option}");
        match checked.config.has(option) {
            Some(true) => report.fine(SUBJECT, &name, ""),
            _ => report.warning(
                SUBJECT,
                &name,
                &format!("it is not set: without it no {what}"),
                "",
            ),
        }
    }
}

pub(super) fn can_load(held: u64) -> bool {
    let has = |capability: u32| held & (1 << capability) != 0;
    has(CAP_SYS_ADMIN) || (has(CAP_BPF) && has(CAP_PERFMON))
}

pub(super) fn can_change_network(held: u64) -> bool {
    held & (1 << CAP_NET_ADMIN | 1 << CAP_SYS_ADMIN) != 0
}

/// The names of those that are on, or why they are not known.
pub(super) fn security_modules() -> Result<String, String> {
    std::fs::read_to_string(SECURITY_MODULES)
        .map(|modules| modules.trim().to_owned())
        .map_err(|error| match Path::new("/sys/kernel/security").exists() {
            true => format!("read {SECURITY_MODULES}: {error}"),
            false => "this kernel has no security modules".to_owned(),
        })
}

pub(super) fn has_bpf_lsm(modules: &str) -> bool {
    modules.split(',').any(|module| module == "bpf")
}
