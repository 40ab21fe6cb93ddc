//! What the name of a program's ELF section says: its type, and where it is attached.

use crate::target::{IteratorTarget, ProcessFilter, Target, UprobeLocation, UprobeLocations};

/// A kind of ELF section of programs, as libbpf knows it (`section_defs` of `libbpf.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    pattern: &'static str,
    /// `enum bpf_prog_type`.
    pub program_type: u32,
    /// `enum bpf_attach_type`; 0 where the type has none.
    pub attach_type: u32,
    place: Place,
}

/// Where programs of a section go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Probe,
    SystemCall,
    KprobeMulti,
    Uprobe,
    UprobeMulti,
    Usdt,
    Tracepoint,
    RawTracepoint,
    Trace,
    Iterator,
    Xdp,
    Tc,
    Netkit,
    Cgroup,
    SocketMap,
    NetworkNamespace,
    Netfilter,
    PerfEvent,
    SocketFilter,
    Function,
    /// Nowhere, or not by a target: run by hand, called by others, registered with a map.
    Nowhere,
}

/// One row of the table below.
const fn row(pattern: &'static str, program_type: u32, attach_type: u32, place: Place) -> Section {
    Section {
        pattern,
        program_type,
        attach_type,
        place,
    }
}

/// In libbpf's order. `x+` is `x` or `x/...`, `x/` is `x/...`, else the whole name.
const SECTIONS: &[Section] = &[
    row("socket", 1, 0, Place::SocketFilter),
    row("sk_reuseport/migrate", 21, 40, Place::Nowhere),
    row("sk_reuseport", 21, 39, Place::Nowhere),
    row("kprobe+", 2, 0, Place::Probe),
    row("uprobe+", 2, 0, Place::Uprobe),
    row("uprobe.s+", 2, 0, Place::Uprobe),
    row("kretprobe+", 2, 0, Place::Probe),
    row("uretprobe+", 2, 0, Place::Uprobe),
    row("uretprobe.s+", 2, 0, Place::Uprobe),
    row("kprobe.multi+", 2, 42, Place::KprobeMulti),
    row("kretprobe.multi+", 2, 42, Place::KprobeMulti),
    row("kprobe.session+", 2, 56, Place::KprobeMulti),
    row("uprobe.multi+", 2, 48, Place::UprobeMulti),
    row("uretprobe.multi+", 2, 48, Place::UprobeMulti),
    row("uprobe.session+", 2, 57, Place::UprobeMulti),
    row("uprobe.multi.s+", 2, 48, Place::UprobeMulti),
    row("uretprobe.multi.s+", 2, 48, Place::UprobeMulti),
    row("uprobe.session.s+", 2, 57, Place::UprobeMulti),
    row("ksyscall+", 2, 0, Place::SystemCall),
    row("kretsyscall+", 2, 0, Place::SystemCall),
    row("usdt+", 2, 0, Place::Usdt),
    row("usdt.s+", 2, 0, Place::Usdt),
    row("tc/ingress", 3, 46, Place::Tc),
    row("tc/egress", 3, 47, Place::Tc),
    row("tcx/ingress", 3, 46, Place::Tc),
    row("tcx/egress", 3, 47, Place::Tc),
    row("tc", 3, 0, Place::Tc),
    row("classifier", 3, 0, Place::Tc),
    row("action", 4, 0, Place::Nowhere),
    row("netkit/primary", 3, 54, Place::Netkit),
    row("netkit/peer", 3, 55, Place::Netkit),
    row("tracepoint+", 5, 0, Place::Tracepoint),
    row("tp+", 5, 0, Place::Tracepoint),
    row("raw_tracepoint+", 17, 0, Place::RawTracepoint),
    row("raw_tp+", 17, 0, Place::RawTracepoint),
    row("raw_tracepoint.w+", 24, 0, Place::RawTracepoint),
    row("raw_tp.w+", 24, 0, Place::RawTracepoint),
    row("tp_btf+", 26, 23, Place::Trace),
    row("fentry+", 26, 24, Place::Trace),
    row("fmod_ret+", 26, 26, Place::Trace),
    row("fexit+", 26, 25, Place::Trace),
    row("fentry.s+", 26, 24, Place::Trace),
    row("fmod_ret.s+", 26, 26, Place::Trace),
    row("fexit.s+", 26, 25, Place::Trace),
    row("freplace+", 28, 0, Place::Function),
    row("lsm+", 29, 27, Place::Trace),
    row("lsm.s+", 29, 27, Place::Trace),
    row("lsm_cgroup+", 29, 43, Place::Cgroup),
    row("iter+", 26, 28, Place::Iterator),
    row("iter.s+", 26, 28, Place::Iterator),
    row("syscall", 31, 0, Place::Nowhere),
    row("xdp.frags/devmap", 6, 33, Place::Nowhere),
    row("xdp/devmap", 6, 33, Place::Nowhere),
    row("xdp.frags/cpumap", 6, 35, Place::Nowhere),
    row("xdp/cpumap", 6, 35, Place::Nowhere),
    row("xdp.frags", 6, 37, Place::Xdp),
    row("xdp", 6, 37, Place::Xdp),
    row("perf_event", 7, 0, Place::PerfEvent),
    row("lwt_in", 10, 0, Place::Nowhere),
    row("lwt_out", 11, 0, Place::Nowhere),
    row("lwt_xmit", 12, 0, Place::Nowhere),
    row("lwt_seg6local", 19, 0, Place::Nowhere),
    row("sockops", 13, 3, Place::Cgroup),
    row("sk_skb/stream_parser", 14, 4, Place::SocketMap),
    row("sk_skb/stream_verdict", 14, 5, Place::SocketMap),
    row("sk_skb/verdict", 14, 38, Place::SocketMap),
    row("sk_skb", 14, 0, Place::SocketMap),
    row("sk_msg", 16, 7, Place::SocketMap),
    row("lirc_mode2", 20, 16, Place::Nowhere),
    row("flow_dissector", 22, 17, Place::NetworkNamespace),
    row("cgroup_skb/ingress", 8, 0, Place::Cgroup),
    row("cgroup_skb/egress", 8, 1, Place::Cgroup),
    row("cgroup/skb", 8, 0, Place::Cgroup),
    row("cgroup/sock_create", 9, 2, Place::Cgroup),
    row("cgroup/sock_release", 9, 34, Place::Cgroup),
    row("cgroup/sock", 9, 2, Place::Cgroup),
    row("cgroup/post_bind4", 9, 12, Place::Cgroup),
    row("cgroup/post_bind6", 9, 13, Place::Cgroup),
    row("cgroup/bind4", 18, 8, Place::Cgroup),
    row("cgroup/bind6", 18, 9, Place::Cgroup),
    row("cgroup/connect4", 18, 10, Place::Cgroup),
    row("cgroup/connect6", 18, 11, Place::Cgroup),
    row("cgroup/connect_unix", 18, 49, Place::Cgroup),
    row("cgroup/sendmsg4", 18, 14, Place::Cgroup),
    row("cgroup/sendmsg6", 18, 15, Place::Cgroup),
    row("cgroup/sendmsg_unix", 18, 50, Place::Cgroup),
    row("cgroup/recvmsg4", 18, 19, Place::Cgroup),
    row("cgroup/recvmsg6", 18, 20, Place::Cgroup),
    row("cgroup/recvmsg_unix", 18, 51, Place::Cgroup),
    row("cgroup/getpeername4", 18, 29, Place::Cgroup),
    row("cgroup/getpeername6", 18, 30, Place::Cgroup),
    row("cgroup/getpeername_unix", 18, 52, Place::Cgroup),
    row("cgroup/getsockname4", 18, 31, Place::Cgroup),
    row("cgroup/getsockname6", 18, 32, Place::Cgroup),
    row("cgroup/getsockname_unix", 18, 53, Place::Cgroup),
    row("cgroup/sysctl", 23, 18, Place::Cgroup),
    row("cgroup/getsockopt", 25, 21, Place::Cgroup),
    row("cgroup/setsockopt", 25, 22, Place::Cgroup),
    row("cgroup/dev", 15, 6, Place::Cgroup),
    row("struct_ops+", 27, 0, Place::Nowhere),
    row("struct_ops.s+", 27, 0, Place::Nowhere),
    row("sk_lookup", 30, 36, Place::NetworkNamespace),
    row("netfilter", 32, 45, Place::Netfilter),
];

