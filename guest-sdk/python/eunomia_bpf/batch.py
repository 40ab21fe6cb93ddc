"""Record batches: many records in one piece of memory; `wit/errors.wit` has their form."""

import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from wit_world.imports.errors import ErrorCode

from .errors import BpfError
from .layout import Layout, Struct, layout_of

__all__ = ["Batch", "BatchBuilder", "Record"]

T = TypeVar("T")

_HEADER = struct.Struct("<II")
_HEADER_BYTES = 8
_DISCARDED = 1 << 30
_BUSY = 1 << 31
_PAYLOAD_BYTES_MAX = _DISCARDED - 1


class Record(NamedTuple):
    """One record of a batch."""

    payload: memoryview
    # The one that produced it; perf event arrays only.
    cpu: int

    def view(self, of: type[T]) -> T:
        """It as a struct, whose flexible array, if it has one, starts at `of.TAIL_OFFSET` of the
        payload."""
        if len(self.payload) < of.SIZE:
            raise _too_short(len(self.payload), of.SIZE)
        return of(self.payload)


class Batch:
    """Records as they came, discarded ones included. It is the guest's own: it may be kept."""

    __slots__ = ("data", "lost")

    def __init__(self, data: bytes, lost: int = 0) -> None:
        # Records in the kernel's format.
        self.data = data
        # Records that the kernel dropped before these; perf event arrays only.
        self.lost = lost

    def __len__(self) -> int:
        """Its size in bytes."""
        return len(self.data)

    def __bool__(self) -> bool:
        return bool(self.data)

    def __iter__(self) -> Iterator[Record]:
        """The records that were not discarded."""
        view = memoryview(self.data)
        for start, size, auxiliary in self._places():
            yield Record(view[start : start + size], auxiliary)

    def records(self, of: Any) -> Iterator[Any]:
        """The records as values: a struct's class, `U32`...

        Members of structs are read when they are asked for; `unpack` is faster for guests that want
        the same few of all records.
        """
        data = self.data
        if isinstance(of, type) and issubclass(of, Struct):
            wanted, read = of.SIZE, of
        else:
            layout = layout_of(of)
            wanted, read = layout.size, layout.read
        for start, size, _ in self._places():
            if size < wanted:
                raise _too_short(size, wanted)
            yield read(data, start)

    def unpack(self, of: type[Struct], *names: str) -> Iterator[tuple[Any, ...]]:
        """Tuples of members of each record, by their names, in the order in which they lie:
        numbers, and arrays of bytes or `char` as `bytes`.

        When all records have one length and none was discarded, the whole batch is taken apart at
        once.
        """
        form = _form(of, names)
        whole = self._one_length(of.SIZE)
        if whole is not None:
            rest = (whole + 7 & ~7) - struct.calcsize("<" + form)
            return struct.iter_unpack(f"<{_HEADER_BYTES}x{form}{rest}x", self.data)
        return self._unpack_each(struct.Struct("<" + form), of.SIZE)

    def _unpack_each(self, form: struct.Struct, wanted: int) -> Iterator[tuple[Any, ...]]:
        data, unpack = self.data, form.unpack_from
        for start, size, _ in self._places():
            if size < wanted:
                raise _too_short(size, wanted)
            yield unpack(data, start)

    def _one_length(self, wanted: int) -> int | None:
        """The length of all records, if they have one and none was discarded."""
        data = self.data
        if not data:
            return None
        length = _HEADER.unpack_from(data)[0]
        stride = _HEADER_BYTES + (length + 7 & ~7)
        if length < wanted or length >= _DISCARDED or len(data) % stride:
            return None
        count = len(data) // stride
        # Byte by byte of the headers' lengths, in C.
        heads = (data[at::stride] == bytes([length >> 8 * at & 0xFF]) * count for at in range(4))
        return length if all(heads) else None

    def _places(self) -> Iterator[tuple[int, int, int]]:
        """Start, length and auxiliary word of each payload."""
        data, unpack = self.data, _HEADER.unpack_from
        end = len(data)
        at = 0
        while at < end:
            if end - at < _HEADER_BYTES:
                raise _malformed()
            word, auxiliary = unpack(data, at)
            size = word & ~_DISCARDED
            start = at + _HEADER_BYTES
            at = start + (size + 7 & ~7)
            if at > end or word & _BUSY:
                raise _malformed()
            if word < _DISCARDED:
                yield start, size, auxiliary


def _too_short(size: int, wanted: int) -> BpfError:
    message = f"a record of {size} bytes is shorter than its type, which has {wanted}"
    return BpfError(message, ErrorCode.INVALID_ARGUMENT)


def _malformed() -> BpfError:
    return BpfError("the batch is not well-formed", ErrorCode.INVALID_ARGUMENT)


@lru_cache
def _form(of: type[Struct], names: tuple[str, ...]) -> str:
    """For `struct`: the members of these names, what is between them left out."""
    form, end = "", 0
    for name in names:
        offset, layout = of.MEMBERS[name]
        if layout.code is None or offset < end:
            raise ValueError(f"unpack: {name} is no number and no bytes, or lies before another")
        form += f"{offset - end}x{layout.code}"
        end = offset + layout.size
    return form


class BatchBuilder:
    """A batch in the making: records for the kernel, or rows for the host."""

    def __init__(self) -> None:
        self._data = bytearray()

    def __len__(self) -> int:
        """Its size in bytes."""
        return len(self._data)

    def push(self, record: Struct | bytes | bytearray | memoryview) -> None:
        """Appends a record."""
        payload = bytes(record)
        if len(payload) > _PAYLOAD_BYTES_MAX:
            message = f"a record of {len(payload)} bytes is longer than {_PAYLOAD_BYTES_MAX}"
            raise BpfError(message, ErrorCode.INVALID_ARGUMENT)
        self._data += _HEADER.pack(len(payload), 0)
        self._data += payload
        self._data += bytes(-len(payload) % 8)

    def push_value(self, layout: Layout, value: Any) -> None:
        """Appends a record of another type than a struct: `push_value(U32, 7)`."""
        self.push(layout.pack(value))

    def clear(self) -> None:
        """Forgets all records."""
        self._data.clear()

    def take(self) -> bytes:
        """All records, which it then has no more."""
        data = bytes(self._data)
        self._data.clear()
        return data

    def first(self, bytes_max: int) -> bytes:
        """As many whole records as fit, but at least one if there is one."""
        end = 0
        while end < len(self._data):
            size = _HEADER.unpack_from(self._data, end)[0]
            following = end + _HEADER_BYTES + (size + 7 & ~7)
            if following > bytes_max and end:
                break
            end = following
        return bytes(self._data[:end])

    def remove_first(self, count: int) -> None:
        """Forgets the records in the first bytes, where one ends."""
        del self._data[:count]
