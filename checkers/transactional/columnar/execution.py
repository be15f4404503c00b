"""A serial order from outside, executed on the columns of a large history of lists: nothing was inferred of it here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from checkers.transactional.columnar import replay
from checkers.transactional.columnar.reading import read_lists
from checkers.transactional.lattice import Order
from harness.columns import READ_LIST

if TYPE_CHECKING:
    from harness.columns import Columns


def explains(columns: Columns, order: Sequence[int], form: Order, most: int | None = None) -> bool:
    """Whether the order (invocations) explains every read. False also where the columns have no word for the history,
    or for some list of it (of two reads neither of which is a beginning of the other)."""
    reading = read_lists(columns, most)
    if reading is None or reading.micros.mixed.any():
        return False
    if any(not 0 <= invoke < len(columns) for invoke in order):
        return False
    invokes = np.array(order, np.int64)
    numbers = np.searchsorted(reading.invokes, invokes)
    numbers[numbers == len(reading.invokes)] = 0
    if len(invokes) and (reading.invokes[numbers] != invokes).any():
        return False
    micros, count = reading.micros, len(reading.invokes)
    groups = {
        Order.NONE: np.full(count, -1, np.int32),
        Order.SESSION: reading.sessions,
        Order.REALTIME: np.zeros(count, np.int32),
    }[form]
    lengths = np.where(micros.acts == READ_LIST, micros.lengths, np.int32(0)).astype(np.int32)
    script = replay.Script(
        micros.firsts, micros.acts, micros.keys, micros.numbers, lengths, reading.shown_firsts, reading.shown,
        reading.outcomes, reading.invokes, reading.completes, groups,
    )  # fmt: skip
    why, _ = replay.refuted(script, numbers.astype(np.int32), reading.keys, reading.session_count)
    return bool(why == replay.HOLDS)
