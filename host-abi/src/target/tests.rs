//! The text form: what is read, what is refused, and that what is written reads back.

use crate::ErrorKind;
use crate::limits::{NAME_BYTES_MAX, PATH_BYTES_MAX};
use crate::target::*;

fn read(text: &str) -> Target {
    text.parse()
        .unwrap_or_else(|error: crate::Error| panic!("{}", error.text()))
}

fn refusal(text: &str) -> String {
    let error = text.parse::<Target>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{text}");
    error.text()
}

fn uprobe(binary: &str, location: UprobeLocation, process: ProcessFilter) -> Target {
    Target::Uprobe {
        binary: binary.into(),
        location,
        process,
        reference_counter: 0,
        cookie: 0,
    }
}

fn symbol(name: &str, offset: u64) -> UprobeLocation {
    UprobeLocation::Symbol(name.into(), offset)
}

fn cpu_clock(sampling: Sampling) -> Target {
    Target::PerfEvent {
        event_type: 1,
        config: 0,
        config1: 0,
        config2: 0,
        sampling,
        process: ProcessFilter::Any,
        cpu: None,
        exclude_user: false,
        exclude_kernel: false,
        fall_back_to_cpu_clock: false,
    }
}

#[test]
fn canonical_texts_are_read_and_written_as_they_are() {
    for text in [
        "tracepoint:sched:sched_process_exec",
        "raw_tracepoint:sched_switch",
        "trace",
        "trace:do_unlinkat",
        "trace:nf_nat:nf_nat_init",
        "ksyscall:openat",
        "kprobe:do_unlinkat",
        "kprobe:do_unlinkat+0x10",
        "kprobe_multi:vfs_*",
        "kprobe_multi:vfs_read,vfs_write",
        "uprobe:/bin/bash:readline",
        "uprobe:/bin/bash:readline+0x4@1234",
        "uprobe:bash:0x1f00@host",
        "uprobe:libc.so.6:memcpy@GLIBC_2.14",
        "uprobe:libc.so.6:memcpy@GLIBC_2.14@7",
        r"uprobe:/opt/a\:b/c:main",
        "uprobe_multi:libc.so.6:malloc,free@1",
        "uprobe_multi:libc.so.6:mem*",
        "uprobe_multi:libc.so.6:0x10,0x20",
        "usdt:/usr/sbin/mysqld:mysql:query__start@99",
        "perf_event:cpu-clock:hz=99",
        "perf_event:cpu-cycles:period=100000:cpu=3:or-cpu-clock@17",
        "perf_event:page-faults:period=1:user",
        "perf_event:page-faults:period=1:kernel",
        "perf_event:4/0x1c2:hz=1",
        "perf_event:4/0x1c2/0x1:hz=1",
        "perf_event:4/0x0/0x0/0x2:hz=1",
        "xdp:eth0",
        "xdp:eth0:driver",
        "xdp:eth0:generic",
        "xdp:3:hardware",
        "tc:eth0:ingress",
        "tc:eth0:egress:first",
        "tc:eth0:egress:last:priority=5",
        "tc:eth0:ingress:before=12",
        "netkit:nk0:primary",
        "netkit:nk0:peer:after=3",
        "cgroup:/sys/fs/cgroup",
        "cgroup:system.slice:last:pre-order",
        "socket_map:sockets",
        "network_namespace:/run/netns/a:b",
        "netfilter:ipv4:pre-routing",
        "netfilter:ipv6:post-routing:-200:defragment",
        "netfilter:1:9:5",
        "iterator",
        "iterator:map=counts",
        "iterator:cgroup=system.slice",
        "iterator:cgroup=system.slice:self-only",
        "iterator:process=1",
        "iterator:thread=2",
        "socket_filter:eth0",
        "program_function:17:handle",
    ] {
        assert_eq!(read(text).to_string(), text);
    }
}

