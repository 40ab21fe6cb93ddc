//! `ecli`: build, run and manage eBPF tools whose user-space half is a sandboxed WebAssembly
//! component.
//!
//! Each verb is one file of [`commands`]. A command's result goes to stdout, everything else to
//! stderr; exit code 1 is a failure, 2 a wrong command line, and that of `ecli run` is the guest's.

#![forbid(unsafe_code)]
// They panic when nobody reads; `commands::print` and `say!` do not.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

/// Prints a line to stderr, if somebody reads it.
macro_rules! say {
    ($($line:tt)*) => {
        $crate::terminal::say(format_args!($($line)*))
    };
}

mod admission;
mod cli;
mod commands;
mod config;
mod consent;
mod context;
mod duration;
mod environment;
mod failure;
mod foreign;
mod inspection;
mod interrupt;
mod kernel;
mod kernel_tool;
mod logging;
mod needs;
mod output_options;
mod password;
mod permissions;
mod pinning;
mod policy;
mod project;
mod render;
mod run_options;
mod session;
mod similar;
mod size;
mod table;
mod terminal;
mod testing;
mod tool_source;
mod transfer;
mod watch;

use std::process::ExitCode;

use crate::context::Context;

fn main() -> ExitCode {
    let cli = cli::parse();
    logging::install(cli.global.verbose);
    let outcome = Context::new(cli.global).and_then(|ctx| commands::run(&ctx, cli.command));
    outcome.unwrap_or_else(|error| failure::report(&error))
}
