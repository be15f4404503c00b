"""What is known of a history's objects once its columns were looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

VALID, REFUTED, LEFT = range(3)


@dataclass(frozen=True, slots=True, eq=False)
class Blame:
    """``refuted``: the invocations of a few operations that no order explains, however all others are helped.
    ``involved``: of all operations, these included, on the values that they are about. ``explained``: how many
    completions, at least, some linearization explains. ``narrowed``: a part of what a search refuted, which it refuted
    by itself."""

    refuted: tuple[int, ...]
    involved: tuple[int, ...]
    explained: int = 0
    narrowed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Objects:
    """The objects in the order in which ``operation.by_key`` has them.

    ``keys``      of each its key's code in ``Columns.keys``.
    ``verdicts``  of each VALID, REFUTED or LEFT: to the ordinary methods.
    ``orders``    the linearizations of the valid ones, one after the other, as invocations; that of object i from
                  ``starts[i]`` up to ``starts[i + 1]``.
    ``blame``     why an object is refuted, when asked.
    ``left``      the invocations of all calls of what is left. ``whole``: a key that is left is one object here, though
                  there may be more to it.
    ``algorithm`` names the literature.
    ``searched``  of each whether a search has decided it, and not the algorithm; None: of none. ``configurations``: how
                  many it visited.
    """

    keys: Ints
    verdicts: NDArray[np.uint8]
    orders: Ints
    starts: Ints
    blame: Callable[[int], Blame]
    left: Ints
    algorithm: str
    searched: NDArray[np.bool_] | None = None
    configurations: int = 0

    def by_search(self, number: int) -> bool:
        """Whether a search has decided it."""
        return self.searched is not None and bool(self.searched[number])

    def __len__(self) -> int:
        return len(self.keys)

    def order(self, number: int) -> Ints:
        """The linearization of a valid object."""
        return self.orders[self.starts[number] : self.starts[number + 1]]
