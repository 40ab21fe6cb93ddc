//! Writing targets as text, such that reading gives them back.

use std::fmt::{self, Display, Formatter, Write};

use crate::target::escape::Escaped;
use crate::target::fields::{HOST_PROCESS, is_process};
use crate::target::parse::{CGROUP_ORDER_DEFAULT, CGROUP_ORDERS, HOOKS};
use crate::target::{
    IteratorTarget, NetkitSide, Position, ProcessFilter, Sampling, Target, TcDirection,
    UprobeLocation, UprobeLocations, XdpMode, perf_event_name,
};

impl Display for Target {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tracepoint { category, name, .. } => {
                write!(f, "tracepoint:{}:{}", field(category), field(name))
            }
            Self::RawTracepoint { name, .. } => write!(f, "raw_tracepoint:{}", rest(name)),
            Self::Trace { function: None, .. } => f.write_str("trace"),
            Self::Trace {
                function: Some(function),
                ..
            } => write!(f, "trace:{}", rest(function)),
            Self::Ksyscall { name, .. } => write!(f, "ksyscall:{}", rest(name)),
            Self::Kprobe { symbol, offset, .. } => {
                write!(f, "kprobe:{}", escaped(symbol, &['+']))?;
                write_offset(f, *offset)
            }
            Self::KprobeMulti { symbols, .. } => {
                f.write_str("kprobe_multi:")?;
                write_list(f, symbols.iter().map(|symbol| escaped(symbol, &[','])))
            }
            Self::Uprobe { .. } | Self::UprobeMulti { .. } | Self::Usdt { .. } => {
                write_user_probe(f, self)
            }
            Self::PerfEvent { .. } => write_perf_event(f, self),
            Self::Netfilter { .. } => write_netfilter(f, self),
            Self::Iterator(target) => write_iterator(f, target),
            Self::SocketMap(name) => write!(f, "socket_map:{}", rest(name)),
            Self::NetworkNamespace(path) => write!(f, "network_namespace:{}", rest(path)),
            Self::SocketFilter(name) => write!(f, "socket_filter:{}", rest(name)),
            Self::ProgramFunction {
                program_id,
                function,
            } => write!(f, "program_function:{program_id}:{}", field(function)),
            Self::Xdp { .. } | Self::Tc { .. } | Self::Netkit { .. } | Self::Cgroup { .. } => {
                write_network(f, self)
            }
        }
    }
}

fn write_user_probe(f: &mut Formatter<'_>, target: &Target) -> fmt::Result {
    match target {
        Target::Uprobe {
            binary,
            location,
            process,
            ..
        } => {
            write!(f, "uprobe:{}:", field(binary))?;
            match location {
                UprobeLocation::FileOffset(offset) => write!(f, "{offset:#x}")?,
                UprobeLocation::Symbol(symbol, offset) => {
                    write_symbol(f, symbol, &[':', '+'])?;
                    write_offset(f, *offset)?;
                }
            }
            write_process(f, *process)
        }
        Target::UprobeMulti {
            binary,
            locations,
            process,
            ..
        } => {
            write!(f, "uprobe_multi:{}:", field(binary))?;
            write_locations(f, locations)?;
            write_process(f, *process)
        }
        Target::Usdt {
            binary,
            provider,
            name,
            process,
            ..
        } => {
            write!(f, "usdt:{}:{}:", field(binary), field(provider))?;
            write_last(f, name, &[':'])?;
            write_process(f, *process)
        }
        _ => Ok(()),
    }
}

fn write_locations(f: &mut Formatter<'_>, locations: &UprobeLocations) -> fmt::Result {
    match locations {
        UprobeLocations::Pattern(pattern) => write_symbol(f, pattern, &[':', ',']),
        UprobeLocations::FileOffsets(offsets) => {
            write_list(f, offsets.iter().map(|offset| format!("{offset:#x}")))
        }
        UprobeLocations::Symbols(symbols) => {
            for (index, symbol) in symbols.iter().enumerate() {
                if index > 0 {
                    f.write_char(',')?;
                }
                write_symbol(f, symbol, &[':', ',', '*', '?'])?;
            }
            Ok(())
        }
    }
}

/// A symbol that is not to be read as a file offset.
fn write_symbol(f: &mut Formatter<'_>, symbol: &str, special: &[char]) -> fmt::Result {
    if symbol.starts_with("0x") {
        f.write_char('\\')?;
    }
    write_last(f, symbol, special)
}

/// A field whose end is not to be read as a process.
fn write_last(f: &mut Formatter<'_>, text: &str, special: &[char]) -> fmt::Result {
    let mut special = special.to_vec();
    if text
        .rsplit_once('@')
        .is_some_and(|(_, end)| is_process(end))
    {
        special.push('@');
    }
    escaped(text, &special).fmt(f)
}

