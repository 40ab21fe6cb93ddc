//! Attaching programs.

mod attachment;
mod network;
mod perf;
mod probe;
mod raw;
mod section;

use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use eunomia_host_abi::kernel::{Link, ProgramInfo};
use eunomia_host_abi::target::{CgroupOrder, IteratorTarget, Section};
use eunomia_host_abi::{Error, ErrorKind, Result, Target};
use libbpf_rs::ProgramMut;
use rustix::io::Errno;

pub(super) use attachment::Attachment;
pub(super) use raw::program_by_id;

use super::failure::{from_io, with_words};
use super::host::{self, Hint};
use super::link::LibbpfLink;
use super::log;
use super::object::{LibbpfObject, Loaded};

/// A program to attach, and what of its object that takes.
pub(super) struct Attaching<'a> {
    pub(super) object: &'a LibbpfObject,
    pub(super) info: &'a ProgramInfo,
    pub(super) program: &'a ProgramMut<'a>,
}

/// Why attaching failed: the kernel or libbpf, or a reason of our own.
pub(super) enum Failure {
    System(io::Error),
    Explained(ErrorKind, String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl From<rustix::io::Errno> for Failure {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::System(errno.into())
    }
}

/// What this module's functions return: one attachment, or several that belong together.
pub(super) type Attached = Result<Vec<Attachment>, Failure>;

/// See [`Object::attach`](eunomia_host_abi::kernel::Object::attach).
pub(super) fn attach(
    object: &LibbpfObject,
    name: &str,
    target: Option<&Target>,
) -> Result<Box<dyn Link>> {
    let info = &object.catalog.programs[object.catalog.program(name)?];
    let place = match target {
        Some(target) => target.to_string(),
        None => info.section.clone(),
    };
    let operation = format!("attach program `{name}` to {place}");
    let loaded = object.loaded(&operation)?;
    let program = loaded.program(name, "attach")?;
    let attaching = Attaching {
        object,
        info,
        program: &program,
    };
    let (outcome, messages) = log::captured(|| {
        let _attaching = lock(loaded);
        match target {
            Some(target) => to_target(&attaching, target),
            None => section::attach(&attaching),
        }
    });
    let attachments =
        outcome.map_err(|failure| explain(failure, &operation, info, target, &messages))?;
    let place = match (target, Section::target(&info.section)) {
        (Some(_), _) => place,
        (None, Some(target)) => target.to_string(),
        // A section without a function, which was chosen before load.
        (None, None) => Target::Trace {
            function: None,
            cookie: 0,
        }
        .to_string(),
    };
    LibbpfLink::new(name, place, attachments, loaded).pinned(object)
}

/// See [`Object::can_attach_by_section`](eunomia_host_abi::kernel::Object::can_attach_by_section).
pub(super) fn can_attach_by_section(object: &LibbpfObject, name: &str) -> bool {
    object
        .catalog
        .program(name)
        .is_ok_and(|place| section::says_where(&object.catalog.programs[place]))
}

/// See [`Object::attach_struct_ops`](eunomia_host_abi::kernel::Object::attach_struct_ops).
pub(super) fn attach_struct_ops(object: &LibbpfObject, name: &str) -> Result<Box<dyn Link>> {
    let operation = format!("register struct_ops map `{name}`");
    let declared = &object.catalog.maps[object.catalog.map(name)?];
    if declared.info.map_type != eunomia_host_abi::kernel::map_type::STRUCT_OPS {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("{operation}: it is of type {}", declared.info.type_name),
        ));
    }
    let loaded = object.loaded(&operation)?;
    let map = loaded.map(&declared.libbpf_name, &operation)?;
    let (outcome, messages) = log::captured(|| {
        let _attaching = lock(loaded);
        raw::struct_ops(&map)
    });
    let link = outcome.map_err(|error| from_io(&error, with_words(&operation, &messages)))?;
    let attachments = vec![Attachment::Link(link)];
    LibbpfLink::new(name, "struct_ops".to_owned(), attachments, loaded).pinned(object)
}

fn lock(loaded: &Arc<Loaded>) -> std::sync::MutexGuard<'_, ()> {
    loaded
        .attaching
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

