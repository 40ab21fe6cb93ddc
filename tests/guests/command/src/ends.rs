//! How a command ends, or does not.

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
    std::process::exit(code.parse()?);
}

/// Ends with an error.
pub(crate) fn fail(_: &[String]) -> Outcome {
    Err(Error::new(ErrorCode::Other, "it was asked to fail").into())
}

/// Panics.
pub(crate) fn panic(_: &[String]) -> Outcome {
    panic!("it was asked to panic");
}

/// Traps without a word.
pub(crate) fn abort(_: &[String]) -> Outcome {
    std::process::abort();
}

/// Overflows the stack.
pub(crate) fn recurse(_: &[String]) -> Outcome {
    fn deeper(depth: u64) -> u64 {
        let here = black_box([depth; 64]);
        here[0] + deeper(black_box(depth) + 1) + here[63]
    }
    Err(format!("{} calls fit on the stack", deeper(0)).into())
}

/// Takes memory until there is none.
pub(crate) fn allocate(_: &[String]) -> Outcome {
    let mut taken = Vec::new();
    loop {
        taken.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Computes for ever.
pub(crate) fn spin(_: &[String]) -> Outcome {
    let mut count = 0_u64;
    loop {
        count = black_box(count.wrapping_add(1));
    }
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

/// Hears the request to stop and goes on.
pub(crate) fn ignore_stop(_: &[String]) -> Outcome {
    writeln!(stdout(), "waiting")?;
    lifecycle::wait_for_stop()?;
    writeln!(stdout(), "ignored")?;
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
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
