"""Tables: rows that the host shows as columns, JSON or metrics.

Rows are gathered, and emitted when the guest waits or 64 KiB are together.
"""

import struct
from collections.abc import Callable, Iterable
from typing import Any, Self

from wit_world.imports import output as host
from wit_world.imports.errors import ErrorCode
from wit_world.imports.output import Cardinality, Hint, Scalar

from . import layout
from .batch import Batch, BatchBuilder
from .errors import BpfError, call
from .layout import Struct

__all__ = ["Field", "FieldTable", "Table", "flush", "report_lost"]

_PENDING_BYTES_MAX = 64 << 10

# The table that has rows; of several the order of rows would be lost.
_gathering: "_Rows | None" = None

# What a field can be: Python's own types, and numbers of C.
_SCALARS: dict[Any, Scalar] = {
    bool: Scalar.BOOLEAN,
    float: Scalar.F64,
    str: Scalar.TEXT,
    bytes: Scalar.BYTES,
    layout.BOOL: Scalar.BOOLEAN,
    layout.U8: Scalar.U8,
    layout.U16: Scalar.U16,
    layout.U32: Scalar.U32,
    layout.U64: Scalar.U64,
    layout.S8: Scalar.S8,
    layout.S16: Scalar.S16,
    layout.S32: Scalar.S32,
    layout.S64: Scalar.S64,
    layout.F32: Scalar.F32,
    layout.F64: Scalar.F64,
}


class _Rows:
    """A table of the host with the rows that are gathered for it."""

    def __init__(self, handle: host.Table) -> None:
        self._handle = handle
        self._pending = BatchBuilder()

    def add_hint(self, field: str, key: str, value: str) -> None:
        """Says how to show a field (`event.pid` names a nested one) or, with an empty name, the
        table. Before the first row; docs/output.md lists the hints."""
        call(self._handle.add_hints, field, [Hint(key, value)])

    def end_of_interval(self) -> None:
        """Says that the rows of one interval are complete."""
        flush_pending()
        call(self._handle.end_of_interval)

    def flush(self) -> None:
        """Emits the rows that are gathered."""
        if self._pending:
            call(self._handle.emit, self._pending.take())

    def _push(self, row: Struct | bytes) -> None:
        global _gathering
        if _gathering is not self:
            flush_pending()
            _gathering = self
        self._pending.push(row)
        if len(self._pending) >= _PENDING_BYTES_MAX:
            self.flush()


class Table(_Rows):
    """A table whose rows are structs of the BPF object, which the host decodes."""

    def __init__(self, name: str, object: Any, of: type[Struct] | str) -> None:
        """`name` has letters, digits and `_`, and is unique in the image."""
        type_name = of if isinstance(of, str) else of.NAME
        super().__init__(call(host.Table.from_btf, name, object._handle, type_name))

    def push(self, row: Struct | bytes | memoryview) -> None:
        """Adds a row: a struct, or bytes as the BPF program wrote them."""
        self._push(row)

    def emit_batch(self, batch: Batch) -> None:
        """Emits all records of a batch, without looking at them."""
        flush_pending()
        call(self._handle.emit, batch.data)


class Field:
    """A field of a `FieldTable`: `Field("comm", str)`, `Field("pid", U32)`."""

    def __init__(self, name: str, of: Any) -> None:
        """`name` has letters, digits and `_`; `of` is bool, float, str, bytes, or U8 to F64."""
        if of not in _SCALARS:
            raise TypeError(f"field {name}: {of!r} is none of bool, float, str, bytes, U8... F64")
        self.name = name
        self._of = of
        self._cardinality = Cardinality.ONE
        self._hints: list[Hint] = []

    def optional(self) -> Self:
        """Rows may have None for it."""
        self._cardinality = Cardinality.OPTIONAL
        return self

    def repeated(self) -> Self:
        """It has any number of values."""
        self._cardinality = Cardinality.REPEATED
        return self

    def hint(self, key: str, value: str) -> Self:
        """Says how to show it."""
        self._hints.append(Hint(key, value))
        return self

    def _declared(self) -> host.Field:
        return host.Field(self.name, _SCALARS[self._of], self._cardinality, self._hints)

    def _writer(self) -> Callable[[Any], bytes]:
        one = _value_writer(self._of)
        match self._cardinality:
            case Cardinality.OPTIONAL:
                return lambda value: b"\0" if value is None else b"\1" + one(value)
            case Cardinality.REPEATED:
                return lambda values: _repeated([one(value) for value in values])
        return one


def _value_writer(of: Any) -> Callable[[Any], bytes]:
    if of is str:
        return lambda value: _counted(value.encode())
    if of is bytes:
        return _counted
    return {bool: layout.BOOL, float: layout.F64}.get(of, of).pack


_COUNT = struct.Struct("<I")


def _counted(value: bytes) -> bytes:
    return _COUNT.pack(len(value)) + value


def _repeated(values: list[bytes]) -> bytes:
    return _COUNT.pack(len(values)) + b"".join(values)


class FieldTable(_Rows):
    """A table whose rows have declared fields."""

    def __init__(self, name: str, fields: Iterable[Field]) -> None:
        """`name` has letters, digits and `_`, and is unique in the image; 256 fields at most."""
        fields = list(fields)
        declared = [field._declared() for field in fields]
        super().__init__(call(host.Table.from_fields, name, declared))
        self._fields = fields
        self._writers = [field._writer() for field in fields]

    def push(self, *values: Any) -> None:
        """Adds a row: a value for each field, in their order."""
        try:
            parts = [write(value) for write, value in zip(self._writers, values, strict=True)]
        except (AttributeError, TypeError, ValueError, struct.error) as error:
            raise self._refusal(values) from error
        self._push(b"".join(parts))

    def _refusal(self, values: tuple[Any, ...]) -> BpfError:
        if len(values) != len(self._fields):
            message = f"push a row: {len(values)} values for {len(self._fields)} fields"
            return BpfError(message, ErrorCode.INVALID_ARGUMENT)
        for field, write, value in zip(self._fields, self._writers, values, strict=True):
            try:
                write(value)
            except (AttributeError, TypeError, ValueError, struct.error) as error:
                message = f"push a row: field {field.name} cannot be {value!r}: {error}"
                return BpfError(message, ErrorCode.INVALID_ARGUMENT)
        return BpfError("push a row", ErrorCode.INVALID_ARGUMENT)


def report_lost(count: int) -> None:
    """Counts events that were lost before the guest saw them, but for those of `batch.lost`."""
    host.report_lost(count)


def flush() -> None:
    """Has everything shown that was gathered."""
    flush_pending()
    call(host.flush)


def flush_pending() -> None:
    """Emits what is gathered; done before each wait."""
    global _gathering
    table, _gathering = _gathering, None
    if table is not None:
        table.flush()


def finish() -> None:
    """Emits what is gathered as far as it can be, at the end."""
    try:
        flush_pending()
    except BpfError:
        # Nobody reads any more.
        pass
