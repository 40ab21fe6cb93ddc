"""What holds programs where they are attached."""

from collections.abc import Iterator

from componentize_py_types import Err
from wit_world.imports import attach as host
from wit_world.imports.attach import LinkInfo
from wit_world.imports.streams import StreamError_Closed

from .buffers import _Handle
from .errors import BpfError, call

__all__ = ["Link", "LinkInfo"]

_READ_BYTES_MAX = 64 << 10


class Link(_Handle):
    """An attached program. It is detached when the link is closed, or nobody has it any more."""

    def __init__(self, handle: host.Link) -> None:
        self._handle = handle

    def info(self) -> LinkInfo:
        """What is attached where."""
        return self._handle.info()

    def keep(self) -> None:
        """Stays attached until the guest ends, whether or not anybody has the link."""
        self._handle.keep()

    def detach(self) -> None:
        """Detaches now, and says how that went."""
        call(self._handle.detach)

    def iterate(self) -> Iterator[bytes]:
        """Runs an iterator program from the start; pieces of what it writes, text or records."""
        return _pieces(call(self._handle.iterate))

    def read(self) -> bytes:
        """Runs an iterator program, and returns all that it writes."""
        return b"".join(self.iterate())


def _pieces(stream) -> Iterator[bytes]:
    with stream:
        while True:
            try:
                piece = stream.blocking_read(_READ_BYTES_MAX)
            except Err as failure:
                if isinstance(failure.value, StreamError_Closed):
                    return
                with failure.value.value as error:
                    message = error.to_debug_string()
                raise BpfError(f"read an iterator: {message}") from None
            yield piece
