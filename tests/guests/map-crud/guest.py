"""Works with maps of every kind."""

import struct

import bpf
from eunomia_bpf import BpfError, Flags, Object

# Bytes of keys or values that one call takes.
CALL_BYTES_MAX = 1 << 20


def main():
    object = Object(bpf.OBJECT)
    large = object.map("large")
    print(f"declared entries: {large.info().max_entries}")
    # Room for a batch of the most bytes that one call takes.
    large.set_max_entries(300_000)
    object.load()
    hash_map(object)
    array(object)
    keyless(object)
    routes(object)
    locked(object)
    many(object)
    frozen(object)


def code(function, *arguments):
    """How a call ended."""
    try:
        function(*arguments)
    except BpfError as error:
        return "ErrorCode::" + error.code.name.title().replace("_", "")
    return "ok"


def option(value):
    return "None" if value is None else f"Some({shown(value)})"


def shown(value):
    match value:
        case bool():
            return str(value).lower()
        case bpf.Pair():
            return f"Pair {{ left: {value.left}, right: {value.right} }}"
        case bpf.Prefix():
            return f"Prefix {{ bits: {value.bits}, address: {list(value.address)} }}"
    return str(value)


def pair(left, right):
    return bpf.Pair.new(left=left, right=right)


def hash_map(object):
    small = object.map(bpf.maps.SMALL)
    info = small.info()
    print(f"hash: {info.name} {info.type_name} {info.key_size} {info.value_size}")
    print(f"entries {info.max_entries} id {shown(info.id != 0)}")
    print(f"missing: {option(small.lookup(1))}")
    small.update(1, pair(10, 11), Flags.NO_EXIST)
    print(f"found: {option(small.lookup(1))}")
    print(f"there: {code(small.update, 1, pair(0, 0), Flags.NO_EXIST)}")
    print(f"not there: {code(small.update, 2, pair(0, 0), Flags.EXIST)}")
    small.update(1, pair(20, 21), Flags.EXIST)
    print(f"changed: {option(small.lookup(1))}")
    for key in range(2, 5):
        small.update(key, pair(key, key))
    print(f"full: {code(small.update, 5, pair(5, 5))}")
    print(f"full, but there: {code(small.update, 4, pair(4, 5))}")
    print(f"delete: {shown(small.delete(2))} {shown(small.delete(2))}")
    print(f"take: {option(small.lookup_and_delete(3))} {option(small.lookup_and_delete(3))}")

    keys = []
    key = small.raw.next_key()
    while key is not None:
        keys.append(list(key))
        key = small.raw.next_key(key)
    print(f"keys: {sorted(keys)}")
    print(f"from a key that is gone: {shown(small.raw.next_key(bytes([9] * 4)) is not None)}")


def array(object):
    array = object.map(bpf.maps.ARRAY)
    array.update(3, 33)
    print(f"array: {list(array)}")
    print(f"behind the end: {option(array.lookup(4))}")
    print(f"update behind the end: {code(array.update, 4, 0)}")
    print(f"new: {code(array.update, 3, 0, Flags.NO_EXIST)}")
    print(f"delete: {code(array.delete, 3)}")
    print(f"drain: {code(array.drain)}")
    print(f"last key: {option(array.raw.next_key(bytes([3, 0, 0, 0])))}")


def keyless(object):
    queue, stack = object.map(bpf.maps.QUEUE), object.map(bpf.maps.STACK)
    print(f"queue: empty {option(queue.peek())} {option(queue.pop())}")
    for value in range(1, 4):
        queue.push(value)
        stack.push(value)
    print(f"full: {code(queue.push, 4)} {code(stack.push, 4)}")
    print(f"first in: {option(queue.peek())} {option(queue.pop())}")
    print(f"last in: {option(stack.peek())} {option(stack.pop())}")
    print(f"drained queue: {[value for _, value in queue.drain()]}")
    print(f"drained stack: {[value for _, value in stack.drain()]}")
    print(f"walk over a queue: {code(queue.iterate)}")

    bloom = object.map(bpf.maps.BLOOM)
    bloom.push(7)
    print(f"bloom: {shown(bloom.may_contain(7))}")
    print(f"pop: {code(bloom.pop)}")


