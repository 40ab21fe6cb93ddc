//! Reading targets from text.

use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};
use crate::limits::PATH_BYTES_MAX;
use crate::target::fields::{
    Fields, Part, file_offset, name, names, number, path, symbol_and_offset,
};
use crate::target::{
    CgroupOrder, IteratorTarget, NetkitSide, Sampling, Target, TcDirection, UprobeLocation,
    UprobeLocations, XdpMode, escape, perf_event_name,
};

/// Samples per second when a perf event does not say: not a multiple of what periodic work does.
const FREQUENCY_HZ_DEFAULT: u64 = 99;

impl FromStr for Target {
    type Err = Error;

    /// Reads the text form, see [`Target`].
    fn from_str(text: &str) -> Result<Self> {
        if text.len() > PATH_BYTES_MAX {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!(
                    "attach target of {} bytes: at most {PATH_BYTES_MAX} are read",
                    text.len()
                ),
            ));
        }
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) => (kind, Some(rest)),
            None => (text, None),
        };
        parse(kind, rest).map_err(|problem| {
            let hint = match example(kind) {
                Some(example) => format!("for example {example}"),
                None => format!("it starts with one of {}", kinds()),
            };
            Error::new(
                ErrorKind::InvalidArgument,
                format!("attach target \"{text}\": {problem}; {hint}"),
            )
        })
    }
}

/// The kinds of targets with an example of each.
const EXAMPLES: &[(&str, &str)] = &[
    ("tracepoint", "tracepoint:sched:sched_process_exec"),
    ("raw_tracepoint", "raw_tracepoint:sched_switch"),
    ("trace", "trace:do_unlinkat"),
    ("ksyscall", "ksyscall:openat"),
    ("kprobe", "kprobe:do_unlinkat+0x10"),
    ("kprobe_multi", "kprobe_multi:vfs_read,vfs_w*"),
    ("uprobe", "uprobe:/bin/bash:readline@1234"),
    ("uprobe_multi", "uprobe_multi:libc.so.6:malloc,free"),
    ("usdt", "usdt:libc.so.6:libc:setjmp"),
    ("perf_event", "perf_event:cpu-clock:hz=99"),
    ("xdp", "xdp:eth0:generic"),
    ("tc", "tc:eth0:ingress"),
    ("netkit", "netkit:nk0:primary"),
    ("cgroup", "cgroup:/sys/fs/cgroup/system.slice"),
    ("socket_map", "socket_map:sockets"),
    ("network_namespace", "network_namespace:/run/netns/blue"),
    ("netfilter", "netfilter:ipv4:local-in:-10"),
    ("iterator", "iterator:process=1234"),
    ("socket_filter", "socket_filter:eth0"),
    ("program_function", "program_function:17:handle"),
];

fn example(kind: &str) -> Option<&'static str> {
    let mut examples = EXAMPLES.iter();
    examples
        .find(|(known, _)| *known == kind)
        .map(|(_, example)| *example)
}

fn kinds() -> String {
    let kinds: Vec<&str> = EXAMPLES.iter().map(|(kind, _)| *kind).collect();
    kinds.join(", ")
}

fn parse(kind: &str, rest: Option<&str>) -> Part<Target> {
    if rest.is_some_and(|rest| rest.contains('\0')) {
        return Err("it has a NUL character".to_owned());
    }
    if kind == "trace" {
        return trace(rest);
    }
    if kind == "iterator" {
        return iterator(rest).map(Target::Iterator);
    }
    let rest = rest.filter(|rest| !rest.is_empty());
    let missing = || format!("nothing follows \"{kind}\"");
    if example(kind).is_none() {
        return Err(format!("\"{kind}\" is no kind of target"));
    }
    let rest = rest.ok_or_else(missing)?;
    match kind {
        // What is left is one field, which may have colons of its own.
        "raw_tracepoint" => Ok(Target::RawTracepoint {
            name: name("tracepoint", rest)?,
            cookie: 0,
        }),
        "ksyscall" => Ok(Target::Ksyscall {
            name: name("system call", rest)?,
            cookie: 0,
        }),
        "socket_map" => name("map", rest).map(Target::SocketMap),
        "network_namespace" => path(rest).map(Target::NetworkNamespace),
        "socket_filter" => name("network interface", rest).map(Target::SocketFilter),
        "kprobe" => kprobe(rest),
        "kprobe_multi" => Ok(Target::KprobeMulti {
            symbols: names("function", rest)?,
            cookies: Vec::new(),
        }),
        _ => parse_fields(kind, &mut Fields::new(rest)),
    }
}

