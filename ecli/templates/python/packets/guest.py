"""Shows the packets that the BPF program has counted, each second. The first argument is where it
counts: `{{target}}` unless it says another place."""

import sys

# Module `bpf`: the types and maps of probe.bpf.c.
import bpf
from eunomia_bpf import Object, Table, sleep

# Seconds.
INTERVAL = 1


def main():
    target = sys.argv[1] if len(sys.argv) > 1 else "{{target}}"
    object = Object(bpf.OBJECT).load()
    table = Table("traffic", object, bpf.Traffic)
    table.add_hint("bytes", "format", "bytes")
    # Each interval shows the same entries anew.
    table.add_hint("", "rows", "totals")
    table.add_hint("", "sort", "protocol")

    traffics = object.map(bpf.maps.TRAFFICS)
    with object.program("on_packet").attach(target):
        goes_on = True
        while goes_on:
            # False when the operator asks to stop.
            goes_on = sleep(INTERVAL)
            for _protocol, traffic in traffics:
                table.push(traffic)
            table.end_of_interval()
