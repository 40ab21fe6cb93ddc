//! Where programs are attached by their sections, and whether that is there.

use std::fs::File;
use std::io;
use std::path::Path;

use eunomia_btf::Kind;
use eunomia_host_abi::kernel::ProgramInfo;
use eunomia_host_abi::target::{Section, UprobeLocation};
use eunomia_host_abi::{Target, kernel::Kernel as _};
use object::read::elf::ElfFile64;
use object::{Endianness, Object as _, ObjectSymbol as _, ReadCache};

use super::{Checked, Report, host};
use crate::libbpf::LibbpfKernel;
use crate::libbpf::feature::{self, Trial};
use crate::libbpf::host::{KERNEL_BTF, NEEDS_OWN_TYPES, has_kprobes, shows_types, tracing_events};
use crate::libbpf::places;

/// Whether load finds out about the function, tracepoint or hook of a program.
pub(super) fn is_verified_against_function(program: &ProgramInfo) -> bool {
    !program.attach_target.is_empty() && program.program_type != libbpf_sys::BPF_PROG_TYPE_EXT
}

/// How to try a program that is verified against a function; nothing when there is no such
/// function, or the program is of another kind.
pub(super) fn trial(program: &ProgramInfo) -> Option<Trial> {
    if !is_verified_against_function(program) {
        return None;
    }
    let function = feature::function(&program.attach_target, program.attach_type)?;
    Some(Trial {
        program_type: program.program_type,
        attach_type: program.attach_type,
        function,
        sleepable: is_sleepable(&program.section),
    })
}

fn is_sleepable(section: &str) -> bool {
    section
        .split('/')
        .next()
        .is_some_and(|prefix| prefix.ends_with(".s"))
}

pub(super) fn check(checked: &Checked, subject: &str, program: &ProgramInfo, report: &mut Report) {
    if is_verified_against_function(program) {
        return check_function(checked, subject, program, report);
    }
    let Some(target) = Section::target(&program.section) else {
        return; // The guest says where, or nobody does.
    };
    let what = format!("attach point {target}");
    match &target {
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
        Target::Kprobe { symbol, .. } => check_kprobe(subject, &what, symbol, report),
        Target::Ksyscall { name, .. } => {
            let symbol = format!("__{}_sys_{name}", syscall_prefix());
            check_kprobe(subject, &what, &symbol, report);
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
        } => check_binary(subject, &what, (binary, Some(location)), report),
        Target::UprobeMulti { binary, .. } | Target::Usdt { binary, .. } => {
            check_binary(subject, &what, (binary, None), report);
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

fn check_kprobe(subject: &str, what: &str, symbol: &str, report: &mut Report) {
    if !has_kprobes() {
        return report.failing(
            subject,
            what,
            "this kernel has no kprobes (CONFIG_KPROBE_EVENTS)",
            "use a tracepoint",
        );
    }
    match LibbpfKernel::new().symbol_address(symbol) {
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
    (binary, location): (&str, Option<&UprobeLocation>),
    report: &mut Report,
) {
    let Some(path) = places::binary(binary) else {
        return report.failing(subject, what, "there is no such file", "");
    };
    let shown = path.display().to_string();
    match has_place(&path, location) {
        Ok(None) => report.fine(subject, what, ""),
        Ok(Some(missing)) => report.failing(subject, what, &format!("{shown} has {missing}"), ""),
        Err(reason) => report.failing(subject, what, &format!("{shown}: {reason}"), ""),
    }
}

/// What a binary lacks of a place in it.
fn has_place(path: &Path, location: Option<&UprobeLocation>) -> Result<Option<String>, String> {
    if !path.is_file() {
        return Err("it is no file".to_owned());
    }
    // Read as it is asked for: libraries have hundreds of megabytes.
    let file = File::open(path).map_err(|error| error.to_string())?;
    let bytes = file.metadata().map_err(|error| error.to_string())?.len();
    let cache = ReadCache::new(file);
    let elf = ElfFile64::<Endianness, _>::parse(&cache)
        .map_err(|_| "it is no ELF file of 64 bits".to_owned())?;
    let is_missing = match location {
        Some(UprobeLocation::FileOffset(offset)) => *offset >= bytes,
        // A version, as of `memcpy@GLIBC_2.14`, is not in the table of symbols.
        Some(UprobeLocation::Symbol(wanted, _)) => {
            let wanted = wanted.split('@').next().unwrap_or_default();
            let mut symbols = elf.symbols().chain(elf.dynamic_symbols());
            !symbols.any(|symbol| symbol.is_definition() && symbol.name() == Ok(wanted))
        }
        None => false,
    };
    Ok(match location {
        Some(UprobeLocation::FileOffset(_)) if is_missing => Some(format!("only {bytes} bytes")),
        Some(UprobeLocation::Symbol(wanted, _)) if is_missing => {
            Some(format!("no function `{wanted}`"))
        }
        _ => None,
    })
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
        Err(error) if !may_load(checked) => {
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

fn may_load(checked: &Checked) -> bool {
    checked.capabilities.is_some_and(host::can_load)
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
