"""Waits in every way and is asked to stop, or asks itself."""

import sys

import bpf
from eunomia_bpf import (
    STOP,
    U32,
    BatchBuilder,
    BpfError,
    ErrorCode,
    Object,
    Poller,
    end,
    request_stop,
    sleep,
    stop_requested,
    wait_for_stop,
)

# Longer than any test.
HOUR = 3600


def main():
    object = Object(bpf.OBJECT).load()
    print(f"asked: {shown(stop_requested())}")
    match sys.argv[1]:
        case "read":
            read(object, lambda ring: ring.next())
        case "read-within":
            read(object, lambda ring: ring.next_within(HOUR))
        case "poll":
            poll(object)
        case "sleep":
            print("waiting")
            print(f"slept: {shown(sleep(HOUR))}")
        case "write":
            write(object)
        case "itself":
            request_stop()
            wait_for_stop()
        case "timers":
            timers()
        case "exit":
            end(3)
        case "exit-255":
            sys.exit(255)
        case "fail":
            raise BpfError("it was asked to fail")
        case _:
            raise BpfError("no such case", ErrorCode.INVALID_ARGUMENT)
    print(f"asked: {shown(stop_requested())}")
    print(f"stop is ready: {shown(stop_requested() == STOP.subscribe().ready())}")


def read(object, next_batch):
    """What arrives before the end is still read; from then on nothing is waited for."""
    ring = object.ring_buffer(bpf.maps.EVENTS)
    object.program("produce").test_run()
    said = False
    while batch := next_batch(ring):
        print(f"read {list(batch.records(U32))}")
        if not said:
            print("waiting")
            said = True
    object.program("produce").test_run()
    print(f"left over: Some({len(list(ring.next().records(U32)))})")
    print(f"and then: {shown(ring.next() is None)}")


def poll(object):
    ring = object.ring_buffer(bpf.maps.EVENTS)
    poller = Poller()
    stop = poller.add(STOP)
    events = poller.add(ring)
    hour = poller.after(HOUR)
    print("waiting")
    ready = poller.wait()
    print(f"stop {shown(stop in ready)}, timer {shown(hour in ready)}")
    print(f"buffers too: {shown(events in poller.wait())}")


def write(object):
    """A full buffer that nobody drains."""
    commands = object.user_ring_buffer(bpf.maps.COMMANDS)
    batch = BatchBuilder()
    for word in range(257):
        batch.push_value(U32, word)
    print("waiting")
    commands.write(batch)
    print(f"left {len(batch)} bytes")
    print(f"ready: {shown(commands.subscribe().ready())}")


def timers():
    print(f"slept: {shown(sleep(0.002))}")
    poller = Poller()
    stop = poller.add(STOP)
    tick = poller.every(0.002)
    over = poller.after(0.02)
    ticks = 0
    while True:
        ready = poller.wait()
        ticks += tick in ready
        if over in ready:
            print(f"stop {shown(stop in ready)}")
            break
    print(f"several ticks: {shown(ticks > 1)}, not too many: {shown(ticks <= 10)}")
    try:
        Poller().wait()
    except BpfError as error:
        if error.code == ErrorCode.INVALID_STATE:
            print("nothing to wait for: Err(ErrorCode::InvalidState)")


def shown(value):
    return str(value).lower()
