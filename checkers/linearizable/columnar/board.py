"""What a sweep of a register reads and writes (``sweep``): arrays, of which every row has its name here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from checkers.linearizable.columnar.transitions import Transitions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Table = NDArray[np.int64]
    Small = NDArray[np.int32]

SLOTS: Final = 62
BY_WRITE: Final = -1  # a change by any write of the value; what is less is a class: -2 less its number
UNCHANGED: Final = -(2**31)
NO_FLOOR: Final = -2  # below every value
NOBODY: Final = -1
CONFIGURATIONS_MAX: Final = 1 << 15  # at one completion
NODES_MAX: Final = 1 << 17
HEADS: Final = 1 << 16

(RANK, LAST, CLASS, CLASS_LAST, ARRIVED, OPEN, LEVEL, WAYS, VISITED, FREE, SWAPS, NEW_READS, NEW_WRITES, NODES, RESULTS,
 COMPARED, NODE_STAMP, RESULT_STAMP, LEAD_STAMP) = range(19)  # fmt: skip
"""Where a sweep is: the next rank, and where the key's end; its first class, and where these end; the next arrival; how
many operations are open, configurations there are, ways were taken, configurations were visited; the free slots; the
bits of compare-and-sets, and of the reads and writes that have arrived since the last completion; how many nodes and
results there are at this completion, and how many of them were compared; the stamps of their tables."""
_COUNTS: Final = 19
WHO, BIT, AWAITED = range(3)
READS, WRITES, POOL, LEADING = range(4)
VALUE, A, B, C, FLOOR, PARENT, BY, WAY, NEXT = range(9)
_CONFIGURATION: Final = 9
NODE_HEAD, NODE_TIME, RESULT_HEAD, RESULT_TIME = range(4)
WAY_BEFORE, WAY_RANK, WAY_VALUE, WAY_BY = range(4)


class Board(NamedTuple):
    """What a sweep reads and writes: arrays of which each row is named above. (Every array more makes every function
    slower to compile.)

    ``counts``   where the sweep is.
    ``open``     ranks that are open, in order of completion, with their bits (WHO, BIT); values (AWAITED).
    ``values``   of each value the bits of open reads and writes of it; the class of writes of it that perhaps took
                 effect; the stamp with which it is known to lead to one that somebody waits for.
    ``level``, ``nodes``, ``results``
                 configurations before a completion, within chains up to it, and after it. FLOOR: of a node, twice the
                 value above which writes may follow, plus 1 if a compare-and-set must; of a result, whether another one
                 made it superfluous. PARENT: the node before; BY: by what it was left; WAY: the last change before the
                 completion; NEXT: another one in the same place of the table ``heads``.
    ``ranks``, ``classes``, ``invokes``
                 the operations (``transitions``).
    """

    counts: Ints
    open: Table
    values: Table
    level: Table
    nodes: Table
    results: Table
    heads: Table
    ranks: Table
    classes: Table
    invokes: Ints


def board_of(found: Transitions) -> Board:
    """Room for sweeps over these keys."""
    values = np.zeros((4, found.values), np.int64)
    values[POOL] = NOBODY
    return Board(
        counts=np.zeros(_COUNTS, np.int64),
        open=np.zeros((3, SLOTS), np.int64),
        values=values,
        level=np.empty((_CONFIGURATION, CONFIGURATIONS_MAX), np.int64),
        nodes=np.empty((_CONFIGURATION, NODES_MAX), np.int64),
        results=np.empty((_CONFIGURATION, CONFIGURATIONS_MAX), np.int64),
        heads=np.zeros((4, HEADS), np.int64),
        ranks=found.ranks,
        classes=found.classes,
        invokes=found.invokes,
    )


def ways_of(count: int) -> Small:
    """Room for so many changes: the one before, the rank before whose completion, the value left, and by what."""
    return np.empty((4, count), np.int32)
