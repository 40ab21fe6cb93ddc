//! The command line.

use std::io::{Write, stdout};
use std::process::exit;

use lexopt::{Arg, Error, Parser, ValueExt};

const HELP: &str = "\
Shows the lines typed into bash, or what any function of any binary returns as a string.

Usage: bashreadline [OPTION...]

Examples:
  bashreadline                                  # all bash shells
  bashreadline -p 181                           # only the shell with this process id
  bashreadline -s /usr/lib/libreadline.so.8     # where bash is linked with the library
  bashreadline -s libc.so.6 -f getenv           # another function that returns a string

Options:
  -s, --shared BINARY         the executable or library: a path, or a name to look up as the shell
                              or the dynamic linker would (default bash)
  -f, --function NAME         a function in it that returns a string (default readline)
  -p, --pid PID               only this process
  -h, --help                  print this help
";

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) binary: String,
    pub(crate) function: String,
    pub(crate) pid: Option<u32>,
}

impl Options {
    /// Reads the command line; ends the guest after `--help`.
    pub(crate) fn parse(mut parser: Parser) -> Result<Self, Error> {
        let mut options = Self {
            binary: "bash".to_owned(),
            function: "readline".to_owned(),
            pid: None,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Short('s') | Arg::Long("shared") => {
                    options.binary = parser.value()?.parse()?
                }
                Arg::Short('f') | Arg::Long("function") => {
                    options.function = parser.value()?.parse()?;
                }
                Arg::Short('p') | Arg::Long("pid") => options.pid = Some(parser.value()?.parse()?),
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