#[test]
fn other_spellings_mean_the_same() {
    for (spelling, canonical) in [
        ("kprobe:do_exit+16", "kprobe:do_exit+0x10"),
        ("kprobe:do_exit+0", "kprobe:do_exit"),
        ("perf_event:cycles", "perf_event:cpu-cycles:hz=99"),
        ("perf_event:1/0", "perf_event:cpu-clock:hz=99"),
        ("perf_event:cpu-clock@5", "perf_event:cpu-clock:hz=99@5"),
        (
            "perf_event:cs:cpu=1:period=9",
            "perf_event:context-switches:period=9:cpu=1",
        ),
        (
            "tc:eth0:ingress:priority=1:first",
            "tc:eth0:ingress:first:priority=1",
        ),
        ("cgroup:x:pre-order:first", "cgroup:x:first:pre-order"),
        (
            "netfilter:2:1:defragment:3",
            "netfilter:ipv4:local-in:3:defragment",
        ),
        ("iterator:cgroup=x:descendants-pre", "iterator:cgroup=x"),
        (r"uprobe:\b\a\s\h:main", "uprobe:bash:main"),
    ] {
        assert_eq!(read(spelling).to_string(), canonical);
    }
}

#[test]
fn fields_land_where_they_belong() {
    assert_eq!(
        read("uprobe:/bin/bash:readline+0x4@1234"),
        uprobe("/bin/bash", symbol("readline", 4), ProcessFilter::Pid(1234))
    );
    assert_eq!(
        read("tracepoint:sched:sched_switch"),
        Target::Tracepoint {
            category: "sched".into(),
            name: "sched_switch".into(),
            cookie: 0
        }
    );
    assert_eq!(
        read("netfilter:ipv6:local-out:-7"),
        Target::Netfilter {
            protocol_family: 10,
            hook: 3,
            priority: -7,
            defragment: false
        }
    );
    assert_eq!(
        read("perf_event:cpu-clock"),
        cpu_clock(Sampling::Frequency(99))
    );
    let Target::PerfEvent {
        exclude_user,
        exclude_kernel,
        ..
    } = read("perf_event:cpu-clock:user")
    else {
        panic!("no perf event");
    };
    assert!(exclude_kernel && !exclude_user);
}

#[test]
fn only_numbers_and_host_behind_an_at_are_processes() {
    for (text, name, process) in [
        ("uprobe:x:f@12", "f", ProcessFilter::Pid(12)),
        ("uprobe:x:f@host", "f", ProcessFilter::HostProcess),
        ("uprobe:x:f@VERS", "f@VERS", ProcessFilter::Any),
        (r"uprobe:x:f\@12", "f@12", ProcessFilter::Any),
    ] {
        assert_eq!(read(text), uprobe("x", symbol(name, 0), process));
    }
}

