//! Probes of kernel functions and of places in user space.

use eunomia_host_abi::target::{ProcessFilter, UprobeLocation, UprobeLocations};
use eunomia_host_abi::{ErrorKind, Target};

use super::raw::{self, MultiMode};
use super::section::split;
use super::{Attached, Attaching, Attachment, Failure, one};

pub(super) fn attach(attaching: &Attaching<'_>, target: &Target) -> Attached {
    let program = attaching.program;
    let on_return = on_return(&attaching.info.section);
    match target {
        Target::Kprobe {
            symbol,
            offset,
            cookie,
        } => {
            if on_return && *offset != 0 {
                return Err(Failure::Explained(
                    ErrorKind::InvalidArgument,
                    "a probe of a return has no offset".to_owned(),
                ));
            }
            one(raw::kprobe(
                program,
                &raw::Kprobe {
                    symbol,
                    offset: *offset,
                    cookie: *cookie,
                    on_return,
                },
            ))
        }
        Target::Ksyscall { name, cookie } => one(raw::ksyscall(program, name, *cookie, on_return)),
        Target::KprobeMulti { symbols, cookies } => kprobe_multi(attaching, symbols, cookies),
        Target::Uprobe {
            binary,
            location,
            process,
            reference_counter,
            cookie,
        } => {
            let (symbol, offset) = match location {
                UprobeLocation::Symbol(symbol, offset) => (Some(symbol.as_str()), *offset),
                UprobeLocation::FileOffset(offset) => (None, *offset),
            };
            one(raw::uprobe(
                program,
                &raw::Uprobe {
                    binary,
                    pid: pid(*process)?,
                    symbol,
                    offset,
                    reference_counter: *reference_counter,
                    cookie: *cookie,
                    on_return,
                },
            ))
        }
        Target::UprobeMulti { .. } => uprobe_multi(attaching, target),
        Target::Usdt {
            binary,
            provider,
            name,
            process,
            cookie,
        } => one(raw::usdt(
            program,
            &raw::Usdt {
                binary,
                pid: pid(*process)?,
                provider,
                name,
                cookie: *cookie,
            },
        )),
        _ => Err(Failure::Explained(
            ErrorKind::NotSupported,
            "this runtime does not know this kind of probe".to_owned(),
        )),
    }
}

/// Patterns get a link each; names share one.
fn kprobe_multi(attaching: &Attaching<'_>, symbols: &[String], cookies: &[u64]) -> Attached {
    let mode = multi_mode(
        attaching,
        libbpf_sys::BPF_TRACE_KPROBE_MULTI,
        libbpf_sys::BPF_TRACE_KPROBE_SESSION,
        "kprobe.multi",
    )?;
    let (patterns, names): (Vec<_>, Vec<_>) = symbols
        .iter()
        .cloned()
        .partition(|symbol| symbol.contains(['*', '?']));
    check_cookies(cookies, symbols.len(), !patterns.is_empty())?;
    let mut attachments = Vec::new();
    if !names.is_empty() {
        let link = raw::kprobe_multi(attaching.program, &names, cookies, mode)?;
        attachments.push(Attachment::Link(link));
    }
    for pattern in &patterns {
        let link = raw::kprobe_multi_pattern(attaching.program, pattern, mode)?;
        attachments.push(Attachment::Link(link));
    }
    Ok(attachments)
}

fn uprobe_multi(attaching: &Attaching<'_>, target: &Target) -> Attached {
    let Target::UprobeMulti {
        binary,
        locations,
        process,
        reference_counters,
        cookies,
    } = target
    else {
        return Ok(Vec::new());
    };
    let mode = multi_mode(
        attaching,
        libbpf_sys::BPF_TRACE_UPROBE_MULTI,
        libbpf_sys::BPF_TRACE_UPROBE_SESSION,
        "uprobe.multi",
    )?;
    let (pattern, symbols, offsets): (_, &[String], &[u64]) = match locations {
        UprobeLocations::Pattern(pattern) => (Some(pattern.as_str()), &[], &[]),
        UprobeLocations::Symbols(symbols) => (None, symbols, &[]),
        UprobeLocations::FileOffsets(offsets) => (None, &[], offsets),
    };
    let count = symbols.len().max(offsets.len());
    check_cookies(cookies, count, pattern.is_some())?;
    check_cookies(reference_counters, count, pattern.is_some())?;
    one(raw::uprobe_multi(
        attaching.program,
        &raw::UprobeMulti {
            binary,
            pid: pid(*process)?,
            pattern,
            symbols,
            offsets,
            reference_counters,
            cookies,
            mode,
        },
    ))
}

/// As many as places, or none; and none with a pattern.
fn check_cookies(cookies: &[u64], count: usize, has_pattern: bool) -> Result<(), Failure> {
    if cookies.is_empty() || (cookies.len() == count && !has_pattern) {
        return Ok(());
    }
    Err(Failure::Explained(
        ErrorKind::InvalidArgument,
        format!(
            "{} cookies or reference counters for {count} places (there are as many, or none; none \
             with a pattern)",
            cookies.len()
        ),
    ))
}

/// The kernel wants to know at load that a program is for many probes.
fn multi_mode(
    attaching: &Attaching<'_>,
    multi: u32,
    session: u32,
    section: &str,
) -> Result<MultiMode, Failure> {
    let attach_type = attaching.info.attach_type;
    if attach_type != multi && attach_type != session {
        return Err(Failure::Explained(
            ErrorKind::InvalidArgument,
            format!(
                "its section is `{}`; only programs in `{section}` and the like can be attached to \
                 many places with one link",
                attaching.info.section
            ),
        ));
    }
    Ok(MultiMode {
        on_return: on_return(&attaching.info.section),
        session: attach_type == session,
    })
}

fn on_return(section: &str) -> bool {
    let (prefix, _) = split(section);
    matches!(
        prefix,
        "kretprobe" | "uretprobe" | "kretsyscall" | "kretprobe.multi" | "uretprobe.multi"
    )
}

/// As libbpf takes it: -1 for everybody, 0 for this process.
fn pid(process: ProcessFilter) -> Result<i32, Failure> {
    match process {
        ProcessFilter::Any => Ok(-1),
        ProcessFilter::HostProcess => Ok(0),
        ProcessFilter::Pid(pid) => {
            i32::try_from(pid)
                .ok()
                .filter(|pid| *pid > 0)
                .ok_or_else(|| {
                    Failure::Explained(
                        ErrorKind::InvalidArgument,
                        format!("{pid} is not the number of a process"),
                    )
                })
        }
    }
}
