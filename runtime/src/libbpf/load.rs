//! Loading an object, and explaining why it failed.

use std::fmt;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};

use eunomia_host_abi::{Error, ErrorKind, Result};

use super::failure::errno_of;
use super::host;
use super::log;
use super::object::{LibbpfObject, Loaded, Phase};
use super::raw;

/// Lines of the verifier's log that go into the error's message. The whole log is its source.
const LOG_LINES_MAX: usize = 40;

/// How libbpf frames a verifier log in its warning.
const LOG_BEGIN: &str = "-- BEGIN PROG LOAD LOG --\n";
const LOG_END: &str = "-- END PROG LOAD LOG --";

/// The verifier's log of a program that was refused: the source of the [`Error`] of load.
#[derive(Debug)]
pub struct VerifierLog {
    /// The program that was refused.
    pub program: String,
    /// The whole log.
    pub text: String,
}

impl fmt::Display for VerifierLog {
    /// Only whose log it is: the text may have megabytes, and its end is in the error's message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the verifier's log of program `{}` has {} lines",
            self.program,
            self.text.lines().count()
        )
    }
}

impl std::error::Error for VerifierLog {}

pub(super) fn load(object: &mut LibbpfObject) -> Result<()> {
    object.opened("load")?;
    let Phase::Opened(opened) = std::mem::replace(&mut object.phase, Phase::Failed) else {
        return Err(Error::new(ErrorKind::InvalidState, "load: already loaded"));
    };
    let (outcome, messages) = log::captured(|| opened.load());
    let loaded = outcome.map_err(|error| explain(&object.name, errno_of(&error), &messages))?;
    let btf_fd = || raw::object_btf_fd(&loaded);
    for map in &object.catalog.maps {
        if let Some(inner) = &map.inner {
            inner.set_btf_fd(btf_fd());
        }
    }
    note_ids(object, &loaded);
    object.phase = Phase::Loaded(Arc::new(Loaded {
        object: loaded,
        attaching: Mutex::new(()),
    }));
    Ok(())
}

fn note_ids(object: &mut LibbpfObject, loaded: &libbpf_rs::Object) {
    use libbpf_rs::MapCore as _;

    for (info, program) in object.catalog.programs.iter_mut().zip(loaded.progs_mut()) {
        if raw::is_loaded(&program) {
            info.id = raw::program_info(program.as_fd()).map_or(0, |info| info.id);
        }
    }
    for map in loaded.maps() {
        let name = map.name().to_string_lossy();
        let Ok(kernel) = libbpf_rs::MapInfo::new(map.as_fd()) else {
            continue;
        };
        let declared = object
            .catalog
            .maps
            .iter_mut()
            .find(|map| map.libbpf_name == name);
        if let Some(declared) = declared {
            declared.info.id = kernel.info.id;
            declared.info.max_entries = kernel.info.max_entries;
        }
    }
}

fn explain(object: &str, errno: i32, messages: &[String]) -> Error {
    let operation = format!("load object `{object}`");
    let refusal = messages.iter().find_map(|message| refused_program(message));
    let Some((program, reason)) = refusal else {
        return explain_other(&operation, errno, messages);
    };
    let log = messages.iter().find_map(|message| verifier_log(message));
    let hint = host::load_hint(errno, log.unwrap_or_default(), messages);
    let mut text = format!("{operation}: program `{program}`: {reason}");
    if let Some(hint) = &hint {
        text.push_str(": ");
        text.push_str(&hint.text);
    }
    let Some(log) = log else {
        let kind = hint.map_or(ErrorKind::Rejected, |hint| hint.kind);
        return Error::from_errno(errno, text).with_kind(kind);
    };
    let tail = tail(log, LOG_LINES_MAX);
    text.push_str("; the verifier's log ends with\n");
    text.push_str(tail);
    let kind = match hint {
        Some(hint) => hint.kind,
        None if needs_another_kernel(tail) => ErrorKind::NotSupported,
        None => ErrorKind::Rejected,
    };
    Error::from_errno(errno, text)
        .with_kind(kind)
        .with_source(VerifierLog {
            program: program.to_owned(),
            text: log.to_owned(),
        })
}

/// Maps, relocations, everything before the verifier.
fn explain_other(operation: &str, errno: i32, messages: &[String]) -> Error {
    let mut text = operation.to_owned();
    for message in messages {
        text.push_str(": ");
        text.push_str(message);
    }
    match host::load_hint(errno, "", messages) {
        Some(hint) => {
            text.push_str(": ");
            text.push_str(&hint.text);
            Error::from_errno(errno, text).with_kind(hint.kind)
        }
        None => Error::from_errno(errno, text),
    }
}

/// `prog 'x': BPF program load failed: Permission denied` gives `x` and the reason.
fn refused_program(message: &str) -> Option<(&str, &str)> {
    let (program, rest) = message.strip_prefix("prog '")?.split_once("': ")?;
    let reason = rest.strip_prefix("BPF program load failed: ")?;
    Some((program, reason))
}

fn verifier_log(message: &str) -> Option<&str> {
    let (_, log) = message.split_once(LOG_BEGIN)?;
    let log = log.rsplit_once(LOG_END).map_or(log, |(log, _)| log);
    (!log.trim().is_empty()).then_some(log)
}

fn tail(log: &str, lines_max: usize) -> &str {
    let log = log.trim_end();
    match log.rmatch_indices('\n').nth(lines_max.saturating_sub(1)) {
        Some((end, _)) => &log[end + 1..],
        None => log,
    }
}

/// What libbpf and the verifier say of programs that rely on what this kernel lacks.
fn needs_another_kernel(log: &str) -> bool {
    [
        "<invalid CO-RE relocation>",
        "<invalid kfunc call>",
        "unknown func ",
        "invalid func unknown#",
    ]
    .iter()
    .any(|sign| log.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: &str = "prog 'handle_exec': BPF program load failed: Permission denied";

    fn framed(log: &str) -> String {
        format!("prog 'handle_exec': {LOG_BEGIN}{log}{LOG_END}")
    }

    #[test]
    fn a_refusal_names_the_program_and_ends_with_the_log() {
        let log = (0..100)
            .map(|line| format!("{line}: r0 = 0\n"))
            .collect::<String>();
        let messages = [REFUSED.to_owned(), framed(&log)];
        let error = explain("tool", 13, &messages);
        assert_eq!(error.kind(), ErrorKind::Rejected);
        assert_eq!(error.errno(), 13);
        let text = error.to_string();
        assert!(
            text.starts_with("load object `tool`: program `handle_exec`:"),
            "{text}"
        );
        assert!(text.ends_with("99: r0 = 0"), "{text}");
        assert!(!text.contains("59: r0 = 0"), "{text}");
        let source = std::error::Error::source(&error).unwrap();
        let source = source.downcast_ref::<VerifierLog>().unwrap();
        assert_eq!(source.text, log);
    }

    #[test]
    fn a_failed_relocation_is_the_kernels_lack() {
        let messages = [
            REFUSED.to_owned(),
            framed("12: <invalid CO-RE relocation>\nfailed to resolve CO-RE relocation\n"),
        ];
        let kind = explain("tool", 22, &messages).kind();
        assert_eq!(kind, ErrorKind::NotSupported);
    }

    #[test]
    fn a_tail_of_a_short_log_is_the_whole_log() {
        assert_eq!(tail("a\nb\n", 40), "a\nb");
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("", 2), "");
    }
}
