"""Shows events and how many there are a second; the host drives it."""

# Module `bpf`: the types, globals and maps of probe.bpf.c.
import bpf
from eunomia_bpf import U64, Batch, Field, FieldTable, Object, Table, report_lost
from eunomia_bpf.plugin import Driver, Plugin


class Starts(Plugin):
    """Counts since the last tick, and in all."""

    def start(self, driver: Driver) -> None:
        self.count, self.total = 0, 0
        self.object = Object(bpf.OBJECT).load()
        driver.add_ring_buffer(self.object.ring_buffer(bpf.maps.EVENTS))
        driver.set_tick(1)
        self.events = Table("events", self.object, bpf.Event)
        self.events.add_hint("time_ns", "format", "time-boot-ns")
        self.rates = FieldTable("rates", [Field("count", U64), Field("total", U64)])
        self.object.attach()

    def on_events(self, source: int, batch: Batch) -> None:
        self.count += sum(1 for _ in batch)
        self.events.emit_batch(batch)

    def on_tick(self) -> None:
        self.total += self.count
        self.rates.push(self.count, self.total)
        self.count = 0
        self.rates.end_of_interval()

    def stop(self) -> None:
        report_lost(self.object.get(bpf.globals.LOST_EVENTS))
