"""The user-space half of an eBPF tool, as a sandboxed WebAssembly guest of `ecli`.

What a call does is said in full in the contract, `wit/`; the README has examples.
"""

from . import targets
from .batch import Batch, BatchBuilder, Record
from .buffers import PerfBuffer, RingBuffer, UserRingBuffer
from .errors import BpfError, ErrorCode
from .layout import (
    BOOL,
    F32,
    F64,
    S8,
    S16,
    S32,
    S64,
    S128,
    U8,
    U16,
    U32,
    U64,
    U128,
    Bytes,
    CEnum,
    Struct,
    Text,
)
from .lifecycle import STOP, end, request_stop, sleep, stop_requested, wait_for_stop
from .links import Link
from .machine import (
    boot_epoch_ns,
    kernel_address,
    kernel_version,
    monotonic_epoch_ns,
    possible_cpus,
    resolve_kernel,
)
from .maps import Flags, Map, MapName, PerCpuMapName, RawMap
from .objects import Object, Program, list_objects
from .output import Field, FieldTable, Table, flush, report_lost
from .poller import Poller

__all__ = [
    "BOOL",
    "F32",
    "F64",
    "S8",
    "S16",
    "S32",
    "S64",
    "S128",
    "STOP",
    "U8",
    "U16",
    "U32",
    "U64",
    "U128",
    "Batch",
    "BatchBuilder",
    "BpfError",
    "Bytes",
    "CEnum",
    "ErrorCode",
    "Field",
    "FieldTable",
    "Flags",
    "Link",
    "Map",
    "MapName",
    "Object",
    "PerCpuMapName",
    "PerfBuffer",
    "Poller",
    "Program",
    "RawMap",
    "Record",
    "RingBuffer",
    "Struct",
    "Table",
    "Text",
    "UserRingBuffer",
    "boot_epoch_ns",
    "end",
    "flush",
    "kernel_address",
    "kernel_version",
    "list_objects",
    "monotonic_epoch_ns",
    "possible_cpus",
    "report_lost",
    "request_stop",
    "resolve_kernel",
    "sleep",
    "stop_requested",
    "targets",
    "wait_for_stop",
]
