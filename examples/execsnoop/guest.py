"""Shows every program that starts and every process that ends."""

import argparse
import re

import bpf
from eunomia_bpf import (
    U32,
    U64,
    Field,
    FieldTable,
    Object,
    boot_epoch_ns,
    report_lost,
    stop_requested,
)

# As in execsnoop.bpf.c.
ARGUMENT_BYTES_LIMIT = 8192

# KiB of the ring buffer: the kernel takes a u32 of bytes that is a power of two.
BUFFER_KIB_MAX = 1 << 20

# Stands for the arguments that were not kept.
CUT_MARK = "..."

EXAMPLES = """\
examples:
  execsnoop              # all programs, with arguments, exit codes and durations
  execsnoop -s           # only the programs that start
  execsnoop -T           # with the time
  execsnoop -u 1000      # only those of user 1000
  execsnoop -n git       # only processes with "git" in their name
  execsnoop -P $$        # only what this shell starts
  execsnoop -m 500ms     # only processes that ran for at least half a second
  execsnoop -f           # also the ends of processes that were forked and ran no program
"""


def main():
    options = parse()
    object = Object(bpf.OBJECT)
    configure(object, options)
    object.load()
    events = object.ring_buffer(bpf.maps.EVENTS)
    report = Report(options)
    object.attach()
    # It ends when the operator asks to stop and everything is read.
    for batch in events:
        if stop_requested():
            # Detach, so that there is an end to what is to be read.
            object.detach()
        for record in batch:
            report.push(record)
    report_lost(object.get(bpf.globals.LOST_EVENTS))


def configure(object, options):
    """What is filtered out here never leaves the kernel."""
    object.set(bpf.globals.FILTER_PID, options.pid)
    object.set(bpf.globals.FILTER_PPID, options.parent)
    if options.uid is not None:
        object.set(bpf.globals.FILTER_UID, options.uid)
    object.set(bpf.globals.FILTER_COMM, options.name)
    object.set(bpf.globals.DURATION_NS_MIN, options.min_duration)
    object.set(bpf.globals.INCLUDE_FORKS, options.forks)
    object.set(bpf.globals.ARGUMENT_BYTES_MAX, min(options.max_args, ARGUMENT_BYTES_LIMIT))
    # Whoever does not look at ends does not pay for them.
    object.program("on_exit").set_autoload(not options.starts)
    kib = min(max(options.buffer_size, 4), BUFFER_KIB_MAX)
    object.map(bpf.maps.EVENTS).set_max_entries(kib << 10)


class Report:
    """The rows that are shown."""

    def __init__(self, options):
        self._table = FieldTable(
            "processes",
            [
                Field("time", U64)
                .hint("format", "time-ns")
                .hint("hidden", "false" if options.time else "true"),
                Field("event", str).hint("width", "5"),
                Field("pid", U32).hint("width", "7"),
                Field("ppid", U32).hint("width", "7"),
                Field("uid", U32).hint("width", "5"),
                Field("comm", str).hint("width", "15"),
                Field("code", U32).hint("width", "4").optional(),
                Field("signal", U32).hint("format", "signal").hint("width", "7").optional(),
                Field("duration", U64).hint("format", "duration-ns").optional(),
                Field("file", str).hint("width", "20").optional(),
                Field("arguments", str).repeated(),
            ],
        )
        # The time from which the kernel counts the time of events.
        self._epoch_ns = boot_epoch_ns()

    def push(self, record):
        event = record.view(bpf.Event)
        if event.kind == bpf.EventKind.EVENT_EXEC:
            self._push_exec(event, bytes(record.payload[bpf.Event.TAIL_OFFSET :]))
        else:
            self._push_exit(event)

    def _push_exec(self, event, text):
        file, arguments = text[: event.file_bytes], text[event.file_bytes :]
        words = decoded(arguments).split("\0")
        if event.argument_bytes < event.argument_bytes_total:
            words.append(CUT_MARK)
        head = self._head(event, "exec")
        self._table.push(*head, None, None, None, decoded(file), words)

    def _push_exit(self, event):
        status = event.exit_status
        signal, code = status & 0x7F, status >> 8
        ending = (None, signal) if signal else (code, None)
        self._table.push(*self._head(event, "exit"), *ending, event.duration_ns, None, [])

    def _head(self, event, kind):
        time = self._epoch_ns + event.time_ns
        return time, kind, event.pid, event.ppid, event.uid, event.comm


def decoded(text):
    return text.removesuffix(b"\0").decode(errors="replace")


def parse():
    """Reads the command line; ends the guest after `--help`."""
    parser = argparse.ArgumentParser(
        prog="execsnoop",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("-p", "--pid", type=number, default=0, help="only this process")
    add(
        "-P",
        "--parent",
        type=number,
        default=0,
        metavar="PID",
        help="only children of this process",
    )
    add("-u", "--uid", type=number, help="only processes of this user")
    add(
        "-n",
        "--name",
        type=name,
        default="",
        help="only processes whose name contains this (at most 15 bytes)",
    )
    add(
        "-m",
        "--min-duration",
        type=duration_ns,
        default=0,
        metavar="TIME",
        help="only processes that ran at least so long (5s, 20ms, 300us; a plain number is "
        "milliseconds), shown when they end",
    )
    add(
        "-f",
        "--forks",
        action="store_true",
        help="also show the end of processes that never ran a program",
    )
    add(
        "-s",
        "--starts",
        action="store_true",
        help="only the programs that start, not the ends of processes",
    )
    add("-T", "--time", action="store_true", help="show the time")
    add(
        "--max-args",
        type=number,
        default=1024,
        metavar="BYTES",
        help="bytes of arguments to keep of each program (default 1024, at most 8192); "
        '"..." stands for the rest',
    )
    add(
        "--buffer-size",
        type=number,
        default=1024,
        metavar="KIB",
        help="size of the ring buffer (default 1024)",
    )
    options = parser.parse_args()
    if options.starts and (options.forks or options.min_duration):
        parser.error("--starts cannot be used with --min-duration or --forks, which are about ends")
    return options


def number(text):
    value = int(text)
    if not 0 <= value < 1 << 32:
        raise argparse.ArgumentTypeError(f"{text} is no number of 32 bits")
    return value


def name(text):
    if len(text.encode()) > 15:
        raise argparse.ArgumentTypeError("a process name has at most 15 bytes")
    return text


def duration_ns(text):
    match = re.fullmatch(r"(\d+)(s|ms|us|)", text)
    if not match:
        raise argparse.ArgumentTypeError("a time is a whole number with s, ms or us")
    units = {"s": 10**9, "ms": 10**6, "": 10**6, "us": 10**3}
    return int(match[1]) * units[match[2]]
