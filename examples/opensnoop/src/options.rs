//! The command line.

use std::io::{Write, stdout};
use std::process::exit;

use lexopt::{Arg, Error, Parser, ValueExt};

const HELP: &str = "\
Shows files that are opened, or that somebody fails to open.

Usage: opensnoop [OPTION...]

Examples:
  opensnoop              # all calls of open, openat and openat2
  opensnoop -T           # with the time
  opensnoop -U           # with the user
  opensnoop -x           # only those that failed
  opensnoop -p 181       # only process 181
  opensnoop -u 1000      # only user 1000
  opensnoop -n main      # only processes with \"main\" in their name
  opensnoop -e           # with the flags

Options:
  -p, --pid PID               only this process
  -t, --tid TID               only this thread
  -u, --uid UID               only processes of this user
  -n, --name NAME             only threads whose name contains this (at most 15 bytes)
  -x, --failed                only opens that failed
  -T, --timestamp             show the time
  -U, --print-uid             show the user
  -e, --extended-fields       show the flags
      --buffer-size KIB       size of the ring buffer (default 4096)
  -h, --help                  print this help
";

/// KiB of the ring buffer: the kernel takes bytes as a u32 that is a power of two.
const BUFFER_KIB_MAX: u32 = 1 << 20;

#[derive(Debug)]
pub(crate) struct Options {
    /// 0: any; likewise `tid`.
    pub(crate) pid: u32,
    pub(crate) tid: u32,
    pub(crate) uid: Option<u32>,
    /// Ends with a NUL; empty: any.
    pub(crate) name: [u8; 16],
    pub(crate) failed: bool,
    pub(crate) show_time: bool,
    pub(crate) show_uid: bool,
    pub(crate) show_flags: bool,
    pub(crate) buffer_bytes: u32,
}

impl Options {
    /// Reads the command line; ends the guest after `--help`.
    pub(crate) fn parse(mut parser: Parser) -> Result<Self, Error> {
        let mut options = Self {
            pid: 0,
            tid: 0,
            uid: None,
            name: [0; 16],
            failed: false,
            show_time: false,
            show_uid: false,
            show_flags: false,
            buffer_bytes: 4 << 20,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Short('p') | Arg::Long("pid") => options.pid = parser.value()?.parse()?,
                Arg::Short('t') | Arg::Long("tid") => options.tid = parser.value()?.parse()?,
                Arg::Short('u') | Arg::Long("uid") => options.uid = Some(parser.value()?.parse()?),
                Arg::Short('n') | Arg::Long("name") => {
                    options.name = parser.value()?.parse_with(name)?;
                }
                Arg::Short('x') | Arg::Long("failed") => options.failed = true,
                Arg::Short('T') | Arg::Long("timestamp") => options.show_time = true,
                Arg::Short('U') | Arg::Long("print-uid") => options.show_uid = true,
                Arg::Short('e') | Arg::Long("extended-fields") => options.show_flags = true,
                Arg::Long("buffer-size") => {
                    let kib: u32 = parser.value()?.parse()?;
                    options.buffer_bytes = kib.clamp(4, BUFFER_KIB_MAX) << 10;
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

fn name(text: &str) -> Result<[u8; 16], &'static str> {
    eunomia_bpf::nul_padded(text).ok_or("a thread name has at most 15 bytes")
}
