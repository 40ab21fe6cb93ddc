//! Attach targets from the contract's types.

use super::error::{checked_length, checked_name};
use crate::bindings::eunomia::bpf::attach as guest;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{PATH_BYTES_MAX, TARGET_SYMBOLS_MAX};
use crate::target::{
    CgroupOrder, IteratorTarget, NetkitSide, Position, ProcessFilter, Sampling, Target,
    TcDirection, UprobeLocation, UprobeLocations, XdpMode,
};

pub(super) fn from_guest(target: guest::Target) -> Result<Target> {
    let target = convert(target)?;
    check(&target)?;
    Ok(target)
}

fn convert(target: guest::Target) -> Result<Target> {
    use guest::Target as Guest;
    Ok(match target {
        Guest::Tracepoint(t) => Target::Tracepoint {
            category: t.category,
            name: t.name,
            cookie: t.cookie,
        },
        Guest::RawTracepoint(t) => Target::RawTracepoint {
            name: t.name,
            cookie: t.cookie,
        },
        Guest::Trace(t) => Target::Trace {
            function: None,
            cookie: t.cookie,
        },
        Guest::Kprobe(t) => Target::Kprobe {
            symbol: t.symbol,
            offset: t.offset,
            cookie: t.cookie,
        },
        Guest::Ksyscall(t) => Target::Ksyscall {
            name: t.name,
            cookie: t.cookie,
        },
        Guest::KprobeMulti(t) => Target::KprobeMulti {
            symbols: t.symbols,
            cookies: t.cookies,
        },
        Guest::Uprobe(t) => Target::Uprobe {
            binary: t.binary,
            location: match t.location {
                guest::UprobeLocation::Symbol(l) => UprobeLocation::Symbol(l.symbol, l.offset),
                guest::UprobeLocation::FileOffset(offset) => UprobeLocation::FileOffset(offset),
            },
            process: process(t.process),
            reference_counter: t.reference_counter,
            cookie: t.cookie,
        },
        Guest::UprobeMulti(t) => Target::UprobeMulti {
            binary: t.binary,
            locations: match t.locations {
                guest::UprobeLocations::Pattern(pattern) => UprobeLocations::Pattern(pattern),
                guest::UprobeLocations::Symbols(symbols) => UprobeLocations::Symbols(symbols),
                guest::UprobeLocations::FileOffsets(o) => UprobeLocations::FileOffsets(o),
            },
            process: process(t.process),
            reference_counters: t.reference_counters,
            cookies: t.cookies,
        },
        Guest::Usdt(t) => Target::Usdt {
            binary: t.binary,
            provider: t.provider,
            name: t.name,
            process: process(t.process),
            cookie: t.cookie,
        },
        Guest::PerfEvent(t) => Target::PerfEvent {
            event_type: t.event_type,
            config: t.config,
            config1: t.config1,
            config2: t.config2,
            sampling: match t.sampling {
                guest::PerfSampling::Frequency(hertz) => Sampling::Frequency(hertz),
                guest::PerfSampling::Period(events) => Sampling::Period(events),
            },
            process: process(t.process),
            cpu: t.cpu,
            exclude_user: t.exclude_user,
            exclude_kernel: t.exclude_kernel,
            fall_back_to_cpu_clock: t.fall_back_to_cpu_clock,
        },
        Guest::Xdp(t) => Target::Xdp {
            network_interface: t.network_interface,
            mode: match t.mode {
                guest::XdpMode::Default => XdpMode::Default,
                guest::XdpMode::Driver => XdpMode::Driver,
                guest::XdpMode::Generic => XdpMode::Generic,
                guest::XdpMode::Hardware => XdpMode::Hardware,
            },
        },
        Guest::Tc(t) => Target::Tc {
            network_interface: t.network_interface,
            direction: match t.direction {
                guest::TcDirection::Ingress => TcDirection::Ingress,
                guest::TcDirection::Egress => TcDirection::Egress,
            },
            position: position(t.position),
            priority: t.priority,
        },
        Guest::Netkit(t) => Target::Netkit {
            network_interface: t.network_interface,
            side: match t.side {
                guest::NetkitSide::Primary => NetkitSide::Primary,
                guest::NetkitSide::Peer => NetkitSide::Peer,
            },
            position: position(t.position),
        },
        Guest::Cgroup(t) => Target::Cgroup {
            path: t.path,
            position: position(t.position),
            pre_order: t.pre_order,
        },
        Guest::SocketMap(name) => Target::SocketMap(name),
        Guest::NetworkNamespace(path) => Target::NetworkNamespace(path),
        Guest::Netfilter(t) => Target::Netfilter {
            protocol_family: t.protocol_family,
            hook: t.hook,
            priority: t.priority,
            defragment: t.defragment,
        },
        Guest::Iterator(t) => Target::Iterator(match t {
            guest::IteratorTarget::Everything => IteratorTarget::Everything,
            guest::IteratorTarget::MapElements(map) => IteratorTarget::MapElements(map),
            guest::IteratorTarget::Cgroup(walk) => IteratorTarget::Cgroup {
                path: walk.path,
                order: match walk.order {
                    guest::CgroupOrder::SelfOnly => CgroupOrder::SelfOnly,
                    guest::CgroupOrder::DescendantsPre => CgroupOrder::DescendantsPre,
                    guest::CgroupOrder::DescendantsPost => CgroupOrder::DescendantsPost,
                    guest::CgroupOrder::AncestorsUp => CgroupOrder::AncestorsUp,
                },
            },
            guest::IteratorTarget::Process(pid) => IteratorTarget::Process(pid),
            guest::IteratorTarget::Thread(tid) => IteratorTarget::Thread(tid),
        }),
        Guest::SocketFilter(interface) => Target::SocketFilter(interface),
        Guest::ProgramFunction(t) => Target::ProgramFunction {
            program_id: t.program_id,
            function: t.function,
        },
        Guest::Text(text) => {
            checked_length("attach target", text.len(), PATH_BYTES_MAX)?;
            text.parse().map_err(|error| {
                Error::new(
                    ErrorKind::InvalidArgument,
                    format!("read attach target `{text}`"),
                )
                .with_source(error)
            })?
        }
    })
}