/// `libbpf_bpf_prog_type_str`, by `enum bpf_prog_type`.
const TYPE_NAMES: [&str; 33] = [
    "unspec",
    "socket_filter",
    "kprobe",
    "sched_cls",
    "sched_act",
    "tracepoint",
    "xdp",
    "perf_event",
    "cgroup_skb",
    "cgroup_sock",
    "lwt_in",
    "lwt_out",
    "lwt_xmit",
    "sock_ops",
    "sk_skb",
    "cgroup_device",
    "sk_msg",
    "raw_tracepoint",
    "cgroup_sock_addr",
    "lwt_seg6local",
    "lirc_mode2",
    "sk_reuseport",
    "flow_dissector",
    "cgroup_sysctl",
    "raw_tracepoint_writable",
    "cgroup_sockopt",
    "tracing",
    "struct_ops",
    "ext",
    "lsm",
    "sk_lookup",
    "syscall",
    "netfilter",
];

/// Sections that may have anything behind their names, as libbpf before 1.0 and other loaders read
/// them: `socket1`, `classifier/ingress`, `perf_event/profiler`, `xdp_pass`. Published objects do.
const OPEN_ENDED: [&str; 15] = [
    "socket",
    "classifier",
    "action",
    "tc",
    "xdp",
    "perf_event",
    "lwt_in",
    "lwt_out",
    "lwt_xmit",
    "sockops",
    "sk_skb",
    "sk_msg",
    "cgroup/skb",
    "cgroup/sock",
    "cgroup/dev",
];

