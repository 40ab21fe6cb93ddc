//! The command line.

use std::io::{Write, stdout};
use std::process::exit;

use lexopt::{Arg, Error, Parser, ValueExt};

const HELP: &str = "\
Shows how long TCP connections take: from the call to the other end's answer.

Usage: tcpconnlat [OPTION...]

Examples:
  tcpconnlat                                    # all connections
  tcpconnlat -m 10000                           # those that took 10 ms and more

Options:
  -m, --min MICROSECONDS      not those that took less
  -h, --help                  print this help
";

#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) microseconds_min: u64,
}

impl Options {
    /// Reads the command line; ends the guest after `--help`.
    pub(crate) fn parse(mut parser: Parser) -> Result<Self, Error> {
        let mut options = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Short('m') | Arg::Long("min") => {
                    options.microseconds_min = parser.value()?.parse()?;
                }
                Arg::Short('h') | Arg::Long("help") => {
                    // Whoever closed standard output wants no help.
                    let _ = stdout().write_all(HELP.as_bytes());
                    exit(0);
                }
                _ => return Err(argument.unexpected()),
            }
        }
        Ok(options)
    }
}
