//! The command line.

use std::io::{Write, stdout};
use std::process::exit;
use std::time::Duration;

use lexopt::{Arg, Error, Parser, ValueExt};

/// The same for the guest in every language.
const HELP: &str = include_str!("../help.txt");

/// As in execsnoop.bpf.c.
const ARGUMENT_BYTES_LIMIT: u32 = 8192;

/// Bytes of the ring buffer: the kernel takes a u32 that is a power of two.
const BUFFER_KIB_MAX: u32 = 1 << 20;

#[derive(Debug)]
pub(crate) struct Options {
    /// 0: any; likewise `parent`.
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) uid: Option<u32>,
    /// Ends with a NUL; empty: any.
    pub(crate) name: [u8; 16],
    pub(crate) duration_ns_min: u64,
    pub(crate) forks: bool,
    pub(crate) starts: bool,
    pub(crate) time: bool,
    pub(crate) argument_bytes_max: u32,
    pub(crate) buffer_bytes: u32,
}

impl Options {
    /// Reads the command line; ends the guest after `--help`.
    pub(crate) fn parse(mut parser: Parser) -> Result<Self, Error> {
        let mut options = Self {
            pid: 0,
            parent: 0,
            uid: None,
            name: [0; 16],
            duration_ns_min: 0,
            forks: false,
            starts: false,
            time: false,
            argument_bytes_max: 1024,
            buffer_bytes: 1 << 20,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Short('p') | Arg::Long("pid") => options.pid = parser.value()?.parse()?,
                Arg::Short('P') | Arg::Long("parent") => {
                    options.parent = parser.value()?.parse()?
                }
                Arg::Short('u') | Arg::Long("uid") => options.uid = Some(parser.value()?.parse()?),
                Arg::Short('n') | Arg::Long("name") => {
                    options.name = parser.value()?.parse_with(name)?;
                }
                Arg::Short('m') | Arg::Long("min-duration") => {
                    options.duration_ns_min = parser.value()?.parse_with(duration_ns)?;
                }
                Arg::Short('f') | Arg::Long("forks") => options.forks = true,
                Arg::Short('s') | Arg::Long("starts") => options.starts = true,
                Arg::Short('T') | Arg::Long("time") => options.time = true,
                Arg::Long("max-args") => {
                    let bytes: u32 = parser.value()?.parse()?;
                    options.argument_bytes_max = bytes.min(ARGUMENT_BYTES_LIMIT);
                }
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
        if options.starts && (options.forks || options.duration_ns_min > 0) {
            return Err(Error::from(
                "--starts cannot be used with --min-duration or --forks, which are about ends",
            ));
        }
        Ok(options)
    }
}

fn name(text: &str) -> Result<[u8; 16], &'static str> {
    eunomia_bpf::nul_padded(text).ok_or("a process name has at most 15 bytes")
}

fn duration_ns(text: &str) -> Result<u64, &'static str> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let of = match &text[digits.len()..] {
        "s" => Duration::from_secs,
        "ms" | "" => Duration::from_millis,
        "us" => Duration::from_micros,
        _ => return Err("a time is a number with s, ms or us"),
    };
    let number = digits.parse().map_err(|_| "a time is a whole number")?;
    u64::try_from(of(number).as_nanos()).map_err(|_| "that is more than 500 years")
}