fn parse_fields(kind: &str, fields: &mut Fields<'_>) -> Part<Target> {
    let target = match kind {
        "tracepoint" => Target::Tracepoint {
            category: name("category", fields.required("category")?)?,
            name: name("tracepoint", fields.required("name")?)?,
            cookie: 0,
        },
        "uprobe" => uprobe(fields)?,
        "uprobe_multi" => uprobe_multi(fields)?,
        "usdt" => usdt(fields)?,
        "perf_event" => perf_event(fields)?,
        "xdp" => xdp(fields)?,
        "tc" => tc(fields)?,
        "netkit" => netkit(fields)?,
        "cgroup" => cgroup(fields)?,
        "netfilter" => netfilter(fields)?,
        _ => Target::ProgramFunction {
            program_id: number(fields.required("program id")?)?,
            function: name("function", fields.required("function")?)?,
        },
    };
    fields.end()?;
    Ok(target)
}

/// Also with colons of its own: `trace:nf_nat:nf_nat_init`.
fn trace(rest: Option<&str>) -> Part<Target> {
    Ok(Target::Trace {
        function: rest.map(|rest| name("function", rest)).transpose()?,
        cookie: 0,
    })
}

fn kprobe(rest: &str) -> Part<Target> {
    let (symbol, offset) = symbol_and_offset(rest)?;
    Ok(Target::Kprobe {
        symbol,
        offset,
        cookie: 0,
    })
}

fn uprobe(fields: &mut Fields<'_>) -> Part<Target> {
    let process = fields.process()?;
    let binary = path(fields.required("binary")?)?;
    let place = fields.required("function or file offset")?;
    let location = match file_offset(place)? {
        Some(offset) => UprobeLocation::FileOffset(offset),
        None => {
            let (symbol, offset) = symbol_and_offset(place)?;
            UprobeLocation::Symbol(symbol, offset)
        }
    };
    Ok(Target::Uprobe {
        binary,
        location,
        process,
        reference_counter: 0,
        cookie: 0,
    })
}

fn uprobe_multi(fields: &mut Fields<'_>) -> Part<Target> {
    let process = fields.process()?;
    let binary = path(fields.required("binary")?)?;
    let locations = uprobe_locations(fields.required("functions or file offsets")?)?;
    Ok(Target::UprobeMulti {
        binary,
        locations,
        process,
        reference_counters: Vec::new(),
        cookies: Vec::new(),
    })
}

fn uprobe_locations(text: &str) -> Part<UprobeLocations> {
    let places = escape::split(text, ',');
    let offsets: Vec<Option<u64>> = places
        .iter()
        .map(|place| file_offset(place))
        .collect::<Part<_>>()?;
    if offsets.iter().any(Option::is_some) {
        let offsets: Option<Vec<u64>> = offsets.into_iter().collect();
        return offsets
            .map(UprobeLocations::FileOffsets)
            .ok_or_else(|| "file offsets and functions are mixed".to_owned());
    }
    if escape::has_unescaped(text, &['*', '?']) {
        return match places.as_slice() {
            [_] => name("pattern", text).map(UprobeLocations::Pattern),
            _ => Err("a pattern stands alone".to_owned()),
        };
    }
    names("function", text).map(UprobeLocations::Symbols)
}

fn usdt(fields: &mut Fields<'_>) -> Part<Target> {
    let process = fields.process()?;
    Ok(Target::Usdt {
        binary: path(fields.required("binary")?)?,
        provider: name("provider", fields.required("provider")?)?,
        name: name("trace point", fields.required("name")?)?,
        process,
        cookie: 0,
    })
}

fn perf_event(fields: &mut Fields<'_>) -> Part<Target> {
    let process = fields.process()?;
    let (event_type, [config, config1, config2]) = event(fields.required("event")?)?;
    let hz = fields.option("hz")?;
    let period = fields.option("period")?;
    let sampling = match (hz, period) {
        (Some(_), Some(_)) => return Err("hz and period exclude each other".to_owned()),
        (Some(0), _) | (_, Some(0)) => return Err("hz and period start at 1".to_owned()),
        (_, Some(period)) => Sampling::Period(period),
        (hz, None) => Sampling::Frequency(hz.unwrap_or(FREQUENCY_HZ_DEFAULT)),
    };
    let cpu = fields.option("cpu")?;
    let only_user = fields.flag("user");
    let only_kernel = fields.flag("kernel");
    if only_user && only_kernel {
        return Err("user and kernel exclude each other: without them both count".to_owned());
    }
    Ok(Target::PerfEvent {
        event_type,
        config,
        config1,
        config2,
        sampling,
        process,
        cpu,
        exclude_user: only_kernel,
        exclude_kernel: only_user,
        fall_back_to_cpu_clock: fields.flag("or-cpu-clock"),
    })
}

/// `NAME` or `TYPE/CONFIG[/CONFIG1[/CONFIG2]]`.
fn event(text: &str) -> Part<(u32, [u64; 3])> {
    if let Some((event_type, config)) = perf_event_name::find(text) {
        return Ok((event_type, [config, 0, 0]));
    }
    let Some((event_type, configs)) = text.split_once('/') else {
        return Err(format!(
            "\"{text}\" is no event: a name of `perf list`, or TYPE/CONFIG in numbers"
        ));
    };
    let mut config = [0; 3];
    for (index, text) in configs.split('/').enumerate() {
        let place = config.get_mut(index);
        *place.ok_or("at most TYPE/CONFIG/CONFIG1/CONFIG2")? = number(text)?;
    }
    Ok((number(event_type)?, config))
}

