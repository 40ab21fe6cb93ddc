//! Attaching the programs of an object.

use crate::error::{Error, ErrorKind, Result};
use crate::fake::journal::Operation;
use crate::fake::link::{AttachedProgram, FakeLink, LinkKind};
use crate::fake::object::OpenObject;
use crate::kernel::{Link, ProgramInfo, map_type};
use crate::target::{Section, Target};

/// `enum bpf_link_type`.
mod link_type {
    pub(super) const NONE: u32 = 0;
    pub(super) const RAW_TRACEPOINT: u32 = 1;
    pub(super) const TRACING: u32 = 2;
    pub(super) const CGROUP: u32 = 3;
    pub(super) const ITERATOR: u32 = 4;
    pub(super) const NETWORK_NAMESPACE: u32 = 5;
    pub(super) const XDP: u32 = 6;
    pub(super) const PERF_EVENT: u32 = 7;
    pub(super) const KPROBE_MULTI: u32 = 8;
    pub(super) const STRUCT_OPS: u32 = 9;
    pub(super) const NETFILTER: u32 = 10;
    pub(super) const TCX: u32 = 11;
    pub(super) const UPROBE_MULTI: u32 = 12;
    pub(super) const NETKIT: u32 = 13;
    pub(super) const SOCKMAP: u32 = 14;
}

pub(super) fn attach(
    object: &OpenObject,
    program: &str,
    target: Option<&Target>,
) -> Result<Box<dyn Link>> {
    let where_to = target.map_or_else(|| "(section)".to_owned(), ToString::to_string);
    let subject = format!("{program} {where_to}");
    object.kernel.enter(Operation::Attach, &subject)?;
    let (info, loaded) = object.loaded_program("attach", program)?;
    let target = choose_target(info, target)?;
    let attached = AttachedProgram {
        id: object.kernel.next_id(),
        object: object.name.clone(),
        name: info.name.clone(),
        target: target.to_string(),
    };
    let mut programs = object.source.programs.iter();
    let iterator = programs
        .find(|it| it.name == program && matches!(target, Target::Iterator(_)))
        .map(|it| it.output.clone());
    let kind = LinkKind {
        link_type: link_type(info, &target),
        program_type: info.program_type,
        is_replaceable: is_replaceable(&target),
        exclusive: exclusive(info, &target),
        iterator,
    };
    let link = FakeLink::attach(object.kernel.clone(), attached, kind, loaded.clone())?;
    Ok(Box::new(link))
}

/// The target that was given, or that of the section, if the program can go there.
fn choose_target(program: &ProgramInfo, target: Option<&Target>) -> Result<Target> {
    let section = Section::find(&program.section);
    let syntax = section.and_then(|section| section.target_syntax());
    let needs = match syntax {
        Some(syntax) => format!("it needs {syntax}"),
        None => format!(
            "programs of section \"{}\" are not attached",
            program.section
        ),
    };
    let Some(target) = target else {
        let kind = match syntax {
            Some(_) => ErrorKind::InvalidArgument,
            None => ErrorKind::NotSupported,
        };
        return section_target(program).ok_or_else(|| {
            let message = format!(
                "attach program \"{}\": its section does not say where; {needs}",
                program.name
            );
            Error::new(kind, message)
        });
    };
    let refuse = |why: &str| {
        let message = format!("attach program \"{}\" to {target}: {why}", program.name);
        Err(Error::new(ErrorKind::InvalidArgument, message))
    };
    if !section.is_some_and(|section| section.suits(target)) {
        return refuse(&needs);
    }
    match target {
        Target::Trace {
            function: Some(function),
            ..
        } if *function != program.attach_target => refuse(&format!(
            "it was verified against \"{}\"",
            program.attach_target
        )),
        target => Ok(target.clone()),
    }
}

/// Where the section says, or the function that was chosen for it before load.
pub(super) fn section_target(program: &ProgramInfo) -> Option<Target> {
    Section::target(&program.section).or_else(|| {
        let section = Section::find(&program.section)?;
        let target = Target::Trace {
            function: None,
            cookie: 0,
        };
        let is_chosen = !program.attach_target.is_empty() && section.suits(&target);
        is_chosen.then_some(target)
    })
}

