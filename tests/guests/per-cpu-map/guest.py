"""Works with values of each CPU; prints nothing that depends on how many there are."""

import bpf
from eunomia_bpf import BpfError, Flags, Object, possible_cpus


def main():
    object = Object(bpf.OBJECT).load()
    cpus = possible_cpus()
    counts = object.map(bpf.maps.COUNTS)
    info = counts.info()
    print(f"value {info.value_size} bytes")
    print(f"8 bytes for each CPU: {shown(info.user_value_size == 8 * cpus)}")

    program = object.program("count")
    for _ in range(3):
        program.test_run(cpu=0)
    values = counts.lookup(1)
    print(f"a value for each CPU: {shown(len(values) == cpus)}")
    print(f"on CPU 0: {values[0]}, in all: {sum(values)}")

    values = [cpu + 5 for cpu in range(cpus)]
    counts.update(0, values)
    print(f"each CPU's own: {shown(counts.lookup(0) == values)}")
    for key, values in counts:
        print(f"{key}: first Some({values[0]})")
    try:
        counts.raw.update(bytes(4), bytes(4))
    except BpfError as error:
        print(f"one CPU's value: Err(ErrorCode::{error.code.name.title().replace('_', '')})")

    words = object.map(bpf.maps.WORDS)
    print(f"padded to 8 bytes: {shown(words.info().user_value_size == 8 * cpus)}")
    words.update(7, [3] * cpus, Flags.NO_EXIST)
    print(f"all set: {shown(all(value == 3 for value in words.lookup(7)))}")
    print(f"set in a batch: {words.update_batch([(1, [1] * cpus), (2, [2] * cpus)])}")
    print(f"taken: Some({words.lookup_and_delete(2)[0]})")
    print(f"drained: {sorted((key, values[0]) for key, values in words.drain())}")


def shown(value):
    return str(value).lower()
