//! The command line.

use std::io::{Write, stdout};
use std::process::exit;
use std::time::Duration;

use lexopt::{Arg, Error, Parser, ValueExt};

use crate::bpf::Grouping;

const HELP: &str = "\
Shows how long tasks that could run wait for a CPU, as a histogram.

Usage: runqlat [OPTION...] [INTERVAL [COUNT]]

Examples:
  runqlat                # one histogram, at the end
  runqlat 1 10           # one each second, ten times
  runqlat -mT 1          # one each second, in milliseconds, with the time
  runqlat -P             # one for each process
  runqlat -p 185         # only process 185

Options:
  -p, --pid PID               only this process
  -P, --pids                  a histogram for each process
  -L, --tids                  a histogram for each thread
  -m, --milliseconds          milliseconds instead of microseconds
  -T, --timestamp             print the time (UTC) above each histogram
  -h, --help                  print this help
";

#[derive(Debug)]
pub(crate) struct Options {
    /// 0: any.
    pub(crate) pid: u32,
    pub(crate) grouping: Grouping,
    pub(crate) milliseconds: bool,
    pub(crate) timestamp: bool,
    /// None: until the operator asks to stop.
    pub(crate) interval: Option<Duration>,
    pub(crate) count: u64,
}

impl Options {
    /// Reads the command line; ends the guest after `--help`.
    pub(crate) fn parse(mut parser: Parser) -> Result<Self, Error> {
        let mut options = Self {
            pid: 0,
            grouping: Grouping::BY_NOTHING,
            milliseconds: false,
            timestamp: false,
            interval: None,
            count: u64::MAX,
        };
        let mut positions = 0;
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Short('p') | Arg::Long("pid") => options.pid = parser.value()?.parse()?,
                Arg::Short('P') | Arg::Long("pids") => options.grouping = Grouping::BY_PROCESS,
                Arg::Short('L') | Arg::Long("tids") => options.grouping = Grouping::BY_THREAD,
                Arg::Short('m') | Arg::Long("milliseconds") => options.milliseconds = true,
                Arg::Short('T') | Arg::Long("timestamp") => options.timestamp = true,
                Arg::Value(value) if positions == 0 => {
                    options.interval = Some(value.parse_with(interval)?);
                    positions = 1;
                }
                Arg::Value(value) if positions == 1 => {
                    options.count = value.parse()?;
                    positions = 2;
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

fn interval(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0.0);
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or("an interval is a number of seconds above 0")
}
