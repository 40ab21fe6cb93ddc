//! The command line.

use std::io::{Write, stdout};
use std::process::exit;

use lexopt::{Arg, Error, Parser, ValueExt};

const HELP: &str = "\
Shows what programs send and receive through OpenSSL, before it is encrypted.

Usage: sslsniff [OPTION...]

Examples:
  sslsniff                                      # all programs that use the machine's libssl
  sslsniff -p 181                               # only process 181
  sslsniff -c curl -l                           # only curl, with the time that each call took
  sslsniff --library /opt/app/lib/libssl.so.1.1 # a program with a library of its own
  sslsniff -x --max-bytes 64                    # the first 64 bytes of each call, in hexadecimal

Options:
  -p, --pid PID               only this process
  -u, --uid UID               only processes of this user
  -c, --comm NAME             only processes of this name (at most 15 bytes)
      --library LIBRARY       the libssl, or an executable with it inside: a path, or a name to look
                              up as the dynamic linker would (default libssl.so.3)
      --max-bytes BYTES       data to keep of each call (default 8192, which is the most); \"...\"
                              stands for the rest
  -x, --hexdump               show the data in hexadecimal
  -l, --latency               show how long each call took
      --extra                 show user and thread
  -h, --help                  print this help
";

/// As in sslsniff.bpf.c.
const DATA_BYTES_LIMIT: u32 = 8192;

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) pid: Option<u32>,
    pub(crate) uid: Option<u32>,
    /// Ends with a NUL; empty: any.
    pub(crate) comm: [u8; 16],
    pub(crate) library: String,
    pub(crate) data_bytes_max: u32,
    pub(crate) hexadecimal: bool,
    pub(crate) latency: bool,
    pub(crate) extra: bool,
}

impl Options {
    /// Reads the command line; ends the guest after `--help`.
    pub(crate) fn parse(mut parser: Parser) -> Result<Self, Error> {
        let mut options = Self {
            pid: None,
            uid: None,
            comm: [0; 16],
            library: "libssl.so.3".to_owned(),
            data_bytes_max: DATA_BYTES_LIMIT,
            hexadecimal: false,
            latency: false,
            extra: false,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Short('p') | Arg::Long("pid") => options.pid = Some(parser.value()?.parse()?),
                Arg::Short('u') | Arg::Long("uid") => options.uid = Some(parser.value()?.parse()?),
                Arg::Short('c') | Arg::Long("comm") => {
                    options.comm = parser.value()?.parse_with(comm)?;
                }
                Arg::Long("library") => options.library = parser.value()?.parse()?,
                Arg::Long("max-bytes") => {
                    let bytes: u32 = parser.value()?.parse()?;
                    options.data_bytes_max = bytes.min(DATA_BYTES_LIMIT);
                }
                Arg::Short('x') | Arg::Long("hexdump") => options.hexadecimal = true,
                Arg::Short('l') | Arg::Long("latency") => options.latency = true,
                Arg::Long("extra") => options.extra = true,
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

fn comm(text: &str) -> Result<[u8; 16], &'static str> {
    eunomia_bpf::nul_padded(text).ok_or("a process name has at most 15 bytes")
}
