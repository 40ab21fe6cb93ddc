"""Buffers of records between kernel and guest."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from wit_world.imports import perf_buffer, poll, ring_buffer, user_ring_buffer

from . import lifecycle, output
from .batch import Batch, BatchBuilder
from .errors import call

__all__ = ["PerfBuffer", "RingBuffer", "UserRingBuffer"]

# Bytes of one call of the host.
_CALL_BYTES_MAX = 1 << 20


class _Handle:
    """What is released when it is closed, or nobody has it any more."""

    _handle = None

    def close(self) -> None:
        """Releases it."""
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def subscribe(self) -> poll.Pollable:
        """Something that is ready when this is; for a `Poller`."""
        return self._handle.subscribe()


class _Reader(_Handle):
    """Reads batches. Each read frees the room of the batch before it in the kernel's buffer."""

    def __init__(self, handle) -> None:
        self._handle = handle
        self._held = 0
        # How many bytes a batch has at most, but for a single record that is longer; 0: the host's
        # choice. At most 1 MiB and half of the ring.
        self.batch_bytes_max = 0

    def __iter__(self) -> Iterator[Batch]:
        """Batches, until the operator has asked the guest to stop and everything is read."""
        while batch := self.next():
            yield batch

    def next(self) -> Batch | None:
        """Waits for records. None when the operator has asked the guest to stop and everything is
        read."""
        return self._read(None) or None

    def next_within(self, seconds: float) -> Batch | None:
        """The same, but when there is nothing for so long the batch is empty."""
        batch = self._read(lifecycle.nanoseconds(seconds))
        if not batch and lifecycle.stop_requested():
            # What came between the end of the read and the request to stop.
            return self.try_next()
        return batch

    def try_next(self) -> Batch | None:
        """What is there now; None when there is nothing."""
        return self._read(0) or None

    def _read(self, timeout: int | None) -> Batch:
        if timeout != 0:
            output.flush_pending()
        consumed, self._held = self._held, 0
        batch = self._batch(call(self._handle.read, consumed, self.batch_bytes_max, timeout))
        self._held = len(batch)
        return batch

    def _batch(self, read) -> Batch:
        raise NotImplementedError

    def _give(self):
        """The handle, for the host to drive."""
        handle, self._handle = self._handle, None
        return handle


class RingBuffer(_Reader):
    """The one reader of a ring buffer: records in order, over all CPUs."""

    @classmethod
    def _open(cls, handle) -> Self:
        return cls(call(ring_buffer.RingBuffer.open, handle))

    def _batch(self, read: bytes) -> Batch:
        return Batch(read)

    def release(self) -> None:
        """Frees the room of the last batch without reading on."""
        consumed, self._held = self._held, 0
        if consumed:
            self._handle.consume(consumed)

    @property
    def available_bytes(self) -> int:
        """Bytes that the kernel has written and the guest has not freed."""
        return self._handle.available()


class _LossyBatch(Batch):
    """A batch that says something also when it has only losses."""

    def __bool__(self) -> bool:
        return bool(self.data or self.lost)


class PerfBuffer(_Reader):
    """The one reader of a perf event array: `batch.lost`, and the CPU of each record."""

    @classmethod
    def _open(cls, handle, pages_per_cpu: int) -> Self:
        return cls(call(perf_buffer.PerfBuffer.open, handle, pages_per_cpu))

    def _batch(self, read: perf_buffer.PerfBatch) -> Batch:
        return _LossyBatch(read.records, read.lost)


class UserRingBuffer(_Handle):
    """The one writer of a user ring buffer."""

    def __init__(self, handle) -> None:
        self._handle = handle

    @classmethod
    def _open(cls, handle) -> Self:
        return cls(call(user_ring_buffer.UserRingBuffer.open, handle))

    def write(self, batch: BatchBuilder) -> None:
        """Submits all records, waiting for room; fewer when the operator asks the guest to stop.
        What is left stays in the batch."""
        self._write(batch, None)

    def write_within(self, batch: BatchBuilder, seconds: float) -> None:
        """The same, but waits at most so long for room each time there is none."""
        self._write(batch, lifecycle.nanoseconds(seconds))

    def try_write(self, batch: BatchBuilder) -> None:
        """Submits as many records as there is room for now."""
        self._write(batch, 0)

    def _write(self, batch: BatchBuilder, timeout: int | None) -> None:
        if timeout != 0:
            output.flush_pending()
        while part := batch.first(_CALL_BYTES_MAX):
            written = call(self._handle.write, part, timeout)
            batch.remove_first(written)
            if written < len(part):
                return
