//! The command line.

use std::io::{Write, stdout};
use std::process::exit;
use std::time::Duration;

use lexopt::{Arg, Error, Parser, ValueExt};

use crate::rule::Rule;

const HELP: &str = "\
Drops packets that come in at a network interface, before the network stack sees them.

Usage: xdp-filter [OPTION...] INTERFACE

Examples:
  xdp-filter --block 10.0.0.0/8 eth0                # nothing from there
  xdp-filter --block 2001:db8::1 --block-port 80/tcp --block-port 53/udp eth0
  xdp-filter eth0                                   # only count

The kernel chooses between the driver and the generic mode; so does the operator, who may also say
the interface here: ecli run --attach on_packet=xdp:eth0:generic xdp-filter --block 10.0.0.0/8

Options:
  -b, --block PREFIX          drop packets from these addresses, IPv4 or IPv6; may be repeated
  -p, --block-port PORT/PROTOCOL
                              drop packets to this port of tcp, udp, sctp, dccp or udplite; may be
                              repeated
  -i, --interval SECONDS      how often to show what was counted (default 1)
  -h, --help                  print this help
";

/// Of the maps in xdp-filter.bpf.c.
const RULES_MAX: usize = 4096;

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) interface: Option<String>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) interval: Duration,
}

impl Options {
    /// Reads the command line; ends the guest after `--help`.
    pub(crate) fn parse(mut parser: Parser) -> Result<Self, Error> {
        let mut options = Self {
            interface: None,
            rules: Vec::new(),
            interval: Duration::from_secs(1),
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Short('b') | Arg::Long("block") => {
                    let prefix = parser.value()?.parse_with(str::parse)?;
                    options.add(Rule::Prefix(prefix))?;
                }
                Arg::Short('p') | Arg::Long("block-port") => {
                    let port = parser.value()?.parse_with(str::parse)?;
                    options.add(Rule::Port(port))?;
                }
                Arg::Short('i') | Arg::Long("interval") => {
                    options.interval = parser.value()?.parse_with(interval)?;
                }
                Arg::Value(value) if options.interface.is_none() => {
                    options.interface = Some(value.parse()?);
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

    /// A rule that is said twice is one: it has one entry in its map.
    fn add(&mut self, rule: Rule) -> Result<(), Error> {
        if self.rules.contains(&rule) {
            return Ok(());
        }
        if self.rules.len() == RULES_MAX {
            return Err(format!("there can be {RULES_MAX} rules").into());
        }
        self.rules.push(rule);
        Ok(())
    }
}

fn interval(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0.0);
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or("an interval is a number of seconds above 0")
}
