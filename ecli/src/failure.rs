//! Telling the user what went wrong: the chain of an error once, in one line, and a hint of what to
//! do next where there is one.

use std::error::Error;
use std::fmt;
use std::io::Write;
use std::process::ExitCode;

use crate::terminal;

/// Nobody reads any more what a command prints, as after `| head -1`: it ends without a word.
#[derive(Debug)]
pub(crate) struct OutputClosed;

impl fmt::Display for OutputClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads any more")
    }
}

impl Error for OutputClosed {}

/// An error with advice. It shows as the error that it carries.
#[derive(Debug)]
struct Hinted {
    error: anyhow::Error,
    hint: String,
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl Error for Hinted {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.chain().nth(1)
    }
}

/// Adds advice to errors.
pub(crate) trait HintExt<T> {
    /// Says what to do about the error.
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T>;

    /// The same, with a hint that is only put together when it is needed.
    fn with_hint(self, hint: impl FnOnce() -> String) -> anyhow::Result<T>;
}

/// An error that says what to do about it.
pub(crate) fn hinted(error: impl Into<anyhow::Error>, hint: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Hinted {
        error: error.into(),
        hint: hint.into(),
    })
}

impl<T, E: Into<anyhow::Error>> HintExt<T> for Result<T, E> {
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T> {
        self.map_err(|error| hinted(error, hint))
    }

    fn with_hint(self, hint: impl FnOnce() -> String) -> anyhow::Result<T> {
        self.map_err(|error| hinted(error, hint()))
    }
}

/// The error and what caused it, without the wrapping of hints, to look for known types.
pub(crate) fn causes(error: &anyhow::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    error.chain().map(|cause| {
        let inner = cause
            .downcast_ref::<Hinted>()
            .and_then(|hinted| hinted.error.chain().next());
        inner.unwrap_or(cause)
    })
}

/// Prints an error to stderr.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if causes(error).any(|cause| cause.is::<OutputClosed>()) {
        return ExitCode::FAILURE;
    }
    let mut text = format!("ecli: {}\n", message(error));
    if let Some(hint) = hint(error) {
        text.push_str(&format!("hint: {hint}\n"));
    }
    // Nobody is left to tell when this fails.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
    ExitCode::FAILURE
}

/// The chain, joined. Libraries put their sources into `source`, but some repeat them in their own
/// message as well.
pub(crate) fn message(error: &anyhow::Error) -> String {
    let mut message = String::new();
    for part in error
        .chain()
        .map(|cause| terminal::visible_lines(&cause.to_string()))
    {
        if message.is_empty() {
            message = part;
        } else if !message.ends_with(&part) {
            message.push_str(": ");
            message.push_str(&part);
        }
    }
    message
}

fn hint(error: &anyhow::Error) -> Option<String> {
    let given = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<Hinted>())
        .map(|hinted| hinted.hint.clone());
    given.or_else(|| causes(error).find_map(known_hint))
}

/// Advice on errors of libraries, which know no command line.
fn known_hint(cause: &(dyn Error + 'static)) -> Option<String> {
    let image = cause
        .downcast_ref::<eunomia_image::Error>()
        .map(eunomia_image::Error::kind);
    let runtime = cause
        .downcast_ref::<eunomia_runtime::Error>()
        .map(eunomia_runtime::Error::kind);
    image
        .and_then(image_hint)
        .or_else(|| runtime.and_then(runtime_hint))
        .map(str::to_owned)
}

fn image_hint(kind: eunomia_image::ErrorKind) -> Option<&'static str> {
    use eunomia_image::ErrorKind;

    Some(match kind {
        ErrorKind::PermissionDenied => {
            "run it as root, or choose a store of your own with --store FOLDER or ECLI_STORE"
        }
        ErrorKind::Busy => "another ecli is using the store; try again",
        ErrorKind::StorageFull => "free some space: `ecli prune` deletes what no image needs",
        ErrorKind::InvalidReference => {
            "a name is like `execsnoop`, `execsnoop:1.0` or `registry.example/tools/execsnoop`"
        }
        ErrorKind::Unauthorized => {
            "log in with `ecli login REGISTRY`; the image's name may be wrong as well: some \
             registries do not say which"
        }
        ErrorKind::Network => {
            "is the registry's name right, and can this machine reach it? For a registry without \
             TLS: --plain-http; for one with a certificate of its own: --ca-file; proxies come \
             from https_proxy and no_proxy"
        }
        ErrorKind::NoPlatform => {
            "`ecli build` on such a machine makes one; --platform chooses another platform"
        }
        _ => return None,
    })
}

fn runtime_hint(kind: eunomia_runtime::ErrorKind) -> Option<&'static str> {
    use eunomia_runtime::ErrorKind;

    Some(match kind {
        ErrorKind::LimitExceeded => {
            "a tool that you trust may have more memory with --memory; the other limits stop what \
             went wrong"
        }
        ErrorKind::UnknownImport => {
            "the tool was built for another version of ecli (`ecli version`), or needs what the \
             sandbox does not give: files, network"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn the_chain_is_printed_once_and_hints_do_not_show_in_it() {
        let error = Err::<(), _>(anyhow!("no such file"))
            .context("open x")
            .hint("create it")
            .context("build y")
            .unwrap_err();
        assert_eq!(message(&error), "build y: open x: no such file");
        assert_eq!(hint(&error).as_deref(), Some("create it"));
    }

    #[test]
    fn a_message_that_repeats_its_source_is_not_doubled() {
        let error = anyhow!("disk full").context("write x: disk full");
        assert_eq!(message(&error), "write x: disk full");
    }

    #[test]
    fn control_characters_of_names_are_made_visible() {
        let error = anyhow!("no image \u{1b}[2J");
        assert_eq!(message(&error), "no image \\u{1b}[2J");
    }
}
