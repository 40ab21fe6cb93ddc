"""The life of the guest."""

from typing import NoReturn

from wit_world.imports import lifecycle as host
from wit_world.imports import monotonic_clock, poll

from . import output

__all__ = ["STOP", "Stop", "end", "request_stop", "sleep", "stop_requested", "wait_for_stop"]


def stop_requested() -> bool:
    """Whether the operator has asked the guest to stop: print a summary and leave."""
    return host.stop_requested()


def request_stop() -> None:
    """Stops as though the operator had asked."""
    host.request_stop()


def end(code: int) -> NoReturn:
    """Ends the guest at once with an exit code of 0 to 255; rows that are gathered are emitted.

    `sys.exit` does the same, but lets `finally` run.
    """
    output.finish()
    host.exit(code)
    raise AssertionError("the host ends the guest")


def sleep(seconds: float) -> bool:
    """Sleeps; false when the operator asks the guest to stop: `while sleep(1): show()`."""
    output.flush_pending()
    with host.subscribe_stop() as stop, after(seconds) as timer:
        poll.poll([stop, timer])
    return not host.stop_requested()


def wait_for_stop() -> None:
    """Waits until the operator asks the guest to stop."""
    output.flush_pending()
    with host.subscribe_stop() as stop:
        stop.block()


class Stop:
    """The operator's request to stop, for a `Poller`: ready when it comes, and ever after."""

    def subscribe(self) -> poll.Pollable:
        """Something that is ready then."""
        return host.subscribe_stop()


STOP = Stop()


def after(seconds: float) -> poll.Pollable:
    """Something that is ready after a time."""
    return monotonic_clock.subscribe_duration(nanoseconds(seconds))


def nanoseconds(seconds: float) -> int:
    """As the contract has durations."""
    return min(max(0, round(seconds * 1e9)), 2**64 - 1)
