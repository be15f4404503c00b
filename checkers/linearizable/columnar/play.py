"""Operations played on the objects that they are about, one after the other, as their linearizations have them.

Of each object all of its operations are in ``lines``, those of object i from ``starts[i]`` up to ``starts[i + 1]``; of
each operation there is its act, and its value as kind and number. Where an object could not have answered so, its
first such line stands in ``faults`` afterwards, and IMPOSSIBLE in ``codes``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from checkers.linearizable.columnar.calls import (
    ADD,
    CAS,
    CONTAINS,
    NO,
    NOTHING_KNOWN,
    PUT,
    READ,
    REMOVE,
    TAKE,
    WRITE,
    YES,
)
from harness.columns import NIL, NUMBER
from harness.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bytes = NDArray[np.uint8]

FINE, STRANGE, TWICE, LATE, IMPOSSIBLE, MISSING, SPLIT = range(7)
"""What may be wrong with a linearization."""


@compiled
def registers(
    lines: Ints, starts: Ints, act: Bytes, kinds: Bytes, numbers: Ints, old_kinds: Bytes, old_numbers: Ints, kind: int,
    number: int, codes: Bytes, faults: Ints,
) -> None:  # fmt: skip
    """``old_kinds``, ``old_numbers``: the value that a compare-and-set expects."""
    for key in range(len(codes)):
        held_kind, held = np.int64(kind), np.int64(number)
        for at in range(starts[key], starts[key + 1]):
            if act[at] == WRITE or (act[at] == CAS and old_kinds[at] == held_kind and old_numbers[at] == held):
                held_kind, held = np.int64(kinds[at]), numbers[at]
            elif (act[at] != READ or kinds[at] != held_kind or numbers[at] != held) and codes[key] == FINE:
                codes[key], faults[key] = IMPOSSIBLE, lines[at]


@compiled
def queues(
    lines: Ints, starts: Ints, act: Bytes, kinds: Bytes, numbers: Ints, codes: Bytes, faults: Ints
) -> None:  # fmt: skip
    held = np.empty(len(lines), np.int64)  # which put: its place
    for key in range(len(codes)):
        first = last = 0
        for at in range(starts[key], starts[key + 1]):
            right = False
            if act[at] == PUT:
                held[last], last, right = at, last + 1, kinds[at] != NIL
            elif act[at] == TAKE and kinds[at] == NIL:
                right = first == last
            elif act[at] == TAKE and first < last:
                right = kinds[held[first]] == kinds[at] and numbers[held[first]] == numbers[at]
                first += 1
            if not right and codes[key] == FINE:
                codes[key], faults[key] = IMPOSSIBLE, lines[at]


@compiled
def stacks(
    lines: Ints, starts: Ints, act: Bytes, kinds: Bytes, numbers: Ints, codes: Bytes, faults: Ints
) -> None:  # fmt: skip
    held = np.empty(len(lines), np.int64)
    for key in range(len(codes)):
        height = 0
        for at in range(starts[key], starts[key + 1]):
            right = False
            if act[at] == PUT:
                held[height], height, right = at, height + 1, kinds[at] != NIL
            elif act[at] == TAKE and kinds[at] == NIL:
                right = height == 0
            elif act[at] == TAKE and height > 0:
                height -= 1
                right = kinds[held[height]] == kinds[at] and numbers[held[height]] == numbers[at]
            if not right and codes[key] == FINE:
                codes[key], faults[key] = IMPOSSIBLE, lines[at]


@compiled
def priority_queues(
    lines: Ints, starts: Ints, act: Bytes, kinds: Bytes, numbers: Ints, codes: Bytes, faults: Ints
) -> None:  # fmt: skip
    """With a binary heap, the greatest at its top."""
    heap = np.empty(len(lines), np.int64)
    for key in range(len(codes)):
        size = 0
        for at in range(starts[key], starts[key + 1]):
            right = False
            if act[at] == PUT and kinds[at] == NUMBER:
                place = size
                size += 1
                while place > 0 and heap[(place - 1) // 2] < numbers[at]:
                    heap[place] = heap[(place - 1) // 2]
                    place = (place - 1) // 2
                heap[place] = numbers[at]
                right = True
            elif act[at] == TAKE and kinds[at] == NIL:
                right = size == 0
            elif act[at] == TAKE and size > 0:
                right = kinds[at] == NUMBER and heap[0] == numbers[at]
                size -= 1
                last, place = heap[size], 0
                while 2 * place + 1 < size:
                    child = 2 * place + 1
                    if child + 1 < size and heap[child + 1] > heap[child]:
                        child += 1
                    if heap[child] <= last:
                        break
                    heap[place] = heap[child]
                    place = child
                heap[place] = last
            if not right and codes[key] == FINE:
                codes[key], faults[key] = IMPOSSIBLE, lines[at]


@compiled
def bags(
    lines: Ints, starts: Ints, act: Bytes, kinds: Bytes, same: Ints, many: int, codes: Bytes, faults: Ints
) -> None:  # fmt: skip
    held = np.zeros(many, np.int64)
    for key in range(len(codes)):
        size = 0
        for at in range(starts[key], starts[key + 1]):
            right = False
            if act[at] == PUT:
                held[same[at]] += 1
                size, right = size + 1, kinds[at] != NIL
            elif act[at] == TAKE and kinds[at] == NIL:
                right = size == 0
            elif act[at] == TAKE:
                right = held[same[at]] > 0
                held[same[at]] -= 1
                size -= 1
            if not right and codes[key] == FINE:
                codes[key], faults[key] = IMPOSSIBLE, lines[at]


@compiled
def sets(
    lines: Ints, starts: Ints, act: Bytes, kinds: Bytes, numbers: Ints, answers: Bytes, codes: Bytes, faults: Ints
) -> None:  # fmt: skip
    """Each object is one element, which is not there at first."""
    for element in range(len(codes)):
        present = False
        for at in range(starts[element], starts[element + 1]):
            first = starts[element]
            right = kinds[at] == kinds[first] and numbers[at] == numbers[first]
            if act[at] == CONTAINS:
                right &= answers[at] == (YES if present else NO)
            elif act[at] == ADD or act[at] == REMOVE:
                changes = present == (act[at] == REMOVE)
                right &= answers[at] == NOTHING_KNOWN or answers[at] == (YES if changes else NO)
                present = act[at] == ADD
            else:
                right = False
            if not right and codes[element] == FINE:
                codes[element], faults[element] = IMPOSSIBLE, lines[at]
