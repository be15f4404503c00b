"""A history as numpy arrays, one element per line: for checkers of a million operations.

Only histories that are worth it have columns (``columns_of`` says which); a small one is read and judged without numpy
ever being imported. What the columns say is what the :class:`harness.history.History` says, code for code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NIL, NUMBER, OTHER = range(3)
"""What a value is: null; an integer of at most 64 bits, which stands in ``numbers``; or anything else."""
NO_KEY: Final = -1


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """All arrays have one element per line of the history; none may be changed.

    ``types``      uint8: INVOKE, OK, FAIL or INFO (harness.history).
    ``processes``  int64: a client's number, or a negative code for a named process.
    ``fs``         uint16: codes into ``f_names``.
    ``kinds``      uint8: NIL, NUMBER or OTHER, of the value.
    ``numbers``    int64: the value, where it is a NUMBER; 0 elsewhere.
    ``partners``   int64: the position of the other half of the pair, -1 if there is none, or for the nemesis.
    ``times``      int64: nanoseconds, -1 where unknown.
    ``keys``       int32: codes into ``key_names``, NO_KEY where there is none; None if no operation has one.
    ``value``      any line's value, decoded when asked for.
    """

    types: NDArray[np.uint8]
    processes: NDArray[np.int64]
    fs: NDArray[np.uint16]
    f_names: tuple[str, ...]
    kinds: NDArray[np.uint8]
    numbers: NDArray[np.int64]
    partners: NDArray[np.int64]
    times: NDArray[np.int64]
    keys: NDArray[np.int32] | None
    key_names: tuple[Any, ...]
    value: Callable[[int], Any]

    def __len__(self) -> int:
        return len(self.types)
