"""Errors by the exit code of the program."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class Quad8Error(Exception):
    """Base class of all errors of this package.

    Attributes
    ----------
    code : int or None
        Exit code of the program; None where the program was not started.
    """

    code: int | None = None


class InputError(Quad8Error, ValueError):
    """The mesh or an argument is wrong (exit code 2, or found before the program starts)."""

    code = 2


class FileError(Quad8Error, OSError):
    """A file cannot be read or written (exit code 3)."""

    code = 3


class InternalError(Quad8Error, RuntimeError):
    """The program failed, or a signal ended it (exit code 4 and all others)."""

    code = 4


class Stopped(Quad8Error):
    """A signal or the time limit stopped the run before its end (exit code 5)."""

    code = 5


class LaunchError(Quad8Error):
    """The program or its mpirun is missing, does not start, or belongs to another MPI."""


BY_CODE: dict[int, type[Quad8Error]] = {2: InputError, 3: FileError, 5: Stopped}


def unknown(what: str, name: object, known: Iterable[str]) -> InputError:
    """Returns the error about an unknown name, with the nearest known one."""
    names = list(known)
    near = difflib.get_close_matches(str(name), names, 1)
    hint = f"did you mean {near[0]!r}?" if near else "known: " + ", ".join(names)
    return InputError(f"there is no {what} {name!r}: {hint}")
