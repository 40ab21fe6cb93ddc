"""A plugin with two sources and ticks; its first argument says where it goes wrong, if anywhere."""

import struct
import sys

import bpf
from eunomia_bpf import U32, BpfError, Object, end, request_stop
from eunomia_bpf.plugin import Plugin


class Driven(Plugin):
    """Writes records at each tick and adds up what arrives."""

    def start(self, driver):
        self.case = (sys.argv[1:] or [""])[0]
        print("start")
        match self.case:
            case "help":
                print("usage: driven")
                request_stop()
            case "exit-in-start":
                end(9)
            case "fail-in-start":
                raise asked("start")
        self.object = Object(bpf.OBJECT).load()
        if self.case == "limits":
            limits(driver)
        self.sources = [
            driver.add_ring_buffer(self.object.ring_buffer(bpf.maps.EVENTS)),
            driver.add_ring_buffer(self.object.ring_buffer(bpf.maps.OTHERS)),
        ]
        print(f"sources differ: {shown(self.sources[0] != self.sources[1])}")
        driver.set_tick(0.002)
        self.sums = [0, 0]
        self.ticks = 0
        # Delivered before the first tick.
        self.produce(5)

    def on_events(self, source, batch):
        if self.case == "fail-in-events":
            raise asked("on-events")
        self.sums[self.sources.index(source)] += sum(batch.records(U32)) + batch.lost

    def on_tick(self):
        self.ticks += 1
        if self.ticks <= 3:
            print(f"tick {self.ticks}")
            self.produce(10)
        if self.case == "fail-in-tick":
            raise asked("on-tick")
        if self.ticks == 4 and self.case != "until-asked":
            request_stop()

    def stop(self):
        print(f"stop: sums {self.sums}")
        if self.case == "fail-in-stop":
            raise asked("stop")

    def produce(self, records):
        self.object.program("produce").test_run(context=struct.pack("<I", records))


def limits(driver):
    """The shortest tick. The most sources would be 256, but objects that have them are 16."""
    try:
        driver.set_tick(999_999e-9)
    except BpfError as error:
        code = error.code.name.title().replace("_", "")
        print(f"less than a millisecond: Err(ErrorCode::{code})")
    driver.set_tick(0.001)
    print("a millisecond: ok")


def asked(place):
    return BpfError(f"it was asked to fail in {place}")


def shown(value):
    return str(value).lower()
