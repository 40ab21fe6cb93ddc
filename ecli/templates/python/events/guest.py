"""Shows the events that the BPF program reports."""

import sys

# Module `bpf`: the types, globals and maps of probe.bpf.c.
import bpf
from eunomia_bpf import Object, Table, report_lost, stop_requested


def main():
    # Only processes with this in their name.
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    object = Object(bpf.OBJECT).load()
    table = Table("events", object, bpf.Event)
    table.add_hint("time_ns", "format", "time-boot-ns")
    table.add_hint("time_ns", "title", "TIME")
    table.add_hint("pid", "width", "7")
    table.add_hint("uid", "width", "5")

    events = object.ring_buffer(bpf.maps.EVENTS)
    object.attach()
    # It ends when the operator asks to stop and everything is read.
    for batch in events:
        if stop_requested():
            # Detach, so that there is an end to what is to be read.
            object.detach()
        for event in batch.records(bpf.Event):
            if wanted in event.comm:
                table.push(event)
    report_lost(object.get(bpf.globals.LOST_EVENTS))
