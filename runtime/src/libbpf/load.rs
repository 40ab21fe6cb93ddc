//! Loading an object, and explaining why it failed.

use std::fmt;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};

use eunomia_host_abi::{Error, ErrorKind, Result};

use super::catalog::Catalog;
use super::event_buffer;
use super::failure::{errno_of, with_words};
use super::host::{self, Hint};
use super::log;
use super::object::{LibbpfObject, Loaded, Phase};
use super::raw;
use super::settings;

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
    event_buffer::choose(object, object.perf_buffers)?;
    settings::link_struct_ops(object)?;
    let Phase::Opened(opened) = std::mem::replace(&mut object.phase, Phase::Failed) else {
        return Err(Error::new(ErrorKind::InvalidState, "load: already loaded"));
    };
    let (outcome, messages) = log::captured(|| opened.load());
    object.kernel_types = None;
    let loaded = outcome.map_err(|error| {
        let failed = Failed {
            object: &object.name,
            catalog: &object.catalog,
            has_other_types: object.has_other_types,
            messages: &messages,
        };
        failed.explain(errno_of(&error))
    })?;
    let btf_fd = || raw::object_btf_fd(&loaded);
    for map in &object.catalog.maps {
        if let Some(inner) = &map.inner {
            inner.set_btf_fd(btf_fd());
        }
    }
    note_ids(object, &loaded);
    pin(object, &loaded)?;
    object.phase = Phase::Loaded(Arc::new(Loaded {
        object: loaded,
        attaching: Mutex::new(()),
    }));
    Ok(())
}

/// Pin what was loaded, if the run is to be survived by it.
fn pin(object: &mut LibbpfObject, loaded: &libbpf_rs::Object) -> Result<()> {
    use libbpf_rs::MapCore as _;

    let Some(pins) = &object.pins else {
        return Ok(());
    };
    let created: Vec<_> = loaded.maps().collect();
    let maps: Vec<_> = created
        .iter()
        .filter_map(|map| {
            let name = map.name().to_string_lossy();
            let mut declared = object.catalog.maps.iter();
            let declared = declared.find(|map| map.libbpf_name == name)?;
            Some((declared.info.name.as_str(), map.as_fd()))
        })
        .collect();
    let verified: Vec<_> = loaded.progs_mut().filter(raw::is_loaded).collect();
    let names: Vec<_> = verified
        .iter()
        .map(|program| program.name().to_string_lossy().into_owned())
        .collect();
    let programs: Vec<_> = names
        .iter()
        .map(String::as_str)
        .zip(verified.iter().map(|program| program.as_fd()))
        .collect();
    object.own_pins = Some(pins.object(&object.name, &maps, &programs)?);
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
            if declared.stands_for_ring.is_none() {
                declared.info.max_entries = kernel.info.max_entries;
            }
        }
    }
}

/// What is known of a load that failed.
struct Failed<'a> {
    object: &'a str,
    catalog: &'a Catalog,
    has_other_types: bool,
    /// libbpf's.
    messages: &'a [String],
}

impl Failed<'_> {
    fn explain(&self, errno: i32) -> Error {
        let operation = format!("load object `{}`", self.object);
        let messages = self.messages;
        let hint = |log| host::load_hint(errno, log, messages, self.has_other_types);
        let refusal = messages.iter().find_map(|message| refused_program(message));
        let Some((program, reason)) = refusal else {
            let hint = hint("").or_else(|| unknown_map(self.catalog, messages));
            return explained(errno, with_words(&operation, messages), hint, None);
        };
        let log = messages.iter().find_map(|message| verifier_log(message));
        let hint =
            hint(log.unwrap_or_default()).or_else(|| unknown_program(self.catalog, program, log));
        let text = format!("{operation}: program `{program}`: {reason}");
        let Some(log) = log else {
            return explained(errno, text, hint, Some(ErrorKind::Rejected));
        };
        let tail = tail(log, LOG_LINES_MAX);
        let kind = if needs_another_kernel(tail) {
            ErrorKind::NotSupported
        } else {
            ErrorKind::Rejected
        };
        let error = explained(errno, text, hint, Some(kind));
        let text = format!("{error}; the verifier's log ends with\n{tail}");
        Error::from_errno(errno, text)
            .with_kind(error.kind())
            .with_source(VerifierLog {
                program: program.to_owned(),
                text: log.to_owned(),
            })
    }
}

/// An error whose kind is that of the hint, or else `kind`, or else that of `errno`.
fn explained(errno: i32, mut text: String, hint: Option<Hint>, kind: Option<ErrorKind>) -> Error {
    if let Some(hint) = &hint {
        text.push_str(": ");
        text.push_str(&hint.text);
    }
    let error = Error::from_errno(errno, text);
    match hint.map(|hint| hint.kind).or(kind) {
        Some(kind) => error.with_kind(kind),
        None => error,
    }
}

/// Without a word of the verifier, a program may be of a type that the kernel does not know.
fn unknown_program(catalog: &Catalog, program: &str, log: Option<&str>) -> Option<Hint> {
    let place = catalog.program(program).ok().filter(|_| log.is_none())?;
    let info = &catalog.programs[place];
    (raw::knows_program_type(info.program_type) == Some(false)).then(|| Hint {
        kind: ErrorKind::NotSupported,
        text: format!("this kernel has no programs of type {}", info.type_name),
    })
}

/// `map 'x': failed to create: -EINVAL` of a map whose type the kernel does not know.
fn unknown_map(catalog: &Catalog, messages: &[String]) -> Option<Hint> {
    let name = messages.iter().find_map(|message| {
        let (name, rest) = message.strip_prefix("map '")?.split_once("': ")?;
        rest.starts_with("failed to create").then_some(name)
    })?;
    let map = catalog.maps.iter().find(|map| map.libbpf_name == name)?;
    (raw::knows_map_type(map.info.map_type) == Some(false)).then(|| Hint {
        kind: ErrorKind::NotSupported,
        text: format!("this kernel has no maps of type {}", map.info.type_name),
    })
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

    fn no_catalog() -> Catalog {
        Catalog {
            programs: Vec::new(),
            maps: Vec::new(),
            globals: Vec::new(),
            btf: None,
        }
    }

    fn explain(errno: i32, messages: &[String]) -> Error {
        let failed = Failed {
            object: "tool",
            catalog: &no_catalog(),
            has_other_types: false,
            messages,
        };
        failed.explain(errno)
    }

    fn framed(log: &str) -> String {
        format!("prog 'handle_exec': {LOG_BEGIN}{log}{LOG_END}")
    }

    #[test]
    fn a_refusal_names_the_program_and_ends_with_the_log() {
        let log = (0..100)
            .map(|line| format!("{line}: r0 = 0\n"))
            .collect::<String>();
        let messages = [REFUSED.to_owned(), framed(&log)];
        let error = explain(13, &messages);
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
        let kind = explain(22, &messages).kind();
        assert_eq!(kind, ErrorKind::NotSupported);
    }

    #[test]
    fn a_tail_of_a_short_log_is_the_whole_log() {
        assert_eq!(tail("a\nb\n", 40), "a\nb");
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("", 2), "");
    }
}
