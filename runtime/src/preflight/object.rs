//! One BPF object: its maps, then its programs.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CStr;

use eunomia_btf::{Btf, Definition, Kind};
use eunomia_host_abi::Target;
use eunomia_host_abi::kernel::{MapInfo, Object, ProgramInfo, map_type};
use eunomia_host_abi::target::Section;

use super::relocation::{self, Outcome};
use super::{Checked, Report, Verdict, attach_point, elf, host};
use crate::libbpf::event_buffer;
use crate::libbpf::feature::{self, Trial};
use crate::permissions::helper_name;

/// Types of programs for which the kernel wants CAP_NET_ADMIN (`is_net_admin_prog_type`).
const NETWORK_TYPES: [u32; 18] = [
    libbpf_sys::BPF_PROG_TYPE_SCHED_CLS,
    libbpf_sys::BPF_PROG_TYPE_SCHED_ACT,
    libbpf_sys::BPF_PROG_TYPE_XDP,
    libbpf_sys::BPF_PROG_TYPE_LWT_IN,
    libbpf_sys::BPF_PROG_TYPE_LWT_OUT,
    libbpf_sys::BPF_PROG_TYPE_LWT_XMIT,
    libbpf_sys::BPF_PROG_TYPE_LWT_SEG6LOCAL,
    libbpf_sys::BPF_PROG_TYPE_SK_SKB,
    libbpf_sys::BPF_PROG_TYPE_SK_MSG,
    libbpf_sys::BPF_PROG_TYPE_FLOW_DISSECTOR,
    libbpf_sys::BPF_PROG_TYPE_CGROUP_DEVICE,
    libbpf_sys::BPF_PROG_TYPE_CGROUP_SOCK,
    libbpf_sys::BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    libbpf_sys::BPF_PROG_TYPE_CGROUP_SOCKOPT,
    libbpf_sys::BPF_PROG_TYPE_CGROUP_SYSCTL,
    libbpf_sys::BPF_PROG_TYPE_SOCK_OPS,
    libbpf_sys::BPF_PROG_TYPE_EXT,
    libbpf_sys::BPF_PROG_TYPE_NETFILTER,
];

/// How the names of what is not the kernel's begin: options of its configuration, and what libbpf
/// says of it.
const CONFIGURED: [&str; 2] = ["CONFIG_", "LINUX_"];

/// Those of ring buffers (`enum bpf_func_id`) that `eunomia/event_buffer.bpf.h` calls.
const RING_HELPERS: [u32; 3] = [
    libbpf_sys::BPF_FUNC_ringbuf_reserve,
    libbpf_sys::BPF_FUNC_ringbuf_submit,
    libbpf_sys::BPF_FUNC_ringbuf_discard,
];

/// An object, and what is known of its use.
pub(super) struct Opened<'a> {
    pub(super) name: &'a str,
    pub(super) opened: &'a dyn Object,
    pub(super) elf: &'a [u8],
    /// See [`Options::targets`](super::Options::targets).
    pub(super) targets: &'a BTreeMap<String, Vec<Target>>,
    /// Somebody attaches what nothing else places.
    pub(super) has_guest: bool,
}

