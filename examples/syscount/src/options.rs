//! The command line.

use std::io::{Write, stdout};
use std::process::exit;
use std::time::Duration;

use eunomia_bpf::ErrorCode;
use lexopt::{Arg, Error, Parser, ValueExt};

const HELP: &str = "\
Counts system calls and the time they take.

Usage: syscount [OPTION...]

Examples:
  syscount               # the 10 most frequent system calls of each second
  syscount -i 5 -T 20    # the 20 most frequent ones of every 5 seconds
  syscount -i 0          # once, at the end
  syscount -L            # measure time, and sort by it
  syscount -P            # by process instead of by system call
  syscount -p 181        # only process 181
  syscount -x            # only calls that fail
  syscount -e ENOENT     # only calls that fail with this error

Options:
  -i, --interval SECONDS      print and start again at this interval (default 1); 0: only at the end
  -T, --top COUNT             print so many lines (default 10)
  -L, --latency               measure how long calls take, and sort by the sum
  -P, --process               count by process
  -p, --pid PID               only this process
  -x, --failures              only calls that fail
  -e, --errno ERRNO           only calls that fail with this error, a name or number
  -l, --list                  print the system calls that have names here
  -h, --help                  print this help
";

/// Names in the order of their numbers; a number is that of the name after it.
const ERRNOS: &str = include_str!("errnos.txt");

pub(crate) struct Options {
    /// None: only at the end.
    pub(crate) interval: Option<Duration>,
    pub(crate) top: usize,
    pub(crate) latency: bool,
    pub(crate) by_process: bool,
    /// 0: any.
    pub(crate) pid: u32,
    pub(crate) failed: bool,
    /// 0: any.
    pub(crate) errno: i32,
    pub(crate) list: bool,
}

/// What the lines are sorted by.
pub(crate) enum SortBy {
    Count,
    Time,
}

impl Options {
    pub(crate) fn sort_by(&self) -> SortBy {
        match self.latency {
            true => SortBy::Time,
            false => SortBy::Count,
        }
    }

    /// Reads the command line; ends the guest after `--help`.
    pub(crate) fn parse(parser: Parser) -> eunomia_bpf::Result<Self> {
        Self::read(parser)
            .map_err(|error| eunomia_bpf::Error::new(ErrorCode::InvalidArgument, error.to_string()))
    }

    fn read(mut parser: Parser) -> Result<Self, Error> {
        let mut options = Self {
            interval: Some(Duration::from_secs(1)),
            top: 10,
            latency: false,
            by_process: false,
            pid: 0,
            failed: false,
            errno: 0,
            list: false,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Short('i') | Arg::Long("interval") => {
                    options.interval = parser.value()?.parse_with(interval)?;
                }
                Arg::Short('T') | Arg::Long("top") => options.top = parser.value()?.parse()?,
                Arg::Short('L') | Arg::Long("latency") => options.latency = true,
                Arg::Short('P') | Arg::Long("process") => options.by_process = true,
                Arg::Short('p') | Arg::Long("pid") => options.pid = parser.value()?.parse()?,
                Arg::Short('x') | Arg::Long("failures") => options.failed = true,
                Arg::Short('e') | Arg::Long("errno") => {
                    options.errno = parser.value()?.parse_with(errno)?;
                }
                Arg::Short('l') | Arg::Long("list") => options.list = true,
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

fn interval(text: &str) -> Result<Option<Duration>, &'static str> {
    let seconds = text.parse().ok();
    let interval = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    match interval.ok_or("an interval is a number of seconds")? {
        Duration::ZERO => Ok(None),
        interval => Ok(Some(interval)),
    }
}

fn errno(text: &str) -> Result<i32, &'static str> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let mut next = 0;
    for word in ERRNOS.split_ascii_whitespace() {
        match word.parse() {
            Ok(number) => next = number,
            Err(_) if word == text => return Ok(next),
            Err(_) => next += 1,
        }
    }
    Err("no such error")
}
