"""Functions compiled to machine code, for the loops that numpy has no word for.

The first use of one on a machine compiles it, which takes seconds; the result is kept in the user's cache folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(function: _Function) -> _Function:
    """The function, compiled by numba when it is first called. Only scalars and numpy arrays may go in and out.

    Raises ImportError where numba is not installed. Import modules that use this lazily: numba takes half a second.
    """
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(cache) / "splitbrain" / "compiled"))
    from numba import njit

    return cast(_Function, njit(cache=True, nogil=True)(function))