impl Section {
    /// What a section's name says; `None` when it is not known. A leading `?` (not loaded unless
    /// asked for) is passed over.
    pub fn find(name: &str) -> Option<Self> {
        let name = name.strip_prefix('?').unwrap_or(name);
        let mut sections = SECTIONS.iter();
        let known = sections.find(|section| section.matches(name)).copied();
        known.or_else(|| Self::find_open_ended(name))
    }

    fn find_open_ended(name: &str) -> Option<Self> {
        let is_it = |stem: &&str| {
            let rest = name.strip_prefix(stem);
            rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphabetic()))
        };
        let stem = OPEN_ENDED.into_iter().find(is_it)?;
        SECTIONS.iter().find(|known| known.pattern == stem).copied()
    }

    /// The name of the program type as libbpf prints it.
    pub fn type_name(&self) -> &'static str {
        TYPE_NAMES[self.program_type as usize]
    }

    /// Whether its programs are verified against a kernel function, tracepoint, LSM hook or
    /// iterator: the rest of the section's name, or what `set-attach-target` says.
    pub fn is_verified_against_target(&self) -> bool {
        /// `BPF_LSM_CGROUP`.
        const LSM_CGROUP: u32 = 43;
        matches!(self.place, Place::Trace | Place::Iterator) || self.attach_type == LSM_CGROUP
    }

    /// What `--attach` takes for programs of this section, as in "this program needs
    /// uprobe:BINARY:SYMBOL"; `None` when they are not attached by a target.
    pub fn target_syntax(&self) -> Option<&'static str> {
        Some(match self.place {
            Place::Probe => "kprobe:SYMBOL[+OFFSET]",
            Place::SystemCall => "ksyscall:NAME",
            Place::KprobeMulti => "kprobe_multi:SYMBOL[,SYMBOL...]",
            Place::Uprobe => "uprobe:BINARY:SYMBOL[+OFFSET][@PID]",
            Place::UprobeMulti => "uprobe_multi:BINARY:SYMBOL[,SYMBOL...][@PID]",
            Place::Usdt => "usdt:BINARY:PROVIDER:NAME[@PID]",
            Place::Tracepoint => "tracepoint:CATEGORY:NAME",
            Place::RawTracepoint => "raw_tracepoint:NAME",
            Place::Trace => "trace:FUNCTION",
            Place::Iterator => "iterator[:map=NAME|:cgroup=PATH[:ORDER]|:process=PID|:thread=TID]",
            Place::Xdp => "xdp:INTERFACE[:driver|generic|hardware]",
            Place::Tc => "tc:INTERFACE:ingress|egress[:first|last|before=ID|after=ID]",
            Place::Netkit => "netkit:INTERFACE:primary|peer",
            Place::Cgroup => "cgroup:PATH",
            Place::SocketMap => "socket_map:MAP",
            Place::NetworkNamespace => "network_namespace:PATH",
            Place::Netfilter => "netfilter:ipv4|ipv6:HOOK[:PRIORITY]",
            Place::PerfEvent => "perf_event:EVENT[:hz=N|period=N][:cpu=N][@PID]",
            Place::SocketFilter => "socket_filter:INTERFACE|*",
            Place::Function => "program_function:PROGRAM_ID:FUNCTION",
            Place::Nowhere => return None,
        })
    }

    /// Whether the kernel could attach a program of this section to a target of this kind.
    pub fn suits(&self, target: &Target) -> bool {
        use Place::*;
        match target {
            // The kernel tells probes of the kernel and of user space apart by the target only.
            Target::Kprobe { .. }
            | Target::Ksyscall { .. }
            | Target::Uprobe { .. }
            | Target::Usdt { .. } => matches!(self.place, Probe | SystemCall | Uprobe | Usdt),
            Target::KprobeMulti { .. } => self.place == KprobeMulti,
            // A program for USDT goes to many places where the kernel can do that at once.
            Target::UprobeMulti { .. } => self.place == UprobeMulti,
            Target::Tracepoint { .. } => self.place == Tracepoint,
            Target::RawTracepoint { .. } => self.place == RawTracepoint,
            Target::Trace { .. } => self.place == Trace,
            Target::Iterator(_) => self.place == Iterator,
            Target::Xdp { .. } => self.place == Xdp,
            Target::Tc { .. } => self.place == Tc,
            Target::Netkit { .. } => matches!(self.place, Netkit | Tc),
            Target::Cgroup { .. } => self.place == Cgroup,
            Target::SocketMap(_) => self.place == SocketMap,
            Target::NetworkNamespace(_) => self.place == NetworkNamespace,
            Target::Netfilter { .. } => self.place == Netfilter,
            Target::PerfEvent { .. } => self.place == PerfEvent,
            Target::SocketFilter(_) => self.place == SocketFilter,
            Target::ProgramFunction { .. } => self.place == Function,
        }
    }

    /// The target that a section names, as libbpf's auto-attach reads it; `None` when it names none
    /// and the program needs to be told.
    pub fn target(name: &str) -> Option<Target> {
        let section = Self::find(name)?;
        let name = name.strip_prefix('?').unwrap_or(name);
        let (_, rest) = name.split_once('/')?;
        let rest = Some(rest).filter(|rest| !rest.is_empty())?;
        section.named_target(rest)
    }

    fn named_target(&self, rest: &str) -> Option<Target> {
        let owned = rest.to_owned();
        match self.place {
            Place::Probe => {
                let (symbol, offset) = symbol_and_offset(rest)?;
                Some(Target::Kprobe {
                    symbol,
                    offset,
                    cookie: 0,
                })
            }
            Place::SystemCall => Some(Target::Ksyscall {
                name: owned,
                cookie: 0,
            }),
            Place::KprobeMulti => Some(Target::KprobeMulti {
                symbols: vec![owned],
                cookies: Vec::new(),
            }),
            Place::Uprobe | Place::UprobeMulti | Place::Usdt => self.user_target(rest),
            Place::Tracepoint => {
                let (category, name) = rest.split_once('/')?;
                Some(Target::Tracepoint {
                    category: category.to_owned(),
                    name: name.to_owned(),
                    cookie: 0,
                })
            }
            Place::RawTracepoint => Some(Target::RawTracepoint {
                name: owned,
                cookie: 0,
            }),
            Place::Trace => Some(Target::Trace {
                function: Some(owned),
                cookie: 0,
            }),
            // Which map's elements, or from which cgroup on, is not said by the section.
            Place::Iterator if rest.starts_with("bpf_map_elem") || rest == "cgroup" => None,
            Place::Iterator => Some(Target::Iterator(IteratorTarget::Everything)),
            _ => None,
        }
    }

    fn user_target(&self, rest: &str) -> Option<Target> {
        let (binary, rest) = rest.split_once(':')?;
        let binary = binary.to_owned();
        let process = ProcessFilter::Any;
        match self.place {
            Place::Usdt => {
                let (provider, name) = rest.split_once(':')?;
                Some(Target::Usdt {
                    binary,
                    provider: provider.to_owned(),
                    name: name.to_owned(),
                    process,
                    cookie: 0,
                })
            }
            Place::UprobeMulti => Some(Target::UprobeMulti {
                binary,
                locations: match rest.contains(['*', '?']) {
                    true => UprobeLocations::Pattern(rest.to_owned()),
                    false => UprobeLocations::Symbols(vec![rest.to_owned()]),
                },
                process,
                reference_counters: Vec::new(),
                cookies: Vec::new(),
            }),
            _ => {
                let (symbol, offset) = symbol_and_offset(rest)?;
                Some(Target::Uprobe {
                    binary,
                    location: UprobeLocation::Symbol(symbol, offset),
                    process,
                    reference_counter: 0,
                    cookie: 0,
                })
            }
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self.pattern.strip_suffix('+') {
            None => name == self.pattern,
            Some(stem) => name
                .strip_prefix(stem)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        }
    }
}

