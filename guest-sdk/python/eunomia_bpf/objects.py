"""BPF objects and their programs."""

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar, overload

from wit_world.imports import bpf_object as host
from wit_world.imports.bpf_object import GlobalInfo, ProgramInfo, ProgramStatistics, RunOutput

from . import targets
from .buffers import PerfBuffer, RingBuffer, UserRingBuffer, _Handle
from .errors import call
from .links import Link
from .maps import (
    Global,
    Map,
    MapInfo,
    MapName,
    PerfEventArrayName,
    RawMap,
    RingBufferName,
    UserRingBufferName,
)
from .types import Btf

__all__ = [
    "GlobalInfo",
    "Object",
    "Program",
    "ProgramInfo",
    "ProgramStatistics",
    "RunOutput",
    "list_objects",
]

V = TypeVar("V")
K = TypeVar("K")


def list_objects() -> list[str]:
    """The names of the objects in this image, the default one first."""
    return host.list_objects()


@dataclass
class Program:
    """A program of an object."""

    _handle: host.Program

    def info(self) -> ProgramInfo:
        """Name, section and type."""
        return self._handle.info()

    def set_autoload(self, load: bool) -> None:
        """Sets whether load also loads it. Before load."""
        call(self._handle.set_autoload, load)

    def set_autoattach(self, attach: bool) -> None:
        """Sets whether `Object.attach` also attaches it."""
        call(self._handle.set_autoattach, attach)

    def set_attach_target(self, function: str) -> None:
        """Sets the kernel function that it is verified against. Before load."""
        call(self._handle.set_attach_target, function)

    def attach(self, target: targets.Target | str | None = None) -> Link:
        """Attaches it to a target, or to where its section says. Keep the link: when nobody has it
        any more the program is detached."""
        chosen = targets.text(target) if isinstance(target, str) else target
        return Link(call(self._handle.attach, chosen))

    def replace_in(self, link: Link) -> None:
        """Puts it in the place of the one that the link holds, without a gap."""
        call(self._handle.replace_in, link._handle)

    def store_in(self, map: "RawMap | Map[Any, Any]", index: int) -> None:
        """Puts it into a slot of a program array, for tail calls."""
        call(self._handle.store_in, _raw(map)._handle, index)

    def test_run(
        self,
        *,
        data: bytes = b"",
        context: bytes = b"",
        repeat: int = 0,
        flags: int = 0,
        cpu: int | None = None,
        batch_size: int = 0,
    ) -> RunOutput:
        """Runs it now, with this input."""
        run_input = host.RunInput(data, context, repeat, flags, cpu, batch_size)
        return call(self._handle.test_run, run_input)

    def statistics(self) -> ProgramStatistics:
        """How often it ran, and for how long."""
        return call(self._handle.statistics)


class Object(_Handle):
    """A BPF object of the image: open it, set globals and map sizes, load, attach, use.

    It is unloaded when nobody has it any more, nor anything made from it.
    """

    def __init__(self, name: str = "") -> None:
        """Opens it by its name in the image; "" is the default one."""
        self._handle = call(host.BpfObject.open, name)
        self._links: list[Link] = []

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._links.clear()
        super().__exit__(kind, error, trace)

    def programs(self) -> list[ProgramInfo]:
        """All programs."""
        return self._handle.programs()

    def maps(self) -> list[MapInfo]:
        """All maps, those of global data included."""
        return self._handle.maps()

    def globals(self) -> list[GlobalInfo]:
        """All global variables."""
        return self._handle.globals()

    def btf(self) -> Btf:
        """The types of the object, for guests that learn layouts at run time."""
        return Btf(call(self._handle.btf))

    def load(self) -> Self:
        """Creates the maps and has the programs verified."""
        call(self._handle.load)
        return self

    def attach(self) -> list[Link]:
        """Attaches every program to where its section says. The object keeps the links too, until
        `detach`."""
        links = [Link(link) for link in call(self._handle.attach)]
        self._links += links
        return links

    def detach(self) -> None:
        """Detaches what `attach` attached."""
        links, self._links = self._links, []
        for link in links:
            link.detach()

    def attach_struct_ops(self, map: "RawMap | Map[Any, Any]") -> Link:
        """Registers a `struct_ops` map."""
        return Link(call(self._handle.attach_struct_ops, _raw(map)._handle))

    def program(self, name: str) -> Program:
        """A program by its name."""
        return Program(call(self._handle.program, name))

    @overload
    def map(self, name: MapName[K, V]) -> Map[K, V]: ...
    @overload
    def map(
        self, name: str | RingBufferName | PerfEventArrayName | UserRingBufferName
    ) -> RawMap: ...
    def map(self, name: Any) -> Any:
        """A map: with types by its name in `bpf.maps`, of bytes by a text."""
        text = name if isinstance(name, str) else name.name
        raw = RawMap(call(self._handle.map, text))
        return Map(raw, name) if isinstance(name, MapName) else raw

    def get(self, variable: Global[V]) -> V:
        """The value of a global variable; before load its initial one."""
        return variable.layout.read(self.get_bytes(variable.name))

    def set(self, variable: Global[V], value: V) -> None:
        """Sets a global variable; constants before load only."""
        self.set_bytes(variable.name, variable.layout.pack(value))

    def get_bytes(self, name: str) -> bytes:
        """The bytes of a global variable."""
        return call(self._handle.get_global, name)

    def set_bytes(self, name: str, value: bytes) -> None:
        """Sets the bytes of a global variable, exactly its size."""
        call(self._handle.set_global, name, value)

    def ring_buffer(self, name: RingBufferName | str) -> RingBuffer:
        """Starts reading a ring buffer."""
        return RingBuffer._open(self._buffer(name))

    def perf_buffer(self, name: PerfEventArrayName | str, pages_per_cpu: int = 0) -> PerfBuffer:
        """Starts reading a perf event array, with so many pages for each CPU (0: 64)."""
        return PerfBuffer._open(self._buffer(name), pages_per_cpu)

    def user_ring_buffer(self, name: UserRingBufferName | str) -> UserRingBuffer:
        """Starts writing a user ring buffer."""
        return UserRingBuffer._open(self._buffer(name))

    def _buffer(self, name: Any):
        return call(self._handle.map, name if isinstance(name, str) else name.name)


def _raw(map: "RawMap | Map[Any, Any]") -> RawMap:
    return map.raw if isinstance(map, Map) else map