pub(super) fn check(checked: &Checked, object: &Opened<'_>, report: &mut Report) {
    let Opened { name, opened, .. } = *object;
    let elf = elf::read(object.elf).unwrap_or_else(|reason| {
        report.warning(
            name,
            "instructions",
            &format!("cannot be read: {reason}"),
            "",
        );
        Default::default()
    });
    let code = &elf.programs;
    let local = opened.btf().ok().and_then(|bytes| Btf::parse(&bytes).ok());
    // Of helpers that the kernel lacks, those of ring buffers are not reached without one.
    let mut unreached = &[][..];
    if checked.is_running {
        check_maps(checked, name, opened, report);
        let maps = opened.maps();
        let mut rings = maps.iter().filter(|map| map.map_type == map_type::RINGBUF);
        if rings.all(|map| event_buffer::can_be_perf(opened, map)) {
            unreached = &RING_HELPERS;
        }
    }
    for program in opened.programs() {
        let subject = format!("{name}: {}", program.name);
        let mut own = Report::default();
        let relocations = code.get(&program.name).map(|code| &code.relocations[..]);
        if let (Some(local), Some(relocations)) = (&local, relocations) {
            check_relocations(checked, &subject, local, relocations, &mut own);
        }
        match object.targets.get(&program.name) {
            Some(targets) => {
                for target in targets {
                    attach_point::check_placed(checked, &subject, (&program, target), &mut own);
                }
            }
            None => attach_point::check(checked, &subject, &program, &mut own),
        }
        if checked.is_running {
            check_operation(&subject, &program, &elf.operations, &mut own);
            check_type(checked, &subject, &program, &mut own);
            // What the kernel refuses as a whole calls nothing.
            if let Some(code) = code.get(&program.name)
                && own.verdict() < Verdict::Failing
                && checked.may_load()
            {
                let license = elf.license.as_c_str();
                check_helpers(&subject, &program, (code, license), unreached, &mut own);
            }
        }
        soften(&program, &mut own);
        report.findings.append(&mut own.findings);
    }
    if checked.is_running {
        check_places(object, report);
        if let Some(local) = &local {
            check_externs(checked, name, local, &elf.externs, report);
        }
    }
}

/// A program that is only loaded when the guest asks for it keeps no tool from running.
fn soften(program: &ProgramInfo, report: &mut Report) {
    if program.autoload {
        return;
    }
    for finding in &mut report.findings {
        if finding.verdict == Verdict::Failing {
            finding.verdict = Verdict::Warning;
            finding
                .reason
                .push_str("; the tool may do without this program");
        }
    }
}

/// Programs that nothing says where to attach. Some are called by others, and others are left out
/// with a warning; a tool without a guest whose programs are all like this does not run.
fn check_places(object: &Opened<'_>, report: &mut Report) {
    if object.has_guest {
        return;
    }
    let maps = object.opened.maps();
    let mut attaches = maps.iter().any(|map| map.map_type == map_type::STRUCT_OPS);
    let mut lost = Vec::new();
    for program in object.opened.programs() {
        let is_placed = object.targets.contains_key(&program.name);
        let is_wanted = program.autoload && (program.autoattach || is_placed);
        if !is_wanted {
            continue;
        }
        if is_placed || object.opened.can_attach_by_section(&program.name) {
            attaches = true;
        } else if let Some(syntax) =
            Section::find(&program.section).and_then(|section| section.target_syntax())
        {
            lost.push((program.name, syntax));
        }
    }
    let verdict = match attaches {
        true => Verdict::Warning,
        false => Verdict::Failing,
    };
    for (program, syntax) in lost {
        let subject = format!("{}: {program}", object.name);
        let remedy = format!("ecli run --attach {program}={syntax}");
        let reason = "nothing says where it is attached";
        report.add(verdict, [&subject, "attach point", reason, &remedy]);
    }
}

/// Whether a variable is declared with a type, not as `void`.
fn has_type(local: &Btf, variable: &str) -> bool {
    let found = local.find(variable, Kind::Variable);
    let target = found.map(|found| match found.definition() {
        Definition::Variable(variable) => local.resolve(variable.ty).map(|ty| ty.kind()),
        _ => Ok(Kind::Void),
    });
    matches!(target, Ok(Ok(kind)) if kind != Kind::Void)
}

