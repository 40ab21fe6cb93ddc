"""How C lays out values in memory: the types of members, keys, values and variables.

`ecli build` generates classes from the BPF object's types out of these. Integers are exact, of 64
and 128 bits too; `char` arrays are text up to the first NUL, other byte arrays `bytes`.
"""

import struct
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Any, ClassVar, Self

__all__ = [
    "BOOL",
    "F32",
    "F64",
    "NOTHING",
    "S8",
    "S16",
    "S32",
    "S64",
    "S128",
    "U8",
    "U16",
    "U32",
    "U64",
    "U128",
    "Array",
    "ArrayOf",
    "Bytes",
    "CEnum",
    "EnumOf",
    "Struct",
    "Text",
    "bits",
    "member",
]

Buffer = bytes | bytearray | memoryview


class Layout:
    """The type of a value: its size in bytes, and how it is read and written."""

    size: int
    # For struct.Struct when a value is one of its numbers, else None.
    code: str | None = None

    def read(self, data: Buffer, at: int = 0) -> Any:
        """The value that starts at an offset."""
        raise NotImplementedError

    def write(self, data: bytearray | memoryview, at: int, value: Any) -> None:
        """Puts a value to an offset."""
        raise NotImplementedError

    def pack(self, value: Any) -> bytes:
        """The bytes of a value."""
        data = bytearray(self.size)
        self.write(data, 0, value)
        return bytes(data)

    def read_all(self, data: Buffer, at: int, count: int) -> Iterable[Any]:
        """Values laid end to end."""
        return [self.read(data, at + index * self.size) for index in range(count)]


class Scalar(Layout):
    """A number that `struct` knows by a letter."""

    def __init__(self, code: str) -> None:
        form = struct.Struct("<" + code)
        self.code = code
        self.size = form.size
        self.pack = form.pack
        self._unpack = form.unpack_from
        self.write = form.pack_into

    def read(self, data: Buffer, at: int = 0) -> Any:
        return self._unpack(data, at)[0]

    def read_all(self, data: Buffer, at: int, count: int) -> Iterable[Any]:
        return struct.unpack_from(f"<{count}{self.code}", data, at)


U8, U16, U32, U64 = Scalar("B"), Scalar("H"), Scalar("I"), Scalar("Q")
S8, S16, S32, S64 = Scalar("b"), Scalar("h"), Scalar("i"), Scalar("q")
F32, F64 = Scalar("f"), Scalar("d")
BOOL = Scalar("?")


class Wide(Layout):
    """An integer of 128 bits."""

    size = 16

    def __init__(self, signed: bool) -> None:
        self._signed = signed

    def read(self, data: Buffer, at: int = 0) -> int:
        return int.from_bytes(data[at : at + 16], "little", signed=self._signed)

    def write(self, data: bytearray | memoryview, at: int, value: int) -> None:
        data[at : at + 16] = value.to_bytes(16, "little", signed=self._signed)


U128, S128 = Wide(False), Wide(True)


class Bytes(Layout):
    """An array of bytes. What is shorter is filled with zeros."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.code = f"{size}s"

    def read(self, data: Buffer, at: int = 0) -> bytes:
        return bytes(data[at : at + self.size])

    def write(self, data: bytearray | memoryview, at: int, value: Buffer) -> None:
        if len(value) > self.size:
            raise ValueError(f"{len(value)} bytes do not fit into {self.size}")
        data[at : at + self.size] = bytes(value).ljust(self.size, b"\0")


class Text(Bytes):
    """An array of C's `char`: text up to the first NUL."""

    def read(self, data: Buffer, at: int = 0) -> str:
        return text(bytes(data[at : at + self.size]))

    def write(self, data: bytearray | memoryview, at: int, value: str | Buffer) -> None:
        super().write(data, at, value.encode() if isinstance(value, str) else value)


def text(characters: bytes) -> str:
    """C text: what is before the first NUL."""
    end = characters.find(0)
    return (characters if end < 0 else characters[:end]).decode(errors="replace")


class Nothing(Layout):
    """The key of a queue, the value of a set: no bytes."""

    size = 0

    def read(self, data: Buffer, at: int = 0) -> None:
        return None

    def write(self, data: bytearray | memoryview, at: int, value: None) -> None:
        if value is not None:
            raise ValueError("there is no value, pass None")


NOTHING = Nothing()


