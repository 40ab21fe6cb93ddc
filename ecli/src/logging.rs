//! Log lines on stderr: warnings, with `-v` what is done, with `-vv` everything.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;

use crate::environment;

/// Installs the subscriber of this process.
pub(crate) fn install(verbosity: u8) {
    let level = match verbosity {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && environment::allows_colour())
        .with_target(verbosity > 1)
        .without_time()
        // They would go to stderr, which may be what cannot be written, and panic then.
        .log_internal_errors(false)
        .init();
}
