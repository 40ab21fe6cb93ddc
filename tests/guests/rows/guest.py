"""Emits rows of structs and of declared fields."""

import bpf
from eunomia_bpf import (
    F64,
    S64,
    U8,
    U32,
    U64,
    BpfError,
    Field,
    FieldTable,
    Object,
    Table,
    flush,
    report_lost,
)

# Hints that a field may have, and fields that a table may have.
HINTS_MAX, FIELDS_MAX = 64, 256


def main():
    object = Object(bpf.OBJECT).load()
    events = Table("events", object, bpf.Event)
    events.add_hint("comm", "width", "16")
    events.add_hint("place.y", "hidden", "true")
    events.add_hint("", "title", "Events")
    print(f"a hint for no field: {code(events.add_hint, 'nothing', 'width', '1')}")

    ring = object.ring_buffer(bpf.maps.EVENTS)
    object.program("emit").test_run()
    events.emit_batch(ring.try_next())
    longer = bytes([3]) + bytes(bpf.Event.SIZE + 7)
    events.push(longer)
    events.flush()
    print(f"a late hint: {code(events.add_hint, 'comm', 'width', '8')}")
    events.end_of_interval()

    fields()
    limits()
    report_lost(3)
    flush()
    order()


def order():
    """Rows of two tables that nobody flushes."""
    one, two = (FieldTable(name, [Field("number", U8)]) for name in ("one", "two"))
    for number, table in enumerate([two, one, two], 1):
        table.push(number)


def fields():
    table = FieldTable(
        "fields",
        [
            Field("flag", bool),
            Field("tiny", U8),
            Field("signed", S64),
            Field("unsigned", U64),
            Field("ratio", F64),
            Field("text", str).hint("width", "12"),
            Field("bytes", bytes),
            Field("maybe", U32).optional(),
            Field("many", str).repeated(),
        ],
    )
    for number in range(2):
        maybe, many = (7, ["a", "", "c"]) if number else (None, [])
        signed, unsigned = -(2**63), 2**64 - 1
        words = ['"quoted", \u00e4', bytes([0, 255])]
        table.push(number == 1, number, signed, unsigned, 0.5, *words, maybe, many)
    table.end_of_interval()


def limits():
    """As much as is allowed, and one more."""
    print(f"256 fields: {code(FieldTable, 'most_fields', numbered(FIELDS_MAX))}")
    print(f"257 fields: {code(FieldTable, 'more_fields', numbered(FIELDS_MAX + 1))}")
    print(f"64 hints: {code(FieldTable, 'most_hints', [hinted(HINTS_MAX)])}")
    print(f"65 hints: {code(FieldTable, 'more_hints', [hinted(HINTS_MAX + 1)])}")
    long = Field("f0", U8).hint("k" * 256, "v" * 256)
    print(f"a hint of 256 bytes: {code(FieldTable, 'long_hint', [long])}")
    longer = Field("f0", U8).hint("k" * 257, "v" * 257)
    print(f"of 257: {code(FieldTable, 'longer_hint', [longer])}")


def numbered(count):
    return [Field(f"f{number}", U8) for number in range(count)]


def hinted(count):
    field = Field("f0", U8)
    for number in range(count):
        field.hint(f"h{number}", "")
    return field


def code(function, *arguments):
    """How a call ended."""
    try:
        function(*arguments)
    except BpfError as error:
        return "ErrorCode::" + error.code.name.title().replace("_", "")
    return "ok"
