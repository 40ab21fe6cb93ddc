//! The command line.

use std::io::{Write, stdout};
use std::process::exit;
use std::time::Duration;

use lexopt::{Arg, Error, Parser, ValueExt};

const HELP: &str = "\
Shows how long disks take for requests, as a histogram.

Usage: biolatency [OPTION...] [INTERVAL [COUNT]]

Examples:
  biolatency             # one histogram, at the end
  biolatency 1 10        # one each second, ten times
  biolatency -mT 1       # one each second, in milliseconds, with the time
  biolatency -Q          # count also the time in the queue of the operating system
  biolatency -D          # one for each disk
  biolatency -F          # one for each kind of request: reads, synchronous writes, flushes...
  biolatency -d vda      # only disk vda

Options:
  -T, --timestamp             print the time (UTC) above each histogram
  -Q, --queued                count also the time in the queue of the operating system
  -m, --milliseconds          milliseconds instead of microseconds
  -F, --flags                 a histogram for each set of flags of requests
  -D, --disks                 a histogram for each disk
  -d, --disk DISK             only this disk, by its name in /sys/block
  -h, --help                  print this help
";

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) timestamp: bool,
    pub(crate) queued: bool,
    pub(crate) milliseconds: bool,
    pub(crate) by_flags: bool,
    pub(crate) by_disk: bool,
    /// Ends with a NUL; empty: any.
    pub(crate) disk: [u8; 32],
    /// None: until the operator asks to stop.
    pub(crate) interval: Option<Duration>,
    pub(crate) count: u64,
}

impl Options {
    /// Reads the command line; ends the guest after `--help`.
    pub(crate) fn parse(mut parser: Parser) -> Result<Self, Error> {
        let mut options = Self {
            timestamp: false,
            queued: false,
            milliseconds: false,
            by_flags: false,
            by_disk: false,
            disk: [0; 32],
            interval: None,
            count: u64::MAX,
        };
        let mut positions = 0;
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Short('T') | Arg::Long("timestamp") => options.timestamp = true,
                Arg::Short('Q') | Arg::Long("queued") => options.queued = true,
                Arg::Short('m') | Arg::Long("milliseconds") => options.milliseconds = true,
                Arg::Short('F') | Arg::Long("flags") => options.by_flags = true,
                Arg::Short('D') | Arg::Long("disks") => options.by_disk = true,
                Arg::Short('d') | Arg::Long("disk") => {
                    options.disk = parser.value()?.parse_with(disk)?;
                }
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

/// The kernel's `disk_name`, to compare with.
fn disk(text: &str) -> Result<[u8; 32], &'static str> {
    // As people have it from `mount`.
    let name = text.strip_prefix("/dev/").unwrap_or(text);
    eunomia_bpf::nul_padded(name).ok_or("the name of a disk has at most 31 bytes")
}

fn interval(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0.0);
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or("an interval is a number of seconds above 0")
}
