"""Linearizations checked on the columns, in linear time: what ``certificate.refute`` asks of operations, asked of lines.

It shares with those who decide how values and names are read (``calls``), and nothing else: which lines are calls, what
became of them, and when, it reads for itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from checkers.linearizable.columnar.calls import (ADD, CONTAINS, NO, NOTHING_KNOWN, PASSED, PUT, READ, REMOVE, TAKE, WRITE, YES, Values)
from checkers.linearizable.columnar.objects import REFUTED, VALID, Objects
from checkers.linearizable.model import Kind
from harness.columns import NIL, NO_KEY, NUMBER, Columns
from harness.compiled import compiled
from harness.history import FAIL, INFO, INVOKE, OK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bytes = NDArray[np.uint8]

FINE, STRANGE, TWICE, LATE, IMPOSSIBLE, MISSING, SPLIT = range(7)
WORDS: Final = {
    STRANGE: "operation {} is placed, which is not one of this object that may have taken effect",
    TWICE: "operation {} is placed twice",
    LATE: "operation {} is placed after one that was invoked after it had completed",
    IMPOSSIBLE: "operation {} could not have had its result where it is placed",
    MISSING: "operation {} happened and is not placed",
    SPLIT: "operation {} is of an object that was taken to be two",
}


def objections(
    columns: Columns, acts: Bytes, values: Values, answers: Bytes, kind: Kind, initial: tuple[int, int], objects: Objects,
    *, nil_is_value: bool,
) -> Iterator[tuple[int, str]]:  # fmt: skip
    """The valid objects whose linearization is none, each with the reason. ``answers``: of each line of a set what it
    says. ``initial``: the kind and the number of what a register holds at first."""
    codes = np.zeros(len(objects), np.uint8)
    faults = np.zeros(len(objects), np.int64)
    lines, starts = objects.orders, objects.starts
    owners = np.repeat(np.arange(len(objects)), np.diff(starts))
    inside = (lines >= 0) & (lines < len(columns))
    if not inside.all():
        for number in np.unique(owners[~inside]).tolist():
            yield number, "it places what is no line of the history"
        return
    act, outcome = acts[columns.fs[lines]], _outcomes(columns, lines)
    answered = np.where(outcome == OK, columns.partners[lines], lines)
    strange = (columns.types[lines] != INVOKE) | (columns.processes[lines] < 0) | (outcome == FAIL) | (act < WRITE)
    strange |= (outcome != OK) & ((act == READ) | (act == TAKE) | (act == CONTAINS))
    if columns.keys is not None:
        strange |= columns.keys[lines] != objects.keys[owners]
    source = np.where((act == READ) | (act == TAKE), answered, lines)
    kinds, numbers = values.kinds[source], values.numbers[source]
    seen = np.zeros(len(columns), np.bool_)
    completes = np.where(outcome == OK, answered, len(columns))
    _placed(lines, starts, completes, strange, seen, codes, faults)
    if kind == "register":
        _registers(lines, starts, act, kinds, numbers, *initial, codes, faults)
    elif kind == "other":
        _sets(lines, starts, act, kinds, numbers, answers[answered], codes, faults)
    elif kind == "queue":
        _queues(lines, starts, act, kinds, numbers, codes, faults)
    elif kind == "stack":
        _stacks(lines, starts, act, kinds, numbers, codes, faults)
    elif kind == "priority":
        _priority_queues(lines, starts, act, kinds, numbers, codes, faults)
    else:
        _bags(lines, starts, act, kinds, *_same_values(owners, kinds, numbers), codes, faults)
    _all_placed(columns, acts, values, objects, seen, codes, faults, of_elements=kind == "other",
                nil_is_value=nil_is_value)  # fmt: skip
    for number in np.flatnonzero(codes != FINE).tolist():
        yield number, WORDS[int(codes[number])].format(faults[number])


def _outcomes(columns: Columns, lines: Ints) -> Bytes:
    ends = columns.partners[lines]
    found: Bytes = np.where(ends >= 0, columns.types[ends], np.uint8(INFO))
    return found


@compiled
def _placed(
    lines: Ints, starts: Ints, completes: Ints, strange: NDArray[np.bool_], seen: NDArray[np.bool_], codes: Bytes,
    faults: Ints,
) -> None:  # fmt: skip
    """Each once, each of the object, none after one that was invoked after it had completed."""
    for number in range(len(codes)):
        latest = -1
        for at in range(starts[number], starts[number + 1]):
            line = lines[at]
            latest = max(latest, line)
            code = STRANGE if strange[at] else TWICE if seen[line] else LATE if completes[at] < latest else FINE
            seen[line] = True
            if code != FINE and codes[number] == FINE:
                codes[number], faults[number] = code, line


@compiled
def _registers(
    lines: Ints, starts: Ints, act: Bytes, kinds: Bytes, numbers: Ints, kind: int, number: int, codes: Bytes,
    faults: Ints,
) -> None:  # fmt: skip
    for key in range(len(codes)):
        held_kind, held = kind, number
        for at in range(starts[key], starts[key + 1]):
            if act[at] == WRITE:
                held_kind, held = np.int64(kinds[at]), numbers[at]
            elif (act[at] != READ or kinds[at] != held_kind or numbers[at] != held) and codes[key] == FINE:
                codes[key], faults[key] = IMPOSSIBLE, lines[at]


@compiled
def _queues(
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
def _stacks(
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
def _priority_queues(
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


def _same_values(owners: Ints, kinds: Bytes, numbers: Ints) -> tuple[Ints, int]:
    """A number for each value of each object, the same where the values are; and how many there are."""
    order = np.lexsort((numbers, kinds, owners))
    new = np.zeros(len(order), np.int64)
    for column in (numbers, kinds, owners):
        new[1:] |= column[order][1:] != column[order][:-1]
    found = np.empty(len(order), np.int64)
    found[order] = np.cumsum(new)
    return found, len(order)


@compiled
def _bags(
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
def _sets(
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


def _all_placed(
    columns: Columns, acts: Bytes, values: Values, objects: Objects, seen: NDArray[np.bool_], codes: Bytes,
    faults: Ints, *, of_elements: bool, nil_is_value: bool,
) -> None:  # fmt: skip
    """Whether everything is placed that happened to a valid object; and whether any of these are two parts of one."""
    required = (columns.types == INVOKE) & (columns.processes >= 0) & ~seen
    required &= (columns.partners >= 0) & (columns.types[columns.partners] == OK)
    lines = np.flatnonzero(required)
    act = acts[columns.fs[lines]]
    says = act != PASSED
    if not nil_is_value:
        says &= ((act != READ) & (act != CONTAINS)) | (values.kinds[columns.partners[lines]] != NIL)
    lines = lines[says]
    if of_elements:
        _all_of_elements(columns, values, objects, lines, codes, faults)
        return
    number_of = np.full(len(columns.key_names) + 1, -1, np.int64)  # NO_KEY, -1, is the last one
    valid = np.flatnonzero(objects.verdicts == VALID)
    number_of[objects.keys[valid]] = valid
    for number in np.flatnonzero(number_of[objects.keys[valid]] != valid).tolist():
        codes[valid[number]], faults[valid[number]] = SPLIT, objects.starts[valid[number]]
    numbers = number_of[np.full(len(lines), NO_KEY) if columns.keys is None else columns.keys[lines]]
    for number, line in zip(numbers[numbers >= 0].tolist(), lines[numbers >= 0].tolist(), strict=True):
        codes[number], faults[number] = MISSING, line


def _all_of_elements(
    columns: Columns, values: Values, objects: Objects, lines: Ints, codes: Bytes, faults: Ints
) -> None:
    """The same where an object is one element of a key. What is not placed is of none of these: it was left, or other
    elements of the key are refuted."""
    valid = objects.verdicts == VALID
    begun = np.flatnonzero(valid & (np.diff(objects.starts) > 0))
    firsts = objects.orders[objects.starts[begun]]
    keys, kinds, numbers = _elements(columns, values, firsts)
    same, _ = _same_values(keys, kinds, numbers)
    if len(same) and same.max() < len(same) - 1:
        for number, line in zip(begun.tolist(), firsts.tolist(), strict=True):  # it cannot be said which
            codes[number], faults[number] = SPLIT, line
    if not len(lines):
        return
    of_object = dict(zip(_tuples(keys, kinds, numbers), begun.tolist(), strict=True))
    refuted = {int(key) for key in objects.keys[objects.verdicts == REFUTED]}
    any_of_key = dict(zip(objects.keys.tolist(), range(len(objects)), strict=True))
    left = np.isin(lines, objects.left).tolist()
    for line, element, excused in zip(lines.tolist(), _tuples(*_elements(columns, values, lines)), left, strict=True):
        number = of_object.get(element, -1 if excused or element[0] in refuted else any_of_key[element[0]])
        if number >= 0:
            codes[number], faults[number] = MISSING, line


def _elements(columns: Columns, values: Values, lines: Ints) -> tuple[Ints, Bytes, Ints]:
    keys = np.full(len(lines), NO_KEY) if columns.keys is None else columns.keys[lines].astype(np.int64)
    return keys, values.kinds[lines], values.numbers[lines]


def _tuples(keys: Ints, kinds: Bytes, numbers: Ints) -> Iterator[tuple[int, int, int]]:
    return zip(keys.tolist(), kinds.tolist(), numbers.tolist(), strict=True)
