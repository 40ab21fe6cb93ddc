"""Reads and sets global variables."""

import bpf
from eunomia_bpf import BpfError, Object


def main():
    try:
        case()
    except BpfError as error:
        print(name_of(error))
        raise


def case():
    object = Object(bpf.OBJECT)
    for variable in sorted(object.globals(), key=lambda variable: variable.name):
        if variable.section != "license":
            typed, constant = shown(variable.type_id != 0), shown(variable.constant)
            print(
                f"{variable.name} in {variable.section}: {variable.size} bytes, "
                f"constant {constant}, typed {typed}"
            )
    limit, total, both = bpf.globals.LIMIT, bpf.globals.TOTAL, bpf.globals.BOTH
    print(f"initial: {object.get(limit)} {object.get(total)}")
    object.set(limit, 5)
    object.set(total, 200)
    object.set(bpf.globals.NAME, "guest")
    print(f"set: {object.get(limit)} {object.get(total)}")

    object.load()
    print(f"loaded: {object.get(limit)} {object.get(total)}")
    name, kind = object.get(bpf.globals.NAME), list(object.get_bytes("kind"))
    print(f"name {name}, kind {kind}")
    object.program("work").test_run()
    print(f"seen {object.get(bpf.globals.SEEN)}, total {object.get(total)}")
    object.set(total, 0)
    object.program("work").test_run()
    print(f"from 0: {object.get(total)}")
    print(f"struct {pair(object.get(both))}")
    object.set(both, bpf.Pair.new(left=3, right=4))
    print(f"struct {pair(object.get(both))}")
    print(f"a constant after load: {result(object.set, limit, 6)}")
    print(f"half of a value: {result(object.set_bytes, 'total', bytes(4))}")


def pair(value):
    return f"Pair {{ left: {value.left}, right: {value.right} }}"


def name_of(error):
    return "ErrorCode::" + error.code.name.title().replace("_", "")


def result(function, *arguments):
    """How a call ended."""
    try:
        function(*arguments)
    except BpfError as error:
        return f"Err({name_of(error)})"
    return "Ok(())"


def shown(value):
    return str(value).lower()