/// Functions and variables of the kernel (`__ksym`) that it cannot do without.
fn check_externs(
    checked: &Checked,
    name: &str,
    local: &Btf,
    externs: &[(String, bool)],
    report: &mut Report,
) {
    let Ok(types) = &checked.types else {
        return;
    };
    for (wanted, is_weak) in externs {
        let what = format!("kernel's {wanted}");
        let remedy = "the tool needs another kernel, or `__weak` where it declares this";
        if *is_weak
            || !checked.has_all_types()
            || CONFIGURED.iter().any(|it| wanted.starts_with(it))
        {
            continue;
        }
        if local.find(wanted, Kind::Function).is_ok() {
            match types.has(wanted, Kind::Function) {
                true => report.fine(name, &what, ""),
                // A module may have it.
                false => report.warning(
                    name,
                    &what,
                    "the kernel's own types have no such function, a module's may",
                    remedy,
                ),
            }
            continue;
        }
        // One with a type is looked up in the kernel's types, and then by name.
        let is_described = !has_type(local, wanted) || types.has(wanted, Kind::Variable);
        let reason = match checked.kernel.lists_symbol(wanted) {
            Ok(true) if is_described => {
                report.fine(name, &what, "");
                continue;
            }
            Ok(true) => "the kernel's types have no such variable",
            Ok(false) => "the kernel does not list such a symbol (/proc/kallsyms)",
            // It does not show them.
            Err(_) => continue,
        };
        report.failing(name, &what, reason, remedy);
    }
}

/// A program of `struct_ops` is loaded as what a map's member makes of it.
fn check_operation(
    subject: &str,
    program: &ProgramInfo,
    operations: &BTreeSet<String>,
    report: &mut Report,
) {
    let is_operation = program.program_type == libbpf_sys::BPF_PROG_TYPE_STRUCT_OPS;
    if is_operation && !operations.contains(&program.name) {
        report.failing(
            subject,
            "struct_ops map",
            "no member of such a map (SEC(\".struct_ops\")) is this program, so that libbpf cannot \
             tell what it is for",
            "make it a member, or take it out of the object",
        );
    }
}

fn check_relocations(
    checked: &Checked,
    subject: &str,
    local: &Btf,
    relocations: &[elf::Relocation],
    report: &mut Report,
) {
    let asked = relocations.len();
    if asked == 0 {
        return;
    }
    let what = "CO-RE relocations";
    let kernel = match &checked.types {
        Ok(kernel) => kernel,
        Err(reason) => {
            let remedy = "give a BTF file of this kernel (--btf), for example from btfhub";
            return report.failing(subject, what, reason, remedy);
        }
    };
    let mut missing = Vec::new();
    for outcome in relocation::resolve(local, relocations, kernel) {
        if let Outcome::Unresolved(name) = outcome
            && !missing.contains(&name)
        {
            missing.push(name);
        }
    }
    if missing.is_empty() {
        return report.fine(subject, what, &format!("{asked} resolve"));
    }
    report.failing(
        subject,
        what,
        &format!("the kernel's types have no {}", missing.join(", no ")),
        "the tool needs another kernel, or bpf_core_field_exists() where it uses this",
    );
}

fn check_type(checked: &Checked, subject: &str, program: &ProgramInfo, report: &mut Report) {
    let is_network = NETWORK_TYPES.contains(&program.program_type);
    let lacks = |held| is_network && host::can_load(held) && !host::can_change_network(held);
    if checked.capabilities.is_some_and(lacks) {
        let reason = "programs of the network need CAP_NET_ADMIN";
        report.failing(
            subject,
            "capabilities",
            reason,
            "run it as root, or with this capability",
        );
        return;
    }
    // Their types say nothing: what they are verified against does.
    if attach_point::is_verified_against_function(program) {
        return;
    }
    let what = format!("program type {}", program.type_name);
    let known = feature::knows_program_type(program.program_type);
    match known.filter(|known| *known || checked.may_load()) {
        Some(true) => report.fine(subject, &what, ""),
        Some(false) => report.failing(subject, &what, "this kernel does not have it", ""),
        None => report.warning(subject, &what, "cannot be told", "run it as root"),
    }
}

