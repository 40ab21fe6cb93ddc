"""Attaches programs; the first argument says how."""

import sys

import bpf
from eunomia_bpf import BpfError, Object, targets


def main():
    match sys.argv[1:]:
        case ["all"]:
            attach_all()
        case ["given"]:
            given()
        case _:
            one_by_one()


def attach_all():
    """Every program whose section, or the operator, says where."""
    object = Object(bpf.OBJECT)
    object.program("on_call").set_autoattach(False)
    try:
        object.load()
    except BpfError as error:
        print(f"load: {name_of(error)}: {error}")
        return
    links = sorted(object.attach(), key=lambda link: link.info().name)
    for link in links:
        show(link)
    if any(len(link.info().targets) > 1 for link in links):
        print(f"again: {code(object.program('on_exec').attach)}")


def given():
    """The guest's own target, unless the operator gave one."""
    object = Object(bpf.OBJECT).load()
    program = object.program("anywhere")
    link = program.attach(fork())
    show(link)
    link.detach()
    print(f"again: {code(program.attach, fork())}")


def one_by_one():
    object = Object(bpf.OBJECT)
    print(f"left out: {shown(not object.program('left_out').info().autoload)}")
    object.load()
    print(f"attach what was left out: {code(object.program('left_out').attach)}")
    anywhere = object.program("anywhere")
    print(f"nowhere: {code(anywhere.attach)}")
    print(f"of another kind: {code(anywhere.attach, targets.raw_tracepoint('sys_enter'))}")

    counted(object)
    for target in [
        targets.tracepoint("sched", "sched_process_fork", cookie=7),
        "tracepoint:sched:sched_process_exit",
    ]:
        show(anywhere.attach(target))
    on_call = object.program("on_call")
    first = on_call.attach(targets.raw_tracepoint("sys_enter"))
    second = on_call.attach()
    print(f"twice: {shown(first.info().ids != second.info().ids)}")
    replaced(object.program("pass"), object.program("pass_too"))

    jumps = object.map(bpf.maps.JUMPS)
    on_call.store_in(jumps, 1)
    print(f"stored; beyond the end: {code(on_call.store_in, jumps, 2)}")
    on_call.attach().keep()
    print("kept")


def counted(object):
    """A link holds the program; dropping or detaching it ends that."""
    program = object.program("on_call")
    link = program.attach()
    show(link)
    print(f"while attached: {is_called(object)}")
    link.detach()
    print(f"detached: {is_called(object)}")
    with program.attach():
        print(f"attached again: {is_called(object)}")
    print(f"dropped: {is_called(object)}")
    program.attach().keep()
    print(f"kept: {is_called(object)}")


def is_called(object):
    """Whether system calls of the host are counted: running a program is one."""
    object.program("choose").test_run()
    before = object.get(bpf.globals.CALLS)
    object.program("choose").test_run()
    return shown(object.get(bpf.globals.CALLS) > before)


def replaced(first, second):
    """One program takes the place of another without a gap."""
    target = targets.xdp("lo", targets.XdpMode.GENERIC)
    link = first.attach(target)
    show(link)
    print(f"occupied: {code(second.attach, target)}")
    second.replace_in(link)
    show(link)
    link.detach()
    link = second.attach(target)
    print(f"free again: {link.info().name}")


def fork():
    return targets.tracepoint("sched", "sched_process_fork")


def show(link):
    info = link.info()
    places = ", ".join(f'"{target}"' for target in info.targets)
    print(f"{info.name}: type {info.link_type} at [{places}], listed {shown(bool(info.ids))}")


def name_of(error):
    return "ErrorCode::" + error.code.name.title().replace("_", "")


def code(function, *arguments):
    """How a call ended."""
    try:
        function(*arguments)
    except BpfError as error:
        return name_of(error)
    return "ok"


def shown(value):
    return str(value).lower()
