//! How a guest's `main` ends.

use std::io;
use std::process::ExitCode;

use crate::error::Error;
use crate::output;

/// Runs what `main` is to do, and ends as a command should: an error goes to standard error as one
/// line, `error: ...`, with exit code 1. Rows that are still gathered are emitted.
///
/// When nobody reads any more what the guest writes (`ecli run execsnoop | head -1`) it ends
/// without a word: whoever reads has what he wanted. For the guest that is success; `ecli run` sees
/// that its output was closed and chooses its own exit code.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// fn main() -> ExitCode {
///     eunomia_bpf::run(snoop)
/// }
///
/// fn snoop() -> eunomia_bpf::Result<()> {
///     let object = eunomia_bpf::Object::open_default()?.load()?;
///     let _links = object.attach()?;
///     eunomia_bpf::lifecycle::wait_for_stop()
/// }
/// ```
///
/// Use `writeln!`, whose errors can be handed up, rather than `println!`, which panics when nobody
/// reads.
pub fn run<E>(main: impl FnOnce() -> Result<(), E>) -> ExitCode
where
    E: Into<Box<dyn std::error::Error>>,
{
    let result = main().map_err(Into::into);
    let result = result.and(output::flush_pending().map_err(Into::into));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            let message = message(&*error);
            // Standard error may be closed as well.
            let _ = io::Write::write_all(&mut io::stderr(), message.as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn is_closed(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.downcast_ref().is_some_and(Error::is_closed) {
            return true;
        }
        let io_error: Option<&io::Error> = error.downcast_ref();
        if io_error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            return true;
        }
        next = error.source();
    }
    false
}

/// The error and what it came from, unless it says so itself.
fn message(error: &dyn std::error::Error) -> String {
    let mut text = format!("error: {error}");
    let mut next = error.source();
    while let Some(source) = next {
        let source_text = source.to_string();
        if !text.contains(&source_text) {
            text.push_str(": ");
            text.push_str(&source_text);
        }
        next = source.source();
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[derive(Debug)]
    struct Outer(io::Error);

    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("print the summary")
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn the_message_is_one_line_with_the_whole_chain() {
        let error = Outer(io::Error::other("disk full"));
        assert_eq!(message(&error), "error: print the summary: disk full\n");
        let error = Error::new(ErrorCode::NotFound, "open object \"x\"");
        assert_eq!(message(&error), "error: open object \"x\"\n");
    }

    #[test]
    fn a_reader_that_left_is_found_in_the_chain() {
        assert!(is_closed(&Error::new(ErrorCode::Closed, "emit rows")));
        assert!(is_closed(&Outer(io::ErrorKind::BrokenPipe.into())));
        assert!(!is_closed(&Outer(io::ErrorKind::NotFound.into())));
    }
}
