"""Shows a histogram of what the BPF program measures, each second."""

import sys

# Module `bpf`: the types and maps of probe.bpf.c.
import bpf
from eunomia_bpf import Object, Table, sleep


def main():
    interval = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    object = Object(bpf.OBJECT).load()
    table = Table("lives", object, bpf.Histogram)
    table.add_hint("slots", "histogram", "log2")
    table.add_hint("slots", "unit", "usecs")

    lives = object.map(bpf.maps.LIVES)
    object.attach()
    goes_on = True
    while goes_on:
        # False when the operator asks to stop.
        goes_on = sleep(interval)
        histogram = lives.lookup(0)
        if histogram is not None:
            table.push(histogram)
            table.end_of_interval()
