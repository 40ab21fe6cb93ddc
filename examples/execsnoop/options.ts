// The command line.

import { BpfError, encodeText } from "eunomia-bpf";

export const HELP = `\
Shows every program that starts and every process that ends.

Usage: execsnoop [OPTION...]

Examples:
  execsnoop              # all programs, with arguments, exit codes and durations
  execsnoop -s           # only the programs that start
  execsnoop -T           # with the time
  execsnoop -u 1000      # only those of user 1000
  execsnoop -n git       # only processes with "git" in their name
  execsnoop -P $$        # only what this shell starts
  execsnoop -m 500ms     # only processes that ran for at least half a second
  execsnoop -f           # also the ends of processes that were forked and ran no program

Options:
  -p, --pid PID               only this process
  -P, --parent PID            only children of this process
  -u, --uid UID               only processes of this user
  -n, --name NAME             only processes whose name contains this (at most 15 bytes)
  -m, --min-duration TIME     only processes that ran at least so long (5s, 20ms, 300us; a plain
                              number is milliseconds), shown when they end
  -f, --forks                 also show the end of processes that never ran a program
  -s, --starts                only the programs that start, not the ends of processes
  -T, --time                  show the time
      --max-args BYTES        bytes of arguments to keep of each program (default 1024, at most
                              8192); "..." stands for the rest
      --buffer-size KIB       size of the ring buffer (default 1024)
  -h, --help                  print this help`;

/** As in execsnoop.bpf.c. */
const ARGUMENT_BYTES_LIMIT = 8192;
/** Bytes of the ring buffer: the kernel takes a u32 that is a power of two. */
const BUFFER_KIB_MAX = 1 << 20;

export interface Options {
  /** 0: any; likewise `parent`. */
  pid: number;
  parent: number;
  uid: number | undefined;
  /** Ends with a NUL; empty: any. */
  name: Uint8Array;
  durationNsMin: bigint;
  forks: boolean;
  starts: boolean;
  time: boolean;
  argumentBytesMax: number;
  bufferBytes: number;
}

const SHORT: Record<string, string> = {
  p: "pid",
  P: "parent",
  u: "uid",
  n: "name",
  m: "min-duration",
  f: "forks",
  s: "starts",
  T: "time",
  h: "help",
};

/** Reads the command line; undefined: the user asks for help. */
export function parse(args: string[]): Options | undefined {
  const options: Options = {
    pid: 0,
    parent: 0,
    uid: undefined,
    name: new Uint8Array(16),
    durationNsMin: 0n,
    forks: false,
    starts: false,
    time: false,
    argumentBytesMax: 1024,
    bufferBytes: 1 << 20,
  };
  const words = args.flatMap(splitWord);
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const option = word;
    const value = () => words.shift() ?? fail(`missing argument for option '${option}'`);
    switch (option) {
      case "--pid":
        options.pid = word32(value());
        break;
      case "--parent":
        options.parent = word32(value());
        break;
      case "--uid":
        options.uid = word32(value());
        break;
      case "--name":
        options.name = name(value());
        break;
      case "--min-duration":
        options.durationNsMin = durationNs(value());
        break;
      case "--forks":
        options.forks = true;
        break;
      case "--starts":
        options.starts = true;
        break;
      case "--time":
        options.time = true;
        break;
      case "--max-args":
        options.argumentBytesMax = Math.min(word32(value()), ARGUMENT_BYTES_LIMIT);
        break;
      case "--buffer-size":
        options.bufferBytes = Math.min(Math.max(word32(value()), 4), BUFFER_KIB_MAX) * 1024;
        break;
      case "--help":
        return undefined;
      default:
        fail(`invalid option '${option}'`);
    }
  }
  if (options.starts && (options.forks || options.durationNsMin > 0n)) {
    fail("--starts cannot be used with --min-duration or --forks, which are about ends");
  }
  return options;
}

/** `-fT` is `--forks --time`, `-p5` and `--pid=5` are `--pid 5`. */
function splitWord(word: string): string[] {
  if (word.startsWith("--")) {
    const [option, ...value] = word.split("=");
    return value.length === 0 ? [word] : [option!, value.join("=")];
  }
  if (!/^-./.test(word)) return [word];
  const long = SHORT[word[1]!];
  const rest = word.slice(2);
  if (long === undefined) return [word];
  if (rest === "") return [`--${long}`];
  const isFlag = ["forks", "starts", "time", "help"].includes(long);
  return [`--${long}`, ...(isFlag ? splitWord(`-${rest}`) : [rest.replace(/^=/, "")])];
}

function word32(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 0xffffffff) fail(`"${text}" is no number of 32 bits`);
  return number;
}

function name(text: string): Uint8Array {
  const bytes = encodeText(text);
  if (bytes.length > 15) fail("a process name has at most 15 bytes");
  return bytes;
}

function durationNs(text: string): bigint {
  const [, digits, unit] = /^(\d+)(s|ms|us|)$/.exec(text) ?? fail("a time is a number with s, ms or us");
  const scale = { s: 1_000_000_000n, ms: 1_000_000n, "": 1_000_000n, us: 1000n };
  const time = BigInt(digits!) * scale[unit as keyof typeof scale];
  return time < 1n << 64n ? time : fail("that is more than 500 years");
}

function fail(message: string): never {
  throw new BpfError("invalid-argument", message);
}
