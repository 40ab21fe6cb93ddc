"""Guests that the host drives."""

from wit_world.imports import driver as host

from . import lifecycle
from .batch import Batch
from .buffers import PerfBuffer, RingBuffer
from .errors import call

__all__ = ["Driver", "Plugin"]


class Driver:
    """What a plugin asks its host to drive; in `start` only."""

    def add_ring_buffer(self, buffer: RingBuffer) -> int:
        """Has records delivered to `on_events`; the number names the source. The buffer is the
        host's from then on."""
        return call(host.add_ring_buffer, buffer._give())

    def add_perf_buffer(self, buffer: PerfBuffer) -> int:
        """The same for a perf event array."""
        return call(host.add_perf_buffer, buffer._give())

    def set_tick(self, seconds: float) -> None:
        """Has `on_tick` called at this interval, of at least a millisecond."""
        call(host.set_tick, lifecycle.nanoseconds(seconds))


class Plugin:
    """A guest that the host drives: derive a class from it. The host calls one method at a time; an
    exception ends the plugin."""

    def start(self, driver: Driver) -> None:
        """Opens, loads, attaches, and registers with the driver."""

    def on_events(self, source: int, batch: Batch) -> None:
        """Gets a batch from a source, with the number of records that were lost before it."""

    def on_tick(self) -> None:
        """Is called at the interval that `start` has chosen."""

    def stop(self) -> None:
        """The last call: print a summary."""
