"""How a guest begins and ends: what the module that `ecli build` writes around it is made of."""

import gc
import linecache
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

from componentize_py_types import Err
from wit_world.imports import errors, lifecycle

from . import output
from .batch import Batch
from .errors import BpfError, ErrorCode

__all__ = ["command", "handler", "settle"]


def command(guest: ModuleType) -> type:
    """What a command exports: it calls the guest's `main`."""
    keep_sources()

    class Run:
        """The export `wasi:cli/run`."""

        def run(self) -> None:
            open_streams()
            code = ending_of(guest.main)
            if code != 0:
                lifecycle.exit(code)

    return Run


def handler(guest: ModuleType) -> type:
    """What a plugin exports: it drives the guest's class that is derived from `Plugin`."""
    from .plugin import Driver, Plugin

    keep_sources()
    found = [
        value
        for value in vars(guest).values()
        if isinstance(value, type) and issubclass(value, Plugin) and value is not Plugin
    ]
    if len(found) != 1:
        raise TypeError(f"a plugin has one class derived from Plugin, this one has {len(found)}")

    plugin: Plugin

    def start() -> None:
        # Not when the guest is built: making one may ask the host for something.
        nonlocal plugin
        plugin = found[0]()
        plugin.start(Driver())

    class Handler:
        """The export `eunomia:bpf/handler`; each of its functions has an instance of its own."""

        def start(self) -> None:
            open_streams()
            answer(start)

        def on_events(self, source: int, records: bytes, lost: int) -> None:
            answer(plugin.on_events, source, Batch(records, lost))

        def on_tick(self) -> None:
            answer(plugin.on_tick)

        def stop(self) -> None:
            answer(plugin.stop)

    return Handler


def ending_of(main: Callable[[], Any]) -> int:
    """Runs `main`; its exit code."""
    try:
        try:
            main()
        except SystemExit as end:
            code = exit_code(end)
        else:
            code = 0
        output.flush_pending()
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads has what he wanted, as in `| head -1`.
        return 0
    except BpfError as error:
        if error.code == ErrorCode.CLOSED:
            return 0
        tell(f"error: {error}\n")
        return 1
    except Exception:
        tell(traceback.format_exc())
        return 1
    return code


def exit_code(end: SystemExit) -> int:
    """What `sys.exit` was called with, as an exit code; other things than numbers are printed."""
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code & 0xFF
    tell(f"{end.code}\n")
    return 1


def tell(text: str) -> None:
    """Prints to standard error, which may be closed, after what was printed before."""
    for stream, words in [(sys.stdout, ""), (sys.stderr, text)]:
        try:
            stream.write(words)
            stream.flush()
        except OSError:
            pass


def answer(function: Callable[..., Any], *arguments: Any) -> None:
    """Runs a method of a plugin; what it raises becomes an error for the host."""
    try:
        try:
            function(*arguments)
        except SystemExit as end:
            # Ends the guest.
            output.finish()
            sys.stdout.flush()
            lifecycle.exit(exit_code(end))
        output.flush_pending()
        sys.stdout.flush()
    except BpfError as error:
        failure = errors.Error(error.code, error.errno, error.message)
    except Exception as error:
        failure = errors.Error(ErrorCode.OTHER, 0, "".join(traceback.format_exception(error)))
    else:
        return
    raise Err(failure)


def open_streams() -> None:
    """Standard output that is handed on line by line; as it is when the guest is built it has no
    buffer at all."""
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", newline="\n", closefd=False)
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", newline="\n", closefd=False)


def keep_sources() -> None:
    """Keeps the lines of the guest's own modules, for tracebacks: it has no files when it runs."""
    for module in list(sys.modules.values()):
        name = getattr(module, "__file__", None)
        if name and not name.startswith(("/python/", "/world/", "/bundled/")):
            lines = linecache.getlines(name)
            # Without a time of change it is never looked for again.
            linecache.cache[name] = (sum(map(len, lines)), None, lines, name)


# Bytes of each size of blocks that are written over.
_SETTLED_BYTES = 64 << 10


def import_late_modules() -> None:
    """Imports what modules of the standard library import only when they are used: when the guest
    runs there are no files to import from."""
    if argparse := sys.modules.get("argparse"):
        parser = argparse.ArgumentParser(prog="guest", description="words")
        parser.add_argument("-x", type=int, help="words")
        parser.format_help()
        parser.parse_args(["-x", "1"])
        import_module("locale")
    if "datetime" in sys.modules:
        import_module("_strptime")


def settle() -> None:
    """Leaves no trace of when files were made in memory that is free: what is in memory when the
    guest is built is the component, and the same sources are to make the same one."""
    import_late_modules()
    sys.path_importer_cache.clear()
    gc.collect()
    held: list[Any] = [float(number) for number in range(4096)]
    for size in range(512):
        if size % 16 == 15:
            held += [bytes(size) for _ in range(_SETTLED_BYTES // (size + 17))]
    _descend(200)


def _descend(depth: int) -> Any:
    """Writes over the stack."""
    return sorted([depth], key=lambda _: _descend(depth - 1) if depth else 0)