fn xdp(fields: &mut Fields<'_>) -> Part<Target> {
    let network_interface = fields.network_interface()?;
    let modes = [
        ("driver", XdpMode::Driver),
        ("generic", XdpMode::Generic),
        ("hardware", XdpMode::Hardware),
    ];
    let mut chosen = modes.into_iter().filter(|(word, _)| fields.flag(word));
    Ok(Target::Xdp {
        network_interface,
        mode: chosen.next().map_or(XdpMode::Default, |(_, mode)| mode),
    })
}

fn tc(fields: &mut Fields<'_>) -> Part<Target> {
    Ok(Target::Tc {
        network_interface: fields.network_interface()?,
        direction: match fields.required("direction")? {
            "ingress" => TcDirection::Ingress,
            "egress" => TcDirection::Egress,
            other => return Err(format!("\"{other}\" is neither ingress nor egress")),
        },
        position: fields.position()?,
        priority: fields.option("priority")?.unwrap_or(0),
    })
}

fn netkit(fields: &mut Fields<'_>) -> Part<Target> {
    Ok(Target::Netkit {
        network_interface: fields.network_interface()?,
        side: match fields.required("side")? {
            "primary" => NetkitSide::Primary,
            "peer" => NetkitSide::Peer,
            other => return Err(format!("\"{other}\" is neither primary nor peer")),
        },
        position: fields.position()?,
    })
}

fn cgroup(fields: &mut Fields<'_>) -> Part<Target> {
    Ok(Target::Cgroup {
        path: path(fields.required("path")?)?,
        position: fields.position()?,
        pre_order: fields.flag("pre-order"),
    })
}

fn netfilter(fields: &mut Fields<'_>) -> Part<Target> {
    let protocol_family = match fields.required("protocol family")? {
        "ipv4" => 2,
        "ipv6" => 10,
        other => number(other).map_err(|_| format!("\"{other}\" is neither ipv4 nor ipv6"))?,
    };
    let hook = fields.required("hook")?;
    let hook = match HOOKS.iter().position(|name| *name == hook) {
        Some(index) => index as u32,
        None => number(hook)
            .map_err(|_| format!("\"{hook}\" is no hook: one of {}", HOOKS.join(", ")))?,
    };
    let defragment = fields.flag("defragment");
    let priority = match fields.next() {
        Some(text) => text
            .parse()
            .map_err(|_| format!("\"{text}\" is no priority: a number"))?,
        None => 0,
    };
    Ok(Target::Netfilter {
        protocol_family,
        hook,
        priority,
        defragment,
    })
}

/// `NF_INET_*` by their numbers.
pub(super) const HOOKS: [&str; 5] = [
    "pre-routing",
    "local-in",
    "forward",
    "local-out",
    "post-routing",
];

/// `enum bpf_cgroup_iter_order` in text.
pub(super) const CGROUP_ORDERS: [(&str, CgroupOrder); 4] = [
    ("self-only", CgroupOrder::SelfOnly),
    ("descendants-pre", CgroupOrder::DescendantsPre),
    ("descendants-post", CgroupOrder::DescendantsPost),
    ("ancestors-up", CgroupOrder::AncestorsUp),
];

/// The order that the kernel takes when none is given.
pub(super) const CGROUP_ORDER_DEFAULT: CgroupOrder = CgroupOrder::DescendantsPre;

fn iterator(rest: Option<&str>) -> Part<IteratorTarget> {
    let Some(rest) = rest else {
        return Ok(IteratorTarget::Everything);
    };
    let (key, value) = rest
        .split_once('=')
        .ok_or_else(|| format!("\"{rest}\" is none of map=, cgroup=, process=, thread="))?;
    match key {
        "map" => name("map", value).map(IteratorTarget::MapElements),
        // The kernel takes 0 for all of them.
        "process" | "thread" if number::<u32>(value) == Ok(0) => {
            Err(format!("there is no {key} 0: leave it out for all"))
        }
        "process" => number(value).map(IteratorTarget::Process),
        "thread" => number(value).map(IteratorTarget::Thread),
        "cgroup" => {
            let mut fields = Fields::new(value);
            let path = path(fields.required("path")?)?;
            let mut chosen = CGROUP_ORDERS.iter().filter(|(word, _)| fields.flag(word));
            let order = chosen.next().map_or(CGROUP_ORDER_DEFAULT, |(_, it)| *it);
            fields.end()?;
            Ok(IteratorTarget::Cgroup { path, order })
        }
        _ => Err(format!(
            "\"{key}=\" is none of map=, cgroup=, process=, thread="
        )),
    }
}