def routes(object):
    routes = object.map(bpf.maps.ROUTES)

    def prefix(bits, *address):
        return bpf.Prefix.new(bits=bits, address=bytes(address))

    routes.update(prefix(8, 10, 0, 0, 0), 8)
    routes.update(prefix(16, 10, 1, 0, 0), 16)
    for address in [(10, 1, 2, 3), (10, 2, 2, 3), (11, 0, 0, 0)]:
        print(f"route of {list(address)}: {option(routes.lookup(prefix(32, *address)))}")
    long = prefix(33)
    print(f"too many bits: {option(routes.lookup(long))}")
    print(f"set too many bits: {code(routes.update, long, 0)}")
    found = sorted(routes, key=lambda route: route[0].bits)
    listed = ", ".join(f"({shown(key)}, {value})" for key, value in found)
    print(f"routes: [{listed}]")
    print(f"drain: {code(routes.drain)}")
    print(f"delete: {shown(routes.delete(prefix(8, 10, 0, 0, 0)))}")
    print(f"no route: {option(routes.lookup(prefix(32, 10, 2, 2, 3)))}")


def locked(object):
    locked = object.map(bpf.maps.LOCKED)
    locked.update(1, bpf.Guarded.new(count=5), Flags.LOCK | Flags.NO_EXIST)
    value = locked.lookup_locked(1)
    print(f"locked: {option(value and value.count)}")
    print(f"no lock: {code(object.map(bpf.maps.SMALL).lookup_locked, 1)}")


def many(object):
    """Many entries with one call."""
    large = object.map(bpf.maps.LARGE)
    raw = large.raw
    count = CALL_BYTES_MAX // 8
    keys = struct.pack(f"<{count}I", *range(count))
    values = struct.pack(f"<{count}Q", *range(count))
    print(f"most values in a batch: {raw.update_batch(keys, values)}")
    more = bytes(CALL_BYTES_MAX + 8)
    print(f"one more: {code(raw.update_batch, more[: (count + 1) * 4], more)}")
    print(f"an empty batch: {raw.update_batch(b'', b'')}")
    print(f"set where they are: {raw.update_batch(keys[:8], values[:16], Flags.NO_EXIST)}")

    limits = []
    with raw.iterate() as cursor:
        for entries_max in [1, 10, 0]:
            entries = cursor.next_entries(entries_max)
            limits.append(entries.count if entries else 0)
    # Up to 10: the kernel returns whole buckets of the hash table.
    few = 1 <= limits[1] <= 10
    print(f"a step of 1: {limits[0]}, of 10: {shown(few)}, of all: {shown(limits[2] > 10)}")
    print(f"within 1 MiB: {shown(limits[2] * 12 <= CALL_BYTES_MAX)}")

    walked, total, steps = 0, 0, 0
    with raw.iterate() as cursor:
        while entries := cursor.next_entries():
            walked += entries.count
            total += sum(struct.unpack(f"<{entries.count}Q", entries.values))
            steps += 1
    print(f"walked over {walked}, sum {total}, several steps: {shown(steps > 1)}")

    odd = range(1, count, 2)
    print(f"deleted {large.delete_batch(odd)}")
    print(f"deleted again {large.delete_batch(odd[:1000])}")
    print(f"deleted where they are {large.delete_batch(range(10))}")
    print(f"keys of 1 MiB: {raw.delete_batch(bytes([0xFF]) * CALL_BYTES_MAX)}")
    drained = sorted(large.drain())
    print(f"drained {len(drained)}, first {option(drained[0])}")
    print(f"nothing left: {sum(1 for _ in large)}")


def frozen(object):
    """Last: it cannot be undone."""
    array = object.map(bpf.maps.ARRAY)
    array.raw.freeze()
    print(f"frozen: {shown(array.info().frozen)} {code(array.update, 1, 1)}")
    print(f"still read: {option(array.lookup(3))}")
    print(f"again: {code(array.raw.freeze)}")
