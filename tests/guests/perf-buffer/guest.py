"""Reads a perf event array."""

import bpf
from eunomia_bpf import BpfError, Object


def main():
    object = Object(bpf.OBJECT).load()
    for pages in [1, 4096, 8192, 3]:
        print(f"{pages} pages: {result(object.perf_buffer, bpf.maps.EVENTS, pages)}")
    with object.perf_buffer(bpf.maps.EVENTS, 1) as perf:
        print(f"second reader: {result(object.perf_buffer, bpf.maps.EVENTS)}")
        print(f"nothing yet: {shown(perf.try_next() is None)}")
        timed_out = perf.next_within(0.005)
        print(f"time is up: {shown(timed_out is not None and len(timed_out) == 0)}")

        output(object, 3)
        batch = perf.next()
        print(f"lost {batch.lost}")
        for record in batch:
            number = record.view(bpf.Event).number
            print(f"on CPU {record.cpu}: Some({number}), {len(record.payload)} bytes")
        losses(object, perf)
        print(f"all is read: {shown(perf.try_next() is None)}")


def losses(object, perf):
    """More than a page holds; how many fit is the kernel's to say."""
    print(f"nothing left: {shown(perf.try_next() is None)}")
    output(object, 20)
    read, lost = count(perf)
    # The kernel tells of losses with the next record that fits.
    output(object, 1)
    more, more_lost = count(perf)
    read, lost = read + more, lost + more_lost
    print(f"read some: {shown(read > 5)}, lost some: {shown(lost > 5)}, in all {read + lost}")


def count(perf):
    read, lost = 0, 0
    while batch := perf.try_next():
        read += sum(1 for _ in batch.records(bpf.Event))
        lost += batch.lost
    return read, lost


def output(object, records):
    object.set(bpf.globals.RECORDS, records)
    object.program("output").test_run(cpu=0)


def result(function, *arguments):
    """How a call ended."""
    try:
        function(*arguments)
    except BpfError as error:
        return f"Err(ErrorCode::{error.code.name.title().replace('_', '')})"
    return "Ok(())"


def shown(value):
    return str(value).lower()
