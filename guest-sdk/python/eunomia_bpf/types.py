"""The types of a BPF object at run time; most guests have theirs generated when they are built."""

from wit_world.imports import btf as host
from wit_world.imports.btf import TypeDescription

from .buffers import _Handle
from .errors import call

__all__ = ["Btf", "TypeDescription"]


class Btf(_Handle):
    """The types of an object, by their numbers; the kinds are those of `wit_world.imports.btf`."""

    def __init__(self, handle: host.Btf) -> None:
        self._handle = handle

    def __len__(self) -> int:
        """How many there are; numbers run from 0 to one less."""
        return self._handle.count()

    def describe(self, number: int) -> TypeDescription:
        """A type by its number."""
        return call(self._handle.describe, number)

    def find(self, name: str) -> int | None:
        """The number of the first type of this name; `struct event` says which kind is meant."""
        return self._handle.find(name)

    def closure(self, number: int) -> list[TypeDescription]:
        """A type and all types that its layout needs, itself first."""
        return call(self._handle.closure, number)