fn to_target(attaching: &Attaching<'_>, target: &Target) -> Attached {
    let program = attaching.program;
    match target {
        Target::Tracepoint {
            category,
            name,
            cookie,
        } => one(raw::tracepoint(program, category, name, *cookie)),
        Target::RawTracepoint { name, cookie } => one(raw::raw_tracepoint(program, name, *cookie)),
        // Which function is chosen before load, by whoever drives the object.
        Target::Trace { cookie, .. } => one(raw::trace(program, *cookie)),
        Target::Ksyscall { .. }
        | Target::Kprobe { .. }
        | Target::KprobeMulti { .. }
        | Target::Uprobe { .. }
        | Target::UprobeMulti { .. }
        | Target::Usdt { .. } => probe::attach(attaching, target),
        Target::PerfEvent { .. } => perf::attach(attaching, target),
        Target::Iterator(walked) => iterator(attaching, walked),
        Target::ProgramFunction {
            program_id,
            function,
        } => {
            let target = raw::program_by_id(*program_id)?;
            one(raw::function(
                program,
                std::os::fd::AsFd::as_fd(&target),
                function,
            ))
        }
        _ => network::attach(attaching, target),
    }
}

fn one(link: io::Result<libbpf_rs::Link>) -> Attached {
    Ok(vec![Attachment::Link(link?)])
}

fn iterator(attaching: &Attaching<'_>, walked: &IteratorTarget) -> Attached {
    use std::os::fd::AsFd as _;

    check_iterator(&attaching.info.section, walked)?;
    let program = attaching.program;
    match walked {
        IteratorTarget::Everything => one(raw::iterator(program, raw::Walked::Everything)),
        IteratorTarget::MapElements(name) => {
            let map = attaching
                .object
                .loaded_map(name)
                .map_err(|error| Failure::Explained(error.kind(), error.to_string()))?;
            one(raw::iterator(program, raw::Walked::Map(map.as_fd())))
        }
        IteratorTarget::Cgroup { path, order } => {
            let cgroup = network::open_cgroup(path)?;
            let order = match order {
                CgroupOrder::SelfOnly => libbpf_sys::BPF_CGROUP_ITER_SELF_ONLY,
                CgroupOrder::DescendantsPre => libbpf_sys::BPF_CGROUP_ITER_DESCENDANTS_PRE,
                CgroupOrder::DescendantsPost => libbpf_sys::BPF_CGROUP_ITER_DESCENDANTS_POST,
                CgroupOrder::AncestorsUp => libbpf_sys::BPF_CGROUP_ITER_ANCESTORS_UP,
            };
            one(raw::iterator(
                program,
                raw::Walked::Cgroup(cgroup.as_fd(), order),
            ))
        }
        IteratorTarget::Process(pid) => one(raw::iterator(program, raw::Walked::Process(*pid))),
        IteratorTarget::Thread(tid) => one(raw::iterator(program, raw::Walked::Thread(*tid))),
    }
}

/// The kernel takes what is walked from a union, by the kind of the iterator: a map's descriptor
/// would be the number of a thread to one that walks over tasks.
fn check_iterator(section: &str, walked: &IteratorTarget) -> Result<(), Failure> {
    // `iter/task`, or `iter.s/task` for one that may sleep.
    let Some((_, kind)) = section.split_once('/') else {
        return Ok(());
    };
    let (what, kinds): (_, &[&str]) = match walked {
        IteratorTarget::Everything => return Ok(()),
        IteratorTarget::MapElements(_) => {
            ("a map", &["bpf_map_elem", "bpf_sk_storage_map", "sockmap"])
        }
        IteratorTarget::Cgroup { .. } => ("a cgroup", &["cgroup"]),
        IteratorTarget::Process(_) | IteratorTarget::Thread(_) => {
            ("a process", &["task", "task_file", "task_vma"])
        }
    };
    if kinds.contains(&kind) {
        return Ok(());
    }
    Err(Failure::Explained(
        ErrorKind::InvalidArgument,
        format!("an iterator of {kind} does not walk over {what}"),
    ))
}

