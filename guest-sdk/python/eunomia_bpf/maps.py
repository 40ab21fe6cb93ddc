"""Maps, with values of C's types or as bytes."""

from collections.abc import Iterable, Iterator
from enum import IntFlag
from typing import Any, Generic, NamedTuple, TypeVar

from wit_world.imports import bpf_map as host
from wit_world.imports import host as machine
from wit_world.imports.bpf_map import MapInfo

from .buffers import _Handle
from .errors import call
from .layout import NOTHING, Layout, layout_of

__all__ = [
    "Entries",
    "Flags",
    "Global",
    "Map",
    "MapInfo",
    "MapName",
    "PerCpuMapName",
    "PerfEventArrayName",
    "RawMap",
    "RingBufferName",
    "UserRingBufferName",
]

# Bytes of keys or values of one call of the host.
_CALL_BYTES_MAX = 1 << 20

K = TypeVar("K")
V = TypeVar("V")


class Flags(IntFlag):
    """When an update sets a value, and how; `enum` of `linux/bpf.h`."""

    ANY = 0
    NO_EXIST = 1
    EXIST = 2
    LOCK = 4


class RingBufferName(NamedTuple):
    """A ring buffer of an object."""

    name: str


class PerfEventArrayName(NamedTuple):
    """A perf event array of an object."""

    name: str


class UserRingBufferName(NamedTuple):
    """A user ring buffer of an object."""

    name: str


class Global(Generic[V]):
    """A global variable of an object, with its type."""

    def __init__(self, name: str, of: Any) -> None:
        self.name = name
        self.layout = layout_of(of)


class MapName(Generic[K, V]):
    """A map of an object, with the types of its keys and values."""

    def __init__(self, name: str, key: Any, value: Any) -> None:
        self.name = name
        self.key = layout_of(key)
        self.value = layout_of(value)


class PerCpuMapName(MapName[K, V]):
    """A map that has a value for each CPU: a list of them."""

    def __init__(self, name: str, key: Any, value: Any) -> None:
        super().__init__(name, key, value)
        self.value = PerCpu(self.value)


class PerCpu(Layout):
    """A value for each possible CPU, each padded to a multiple of 8."""

    def __init__(self, one: Layout) -> None:
        self._one = one
        self._stride = one.size + 7 & ~7

    @property
    def size(self) -> int:
        return self._stride * machine.possible_cpus()

    def read(self, data: bytes, at: int = 0) -> list[Any]:
        read, stride = self._one.read, self._stride
        return [read(data, at + cpu * stride) for cpu in range(machine.possible_cpus())]

    def write(self, data: bytearray, at: int, value: Iterable[Any]) -> None:
        values = list(value)
        if len(values) != machine.possible_cpus():
            raise ValueError(f"{len(values)} values for {machine.possible_cpus()} CPUs")
        for cpu, one in enumerate(values):
            self._one.write(data, at + cpu * self._stride, one)


class Entries(NamedTuple):
    """Some entries of a map: keys end to end, and as many values."""

    count: int
    keys: bytes
    values: bytes


class RawCursor(_Handle):
    """A walk over a map, by bytes."""

    def __init__(self, handle: host.Cursor) -> None:
        self._handle = handle

    def next_entries(self, entries_max: int = 0) -> Entries | None:
        """Further entries, 0: as many as the host gives at once (up to 1 MiB); None at the end."""
        entries = call(self._handle.next, entries_max)
        if not entries.count:
            return None
        return Entries(entries.count, entries.keys, entries.values)


class RawMap(_Handle):
    """A map whose keys and values are bytes. Before load its shape can be set, after it used."""

    def __init__(self, handle: host.BpfMap) -> None:
        self._handle = handle

    def info(self) -> MapInfo:
        """Name, type and sizes."""
        return self._handle.info()

    def set_max_entries(self, entries: int) -> None:
        """Sets the number of entries, or of bytes for ring buffers. Before load."""
        call(self._handle.set_max_entries, entries)

    def set_value_size(self, size: int) -> None:
        """Sets the size of a value, for arrays whose last member is flexible. Before load."""
        call(self._handle.set_value_size, size)

    def set_map_type(self, map_type: int) -> None:
        """Sets the type, a number of `enum bpf_map_type`. Before load."""
        call(self._handle.set_map_type, map_type)

    def set_autocreate(self, create: bool) -> None:
        """Sets whether loading creates the map at all. Before load."""
        call(self._handle.set_autocreate, create)

    def set_pin_name(self, name: str) -> None:
        """Shares the map under a name with other instances on this host. Before load."""
        call(self._handle.set_pin_name, name)

    def lookup(self, key: bytes, flags: Flags = Flags.ANY) -> bytes | None:
        """The value of a key, or None."""
        return call(self._handle.lookup, key, flags)

    def update(self, key: bytes, value: bytes, flags: Flags = Flags.ANY) -> None:
        """Sets the value of a key."""
        call(self._handle.update, key, value, flags)

    def delete(self, key: bytes) -> bool:
        """Removes a key; true if it was there."""
        return call(self._handle.delete, key)

    def lookup_and_delete(self, key: bytes, flags: Flags = Flags.ANY) -> bytes | None:
        """Takes a value out in one step."""
        return call(self._handle.lookup_and_delete, key, flags)

    def next_key(self, key: bytes | None = None) -> bytes | None:
        """The key after this one, or the first; None at the end. Prefer `iterate`."""
        return call(self._handle.next_key, key)

    def iterate(self) -> RawCursor:
        """Walks over all entries, many with each call of the host."""
        return RawCursor(call(self._handle.iterate))

    def drain(self) -> RawCursor:
        """Walks over all entries and removes them."""
        return RawCursor(call(self._handle.drain))

    def update_batch(self, keys: bytes, values: bytes, flags: Flags = Flags.ANY) -> int:
        """Sets many entries, laid end to end. Returns how many were set: fewer than given when the
        next one failed."""
        return call(self._handle.update_batch, keys, values, flags)

    def delete_batch(self, keys: bytes) -> int:
        """Removes many keys; returns how many were there."""
        return call(self._handle.delete_batch, keys)

    def lookup_inner(self, key: bytes) -> "RawMap | None":
        """The map in a slot of a map of maps, or None."""
        inner = call(self._handle.lookup_inner, key)
        return None if inner is None else RawMap(inner)

    def update_inner(self, key: bytes, inner: "RawMap", flags: Flags = Flags.ANY) -> None:
        """Puts a map into a slot of a map of maps."""
        call(self._handle.update_inner, key, inner._handle, flags)

    def create_inner(self) -> "RawMap":
        """A new map in the shape that this map of maps declares for its slots."""
        return RawMap(call(self._handle.create_inner))

    def read_memory(self, offset: int, length: int) -> bytes:
        """Reads from the memory of an array that is mapped, or of global data."""
        return call(self._handle.read_memory, offset, length)

    def write_memory(self, offset: int, data: bytes) -> None:
        """Writes to such memory."""
        call(self._handle.write_memory, offset, data)

    def freeze(self) -> None:
        """Forbids further changes from user space, for good."""
        call(self._handle.freeze)


