//! Attaching to where a program's ELF section says.

use eunomia_host_abi::kernel::ProgramInfo;
use eunomia_host_abi::target::Section;
use eunomia_host_abi::{ErrorKind, Target};

use super::{Attached, Attaching, Failure, one, probe, raw};

/// What a section needs behind its name to say where its programs go.
enum Needs {
    /// Something behind a slash.
    Name,
    /// Two names, each behind a slash.
    TwoNames,
    /// A binary and a place in it: `/BINARY:PLACE`.
    BinaryAndPlace,
}

/// The sections whose programs libbpf can attach by itself (`section_defs` of libbpf), without the
/// `.s` of sleepable programs.
const SECTIONS: [(&str, Needs); 25] = [
    ("kprobe", Needs::Name),
    ("kretprobe", Needs::Name),
    ("uprobe", Needs::BinaryAndPlace),
    ("uretprobe", Needs::BinaryAndPlace),
    ("kprobe.multi", Needs::Name),
    ("kretprobe.multi", Needs::Name),
    ("kprobe.session", Needs::Name),
    ("uprobe.multi", Needs::BinaryAndPlace),
    ("uretprobe.multi", Needs::BinaryAndPlace),
    ("uprobe.session", Needs::BinaryAndPlace),
    ("ksyscall", Needs::Name),
    ("kretsyscall", Needs::Name),
    ("usdt", Needs::BinaryAndPlace),
    ("tracepoint", Needs::TwoNames),
    ("tp", Needs::TwoNames),
    ("raw_tracepoint", Needs::Name),
    ("raw_tp", Needs::Name),
    ("raw_tracepoint.w", Needs::Name),
    ("raw_tp.w", Needs::Name),
    ("tp_btf", Needs::Name),
    ("fentry", Needs::Name),
    ("fexit", Needs::Name),
    ("fmod_ret", Needs::Name),
    ("lsm", Needs::Name),
    ("iter", Needs::Name),
];

/// Whether libbpf can attach it without a target.
pub(super) fn says_where(program: &ProgramInfo) -> bool {
    let (prefix, rest) = split(&program.section);
    let Some((_, needs)) = SECTIONS.iter().find(|(section, _)| *section == prefix) else {
        return false;
    };
    match needs {
        Needs::Name => {
            // A function chosen before load takes the place of one in the section.
            let name = match program.attach_target.as_str() {
                "" => rest,
                chosen => chosen,
            };
            // Which map's elements, or from which cgroup on, only a target can say.
            !matches!(name, "" | "bpf_map_elem" | "bpf_sk_storage_map" | "cgroup")
        }
        Needs::TwoNames => rest
            .split_once('/')
            .is_some_and(|(_, name)| !name.is_empty()),
        Needs::BinaryAndPlace => rest.split_once(':').is_some(),
    }
}

pub(super) fn attach(attaching: &Attaching<'_>) -> Attached {
    let info = attaching.info;
    // libbpf does not know its own sections of sleepable programs here.
    if let Some(target @ Target::Usdt { .. }) = Section::target(&info.section) {
        return probe::attach(attaching, &target);
    }
    if says_where(info) {
        return one(raw::by_section(attaching.program));
    }
    Err(Failure::Explained(
        ErrorKind::InvalidArgument,
        format!(
            "its section does not say where: it needs a target, for example `--attach {}={}`",
            info.name,
            example(info)
        ),
    ))
}

/// Text in front of the first slash, without `.s`, and behind it.
pub(in super::super) fn split(section: &str) -> (&str, &str) {
    let section = section.strip_prefix('?').unwrap_or(section);
    let (prefix, rest) = section.split_once('/').unwrap_or((section, ""));
    (prefix.strip_suffix(".s").unwrap_or(prefix), rest)
}

/// A target of the kind that the program takes.
fn example(program: &ProgramInfo) -> &'static str {
    use libbpf_sys as sys;

    let (prefix, rest) = split(&program.section);
    match prefix {
        "iter" if rest == "cgroup" => return "iterator:cgroup=/",
        "kprobe" | "kretprobe" => return "kprobe:do_unlinkat",
        "kprobe.multi" | "kretprobe.multi" | "kprobe.session" => return "kprobe_multi:tcp_*",
        "ksyscall" | "kretsyscall" => return "ksyscall:openat",
        "uprobe" | "uretprobe" => return "uprobe:/bin/bash:readline",
        "uprobe.multi" | "uretprobe.multi" | "uprobe.session" => {
            return "uprobe_multi:libc.so.6:mem*";
        }
        "usdt" => return "usdt:libc.so.6:libc:setjmp",
        "iter" => return "iterator:map=MAP",
        "netkit" => return "netkit:INTERFACE:primary",
        _ => {}
    }
    match program.program_type {
        sys::BPF_PROG_TYPE_TRACEPOINT => "tracepoint:sched:sched_process_exec",
        sys::BPF_PROG_TYPE_RAW_TRACEPOINT | sys::BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE => {
            "raw_tracepoint:sched_switch"
        }
        sys::BPF_PROG_TYPE_PERF_EVENT => "perf_event:cpu-clock:hz=99",
        sys::BPF_PROG_TYPE_XDP => "xdp:eth0",
        sys::BPF_PROG_TYPE_SCHED_CLS | sys::BPF_PROG_TYPE_SCHED_ACT => "tc:eth0:ingress",
        sys::BPF_PROG_TYPE_SOCKET_FILTER => "socket_filter:eth0",
        sys::BPF_PROG_TYPE_SK_SKB | sys::BPF_PROG_TYPE_SK_MSG => "socket_map:MAP",
        sys::BPF_PROG_TYPE_SK_LOOKUP | sys::BPF_PROG_TYPE_FLOW_DISSECTOR => {
            "network_namespace:/proc/self/ns/net"
        }
        sys::BPF_PROG_TYPE_NETFILTER => "netfilter:ipv4:0",
        sys::BPF_PROG_TYPE_EXT => "program_function:PROGRAM_ID:FUNCTION",
        sys::BPF_PROG_TYPE_TRACING | sys::BPF_PROG_TYPE_LSM => "trace:FUNCTION",
        _ => "cgroup:/",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn can(section: &str) -> bool {
        says_where(&ProgramInfo {
            section: section.to_owned(),
            ..ProgramInfo::default()
        })
    }

    #[test]
    fn complete_sections_say_where() {
        for section in [
            "tracepoint/sched/sched_process_exec",
            "tp/syscalls/sys_enter_openat",
            "raw_tp/sys_enter",
            "kprobe/do_unlinkat",
            "uprobe//bin/bash:readline",
            "uretprobe.s/libc.so.6:malloc",
            "usdt/libc.so.6:libc:setjmp",
            "tp_btf/sched_switch",
            "iter/task",
            "lsm.s/file_open",
        ] {
            assert!(can(section), "{section}");
        }
    }

    #[test]
    fn others_need_a_target() {
        for section in [
            "uprobe",
            "kprobe",
            "xdp",
            "tc",
            "usdt",
            "tp",
            "tp/sched",
            "perf_event",
            "socket",
            "iter/bpf_map_elem",
            "iter/cgroup",
            "cgroup_skb/egress",
            "syscall",
            "uprobe//bin/bash",
            "",
        ] {
            assert!(!can(section), "{section}");
        }
    }

    #[test]
    fn a_function_chosen_before_load_says_where() {
        let program = ProgramInfo {
            section: "fentry".to_owned(),
            attach_target: "do_unlinkat".to_owned(),
            ..ProgramInfo::default()
        };
        assert!(says_where(&program));
    }
}
