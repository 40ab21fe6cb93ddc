"""Shows what the BPF program has counted since the last time, each second."""

import sys

# Module `bpf`: the types and maps of probe.bpf.c.
import bpf
from eunomia_bpf import Object, Table, sleep


def main():
    interval = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    object = Object(bpf.OBJECT).load()
    table = Table("counts", object, bpf.Count)
    # The host sorts and cuts the rows of an interval.
    table.add_hint("", "sort", "-switches,pid")
    table.add_hint("", "limit", "10")

    counts = object.map(bpf.maps.COUNTS)
    object.attach()
    goes_on = True
    while goes_on:
        # False when the operator asks to stop.
        goes_on = sleep(interval)
        # Takes the entries out of the map, many at a time.
        for _pid, count in counts.drain():
            table.push(count)
        table.end_of_interval()
