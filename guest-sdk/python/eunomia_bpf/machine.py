"""What a guest may need to know of the machine, and kernel symbols."""

import struct
from collections.abc import Iterable

from wit_world.imports import host, symbols
from wit_world.imports.host import Version
from wit_world.imports.symbols import Symbol

from .errors import call

__all__ = [
    "Symbol",
    "Version",
    "boot_epoch_ns",
    "kernel_address",
    "kernel_version",
    "monotonic_epoch_ns",
    "possible_cpus",
    "resolve_kernel",
]


def possible_cpus() -> int:
    """CPUs for which per-CPU values are kept."""
    return host.possible_cpus()


def kernel_version() -> Version:
    """The version of Linux."""
    return host.kernel_version()


def monotonic_epoch_ns() -> int:
    """The time of `bpf_ktime_get_ns() == 0`, in nanoseconds since 1970."""
    return _nanoseconds(host.monotonic_epoch())


def boot_epoch_ns() -> int:
    """The time of `bpf_ktime_get_boot_ns() == 0`, in nanoseconds since 1970."""
    return _nanoseconds(host.boot_epoch())


def _nanoseconds(time) -> int:
    return time.seconds * 1_000_000_000 + time.nanoseconds


def resolve_kernel(addresses: Iterable[int] | bytes) -> list[Symbol | None]:
    """The symbol of each address, None for those in no symbol. Bytes are those of a stack trace."""
    if not isinstance(addresses, bytes):
        numbers = list(addresses)
        addresses = struct.pack(f"<{len(numbers)}Q", *numbers)
    return call(symbols.resolve_kernel, addresses)


def kernel_address(name: str) -> int | None:
    """The address of a kernel symbol, or None."""
    return call(symbols.kernel_address, name)
