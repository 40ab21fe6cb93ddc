//! Options for where programs are attached whose section does not say it: an interface, a function.

use std::collections::BTreeMap;

use eunomia_host_abi::Target;
use eunomia_host_abi::kernel::ProgramInfo;
use eunomia_host_abi::target::Section;

use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::options::{OptionSpec, Sets};

/// A part of an attach target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Place {
    Interface,
    Direction,
    Priority,
    Mode,
    Binary,
    Symbol,
    Function,
    Pid,
    Cgroup,
    Event,
    Frequency,
    Tracepoint,
}

/// Parts as the user, or the package, chose them.
pub(crate) type Chosen = BTreeMap<Place, String>;

/// Kinds of targets, each with the parts it is made of: first those that it must have.
const KINDS: &[(&str, &[Place], &[Place])] = &[
    ("xdp", &[Place::Interface], &[Place::Mode]),
    (
        "tc",
        &[Place::Interface],
        &[Place::Direction, Place::Priority],
    ),
    ("socket_filter", &[Place::Interface], &[]),
    ("uprobe", &[Place::Binary, Place::Symbol], &[Place::Pid]),
    ("kprobe", &[Place::Function], &[]),
    ("trace", &[Place::Function], &[]),
    ("cgroup", &[Place::Cgroup], &[]),
    (
        "perf_event",
        &[],
        &[Place::Event, Place::Frequency, Place::Pid],
    ),
    ("tracepoint", &[Place::Tracepoint], &[]),
    ("raw_tracepoint", &[Place::Tracepoint], &[]),
];

/// The kind of target that a program needs to be told; `None` when its section says it, or when it
/// is not attached by a target.
pub(crate) fn needed_kind(program: &ProgramInfo) -> Option<&'static str> {
    match Section::target(&program.section) {
        Some(_) => None,
        None => kind(program),
    }
}

/// The kind of target that a program has.
pub(crate) fn kind(program: &ProgramInfo) -> Option<&'static str> {
    let section = Section::find(&program.section)?;
    let kind = section.target_syntax()?.split([':', '[']).next()?;
    let known = KINDS.iter().find(|(name, ..)| *name == kind);
    known.map(|(name, ..)| *name)
}

/// The options that this object's programs need.
pub(crate) fn options(facts: &Facts) -> Vec<OptionSpec> {
    let kinds: Vec<&str> = facts.programs.iter().filter_map(needed_kind).collect();
    let mut places: Vec<Place> = KINDS
        .iter()
        .filter(|(name, ..)| kinds.contains(name))
        .flat_map(|(_, must, may)| must.iter().chain(*may).copied())
        .collect();
    places.sort_unstable();
    places.dedup();
    places.into_iter().map(option).collect()
}

fn option(place: Place) -> OptionSpec {
    let (long, value, help) = match place {
        Place::Interface => ("interface", "NAME", "Network interface to attach to"),
        Place::Direction => ("direction", "ingress|egress", "Which way packets go"),
        Place::Priority => ("priority", "NUMBER", "Order among the programs of clsact"),
        Place::Mode => (
            "mode",
            "driver|generic|hardware",
            "Where in the network stack",
        ),
        Place::Binary => (
            "binary",
            "PATH",
            "Executable or library of user-space probes",
        ),
        Place::Symbol => ("symbol", "NAME", "Function of the binary, or 0xOFFSET"),
        Place::Function => ("function", "NAME", "Function of the kernel"),
        Place::Pid => ("attach-pid", "PID", "Only this process"),
        Place::Cgroup => ("cgroup", "PATH", "Control group to attach to"),
        Place::Event => ("event", "NAME", "Event of perf that is sampled"),
        Place::Frequency => ("frequency", "HZ", "Samples a second on each CPU"),
        Place::Tracepoint => ("tracepoint", "CATEGORY:NAME", "Tracepoint to attach to"),
    };
    let default = match place {
        Place::Direction => Some("ingress"),
        Place::Event => Some("cpu-clock"),
        Place::Frequency => Some("99"),
        _ => None,
    };
    OptionSpec {
        long: long.to_owned(),
        short: None,
        value: Some(value.to_owned()),
        default: default.map(str::to_owned),
        initial: None,
        help: help.to_owned(),
        sets: Sets::Place(place),
        required: false,
    }
}

/// The target of a program by the parts that were chosen; `None` when one is missing.
///
/// # Errors
/// When the parts do not make a target.
pub(crate) fn target(program: &ProgramInfo, chosen: &Chosen) -> Result<Option<Target>> {
    let Some(kind) = needed_kind(program) else {
        return Ok(None);
    };
    target_of_kind(kind, &program.section, chosen)
        .map_err(|error| error.within(format!("attach program `{}`", program.name)))
}

pub(crate) fn target_of_kind(kind: &str, section: &str, chosen: &Chosen) -> Result<Option<Target>> {
    let Some((_, must, _)) = KINDS.iter().find(|(name, ..)| *name == kind) else {
        return Ok(None);
    };
    if must.iter().any(|place| !chosen.contains_key(place)) {
        return Ok(None);
    }
    let part = |place: Place| chosen.get(&place).map(String::as_str);
    let escaped = |place: Place| part(place).unwrap_or_default().replace(':', "\\:");
    let process = part(Place::Pid).map_or_else(String::new, |pid| format!("@{pid}"));
    let text = match kind {
        "xdp" => match part(Place::Mode) {
            Some(mode) => format!("xdp:{}:{mode}", escaped(Place::Interface)),
            None => format!("xdp:{}", escaped(Place::Interface)),
        },
        "tc" => {
            let by_section = if section.contains("egress") {
                "egress"
            } else {
                "ingress"
            };
            let direction = part(Place::Direction).unwrap_or(by_section);
            let priority = part(Place::Priority);
            let priority = priority.map_or_else(String::new, |it| format!(":priority={it}"));
            format!("tc:{}:{direction}{priority}", escaped(Place::Interface))
        }
        "socket_filter" => format!("socket_filter:{}", escaped(Place::Interface)),
        "uprobe" => {
            let symbol = part(Place::Symbol).unwrap_or_default();
            format!("uprobe:{}:{symbol}{process}", escaped(Place::Binary))
        }
        "kprobe" | "trace" => format!("{kind}:{}", part(Place::Function).unwrap_or_default()),
        "cgroup" => format!("cgroup:{}", escaped(Place::Cgroup)),
        "perf_event" => format!(
            "perf_event:{}:hz={}{process}",
            part(Place::Event).unwrap_or("cpu-clock"),
            part(Place::Frequency).unwrap_or("99")
        ),
        "raw_tracepoint" => {
            let name = part(Place::Tracepoint).unwrap_or_default();
            format!(
                "raw_tracepoint:{}",
                name.rsplit(':').next().unwrap_or_default()
            )
        }
        _ => format!(
            "tracepoint:{}",
            part(Place::Tracepoint)
                .unwrap_or_default()
                .replace('/', ":")
        ),
    };
    let target = text.parse();
    target
        .map(Some)
        .map_err(|error| Error::usage(format!("`{text}`: {error}")))
}
