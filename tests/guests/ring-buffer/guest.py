"""Reads a ring buffer in every way."""

import struct

import bpf
from eunomia_bpf import BpfError, ErrorCode, Object, Poller

# Longer than the program takes to write its late record.
PATIENCE = 10


def main():
    with Object(bpf.OBJECT).load() as object:
        with object.ring_buffer(bpf.maps.EVENTS) as ring:
            try:
                object.ring_buffer(bpf.maps.EVENTS)
            except BpfError as error:
                if error.code == ErrorCode.BUSY:
                    print("second reader: Err(ErrorCode::Busy)")
            print(f"nothing yet: {shown(ring.try_next() is None)}")
            timed_out = ring.next_within(0.005)
            print(f"time is up: {shown(timed_out is not None and len(timed_out) == 0)}")
            echo(object, ring)
            pieces(object, ring)
            full(object, ring)
            late(object, ring)
        again = object.ring_buffer(bpf.maps.EVENTS)
        print(f"a new reader finds {again.available_bytes} bytes")


def shown(value):
    return str(value).lower()


def fill(object, records, discarded):
    """Runs the program that writes records, of which some discarded; returns how many fitted."""
    context = struct.pack("<II", records, discarded)
    return object.program("fill").test_run(context=context).return_value


def count(batch):
    return 0 if batch is None else sum(1 for _ in batch.records(bpf.Event))


def echo(object, ring):
    """Prints what the program wrote, discarded records left out."""
    print(f"echo: wrote {fill(object, 5, 2)}")
    print(f"available {ring.available_bytes}")
    batch = ring.next()
    print(f"batch of {len(batch)} bytes")
    for event in batch.records(bpf.Event):
        print(f"  {event.number} {event.text}")
    print(f"available while held {ring.available_bytes}")
    ring.release()
    print(f"available after {ring.available_bytes}")


def pieces(object, ring):
    """Reads a record at a time, however few bytes were asked for."""
    fill(object, 3, 0)
    for bytes_max in [1, 24, 47]:
        ring.batch_bytes_max = bytes_max
        batch = ring.try_next()
        print(f"of at most {bytes_max} bytes: {len(batch or b'')}")
    print(f"and then: {shown(ring.try_next() is None)}")
    ring.batch_bytes_max = 0


def full(object, ring):
    """More than the ring holds is lost; what is read leaves room."""
    print(f"full: wrote {fill(object, 5000, 0)} of 5000")
    print(f"no room: {fill(object, 1, 0)}")
    records, batches, largest = 0, 0, 0
    while batch := ring.try_next():
        # All records have one length and none is discarded: they are taken apart at once.
        records += sum(1 for _ in batch.unpack(bpf.Event, "number", "text"))
        largest = max(largest, len(batch))
        batches += 1
    print(f"read {records} in {'several' if batches > 1 else 'no'} batches")
    print(f"none above half of the ring: {shown(largest <= 32 * 1024)}")
    print(f"room again: {fill(object, 1, 0)}")
    print(f"read {count(ring.try_next())}")


def late(object, ring):
    """Waits for a record, in the call and with a poller."""
    ring.release()
    object.program("fill_later").test_run()
    for event in ring.next().records(bpf.Event):
        print(f"late: {event.number} {event.text}")
    ring.release()
    poller = Poller()
    events = poller.add(ring)
    short = poller.after(0.005)
    print(f"the timer is first: {shown(short in poller.wait())}")
    object.program("fill_later").test_run()
    poller.after(PATIENCE)
    print(f"the record is first: {shown(events in poller.wait())}")
    print(f"still ready: {shown(events in poller.wait())}")
    print(f"read {count(ring.try_next())}")
