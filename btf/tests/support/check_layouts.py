"""Run by a test with the types that are generated from `layouts.bpf.c`: reads what `dump.c` prints
and compares. Of the SDK it has everything but the host."""

import sys

import bpf


def main():
    values = {}
    for line in open(sys.argv[1]):
        kind, name, *rest = line.split()
        if kind == "value":
            values[name] = bytes.fromhex(rest[0])
    check_plain(values)
    check_nested(values)
    check_bits(values)
    check_event(values)
    check_names()
    print("checked")


def record(of, values):
    """Reads a record from bytes at an odd address, and writes all of its members again."""
    # Behind the struct is its flexible array, if it has one.
    data = values[of.NAME][: of.SIZE]
    assert len(data) == of.SIZE, (of.NAME, of.SIZE)
    view = of(b"\xaa" + data, 1)
    assert bytes(view) == data, of.NAME
    copy = of.new(**{name: getattr(view, name) for name in of.MEMBERS})
    assert copy == view, (copy, view)
    tail = getattr(of, "TAIL_OFFSET", of.SIZE)
    assert bytes(copy)[:tail] == data[:tail], of.NAME
    return view


def check_plain(values):
    padded = record(bpf.Padded, values)
    expected = {
        "first": 1,
        "second": 0xDEADBEEF,
        "third": 3,
        "fourth": 0x0102030405060708,
        "last": 5,
    }
    assert padded == bpf.Padded.new(**expected)
    assert repr(padded) == (
        "Padded(first=1, second=3735928559, third=3, fourth=72623859790382856, last=5)"
    )
    n = record(bpf.Numbers, values)
    assert (n.a, n.b, n.c, n.d, n.e, n.f) == (255, -1, 65535, -2, 4_000_000_000, -3)
    assert (n.g, n.h, n.i, n.j) == (18_000_000_000_000_000_000, -4, True, ord("x"))
    assert (n.k, n.l, n.m, n.n) == (1.5, -2.25, -(1 << 100), (1 << 127) + 1)
    assert n.i is True


def check_nested(values):
    nested = record(bpf.Nested, values).copy()
    assert (nested.tag, nested.at.x, nested.at.y) == (7, -1, 2)
    inner = nested.anonymous_type
    assert (inner.inner_a, inner.inner_b) == (3, 4)
    assert (nested.flat_a, nested.flat_b, nested.flat_word) == (5, 6, 0x04030201)
    assert nested.flat_bytes == bytes([1, 2, 3, 4])
    assert (nested.path[1].y, nested.path[-1].x) == (8, 9)
    assert [list(row) for row in nested.grid] == [[0, 0, 0], [0, 0, 10]]
    nested.flat_word = 0xFFFF0000
    assert nested.flat_bytes == bytes([0, 0, 0xFF, 0xFF])
    nested.path[0].x = 77
    nested.grid[0][1] = 78
    assert (nested.path[0].x, nested.grid[0][1], len(nested.path)) == (77, 78, 3)
    for index in (3, -4):
        try:
            nested.path[index]
        except IndexError:
            continue
        raise AssertionError(index)

    c = record(bpf.Connection, values).copy()
    assert (c.family, c.source.v4, c.port) == (2, 0x0100007F, 443)
    assert c.target.words == [0, 0x1122334455667788]
    c.source.point = bpf.Point.new(x=1, y=-1)
    assert c.source.words[0] == 0xFFFFFFFF00000001

    aligned = record(bpf.Aligned, values)
    assert (aligned.a, aligned.p.x, aligned.p.y, aligned.b) == (1, 2, 0, 3)


def check_bits(values):
    flags = record(bpf.Flags, values).copy()

    def everything():
        return flags.a, flags.b, flags.c, flags.d, flags.plain, flags.e, flags.kind, flags.yes

    expected = (1, 5, -7, 0xABCDEF0123, 9, 300, bpf.EventKind.EVENT_EXIT, True)
    assert everything() == expected
    assert isinstance(flags.kind, bpf.EventKind)
    # Setting one leaves the others.
    flags.d, flags.c, flags.kind, flags.yes = 1, 15, 3, False
    assert everything() == (1, 5, 15, 1, 9, 300, 3, False)
    flags.d, flags.c, flags.kind, flags.yes = expected[3], expected[2], expected[6], True
    assert bytes(flags) == values["flags"]
    for name, value in [("a", 2), ("c", 16), ("c", -17), ("d", -1)]:
        try:
            setattr(flags, name, value)
        except ValueError:
            continue
        raise AssertionError((name, value))

    packed = record(bpf.Packed, values)
    assert (packed.b, packed.c, packed.p.y) == (0x01020304, 5, -6)
    assert (packed.address.v6[15], packed.d) == (7, 8)


def check_event(values):
    event = record(bpf.Event, values)
    assert (event.timestamp, event.pid, event.kind) == (123456789, 42, bpf.EventKind.EVENT_EXEC)
    assert (event.small, event.comm) == (bpf.SmallKind.SMALL_B, "bash")
    assert (event.raw, event.address) == (bytes([1, 2, 3, 4, 5]), 0xFFFF888012345678)
    assert (event.delta, event.type, event.self) == (-9, 11, 12)
    assert event.names == ["one", "two"]
    assert bpf.EventKind(7).name == "EVENT_type"
    unknown = bpf.EventKind(99)
    assert (unknown, unknown.name, unknown.value) == (99, "99", 99)

    tail = record(bpf.WithTail, values)
    assert (tail.length, tail.code, bpf.WithTail.TAIL_OFFSET) == (5, 6, 6)
    assert bpf.WithRecords.TAIL_OFFSET == 4
    for wrong in [{"comm": "x" * 17}, {"pid": -1}, {"nothing": 0}]:
        try:
            bpf.Event.new(**wrong)
        except Exception:
            continue
        raise AssertionError(wrong)


def check_names():
    assert bpf.OBJECT == "layouts"
    start = bpf.maps.START
    assert (start.name, start.key.size, start.value.size) == ("start", 16, 24)
    assert bpf.maps.QUEUE.key.size == 0
    assert bpf.maps.STACKS.value.size == 127 * 8
    names = [bpf.maps.EVENTS.name, bpf.maps.SAMPLES.name, bpf.maps.COMMANDS.name]
    assert names == ["events", "samples", "commands"]
    # A value for each of the three CPUs that the stub has.
    counts = bpf.maps.COUNTS
    assert counts.value.read(counts.value.pack([1, 2, 3])) == [1, 2, 3]
    comm = bpf.globals.TARG_COMM
    assert (comm.name, comm.layout.pack("bash")) == ("targ_comm", b"bash" + bytes(12))
    assert not hasattr(bpf.globals, "NOT_VISIBLE")
    assert not hasattr(bpf, "TaskStruct")


main()
