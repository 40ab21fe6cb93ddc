"""Waiting for several things at once."""

from collections.abc import Iterator
from typing import Protocol

from wit_world.imports import monotonic_clock, poll
from wit_world.imports.errors import ErrorCode

from . import lifecycle, output
from .errors import BpfError

__all__ = ["Poller", "Token", "Waitable"]


class Waitable(Protocol):
    """What can be waited for: buffers and `STOP`."""

    def subscribe(self) -> poll.Pollable:
        """Something that is ready when this is."""


class Token:
    """Names one thing that a `Poller` waits for."""

    __slots__ = ("_interval", "_next", "_pollable")

    def __init__(self, pollable: poll.Pollable, interval: int | None = None, at: int = 0) -> None:
        # None: a delay that has passed.
        self._pollable: poll.Pollable | None = pollable
        # Nanoseconds; 0: once; None: not a timer.
        self._interval = interval
        self._next = at

    def renew(self) -> None:
        """What was ready is waited for again, unless it was a delay."""
        if self._interval is None:
            return
        self._pollable = None
        if self._interval:
            # Those of its times that have passed are left out.
            passed = max(0, monotonic_clock.now() - self._next) // self._interval
            self._next += (passed + 1) * self._interval
            self._pollable = monotonic_clock.subscribe_instant(self._next)


class Poller:
    """Waits for buffers, timers and the operator's request to stop.

    Read a buffer that is ready until it is empty: as long as the guest holds a batch it counts as
    ready. Once the operator has asked the guest to stop every buffer does.
    """

    def __init__(self) -> None:
        self._tokens: list[Token] = []

    def add(self, source: Waitable) -> Token:
        """Also waits for this."""
        return self._push(Token(source.subscribe()))

    def every(self, seconds: float) -> Token:
        """Also wakes up at this interval, the first time after one."""
        # An interval of nothing would never let anything else come up.
        interval = max(1, lifecycle.nanoseconds(seconds))
        at = monotonic_clock.now() + interval
        return self._push(Token(monotonic_clock.subscribe_instant(at), interval, at))

    def after(self, seconds: float) -> Token:
        """Also wakes up after this time, once."""
        return self._push(Token(lifecycle.after(seconds), 0))

    def wait(self) -> set[Token]:
        """Waits until something is ready, and returns all that is."""
        output.flush_pending()
        waiting = [token for token in self._tokens if token._pollable is not None]
        if not waiting:
            message = "wait: the poller has nothing to wait for"
            raise BpfError(message, ErrorCode.INVALID_STATE)
        indexes = poll.poll([token._pollable for token in waiting])
        ready = {waiting[index] for index in indexes}
        for token in ready:
            token.renew()
        return ready

    def __iter__(self) -> Iterator[set[Token]]:
        """Waits again and again, until the operator asks the guest to stop."""
        while not lifecycle.stop_requested():
            yield self.wait()

    def _push(self, token: Token) -> Token:
        self._tokens.append(token)
        return token
