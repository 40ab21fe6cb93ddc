"""Reads a ring buffer that is full, as often as the first argument says, and prints a line a round:
nanoseconds of reading, records, the sum of their numbers."""

import sys
import time

import bpf
from eunomia_bpf import Object


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    object = Object(bpf.OBJECT).load()
    events = object.ring_buffer(bpf.maps.EVENTS)
    fill = object.program("fill")
    for _ in range(rounds):
        fill.test_run()
        start = time.perf_counter_ns()
        records, total = 0, 0
        while batch := events.try_next():
            for (number,) in batch.unpack(bpf.Event, "number"):
                records += 1
                total += number
        print(time.perf_counter_ns() - start, records, total)
