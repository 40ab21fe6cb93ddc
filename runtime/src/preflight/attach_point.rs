//! Where programs are attached by their sections, and whether that is there.

use std::io;

use eunomia_btf::Kind;
use eunomia_host_abi::kernel::ProgramInfo;
use eunomia_host_abi::target::Section;
use eunomia_host_abi::{Target, kernel::Kernel as _};

use super::binary::{self, Place};
use super::relocation::Types;
use super::{Checked, Report, host};
use crate::libbpf::feature::{self, Trial};
use crate::libbpf::host::{
    KERNEL_BTF, NEEDS_OWN_TYPES, TRACING_HIDDEN, has_kprobes, is_tracing_hidden, shows_types,
    tracing_events,
};

/// Whether load finds out about the function, tracepoint or hook of a program.
pub(super) fn is_verified_against_function(program: &ProgramInfo) -> bool {
    !program.attach_target.is_empty() && program.program_type != libbpf_sys::BPF_PROG_TYPE_EXT
}

/// How to try a program that is verified against a function; nothing when there is no such
/// function, or the program is of another kind.
pub(super) fn trial(program: &ProgramInfo) -> Option<Trial<'static>> {
    if !is_verified_against_function(program) {
        return None;
    }
    let function = feature::function(&program.attach_target, program.attach_type)?;
    Some(Trial {
        program_type: program.program_type,
        attach_type: program.attach_type,
        function,
        sleepable: is_sleepable(&program.section),
        license: c"GPL",
    })
}

pub(super) fn is_sleepable(section: &str) -> bool {
    section
        .split('/')
        .next()
        .is_some_and(|prefix| prefix.ends_with(".s"))
}

/// Where its section says; nothing when the guest says where, or nobody does.
pub(super) fn check(checked: &Checked, subject: &str, program: &ProgramInfo, report: &mut Report) {
    if is_verified_against_function(program) {
        return check_function(checked, subject, program, report);
    }
    if let Some(target) = Section::target(&program.section) {
        check_target(checked, subject, (program, &target), report);
    }
}

/// Where somebody else has placed it.
pub(super) fn check_placed(
    checked: &Checked,
    subject: &str,
    (program, target): (&ProgramInfo, &Target),
    report: &mut Report,
) {
    match target {
        Target::Trace {
            function: Some(function),
            ..
        } => {
            let placed = ProgramInfo {
                attach_target: function.clone(),
                ..program.clone()
            };
            check_function(checked, subject, &placed, report);
        }
        target => check_target(checked, subject, (program, target), report),
    }
}

fn check_target(
    checked: &Checked,
    subject: &str,
    (program, target): (&ProgramInfo, &Target),
    report: &mut Report,
) {
    let what = format!("attach point {target}");
    match target {
        Target::RawTracepoint { name, .. } => {
            if let Ok(types) = &checked.types
                && checked.has_all_types()
            {
                match types.has(&format!("btf_trace_{name}"), Kind::Typedef) {
                    true => report.fine(subject, &what, ""),
                    false => report.failing(subject, &what, "there is no such tracepoint", ""),
                }
            }
        }
        _ if !checked.is_running => {}
        Target::Tracepoint { category, name, .. } => match tracing_events() {
            None if is_tracing_hidden() => {
                report.warning(subject, &what, TRACING_HIDDEN, "run it as root");
            }
            None => report.failing(
                subject,
                &what,
                "tracefs is not mounted",
                "mount -t tracefs tracefs /sys/kernel/tracing",
            ),
            Some(events) if events.join(category).join(name).is_dir() => {
                report.fine(subject, &what, "");
            }
            Some(_) => report.failing(
                subject,
                &what,
                "this kernel has no such tracepoint",
                "see /sys/kernel/tracing/available_events",
            ),
        },
        Target::Kprobe { symbol, .. } => check_kprobe(checked, subject, (&what, symbol), report),
        Target::Ksyscall { name, .. } => {
            let symbol = format!("__{}_sys_{name}", syscall_prefix());
            check_kprobe(checked, subject, (&what, &symbol), report);
        }
        Target::KprobeMulti { .. } => match checked.config.has("FPROBE") {
            Some(true) => report.fine(subject, &what, ""),
            Some(false) => report.failing(
                subject,
                &what,
                "this kernel has no probes of many functions (CONFIG_FPROBE)",
                "use kprobe or fentry",
            ),
            None => report.warning(subject, &what, "CONFIG_FPROBE cannot be told", ""),
        },
        Target::Uprobe {
            binary, location, ..
        } => check_binary(subject, &what, (binary, &Place::One(location)), report),
        Target::UprobeMulti {
            binary, locations, ..
        } => {
            // Such links came with Linux 6.6, sessions later, as values of the kernel's enum.
            let knows = |types: &Types| types.has_value("bpf_attach_type", program.attach_type);
            if checked.has_all_types() && checked.types.as_ref().ok().and_then(knows) == Some(false)
            {
                let reason = "this kernel has no probes of many functions of a binary";
                return report.failing(subject, &what, reason, "use uprobe");
            }
            let place = Place::Several(locations);
            check_binary(subject, &what, (binary, &place), report);
        }
        Target::Usdt {
            binary,
            provider,
            name,
            ..
        } => {
            let place = Place::Usdt { provider, name };
            check_binary(subject, &what, (binary, &place), report);
        }
        _ => {}
    }
}