pub(super) fn attach_struct_ops(object: &OpenObject, map: &str) -> Result<Box<dyn Link>> {
    let subject = format!("{map} struct_ops");
    object.kernel.enter(Operation::Attach, &subject)?;
    let state = object.loaded_map("register", map)?;
    let loaded = object.loaded("register")?;
    if state.info.map_type != map_type::STRUCT_OPS {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!(
                "register map \"{map}\": it is of type {}, not struct_ops",
                state.info.type_name
            ),
        ));
    }
    let attached = AttachedProgram {
        id: object.kernel.next_id(),
        object: object.name.clone(),
        name: map.to_owned(),
        target: "struct_ops".to_owned(),
    };
    let kind = LinkKind {
        link_type: link_type::STRUCT_OPS,
        program_type: 0,
        is_replaceable: false,
        exclusive: Some(format!("struct_ops:{}", state.info.id)),
        iterator: None,
    };
    let link = FakeLink::attach(object.kernel.clone(), attached, kind, loaded.clone())?;
    Ok(Box::new(link))
}

pub(super) fn replace_in(object: &OpenObject, program: &str, link: &mut dyn Link) -> Result<()> {
    let target = link.info().target;
    let subject = format!("{program} {target}");
    object.kernel.enter(Operation::Replace, &subject)?;
    let (info, loaded) = object.loaded_program("attach", program)?;
    let refuse = |kind, why: &str| {
        let message = format!("put program \"{program}\" in the place at {target}: {why}");
        Err(Error::new(kind, message))
    };
    let Some(link) = link.as_any_mut().downcast_mut::<FakeLink>() else {
        return refuse(ErrorKind::InvalidArgument, "the link is of another kernel");
    };
    if !link.is_attached() {
        return refuse(ErrorKind::InvalidState, "the link is detached");
    }
    if !link.is_replaceable {
        return refuse(
            ErrorKind::NotSupported,
            "the kernel cannot replace programs there",
        );
    }
    if link.program_type != info.program_type {
        return refuse(ErrorKind::InvalidArgument, "it is of another type");
    }
    link.replace(program, loaded.clone());
    Ok(())
}

fn link_type(program: &ProgramInfo, target: &Target) -> u32 {
    /// `BPF_TRACE_RAW_TP`: a typed tracepoint, which the kernel lists as a raw one.
    const TRACE_RAW_TRACEPOINT: u32 = 23;
    match target {
        Target::Trace { .. } if program.attach_type == TRACE_RAW_TRACEPOINT => {
            link_type::RAW_TRACEPOINT
        }
        Target::RawTracepoint { .. } => link_type::RAW_TRACEPOINT,
        Target::Trace { .. } | Target::ProgramFunction { .. } => link_type::TRACING,
        Target::Tracepoint { .. }
        | Target::Kprobe { .. }
        | Target::Ksyscall { .. }
        | Target::Uprobe { .. }
        | Target::Usdt { .. }
        | Target::PerfEvent { .. } => link_type::PERF_EVENT,
        Target::KprobeMulti { .. } => link_type::KPROBE_MULTI,
        Target::UprobeMulti { .. } => link_type::UPROBE_MULTI,
        Target::Xdp { .. } => link_type::XDP,
        Target::Tc { .. } => link_type::TCX,
        Target::Netkit { .. } => link_type::NETKIT,
        Target::Cgroup { .. } => link_type::CGROUP,
        Target::SocketMap(_) => link_type::SOCKMAP,
        Target::NetworkNamespace(_) => link_type::NETWORK_NAMESPACE,
        Target::Netfilter { .. } => link_type::NETFILTER,
        Target::Iterator(_) => link_type::ITERATOR,
        Target::SocketFilter(_) => link_type::NONE,
    }
}

/// Whether the kernel's links of this kind can be updated.
fn is_replaceable(target: &Target) -> bool {
    matches!(
        target,
        Target::Xdp { .. }
            | Target::Tc { .. }
            | Target::Netkit { .. }
            | Target::Cgroup { .. }
            | Target::SocketMap(_)
            | Target::NetworkNamespace(_)
            | Target::Iterator(_)
    )
}

/// The place that only one program can have.
fn exclusive(program: &ProgramInfo, target: &Target) -> Option<String> {
    match target {
        Target::Xdp {
            network_interface, ..
        } => Some(format!("xdp:{network_interface}")),
        Target::SocketMap(map) => Some(format!("socket_map:{map}:{}", program.attach_type)),
        // Trampolines take a program once.
        Target::Trace { .. } => Some(format!("trace:{}", program.id)),
        _ => None,
    }
}
