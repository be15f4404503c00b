"""Functions compiled to machine code, for the loops that numpy has no word for.

The first use of one on a machine compiles it, which takes seconds; the result is kept in the user's cache folder.

numba keeps a compiled function until the file that it is written in changes; but functions and constants that it took
from other modules are compiled into it, and would stay as they were. So the folder is named after those, too.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Timer
from typing import Any, Final, TypeVar, cast

PATIENCE_S: Final = 1.0  # to load what was compiled before takes a third of it
_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(function: _Function) -> _Function:
    """The function, compiled by numba when it is first called. Only scalars, arrays, and tuples of them go in and out.

    Raises ImportError where numba is not installed. Import modules that use this lazily: numba takes half a second.
    Every set of argument types is compiled by itself, and a read-only array is another type than one that is not.
    """
    return _compiled(function)


def allocation_free(function: _Function) -> _Function:
    """As :func:`compiled`, for a function that makes no array and no slice of one: references need no counting in it,
    which for a parser of bytes makes a factor of two. It may call only functions that are marked so, too."""
    return _compiled(function, _nrt=False)


def inlined(function: _Function) -> _Function:
    """As :func:`allocation_free`, for small functions that others call for every byte: the call would cost more."""
    return _compiled(function, _nrt=False, forceinline=True)


def _compiled(function: _Function, **options: Any) -> _Function:
    import numba

    config: Any = numba.config  # its names are made at run time
    chosen = config.CACHE_DIR  # the user's own choice, NUMBA_CACHE_DIR, if there is one
    config.CACHE_DIR = str(_folder(chosen) / _foreign(function))
    njit: Any = numba.njit
    try:
        return cast(_Function, njit(cache=True, nogil=True, **options)(function))
    except RuntimeError:  # no folder can be written: it is compiled each time
        return cast(_Function, njit(nogil=True, **options)(function))
    finally:
        config.CACHE_DIR = chosen


@contextmanager
def announced(what: str) -> Iterator[None]:
    """Call compiled functions for the first time within this: where they must be compiled, standard error says so."""
    said = Timer(PATIENCE_S, print, [f"splitbrain: compiling {what}, once"], {"file": sys.stderr, "flush": True})
    said.daemon = True
    said.start()
    try:
        yield
    finally:
        said.cancel()


def _folder(chosen: str) -> Path:
    cache = os.environ.get("XDG_CACHE_HOME", "")
    folder = Path(chosen or os.path.join(cache or os.path.expanduser("~/.cache"), "splitbrain", "compiled"))
    with suppress(OSError):  # numba looks for another folder then
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _foreign(function: Callable[..., object]) -> str:
    """A name for all that a function may take from other modules: their compiled functions, and constants."""
    return _fingerprint(function.__globals__, function.__module__)


def _fingerprint(names: Mapping[str, Any], module: str) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(names.items(), key=lambda item: item[0]):
        other = getattr(getattr(value, "py_func", None), "__module__", module)
        if other != module:
            digest.update(f"{name}={_whole(other)}\n".encode())
        elif isinstance(value, bool | int | float | tuple) and not name.startswith("__"):
            digest.update(f"{name}={value!r}\n".encode())
    return digest.hexdigest()[:16]


@cache
def _whole(module: str) -> str:
    """The same for a module that another one takes functions from, which may take some from others again."""
    file = str(sys.modules[module].__file__)
    status = os.stat(file)
    return f"{file}:{status.st_mtime_ns}:{status.st_size}:{_fingerprint(vars(sys.modules[module]), module)}"