fn check_helpers(
    subject: &str,
    program: &ProgramInfo,
    (code, license): (&elf::Code, &CStr),
    unreached: &[u32],
    report: &mut Report,
) {
    let trial = attach_point::trial(program).unwrap_or(Trial {
        program_type: program.program_type,
        attach_type: program.attach_type,
        function: 0,
        sleepable: attach_point::is_sleepable(&program.section),
        license: c"GPL",
    });
    let trial = Trial { license, ..trial };
    let refused: Vec<String> = code
        .helpers
        .iter()
        .filter(|helper| feature::may_call(trial, **helper) == Some(false))
        .filter(|helper| !unreached.contains(helper))
        .map(|helper| helper_name(*helper))
        .collect();
    match &refused[..] {
        [] => report.fine(
            subject,
            "helpers",
            &format!("{} are known", code.helpers.len()),
        ),
        refused => report.failing(
            subject,
            "helpers",
            &format!(
                "this kernel does not let programs of type {} in SEC(\"{}\") under the license \
                 {:?} call {}",
                program.type_name,
                program.section,
                license.to_string_lossy(),
                refused.join(", ")
            ),
            "the tool needs a newer kernel, or another section or license",
        ),
    }
}

fn check_maps(checked: &Checked, name: &str, object: &dyn Object, report: &mut Report) {
    let mut bytes = 0_u64;
    for map in object.maps() {
        let subject = format!("{name}: {}", map.name);
        let what = format!("map type {}", map.type_name);
        bytes = bytes.saturating_add(bytes_of(&map));
        let can_be_perf = event_buffer::can_be_perf(object, &map);
        // Types that libbpf does not know it cannot try.
        let tried = feature::knows_map_type(map.map_type);
        let tried = tried.filter(|known| *known || checked.may_load());
        let known = tried.or_else(|| {
            let types = checked.types.as_ref().ok()?;
            types.has_value("bpf_map_type", map.map_type)
        });
        let is_ring = map.map_type == map_type::RINGBUF;
        match known {
            _ if can_be_perf && (checked.perf_buffers || known == Some(false)) => {
                report.fine(&subject, &what, "perf buffers take its place");
            }
            _ if is_ring && checked.perf_buffers => report.failing(
                &subject,
                &what,
                "perf buffers were asked for, and this one cannot be one",
                "declare it with EVENT_BUFFER of <eunomia/event_buffer.bpf.h>",
            ),
            Some(true) if can_be_perf => {
                let reason = "a ring buffer; perf buffers where the kernel has none";
                report.fine(&subject, &what, reason);
            }
            Some(true) => report.fine(&subject, &what, ""),
            Some(false) if is_ring => report.failing(
                &subject,
                &what,
                "this kernel has no ring buffers (they came with Linux 5.8)",
                "the tool needs a newer kernel, or EVENT_BUFFER of <eunomia/event_buffer.bpf.h>",
            ),
            Some(false) => report.failing(&subject, &what, "this kernel does not have it", ""),
            None => report.warning(&subject, &what, "cannot be told", "run it as root"),
        }
    }
    let Some(available) = available_bytes() else {
        return;
    };
    let reason = format!("maps take up to {bytes} bytes, {available} are available");
    match bytes <= available {
        true => report.fine(name, "memory", &reason),
        false => report.failing(name, "memory", &reason, "make its maps smaller"),
    }
}

/// What a map takes when it is full, without what the kernel adds.
fn bytes_of(map: &MapInfo) -> u64 {
    let entries = u64::from(map.max_entries);
    match map.map_type {
        map_type::RINGBUF => entries,
        // Entries take memory when they are made.
        map_type::LPM_TRIE => 0,
        _ if map.map_flags & libbpf_sys::BPF_F_NO_PREALLOC != 0 => 0,
        _ => entries.saturating_mul(u64::from(map.key_size) + u64::from(map.user_value_size)),
    }
}

fn available_bytes() -> Option<u64> {
    let memory = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}