fn symbol_and_offset(text: &str) -> Option<(String, u64)> {
    let Some((symbol, offset)) = text.split_once('+') else {
        return Some((text.to_owned(), 0));
    };
    let offset = match offset.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => offset.parse().ok()?,
    };
    Some((symbol.to_owned(), offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &str) -> Option<String> {
        Section::target(name).map(|target| target.to_string())
    }

    #[test]
    fn sections_have_the_types_that_libbpf_gives_them() {
        for (name, type_name, attach_type) in [
            ("kprobe/do_exit", "kprobe", 0),
            ("kprobe.multi/do_*", "kprobe", 42),
            ("uretprobe.s", "kprobe", 0),
            ("tracepoint/sched/sched_switch", "tracepoint", 0),
            ("?tp/sched/sched_switch", "tracepoint", 0),
            ("raw_tp.w/x", "raw_tracepoint_writable", 0),
            ("fexit/x", "tracing", 25),
            ("xdp", "xdp", 37),
            ("xdp/devmap", "xdp", 33),
            ("tcx/egress", "sched_cls", 47),
            ("cgroup/connect4", "cgroup_sock_addr", 10),
            ("syscall", "syscall", 0),
            ("netfilter", "netfilter", 45),
            ("socket1", "socket_filter", 0),
            ("classifier/ingress/drop", "sched_cls", 0),
            ("perf_event/profiler", "perf_event", 0),
            ("xdp_pass", "xdp", 37),
        ] {
            let section = Section::find(name).unwrap();
            assert_eq!(section.type_name(), type_name, "{name}");
            assert_eq!(section.attach_type, attach_type, "{name}");
        }
    }

    #[test]
    fn unknown_sections_are_not_found() {
        for name in ["", "?", ".text", "kprobes/x", "kprobex", "xdpx", "cgroup"] {
            assert_eq!(Section::find(name), None, "{name}");
        }
    }

    #[test]
    fn sections_that_say_where_have_a_target() {
        for (name, expected) in [
            ("kprobe/do_exit", "kprobe:do_exit"),
            ("kretprobe/do_exit+0x8", "kprobe:do_exit+0x8"),
            ("ksyscall/openat", "ksyscall:openat"),
            ("kprobe.multi/vfs_*", "kprobe_multi:vfs_*"),
            ("uprobe//bin/bash:readline", "uprobe:/bin/bash:readline"),
            (
                "uprobe.multi//bin/bash:read*",
                "uprobe_multi:/bin/bash:read*",
            ),
            ("usdt//bin/x:provider:name", "usdt:/bin/x:provider:name"),
            ("tp/sched/sched_switch", "tracepoint:sched:sched_switch"),
            ("?tracepoint/a/b", "tracepoint:a:b"),
            ("raw_tp/sched_switch", "raw_tracepoint:sched_switch"),
            ("fentry/do_exit", "trace:do_exit"),
            ("lsm.s/bpf", "trace:bpf"),
            ("iter/task", "iterator"),
        ] {
            assert_eq!(target(name).as_deref(), Some(expected), "{name}");
        }
    }

    #[test]
    fn sections_that_do_not_say_where_have_none_but_know_the_syntax() {
        for (name, syntax) in [
            ("kprobe", Some("kprobe:")),
            ("uprobe", Some("uprobe:BINARY:SYMBOL")),
            ("uprobe/readline", Some("uprobe:")),
            ("tp/sched", Some("tracepoint:")),
            ("iter/bpf_map_elem", Some("iterator")),
            ("iter/cgroup", Some("iterator")),
            ("xdp", Some("xdp:INTERFACE")),
            ("tc/ingress", Some("tc:INTERFACE")),
            ("perf_event", Some("perf_event:EVENT")),
            ("freplace/f", Some("program_function:")),
            ("syscall", None),
            ("struct_ops/init", None),
        ] {
            assert_eq!(target(name), None, "{name}");
            let known = Section::find(name).unwrap().target_syntax();
            match syntax {
                None => assert_eq!(known, None, "{name}"),
                Some(start) => assert!(known.unwrap().starts_with(start), "{name}"),
            }
        }
    }

    #[test]
    fn what_a_section_names_suits_it_and_other_kinds_do_not() {
        let kprobe = Section::find("kprobe").unwrap();
        let suits = |text: &str| kprobe.suits(&text.parse().unwrap());
        assert!(suits("kprobe:f") && suits("uprobe:x:f") && suits("ksyscall:openat"));
        assert!(!suits("kprobe_multi:f") && !suits("tracepoint:a:b") && !suits("xdp:eth0"));
        for name in [
            "fentry/f",
            "iter/task",
            "usdt/b:p:n",
            "tp/a/b",
            "kprobe.multi/a*",
        ] {
            let target = Section::target(name).unwrap();
            assert!(Section::find(name).unwrap().suits(&target), "{name}");
        }
    }

    #[test]
    fn every_row_has_a_named_type() {
        for section in SECTIONS {
            assert!(!section.type_name().is_empty());
        }
    }
}
