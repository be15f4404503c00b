"""Functions compiled to machine code, for the loops that numpy has no word for.

The first use of one on a machine compiles it, which takes seconds; the result is kept in the user's cache folder.

numba keeps a compiled function until the file that it is written in changes; but functions and constants that it took
from other modules are compiled into it, and would stay as they were. So the folder is named after those, too.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import Any, Final, TypeVar, cast

PATIENCE_S: Final = 1.0  # to load what was compiled before takes a third of it
_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(function: _Function) -> _Function:
    """The function, compiled by numba when it is first called. Only scalars and numpy arrays may go in and out.

    Raises ImportError where numba is not installed. Import modules that use this lazily: numba takes half a second.
    Every set of argument types is compiled by itself, and a read-only array is another type than one that is not.
    """
    import numba

    config: Any = numba.config  # its names are made at run time
    chosen = config.CACHE_DIR  # the user's own choice, NUMBA_CACHE_DIR, if there is one
    config.CACHE_DIR = str(_folder(chosen) / _foreign(function))
    try:
        return cast(_Function, numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # no folder can be written: it is compiled each time
        return cast(_Function, numba.njit(nogil=True)(function))
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
    digest = hashlib.sha256()
    for name, value in sorted(function.__globals__.items(), key=lambda item: item[0]):
        source = _source_elsewhere(value, function)
        if source is not None:
            status = os.stat(source)
            digest.update(f"{name}={source}:{status.st_mtime_ns}:{status.st_size}\n".encode())
        elif isinstance(value, bool | int | float) and not name.startswith("__"):
            digest.update(f"{name}={value!r}\n".encode())
    return digest.hexdigest()[:16]


def _source_elsewhere(value: Any, function: Callable[..., object]) -> str | None:
    code = getattr(getattr(value, "py_func", None), "__code__", None)
    return None if code is None or code.co_filename == function.__code__.co_filename else str(code.co_filename)