fn explain(
    failure: Failure,
    operation: &str,
    program: &ProgramInfo,
    target: Option<&Target>,
    messages: &[String],
) -> Error {
    let error = match failure {
        Failure::System(error) => error,
        Failure::Explained(kind, reason) => {
            return Error::new(kind, format!("{operation}: {reason}"));
        }
    };
    let text = with_words(operation, messages);
    let errno = error.raw_os_error().unwrap_or(0);
    let hint = host::attach_hint(errno).or_else(|| missing_place(&error, program, target));
    match hint {
        Some(hint) => {
            Error::from_errno(errno, format!("{text}: {}", hint.text)).with_kind(hint.kind)
        }
        None => from_io(&error, text),
    }
}

/// Why the kernel does not know a place.
fn missing_place(
    error: &io::Error,
    program: &ProgramInfo,
    target: Option<&Target>,
) -> Option<Hint> {
    let is_missing = [
        Errno::NOENT,
        Errno::OPNOTSUPP,
        Errno::INVAL,
        Errno::SRCH,
        Errno::NODEV,
    ]
    .iter()
    .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()));
    if let Some(hint) = lacking_link(error, program) {
        return Some(hint);
    }
    let (prefix, _) = section::split(&program.section);
    let is_kprobe = program.program_type == libbpf_sys::BPF_PROG_TYPE_KPROBE
        && (prefix.starts_with('k') || matches!(target, Some(Target::Kprobe { .. })));
    if is_kprobe && is_missing {
        return Some(host::kprobe_hint());
    }
    if let Some(Target::Usdt { provider, name, .. }) = target
        && error.kind() == io::ErrorKind::NotFound
    {
        return Some(Hint {
            kind: ErrorKind::NotFound,
            text: format!("there is no such binary, or no probe {provider}:{name} in it"),
        });
    }
    let is_tracepoint = program.program_type == libbpf_sys::BPF_PROG_TYPE_TRACEPOINT;
    (is_tracepoint && error.kind() == io::ErrorKind::NotFound).then(|| Hint {
        kind: ErrorKind::NotFound,
        text: tracepoint_hint(target),
    })
}

/// Whether this kernel is too old, or configured without, for the link that the program needs.
fn lacking_link(error: &io::Error, program: &ProgramInfo) -> Option<Hint> {
    let is_netkit = matches!(
        program.attach_type,
        libbpf_sys::BPF_NETKIT_PRIMARY | libbpf_sys::BPF_NETKIT_PEER
    );
    // Of an interface of another kind it says that there is no such device.
    if is_netkit && error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) {
        return Some(Hint {
            kind: ErrorKind::NotSupported,
            text: "this kernel has no netkit: that takes Linux 6.7 with CONFIG_NETKIT".to_owned(),
        });
    }
    let (needed, what) = match program.attach_type {
        libbpf_sys::BPF_TRACE_KPROBE_MULTI => ((5, 18), "Linux 5.18 with CONFIG_FPROBE"),
        libbpf_sys::BPF_TRACE_UPROBE_MULTI => ((6, 6), "Linux 6.6"),
        libbpf_sys::BPF_TRACE_KPROBE_SESSION => ((6, 10), "Linux 6.10 with CONFIG_FPROBE"),
        libbpf_sys::BPF_TRACE_UPROBE_SESSION => ((6, 13), "Linux 6.13"),
        _ => return None,
    };
    let (major, minor, _) = host::kernel_version();
    let is = |errno: Errno| error.raw_os_error() == Some(errno.raw_os_error());
    let lacking = is(Errno::OPNOTSUPP) || (is(Errno::INVAL) && (major, minor) < needed);
    lacking.then(|| Hint {
        kind: ErrorKind::NotSupported,
        text: format!("this kernel has no links to many places: that takes {what}"),
    })
}

/// Why a tracepoint was not found.
fn tracepoint_hint(target: Option<&Target>) -> String {
    let Some(events) = host::tracing_events() else {
        return "tracefs is not mounted: `mount -t tracefs tracefs /sys/kernel/tracing`".to_owned();
    };
    match target {
        Some(Target::Tracepoint { category, .. }) if !is_folder(&events, category) => {
            format!("this kernel has no tracepoints of category `{category}`")
        }
        _ => format!(
            "this kernel has no such tracepoint (see {})",
            events.display()
        ),
    }
}

fn is_folder(events: &Path, category: &str) -> bool {
    !category.contains('/') && events.join(category).is_dir()
}