/// How this CPU's functions of system calls are called.
fn syscall_prefix() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "x64",
    }
}

fn check_kprobe(
    checked: &Checked,
    subject: &str,
    (what, symbol): (&str, &str),
    report: &mut Report,
) {
    if !has_kprobes() {
        return report.failing(
            subject,
            what,
            "this kernel has no kprobes (CONFIG_KPROBE_EVENTS)",
            "use a tracepoint",
        );
    }
    match checked.kernel.symbol_address(symbol) {
        Ok(Some(_)) => report.fine(subject, what, ""),
        Ok(None) => report.failing(
            subject,
            what,
            "this kernel has no such function, or has inlined it",
            "see /sys/kernel/tracing/available_filter_functions",
        ),
        Err(error) => report.warning(subject, what, &error.to_string(), ""),
    }
}

fn check_binary(
    subject: &str,
    what: &str,
    (binary, place): (&str, &Place<'_>),
    report: &mut Report,
) {
    match binary::missing(binary, place) {
        None => report.fine(subject, what, ""),
        Some(reason) => report.failing(subject, what, &reason, ""),
    }
}

fn check_function(checked: &Checked, subject: &str, program: &ProgramInfo, report: &mut Report) {
    let what = format!("attach point {}", program.section);
    if !checked.is_running {
        return check_types(checked, subject, &what, program, report);
    }
    if !shows_types() {
        return report.failing(
            subject,
            &what,
            &format!("this kernel does not describe its types ({KERNEL_BTF})"),
            NEEDS_OWN_TYPES,
        );
    }
    let Some(trial) = trial(program) else {
        return report.failing(
            subject,
            &what,
            "this kernel's types have no such function, hook or tracepoint",
            "the tool needs another kernel",
        );
    };
    match feature::load(trial) {
        Ok(()) => check_security_module(subject, &what, program, report),
        Err(error) if !checked.may_load() => {
            let reason = format!("cannot be told: {error}");
            report.warning(subject, &what, &reason, "run it as root");
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => report.failing(
            subject,
            &what,
            "the kernel forbids this kind of program although the process has the capabilities",
            "a kernel that is not configured without it, locked down, or with a security module \
             that forbids it",
        ),
        Err(error) => report.failing(
            subject,
            &what,
            &format!("this kernel refuses a program there: {error}"),
            "see /sys/kernel/tracing/available_filter_functions",
        ),
    }
}

/// LSM programs attach and are never called where their security module is off.
fn check_security_module(subject: &str, what: &str, program: &ProgramInfo, report: &mut Report) {
    let is_lsm = program.program_type == libbpf_sys::BPF_PROG_TYPE_LSM;
    match host::security_modules() {
        Ok(modules) if is_lsm && !host::has_bpf_lsm(&modules) => report.failing(
            subject,
            what,
            &format!("the security module bpf is off, so that nothing calls it; on are {modules}"),
            "add bpf to lsm= on the kernel's command line",
        ),
        Err(reason) if is_lsm => report.warning(subject, what, &reason, ""),
        _ => report.fine(subject, what, ""),
    }
}

/// Of another kernel only the types are known.
fn check_types(
    checked: &Checked,
    subject: &str,
    what: &str,
    program: &ProgramInfo,
    report: &mut Report,
) {
    let Ok(types) = &checked.types else {
        return;
    };
    let (prefix, kind) = match program.attach_type {
        libbpf_sys::BPF_TRACE_RAW_TP => ("btf_trace_", Kind::Typedef),
        libbpf_sys::BPF_LSM_MAC | libbpf_sys::BPF_LSM_CGROUP => ("bpf_lsm_", Kind::Function),
        libbpf_sys::BPF_TRACE_ITER => ("bpf_iter_", Kind::Function),
        _ => ("", Kind::Function),
    };
    match types.has(&format!("{prefix}{}", program.attach_target), kind) {
        true => report.fine(subject, what, ""),
        false => report.failing(subject, what, "that kernel's types have none", ""),
    }
}
