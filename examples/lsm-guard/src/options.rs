//! The command line.

use std::io::{Write, stdout};
use std::process::exit;

use lexopt::{Arg, Error, Parser, ValueExt};

const HELP: &str = "\
Denies opening files whose paths begin with what is given, and reports who tried.

Usage: lsm-guard [OPTION...] PATH...

Examples:
  lsm-guard /etc/shadow                         # nobody opens it, root neither
  lsm-guard /srv/secrets/ --allow /srv/secrets/public/
  lsm-guard --report /etc/ssh/                  # only say who does

The longest PATH that a file's path begins with decides: /etc/pass is also the begin of /etc/passwd.

Options:
      --allow PATH            allow it, within a PATH that is denied
      --report PATH           allow it, and report it
  -h, --help                  print this help
";

/// `enum action` of lsm-guard.bpf.c.
const ALLOW: u32 = 0;
const REPORT: u32 = 1;
const DENY: u32 = 2;

#[derive(Debug, Default)]
pub(crate) struct Options {
    /// Paths, and what is done about them.
    pub(crate) rules: Vec<(String, u32)>,
}

impl Options {
    /// Reads the command line; ends the guest after `--help`.
    pub(crate) fn parse(mut parser: Parser) -> Result<Self, Error> {
        let mut rules = Vec::new();
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Value(path) => rules.push((path.parse()?, DENY)),
                Arg::Long("allow") => rules.push((parser.value()?.parse()?, ALLOW)),
                Arg::Long("report") => rules.push((parser.value()?.parse()?, REPORT)),
                Arg::Short('h') | Arg::Long("help") => {
                    // Whoever closed standard output wants no help.
                    let _ = stdout().write_all(HELP.as_bytes());
                    exit(0);
                }
                _ => return Err(argument.unexpected()),
            }
        }
        Ok(Self { rules })
    }
}
