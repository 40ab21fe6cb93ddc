"""Errors of calls of the host."""

from componentize_py_types import Err
from wit_world.imports.errors import ErrorCode

__all__ = ["BpfError", "ErrorCode"]


class BpfError(Exception):
    """A call failed. `code` is for programs to decide on, `message` for people.

    `errno` is the kernel's as a positive number, 0 when no system call failed.
    """

    def __init__(self, message: str, code: ErrorCode = ErrorCode.OTHER, errno: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.errno = errno


def call(function, *arguments):
    """Calls the host; its errors become exceptions."""
    try:
        return function(*arguments)
    except Err as failure:
        error = failure.value
    raise BpfError(error.message, error.code, error.errno)