fn process(filter: guest::ProcessFilter) -> ProcessFilter {
    match filter {
        guest::ProcessFilter::Any => ProcessFilter::Any,
        guest::ProcessFilter::HostProcess => ProcessFilter::HostProcess,
        guest::ProcessFilter::Pid(pid) => ProcessFilter::Pid(pid),
    }
}

fn position(position: guest::Position) -> Position {
    match position {
        guest::Position::Anywhere => Position::Anywhere,
        guest::Position::First => Position::First,
        guest::Position::Last => Position::Last,
        guest::Position::BeforeProgram(id) => Position::Before(id),
        guest::Position::AfterProgram(id) => Position::After(id),
    }
}

/// Bound every string and list of a target.
fn check(target: &Target) -> Result<()> {
    match target {
        Target::Tracepoint { category, name, .. } => {
            checked_name("tracepoint category", category)?;
            checked_name("tracepoint", name)
        }
        Target::RawTracepoint { name, .. } | Target::Ksyscall { name, .. } => {
            checked_name("attach target", name)
        }
        Target::Kprobe { symbol, .. } => checked_name("kernel function", symbol),
        Target::KprobeMulti { symbols, cookies } => {
            check_symbols(symbols)?;
            check_parallel("cookies", cookies.len(), symbols.len())
        }
        Target::Uprobe {
            binary, location, ..
        } => {
            check_path(binary)?;
            match location {
                UprobeLocation::Symbol(symbol, _) => checked_name("function", symbol),
                UprobeLocation::FileOffset(_) => Ok(()),
            }
        }
        Target::UprobeMulti {
            binary,
            locations,
            reference_counters,
            cookies,
            ..
        } => {
            check_path(binary)?;
            let count = match locations {
                UprobeLocations::Pattern(pattern) => {
                    checked_name("pattern", pattern)?;
                    0
                }
                UprobeLocations::Symbols(symbols) => {
                    check_symbols(symbols)?;
                    symbols.len()
                }
                UprobeLocations::FileOffsets(offsets) => {
                    checked_length("offsets", offsets.len(), TARGET_SYMBOLS_MAX)?;
                    offsets.len()
                }
            };
            check_parallel("reference counters", reference_counters.len(), count)?;
            check_parallel("cookies", cookies.len(), count)
        }
        Target::Usdt {
            binary,
            provider,
            name,
            ..
        } => {
            check_path(binary)?;
            checked_name("USDT provider", provider)?;
            checked_name("USDT name", name)
        }
        Target::Xdp {
            network_interface, ..
        }
        | Target::Tc {
            network_interface, ..
        }
        | Target::Netkit {
            network_interface, ..
        }
        | Target::SocketFilter(network_interface) => {
            checked_name("network interface", network_interface)
        }
        Target::Cgroup { path, .. }
        | Target::NetworkNamespace(path)
        | Target::Iterator(IteratorTarget::Cgroup { path, .. }) => check_path(path),
        Target::SocketMap(name)
        | Target::Iterator(IteratorTarget::MapElements(name))
        | Target::ProgramFunction { function: name, .. } => checked_name("name", name),
        Target::Trace { .. }
        | Target::PerfEvent { .. }
        | Target::Netfilter { .. }
        | Target::Iterator(_) => Ok(()),
    }
}

fn check_path(path: &str) -> Result<()> {
    checked_length("path of an attach target", path.len(), PATH_BYTES_MAX)
}

fn check_symbols(symbols: &[String]) -> Result<()> {
    checked_length(
        "symbols of an attach target",
        symbols.len(),
        TARGET_SYMBOLS_MAX,
    )?;
    symbols
        .iter()
        .try_for_each(|symbol| checked_name("symbol", symbol))
}

fn check_parallel(what: &str, count: usize, expected: usize) -> Result<()> {
    if count == 0 || count == expected {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidArgument,
        format!("attach target: {count} {what} for {expected} places"),
    ))
}
