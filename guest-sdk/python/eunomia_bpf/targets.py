"""Where programs are attached: `program.attach(targets.uprobe("/bin/bash", "readline"))`.

Each function makes a target of the kind that it is called after; `wit/attach.wit` says what it
means. A target that the operator gives (`ecli run --attach PROGRAM=TARGET`) takes its place.
"""

from collections.abc import Sequence

from wit_world.imports import attach as host
from wit_world.imports.attach import (
    CgroupOrder,
    NetkitSide,
    PerfSampling_Frequency,
    PerfSampling_Period,
    Position,
    Position_AfterProgram,
    Position_Anywhere,
    Position_BeforeProgram,
    Position_First,
    Position_Last,
    Target,
    TcDirection,
    XdpMode,
)

__all__ = [
    "ANYWHERE",
    "FIRST",
    "HOST_PROCESS",
    "LAST",
    "CgroupOrder",
    "NetkitSide",
    "Target",
    "TcDirection",
    "XdpMode",
    "after_program",
    "before_program",
    "cgroup",
    "iterator",
    "iterator_of_cgroup",
    "iterator_of_map",
    "iterator_of_process",
    "iterator_of_thread",
    "kprobe",
    "kprobe_multi",
    "ksyscall",
    "netfilter",
    "netkit",
    "network_namespace",
    "perf_event",
    "program_function",
    "raw_tracepoint",
    "socket_filter",
    "socket_map",
    "tc",
    "text",
    "trace",
    "tracepoint",
    "uprobe",
    "uprobe_multi",
    "usdt",
    "xdp",
]


class _HostProcess:
    """The host process itself, where a process is asked for."""


HOST_PROCESS = _HostProcess()

# Where among the programs that are attached already.
ANYWHERE = Position_Anywhere()
FIRST = Position_First()
LAST = Position_Last()

# A pid, the host process, or None: any.
Process = int | _HostProcess | None


def before_program(kernel_id: int) -> Position:
    """Before the program of this id."""
    return Position_BeforeProgram(kernel_id)


def after_program(kernel_id: int) -> Position:
    """After the program of this id."""
    return Position_AfterProgram(kernel_id)


def text(target: str) -> Target:
    """Any target in the text form of `--attach`."""
    return host.Target_Text(target)


def tracepoint(category: str, name: str, cookie: int = 0) -> Target:
    """A tracepoint, as listed under `events/` of tracefs."""
    return host.Target_Tracepoint(host.TracepointTarget(category, name, cookie))


def raw_tracepoint(name: str, cookie: int = 0) -> Target:
    """A raw tracepoint."""
    return host.Target_RawTracepoint(host.RawTracepointTarget(name, cookie))


def trace(cookie: int = 0) -> Target:
    """What the program was verified against: fentry, fexit, fmod_ret, tp_btf, LSM."""
    return host.Target_Trace(host.TraceTarget(cookie))


def kprobe(symbol: str, offset: int = 0, cookie: int = 0) -> Target:
    """A kernel function."""
    return host.Target_Kprobe(host.KprobeTarget(symbol, offset, cookie))


def ksyscall(name: str, cookie: int = 0) -> Target:
    """A system call by its name without prefix."""
    return host.Target_Ksyscall(host.KsyscallTarget(name, cookie))


def kprobe_multi(symbols: Sequence[str], cookies: Sequence[int] = ()) -> Target:
    """Many kernel functions with one link; names may hold `*` and `?`."""
    return host.Target_KprobeMulti(host.KprobeMultiTarget(list(symbols), list(cookies)))


def uprobe(
    binary: str,
    symbol: str | None = None,
    offset: int = 0,
    *,
    process: Process = None,
    reference_counter: int = 0,
    cookie: int = 0,
) -> Target:
    """A function of a binary, or without a symbol an offset in its file."""
    if symbol is None:
        location = host.UprobeLocation_FileOffset(offset)
    else:
        location = host.UprobeLocation_Symbol(host.SymbolLocation(symbol, offset))
    of = _process(process)
    return host.Target_Uprobe(host.UprobeTarget(binary, location, of, reference_counter, cookie))


