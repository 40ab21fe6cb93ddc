//! How a command ends.

use std::hint::black_box;
use std::io::{Write, stdout};
use std::time::Duration;

use eunomia_bpf::{Error, ErrorCode, lifecycle};

use crate::Outcome;

/// Prints each argument on a line.
pub(crate) fn arguments(arguments: &[String]) -> Outcome {
    for argument in arguments {
        writeln!(stdout(), "{argument}")?;
    }
    Ok(())
}

/// Exits with the code that the argument says.
pub(crate) fn exit(arguments: &[String]) -> Outcome {
    let code = arguments.first().ok_or("say which code")?;
    lifecycle::exit(code.parse()?);
}

/// Ends with an error.
pub(crate) fn fail(_: &[String]) -> Outcome {
    Err(Error::new(ErrorCode::Other, "it was asked to fail").into())
}

/// Overflows the stack.
pub(crate) fn recurse(_: &[String]) -> Outcome {
    fn deeper(depth: u64) -> u64 {
        let here = black_box([depth; 64]);
        let below = if black_box(true) {
            deeper(depth + 1)
        } else {
            0
        };
        below + here[63]
    }
    Err(format!("{} calls fit on the stack", deeper(0)).into())
}

/// Prints lines, as many as the argument says, or until nobody reads.
pub(crate) fn print(arguments: &[String]) -> Outcome {
    let count = match arguments.first() {
        Some(count) => count.parse()?,
        None => u64::MAX,
    };
    for line in 0..count {
        writeln!(stdout(), "{line}")?;
    }
    Ok(())
}

/// Says when it is asked to stop, and stops.
pub(crate) fn wait_for_stop(_: &[String]) -> Outcome {
    writeln!(stdout(), "waiting")?;
    lifecycle::wait_for_stop()?;
    writeln!(stdout(), "stopped")?;
    Ok(())
}

/// Asks itself to stop.
pub(crate) fn stop_itself(_: &[String]) -> Outcome {
    crate::equal("before", lifecycle::stop_requested(), false)?;
    lifecycle::request_stop();
    crate::equal("after", lifecycle::stop_requested(), true)?;
    // Returns at once.
    lifecycle::wait_for_stop()?;
    crate::equal("sleep", lifecycle::sleep(Duration::from_secs(3600))?, false)
}