class Map(Generic[K, V]):
    """A map with keys and values of C's types. `raw` is the same map as bytes."""

    def __init__(self, raw: RawMap, name: MapName[K, V]) -> None:
        self.raw = raw
        self._key = name.key
        self._value = name.value

    def info(self) -> MapInfo:
        """Name, type and sizes."""
        return self.raw.info()

    def lookup(self, key: K, flags: Flags = Flags.ANY) -> V | None:
        """The value of a key, or None."""
        return self._optional(self.raw.lookup(self._key.pack(key), flags))

    def lookup_locked(self, key: K) -> V | None:
        """The same, with the spin lock in the value taken meanwhile."""
        return self.lookup(key, Flags.LOCK)

    def update(self, key: K, value: V, flags: Flags = Flags.ANY) -> None:
        """Sets the value of a key."""
        self.raw.update(self._key.pack(key), self._value.pack(value), flags)

    def delete(self, key: K) -> bool:
        """Removes a key; true if it was there."""
        return self.raw.delete(self._key.pack(key))

    def lookup_and_delete(self, key: K, flags: Flags = Flags.ANY) -> V | None:
        """Takes a value out in one step."""
        return self._optional(self.raw.lookup_and_delete(self._key.pack(key), flags))

    def iterate(self) -> Iterator[tuple[K, V]]:
        """Walks over all entries, many with each call of the host. Entries that the BPF program
        inserts or deletes meanwhile may be missed or, in hash maps, met twice."""
        return self._walk(self.raw.iterate())

    def __iter__(self) -> Iterator[tuple[K, V]]:
        return self.iterate()

    def drain(self) -> Iterator[tuple[K, V]]:
        """The same, and removes them; ending early may lose some."""
        return self._walk(self.raw.drain())

    def update_batch(self, entries: Iterable[tuple[K, V]], flags: Flags = Flags.ANY) -> int:
        """Sets many entries; returns how many were set: fewer than given when the next one
        failed."""
        count = 0
        for part in self._parts(list(entries)):
            keys = b"".join(self._key.pack(key) for key, _ in part)
            values = b"".join(self._value.pack(value) for _, value in part)
            updated = self.raw.update_batch(keys, values, flags)
            count += updated
            if updated < len(part):
                break
        return count

    def delete_batch(self, keys: Iterable[K]) -> int:
        """Removes many keys; returns how many were there."""
        packed = [self._key.pack(key) for key in keys]
        return sum(self.raw.delete_batch(b"".join(part)) for part in self._parts(packed))

    # Queues, stacks and bloom filters have no keys.

    def push(self, value: V) -> None:
        """Adds a value: to the end of a queue, on top of a stack, to a bloom filter."""
        self.raw.update(b"", self._value.pack(value))

    def pop(self) -> V | None:
        """Takes the first value of a queue or the top of a stack; None when it is empty."""
        return self._optional(self.raw.lookup_and_delete(b""))

    def peek(self) -> V | None:
        """Looks at what `pop` would take."""
        return self._optional(self.raw.lookup(b""))

    def may_contain(self, value: V) -> bool:
        """Whether a value may be in a bloom filter: false is certain, true is not."""
        return self.raw.lookup(self._value.pack(value)) is not None

    def _optional(self, value: bytes | None) -> V | None:
        return None if value is None else self._value.read(value)

    def _walk(self, cursor: RawCursor) -> Iterator[tuple[K, V]]:
        # The host has the cursor from here on, the generator starts later.
        return self._entries(cursor)

    def _entries(self, cursor: RawCursor) -> Iterator[tuple[K, V]]:
        with cursor:
            while entries := cursor.next_entries():
                yield from zip(
                    self._all(self._key, entries.keys, entries.count),
                    self._all(self._value, entries.values, entries.count),
                    strict=True,
                )

    def _all(self, layout: Layout, data: bytes, count: int) -> Iterable[Any]:
        if layout is NOTHING or not data:
            return [None] * count
        return layout.read_all(data, 0, count)

    def _parts(self, items: list[Any]) -> Iterator[list[Any]]:
        """As many at a time as one call of the host takes."""
        most = max(1, _CALL_BYTES_MAX // max(1, self._key.size, self._value.size))
        for start in range(0, len(items), most):
            yield items[start : start + most]