def uprobe_multi(
    binary: str,
    locations: str | Sequence[str] | Sequence[int],
    *,
    process: Process = None,
    reference_counters: Sequence[int] = (),
    cookies: Sequence[int] = (),
) -> Target:
    """Many places of one binary: a pattern, names of functions, or offsets in the file."""
    if isinstance(locations, str):
        chosen = host.UprobeLocations_Pattern(locations)
    elif all(isinstance(location, int) for location in locations):
        chosen = host.UprobeLocations_FileOffsets(list(locations))
    else:
        chosen = host.UprobeLocations_Symbols(list(locations))
    of, counters = _process(process), list(reference_counters)
    multi = host.UprobeMultiTarget(binary, chosen, of, counters, list(cookies))
    return host.Target_UprobeMulti(multi)


def usdt(
    binary: str, provider: str, name: str, *, process: Process = None, cookie: int = 0
) -> Target:
    """A user-space statically defined trace point."""
    of = _process(process)
    return host.Target_Usdt(host.UsdtTarget(binary, provider, name, of, cookie))


def perf_event(
    event_type: int = 1,
    config: int = 0,
    *,
    frequency: int | None = None,
    period: int | None = None,
    config1: int = 0,
    config2: int = 0,
    process: Process = None,
    cpu: int | None = None,
    exclude_user: bool = False,
    exclude_kernel: bool = False,
    fall_back_to_cpu_clock: bool = True,
) -> Target:
    """Samples, so many a second or one every so many events; by default of the CPU clock."""
    if (frequency is None) == (period is None):
        raise ValueError("perf_event: give either a frequency or a period")
    if frequency is not None:
        sampling = PerfSampling_Frequency(frequency)
    else:
        sampling = PerfSampling_Period(period)
    return host.Target_PerfEvent(
        host.PerfEventTarget(
            event_type,
            config,
            config1,
            config2,
            sampling,
            _process(process),
            cpu,
            exclude_user,
            exclude_kernel,
            fall_back_to_cpu_clock,
        )
    )


def xdp(network_interface: str, mode: XdpMode = XdpMode.DEFAULT) -> Target:
    """What arrives at a network interface."""
    return host.Target_Xdp(host.XdpTarget(network_interface, mode))


def tc(
    network_interface: str,
    direction: TcDirection,
    *,
    position: Position = ANYWHERE,
    priority: int = 0,
) -> Target:
    """Traffic control of a network interface."""
    return host.Target_Tc(host.TcTarget(network_interface, direction, position, priority))


def netkit(network_interface: str, side: NetkitSide, *, position: Position = ANYWHERE) -> Target:
    """A netkit device."""
    return host.Target_Netkit(host.NetkitTarget(network_interface, side, position))


def cgroup(path: str, *, position: Position = ANYWHERE, pre_order: bool = False) -> Target:
    """A control group, below the cgroup2 mount or absolute."""
    return host.Target_Cgroup(host.CgroupTarget(path, position, pre_order))


def socket_map(name: str) -> Target:
    """A socket map of the same object."""
    return host.Target_SocketMap(name)


def network_namespace(path: str) -> Target:
    """A network namespace."""
    return host.Target_NetworkNamespace(path)


def netfilter(
    protocol_family: int, hook: int, priority: int = 0, *, defragment: bool = False
) -> Target:
    """A netfilter hook."""
    chosen = host.NetfilterTarget(protocol_family, hook, priority, defragment)
    return host.Target_Netfilter(chosen)


def iterator() -> Target:
    """All that an iterator can walk over."""
    return host.Target_Iterator(host.IteratorTarget_Everything())


def iterator_of_map(name: str) -> Target:
    """The elements of a map of the same object."""
    return host.Target_Iterator(host.IteratorTarget_MapElements(name))


def iterator_of_cgroup(path: str, order: CgroupOrder) -> Target:
    """Control groups from one on."""
    return host.Target_Iterator(host.IteratorTarget_Cgroup(host.CgroupWalk(path, order)))


def iterator_of_process(pid: int) -> Target:
    """Tasks or open files of one process."""
    return host.Target_Iterator(host.IteratorTarget_Process(pid))


def iterator_of_thread(tid: int) -> Target:
    """Of one thread."""
    return host.Target_Iterator(host.IteratorTarget_Thread(tid))


def socket_filter(network_interface: str) -> Target:
    """Every packet of a network interface."""
    return host.Target_SocketFilter(network_interface)


def program_function(program_id: int, function: str) -> Target:
    """A function of another BPF program, which is replaced (freplace)."""
    return host.Target_ProgramFunction(host.ProgramFunction(program_id, function))


def _process(process: Process):
    if process is None:
        return host.ProcessFilter_Any()
    if isinstance(process, _HostProcess):
        return host.ProcessFilter_HostProcess()
    return host.ProcessFilter_Pid(process)