class CEnum(IntEnum):
    """An enum of C: unknown values are kept as numbers without a name."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = str(value)
        member._value_ = value
        return member


class EnumOf(Layout):
    """An enum in an integer of some size."""

    def __init__(self, enum: type[CEnum], layout: Scalar) -> None:
        self.size = layout.size
        self._enum = enum
        self._layout = layout

    def read(self, data: Buffer, at: int = 0) -> CEnum:
        return self._enum(self._layout.read(data, at))

    def write(self, data: bytearray | memoryview, at: int, value: int) -> None:
        self._layout.write(data, at, int(value))


class ArrayOf(Layout):
    """An array of a fixed length."""

    def __init__(self, item: Any, count: int) -> None:
        self.item = layout_of(item)
        self.count = count
        self.size = self.item.size * count

    def read(self, data: Buffer, at: int = 0) -> "Array":
        return Array(self, data, at)

    def write(self, data: bytearray | memoryview, at: int, value: Iterable[Any]) -> None:
        items = list(value)
        if len(items) != self.count:
            raise ValueError(f"{len(items)} values for an array of {self.count}")
        for index, item in enumerate(items):
            self.item.write(data, at + index * self.item.size, item)


class Array:
    """The values of an array, where they are: those that are set are set in the record."""

    __slots__ = ("_at", "_data", "_layout")

    def __init__(self, layout: ArrayOf, data: Buffer, at: int) -> None:
        self._layout = layout
        self._data = data
        self._at = at

    def __len__(self) -> int:
        return self._layout.count

    def __iter__(self) -> Iterator[Any]:
        return iter(self._layout.item.read_all(self._data, self._at, self._layout.count))

    def __getitem__(self, index: int) -> Any:
        return self._layout.item.read(self._data, self._offset(index))

    def __setitem__(self, index: int, value: Any) -> None:
        self._layout.item.write(self._data, self._offset(index), value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Array | list | tuple):
            return NotImplemented
        return list(self) == list(other)

    def __repr__(self) -> str:
        return repr(list(self))

    def _offset(self, index: int) -> int:
        count = self._layout.count
        if not -count <= index < count:
            raise IndexError(f"index {index} of an array of {count}")
        return self._at + index % count * self._layout.item.size


class StructOf(Layout):
    """A struct or union as a member."""

    def __init__(self, of: type["Struct"]) -> None:
        self.size = of.SIZE
        self._of = of

    def read(self, data: Buffer, at: int = 0) -> "Struct":
        return self._of(data, at)

    def write(self, data: bytearray | memoryview, at: int, value: "Struct") -> None:
        if not isinstance(value, self._of):
            raise TypeError(f"a {self._of.__name__} is wanted, not {type(value).__name__}")
        data[at : at + self.size] = bytes(value)

    def pack(self, value: "Struct") -> bytes:
        if not isinstance(value, self._of):
            raise TypeError(f"a {self._of.__name__} is wanted, not {type(value).__name__}")
        return bytes(value)


class Struct:
    """A struct or union of C, as a view of bytes: members are read when they are asked for.

    `Event(batch_bytes, offset)` looks at bytes that are there, `Event.new(pid=1, comm="bash")`
    makes one of its own, whose other members are zero. Members of both can be set where the bytes
    can.
    """

    SIZE: ClassVar[int]
    # As BTF has it; empty for types without a name.
    NAME: ClassVar[str] = ""
    # Where a flexible array starts, if it ends in one.
    TAIL_OFFSET: ClassVar[int]
    # Names of members, with their places and types.
    MEMBERS: ClassVar[dict[str, tuple[int, Layout]]]

    __slots__ = ("_at", "_data")

    def __init__(self, data: Buffer, at: int = 0) -> None:
        self._data = data
        self._at = at

    def __init_subclass__(cls, size: int, name: str = "") -> None:
        cls.SIZE = size
        cls.NAME = name
        members = ((name, value) for name, value in vars(cls).items() if isinstance(value, Member))
        cls.MEMBERS = {name: (value.offset, value.layout) for name, value in members}

    @classmethod
    def new(cls, **members: Any) -> Self:
        """One with these members; the others are zero."""
        record = cls(bytearray(cls.SIZE))
        for name, value in members.items():
            if name not in cls.MEMBERS:
                raise TypeError(f"{cls.__name__} has no member {name}")
            setattr(record, name, value)
        return record

    def copy(self) -> Self:
        """One of its own with the same bytes."""
        return type(self)(bytearray(bytes(self)))

    def __bytes__(self) -> bytes:
        return bytes(self._data[self._at : self._at + self.SIZE])

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.MEMBERS)

    __hash__ = None

    def __repr__(self) -> str:
        members = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.MEMBERS)
        return f"{type(self).__name__}({members})"


class Member(property):
    """A member of a struct: a property that knows its place."""

    offset: int
    layout: Layout


def member(offset: int, of: Any) -> Any:
    """A member at an offset in bytes, for generated classes."""
    layout = layout_of(of)
    read, write = layout.read, layout.write
    if isinstance(layout, Scalar):
        unpack = struct.Struct("<" + layout.code).unpack_from

        def get(record: Struct) -> Any:
            return unpack(record._data, record._at + offset)[0]
    else:

        def get(record: Struct) -> Any:
            return read(record._data, record._at + offset)

    def put(record: Struct, value: Any) -> None:
        write(record._data, record._at + offset, value)

    result = Member(get, put)
    result.offset, result.layout = offset, layout
    return result


class BitField(Layout):
    """Bits of the bytes in which they lie."""

    def __init__(self, shift: int, width: int, of: Any, signed: bool) -> None:
        self.size = (shift + width + 7) // 8
        self._shift = shift
        self._width = width
        self._of = of
        self._signed = signed

    def read(self, data: Buffer, at: int = 0) -> Any:
        value = int.from_bytes(data[at : at + self.size], "little") >> self._shift
        value &= (1 << self._width) - 1
        if self._signed and value >> (self._width - 1):
            value -= 1 << self._width
        return self._of(value)

    def write(self, data: bytearray | memoryview, at: int, value: int) -> None:
        value = int(value)
        count = 1 << self._width
        low = -count // 2 if self._signed else 0
        if not low <= value < low + count:
            raise ValueError(f"{value} does not fit into {self._width} bits")
        mask = ((1 << self._width) - 1) << self._shift
        others = int.from_bytes(data[at : at + self.size], "little") & ~mask
        value = others | value << self._shift & mask
        data[at : at + self.size] = value.to_bytes(self.size, "little")


def bits(offset: int, width: int, of: Any = int, signed: bool = False) -> Any:
    """A bit field at an offset in bits, for generated classes; `of` makes the value."""
    return member(offset // 8, BitField(offset % 8, width, of, signed))


def layout_of(of: Any) -> Layout:
    """A type as it is written in generated code: a layout, or a struct's class."""
    if isinstance(of, Layout):
        return of
    if isinstance(of, type) and issubclass(of, Struct):
        return StructOf(of)
    raise TypeError(f"{of!r} is no layout of bytes: use U32, Text(16), a struct's class...")