#[test]
fn refusals_name_what_is_wrong_and_give_an_example() {
    for (text, problem) in [
        (
            "",
            "\"\" is no kind of target; it starts with one of tracepoint,",
        ),
        ("probe:x", "\"probe\" is no kind of target"),
        (
            "tracepoint",
            "nothing follows \"tracepoint\"; for example tracepoint:sched:",
        ),
        (
            "tracepoint:sched",
            "the name is missing; for example tracepoint:sched:sched_",
        ),
        ("tracepoint::x", "the category is missing"),
        ("tracepoint:a:b:c", "\"c\" is not expected there"),
        ("kprobe:", "nothing follows \"kprobe\""),
        ("kprobe:f+", "\"\" is no number"),
        ("kprobe:f+x", "\"x\" is no number"),
        ("kprobe:+1", "the function is empty"),
        ("kprobe:f+0x10000000000000000", "is no number, or too large"),
        ("kprobe_multi:a,,b", "the function is empty"),
        (
            "uprobe:/bin/bash",
            "the function or file offset is missing; for example uprobe:",
        ),
        ("uprobe::f", "the binary is missing"),
        ("uprobe:x:0xzz", "\"0xzz\" is no number"),
        (
            "uprobe:x:f@99999999999",
            "\"99999999999\" is no number, or too large",
        ),
        (r"uprobe:x:f\", "nothing follows the backslash"),
        ("uprobe_multi:x:0x1,f", "mixed"),
        ("uprobe_multi:x:f*,g", "a pattern stands alone"),
        ("usdt:x:y", "the name is missing"),
        ("perf_event:watts", "\"watts\" is no event"),
        (
            "perf_event:1/2/3/4/5",
            "at most TYPE/CONFIG/CONFIG1/CONFIG2",
        ),
        ("perf_event:cpu-clock:hz=1:period=1", "exclude each other"),
        ("perf_event:cpu-clock:hz=0", "start at 1"),
        ("perf_event:cpu-clock:user:kernel", "exclude each other"),
        ("perf_event:cpu-clock:hz=", "\"\" is no number"),
        (
            "perf_event:cpu-clock:hz=1:hz=2",
            "\"hz=2\" is not expected there",
        ),
        ("xdp:eth0:fast", "\"fast\" is not expected there"),
        (
            "xdp:eth0:driver:generic",
            "\"generic\" is not expected there",
        ),
        ("tc:eth0", "the direction is missing"),
        ("tc:eth0:inward", "\"inward\" is neither ingress nor egress"),
        ("tc:eth0:ingress:first:last", "exclude each other"),
        ("tc:eth0:ingress:before=x", "\"x\" is no number"),
        ("netkit:nk0:left", "\"left\" is neither primary nor peer"),
        ("netfilter:ipx:forward", "\"ipx\" is neither ipv4 nor ipv6"),
        (
            "netfilter:ipv4:inside",
            "\"inside\" is no hook: one of pre-routing",
        ),
        ("netfilter:ipv4:forward:soon", "\"soon\" is no priority"),
        ("netfilter:ipv4:forward:2147483648", "is no priority"),
        ("iterator:", "\"\" is none of map="),
        ("iterator:maps=x", "\"maps=\" is none of map="),
        ("iterator:map=", "the map is empty"),
        ("iterator:process=-1", "\"-1\" is no number"),
        ("iterator:process=+1", "\"+1\" is no number"),
        (
            "iterator:cgroup=x:sideways",
            "\"sideways\" is not expected there",
        ),
        ("program_function:x:f", "\"x\" is no number"),
        ("ksyscall:a\0b", "a NUL character"),
    ] {
        let refusal = refusal(text);
        assert!(refusal.contains(problem), "{text}: {refusal}");
        assert!(refusal.contains(&format!("\"{text}\"")), "{refusal}");
    }
}

#[test]
fn every_example_in_a_refusal_can_be_read() {
    for kind in [
        "tracepoint",
        "raw_tracepoint",
        "ksyscall",
        "kprobe",
        "kprobe_multi",
        "uprobe",
        "uprobe_multi",
        "usdt",
        "perf_event",
        "xdp",
        "tc",
        "netkit",
        "cgroup",
        "socket_map",
        "network_namespace",
        "netfilter",
        "socket_filter",
        "program_function",
    ] {
        let refusal = refusal(&format!("{kind}:"));
        let (_, example) = refusal.rsplit_once("for example ").unwrap();
        assert!(read(example).to_string().starts_with(kind));
    }
}

#[test]
fn names_paths_and_the_whole_text_are_bounded() {
    let longest = "f".repeat(NAME_BYTES_MAX);
    read(&format!("kprobe:{longest}"));
    assert!(refusal(&format!("kprobe:{longest}f")).contains("more than 256"));
    let head = "network_namespace:";
    let path = "p".repeat(PATH_BYTES_MAX - head.len());
    read(&format!("{head}{path}"));
    let error = format!("{head}{path}p").parse::<Target>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
}

/// Names with everything that the text form gives a meaning to.
const NAMES: &[&str] = &[
    "plain", "a:b", "a@b", "a@12", "a@host", "@1", "a+b", "a+0x1", "a,b", r"a\b", r"a\", "0x10",
    "12", "first", "hz=1", "a b", "ü", "*", "?", "+", ":", "@", r"\:", "a=b",
];

fn generated() -> Vec<Target> {
    let mut targets = Vec::new();
    for a in NAMES.iter().map(|name| (*name).to_owned()) {
        targets.extend(with_one_name(&a));
        for b in NAMES.iter().map(|name| (*name).to_owned()) {
            targets.extend(with_two_names(&a, &b));
        }
    }
    for position in [
        Position::First,
        Position::Before(u32::MAX),
        Position::After(0),
    ] {
        targets.push(Target::Cgroup {
            path: "first".into(),
            position,
            pre_order: true,
        });
    }
    for (event_type, config, config1, config2) in [
        (0, 0, 0, 0),
        (1, 3, 0, 1),
        (9, u64::MAX, 0, 0),
        (4, 1, 2, 3),
    ] {
        for process in [ProcessFilter::Any, ProcessFilter::Pid(0)] {
            targets.push(Target::PerfEvent {
                event_type,
                config,
                config1,
                config2,
                sampling: Sampling::Period(u64::MAX),
                process,
                cpu: Some(0),
                exclude_user: true,
                exclude_kernel: false,
                fall_back_to_cpu_clock: true,
            });
        }
    }
    for priority in [i32::MIN, 0, i32::MAX] {
        for (protocol_family, hook) in [(2, 0), (10, 4), (0, 5), (u32::MAX, u32::MAX)] {
            targets.push(Target::Netfilter {
                protocol_family,
                hook,
                priority,
                defragment: priority == 0,
            });
        }
    }
    targets
}

fn with_one_name(name: &str) -> Vec<Target> {
    let name = name.to_owned();
    let mut targets = vec![
        Target::RawTracepoint {
            name: name.clone(),
            cookie: 0,
        },
        Target::Trace {
            function: Some(name.clone()),
            cookie: 0,
        },
        Target::Ksyscall {
            name: name.clone(),
            cookie: 0,
        },
        Target::SocketMap(name.clone()),
        Target::NetworkNamespace(name.clone()),
        Target::SocketFilter(name.clone()),
        Target::ProgramFunction {
            program_id: 1,
            function: name.clone(),
        },
        Target::Iterator(IteratorTarget::MapElements(name.clone())),
        Target::Xdp {
            network_interface: name.clone(),
            mode: XdpMode::Default,
        },
        Target::Xdp {
            network_interface: name.clone(),
            mode: XdpMode::Generic,
        },
        Target::Tc {
            network_interface: name.clone(),
            direction: TcDirection::Egress,
            position: Position::Last,
            priority: 1,
        },
        Target::Netkit {
            network_interface: name.clone(),
            side: NetkitSide::Peer,
            position: Position::Anywhere,
        },
        Target::Cgroup {
            path: name.clone(),
            position: Position::Anywhere,
            pre_order: false,
        },
    ];
    for order in [CgroupOrder::DescendantsPre, CgroupOrder::AncestorsUp] {
        let path = name.clone();
        targets.push(Target::Iterator(IteratorTarget::Cgroup { path, order }));
    }
    for offset in [0, 1, u64::MAX] {
        let symbol = name.clone();
        targets.push(Target::Kprobe {
            symbol,
            offset,
            cookie: 0,
        });
    }
    targets
}

fn with_two_names(a: &str, b: &str) -> Vec<Target> {
    let (a, b) = (a.to_owned(), b.to_owned());
    let symbols = vec![a.clone(), b.clone()];
    let mut targets = vec![
        Target::Tracepoint {
            category: a.clone(),
            name: b.clone(),
            cookie: 0,
        },
        Target::KprobeMulti {
            symbols: symbols.clone(),
            cookies: Vec::new(),
        },
    ];
    for process in [
        ProcessFilter::Any,
        ProcessFilter::HostProcess,
        ProcessFilter::Pid(7),
    ] {
        targets.push(uprobe(&a, UprobeLocation::FileOffset(16), process));
        targets.push(uprobe(&a, symbol(&b, 0), process));
        targets.push(uprobe(&a, symbol(&b, 16), process));
        targets.push(Target::Usdt {
            binary: a.clone(),
            provider: b.clone(),
            name: b.clone(),
            process,
            cookie: 0,
        });
        for locations in [
            UprobeLocations::Symbols(symbols.clone()),
            UprobeLocations::Symbols(vec![b.clone()]),
            UprobeLocations::Pattern(format!("{b}*")),
            UprobeLocations::Pattern(format!("?{b}")),
            UprobeLocations::FileOffsets(vec![0, u64::MAX]),
        ] {
            targets.push(Target::UprobeMulti {
                binary: a.clone(),
                locations,
                process,
                reference_counters: Vec::new(),
                cookies: Vec::new(),
            });
        }
    }
    targets
}

#[test]
fn whatever_is_written_reads_back_as_the_same() {
    let targets = generated();
    assert!(targets.len() > 10_000, "{}", targets.len());
    for target in targets {
        let text = target.to_string();
        assert_eq!(read(&text), target, "{text}");
        assert_eq!(read(&text).to_string(), text);
    }
}

#[test]
fn no_text_makes_the_reader_panic() {
    let pieces = [
        ":", "@", "\\", "+", ",", "0x", "=", "1", "é", "uprobe", "iterator", "hz", "/",
    ];
    for a in pieces {
        for b in pieces {
            for c in pieces {
                for d in pieces {
                    let text = format!("{a}{b}{c}{d}");
                    if let Ok(target) = text.parse::<Target>() {
                        assert_eq!(read(&target.to_string()), target, "{text}");
                    }
                }
            }
        }
    }
}