fn write_perf_event(f: &mut Formatter<'_>, target: &Target) -> fmt::Result {
    let Target::PerfEvent {
        event_type,
        config,
        config1,
        config2,
        sampling,
        process,
        cpu,
        exclude_user,
        exclude_kernel,
        fall_back_to_cpu_clock,
    } = target
    else {
        return Ok(());
    };
    f.write_str("perf_event:")?;
    match perf_event_name::name(*event_type, *config) {
        Some(name) if (*config1, *config2) == (0, 0) => f.write_str(name)?,
        _ => {
            write!(f, "{event_type}/{config:#x}")?;
            if (*config1, *config2) != (0, 0) {
                write!(f, "/{config1:#x}")?;
            }
            if *config2 != 0 {
                write!(f, "/{config2:#x}")?;
            }
        }
    }
    match sampling {
        Sampling::Frequency(hz) => write!(f, ":hz={hz}")?,
        Sampling::Period(period) => write!(f, ":period={period}")?,
    }
    if let Some(cpu) = cpu {
        write!(f, ":cpu={cpu}")?;
    }
    write_flag(f, "user", *exclude_kernel)?;
    write_flag(f, "kernel", *exclude_user)?;
    write_flag(f, "or-cpu-clock", *fall_back_to_cpu_clock)?;
    write_process(f, *process)
}

fn write_network(f: &mut Formatter<'_>, target: &Target) -> fmt::Result {
    match target {
        Target::Xdp {
            network_interface,
            mode,
        } => {
            write!(f, "xdp:{}", field(network_interface))?;
            f.write_str(match mode {
                XdpMode::Default => "",
                XdpMode::Driver => ":driver",
                XdpMode::Generic => ":generic",
                XdpMode::Hardware => ":hardware",
            })
        }
        Target::Tc {
            network_interface,
            direction,
            position,
            priority,
        } => {
            let direction = match direction {
                TcDirection::Ingress => "ingress",
                TcDirection::Egress => "egress",
            };
            write!(f, "tc:{}:{direction}", field(network_interface))?;
            write_position(f, *position)?;
            match priority {
                0 => Ok(()),
                priority => write!(f, ":priority={priority}"),
            }
        }
        Target::Netkit {
            network_interface,
            side,
            position,
        } => {
            let side = match side {
                NetkitSide::Primary => "primary",
                NetkitSide::Peer => "peer",
            };
            write!(f, "netkit:{}:{side}", field(network_interface))?;
            write_position(f, *position)
        }
        Target::Cgroup {
            path,
            position,
            pre_order,
        } => {
            write!(f, "cgroup:{}", field(path))?;
            write_position(f, *position)?;
            write_flag(f, "pre-order", *pre_order)
        }
        _ => Ok(()),
    }
}

fn write_netfilter(f: &mut Formatter<'_>, target: &Target) -> fmt::Result {
    let Target::Netfilter {
        protocol_family,
        hook,
        priority,
        defragment,
    } = target
    else {
        return Ok(());
    };
    match protocol_family {
        2 => f.write_str("netfilter:ipv4")?,
        10 => f.write_str("netfilter:ipv6")?,
        other => write!(f, "netfilter:{other}")?,
    }
    match HOOKS.get(*hook as usize) {
        Some(name) => write!(f, ":{name}")?,
        None => write!(f, ":{hook}")?,
    }
    if *priority != 0 {
        write!(f, ":{priority}")?;
    }
    write_flag(f, "defragment", *defragment)
}

fn write_iterator(f: &mut Formatter<'_>, target: &IteratorTarget) -> fmt::Result {
    match target {
        IteratorTarget::Everything => f.write_str("iterator"),
        IteratorTarget::MapElements(map) => write!(f, "iterator:map={}", rest(map)),
        IteratorTarget::Process(pid) => write!(f, "iterator:process={pid}"),
        IteratorTarget::Thread(tid) => write!(f, "iterator:thread={tid}"),
        IteratorTarget::Cgroup { path, order } => {
            write!(f, "iterator:cgroup={}", field(path))?;
            let mut words = CGROUP_ORDERS.iter().filter(|(_, known)| known == order);
            match words.next() {
                Some((word, _)) if *order != CGROUP_ORDER_DEFAULT => write!(f, ":{word}"),
                _ => Ok(()),
            }
        }
    }
}

fn write_process(f: &mut Formatter<'_>, process: ProcessFilter) -> fmt::Result {
    match process {
        ProcessFilter::Any => Ok(()),
        ProcessFilter::HostProcess => write!(f, "@{HOST_PROCESS}"),
        ProcessFilter::Pid(pid) => write!(f, "@{pid}"),
    }
}

fn write_position(f: &mut Formatter<'_>, position: Position) -> fmt::Result {
    match position {
        Position::Anywhere => Ok(()),
        Position::First => f.write_str(":first"),
        Position::Last => f.write_str(":last"),
        Position::Before(id) => write!(f, ":before={id}"),
        Position::After(id) => write!(f, ":after={id}"),
    }
}

fn write_flag(f: &mut Formatter<'_>, word: &str, is_set: bool) -> fmt::Result {
    if is_set {
        write!(f, ":{word}")?;
    }
    Ok(())
}

fn write_offset(f: &mut Formatter<'_>, offset: u64) -> fmt::Result {
    match offset {
        0 => Ok(()),
        offset => write!(f, "+{offset:#x}"),
    }
}

fn write_list(f: &mut Formatter<'_>, parts: impl Iterator<Item = impl Display>) -> fmt::Result {
    for (index, part) in parts.enumerate() {
        if index > 0 {
            f.write_char(',')?;
        }
        part.fmt(f)?;
    }
    Ok(())
}

/// One field of several.
fn field(text: &str) -> Escaped<'_> {
    escaped(text, &[':'])
}

/// All that follows the kind; colons are its own.
fn rest(text: &str) -> Escaped<'_> {
    escaped(text, &[])
}

fn escaped<'a>(text: &'a str, special: &'a [char]) -> Escaped<'a> {
    Escaped { text, special }
}
