"""Linearizations checked on columns, in linear time: what ``certificate.refute`` asks of operations, asked of lines.

It shares with those who decide how values and names are read (``reading``), and nothing else: which lines are calls,
what became of them, and when, it reads for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from checkers.guard import Unsupported
from checkers.linearizable.columnar import play
from checkers.linearizable.columnar.calls import CONTAINS, PASSED, READ, TAKE, WRITE
from checkers.linearizable.columnar.objects import REFUTED, VALID, Blame, Objects
from checkers.linearizable.columnar.play import FINE, IMPOSSIBLE, LATE, MISSING, SPLIT, STRANGE, TWICE
from checkers.linearizable.columnar.reading import Read
from checkers.linearizable.model import Kind
from harness.columns import NIL, NO_KEY, Columns
from harness.compiled import compiled
from harness.history import FAIL, INFO, INVOKE, OK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bytes = NDArray[np.uint8]
    Flags = NDArray[np.bool_]

_NO_OBJECT: Final = -2
WORDS: Final = {
    STRANGE: "operation {} is placed, which is not one of this object that may have taken effect",
    TWICE: "operation {} is placed twice",
    LATE: "operation {} is placed after one that was invoked after it had completed",
    IMPOSSIBLE: "operation {} could not have had its result where it is placed",
    MISSING: "operation {} happened and is not placed",
    SPLIT: "an object was taken to be two (at {})",
}


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """Linearizations, of object i from ``starts[i]`` up to ``starts[i + 1]``. Of each operation placed there: its
    object, its line, that of its completion (after all lines if nobody knows whether it took effect), its act, its
    value, the value that it expects, what it says of a set; and whether it has no place there. Of each object its first
    fault: code and line."""

    starts: Ints
    owners: Ints
    lines: Ints
    completes: Ints
    acts: Bytes
    kinds: Bytes
    numbers: Ints
    old_kinds: Bytes
    old_numbers: Ints
    answers: Bytes
    strange: Flags
    codes: Bytes
    faults: Ints


def objections(read: Read, objects: Objects) -> Iterator[tuple[int, str]]:
    """The valid objects whose linearization is none, each with the reason."""
    owners = np.repeat(np.arange(len(objects)), np.diff(objects.starts))
    outside = (objects.orders < 0) | (objects.orders >= len(read.columns))
    if outside.any():
        for number in np.unique(owners[outside]).tolist():
            yield number, "it places what is no line of the history"
        return
    placed = _placed(read, objects, owners)
    seen = np.zeros(len(read.columns), np.bool_)
    _follow(placed.lines, placed.starts, placed.completes, placed.strange, seen, placed.codes, placed.faults)
    _play(read.model.kind, placed, read.initial)
    _all_placed(read, objects, seen, placed)
    for number in np.flatnonzero(placed.codes != FINE).tolist():
        yield number, WORDS[int(placed.codes[number])].format(placed.faults[number])


def replayed(read: Read, orders: Sequence[Sequence[int]]) -> str | None:
    """Why these are not the linearizations of all objects, in the order of ``by_key``; None if they are. Raises
    :class:`checkers.guard.Unsupported` where something was done that can only be replayed on the model."""
    calls = read.calls()
    if calls.foreign.any() or (read.model.kind not in ("register", "other") and read.odd(calls).any()):
        raise Unsupported("something else was done than to read, write, set, put, take, add and remove values")
    lines = np.array([line for order in orders for line in order], np.int64)
    starts = np.concatenate((np.zeros(1, np.int64), np.cumsum([len(order) for order in orders], dtype=np.int64)))
    if read.model.kind != "other" and len(orders) != len(calls.key_codes):
        return f"there are {len(orders)} linearizations, of {len(calls.key_codes)} objects"
    keys = calls.key_codes
    if read.model.kind == "other":  # an element's key is that of its first operation; without any it matters not
        keys = np.full(len(orders), _NO_OBJECT)
        firsts = lines[starts[:-1][np.diff(starts) > 0]]
        inside = (firsts >= 0) & (firsts < len(read.columns))
        keys[np.diff(starts) > 0] = _keys(read.columns, np.where(inside, firsts, 0))
    objects = Objects(keys, np.full(len(orders), VALID, np.uint8), lines, starts, _never, lines[:0], "")
    return next((objection for _, objection in objections(read, objects)), None)


def _never(number: int) -> Blame:
    raise AssertionError(f"object {number} was not refuted")


def _placed(read: Read, objects: Objects, owners: Ints) -> _Placed:
    columns, lines = read.columns, objects.orders
    act, ends = read.acts[columns.fs[lines]], columns.partners[lines]
    outcome = np.where(ends >= 0, columns.types[ends], np.uint8(INFO))
    completes = np.where(outcome == OK, ends, len(columns))
    strange = (columns.types[lines] != INVOKE) | (columns.processes[lines] < 0) | (outcome == FAIL) | (act < WRITE)
    strange |= (outcome != OK) & ((act == READ) | (act == TAKE) | (act == CONTAINS))
    if len(read.values.strange):
        strange |= read.values.strange[lines]
    if columns.keys is not None:
        strange |= columns.keys[lines] != objects.keys[owners]
    answered = np.where(outcome == OK, ends, lines)
    source = np.where((act == READ) | (act == TAKE), answered, lines)
    return _Placed(
        starts=objects.starts,
        owners=owners,
        lines=lines,
        completes=completes,
        acts=act,
        kinds=read.values.kinds[source],
        numbers=read.values.numbers[source],
        old_kinds=read.values.old_kinds[lines] if len(read.values.strange) else np.zeros(len(lines), np.uint8),
        old_numbers=read.values.old_numbers[lines] if len(read.values.strange) else np.zeros(len(lines), np.int64),
        answers=read.answers[answered] if len(read.answers) == len(columns) else read.answers[:0],
        strange=strange,
        codes=np.zeros(len(objects), np.uint8),
        faults=np.zeros(len(objects), np.int64),
    )


def _play(kind: Kind, placed: _Placed, initial: tuple[int, int]) -> None:
    """Each object's operations, one after the other, on what it is a copy of."""
    about = placed.lines, placed.starts, placed.acts, placed.kinds
    if kind == "register":
        olds = placed.old_kinds, placed.old_numbers
        play.registers(*about, placed.numbers, *olds, *initial, placed.codes, placed.faults)
    elif kind == "queue":
        play.queues(*about, placed.numbers, placed.codes, placed.faults)
    elif kind == "stack":
        play.stacks(*about, placed.numbers, placed.codes, placed.faults)
    elif kind == "priority":
        play.priority_queues(*about, placed.numbers, placed.codes, placed.faults)
    elif kind == "bag":
        play.bags(*about, *_same_values(placed.owners, placed.kinds, placed.numbers), placed.codes, placed.faults)
    else:
        play.sets(*about, placed.numbers, placed.answers, placed.codes, placed.faults)


@compiled
def _follow(
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


def _all_placed(read: Read, objects: Objects, seen: Flags, placed: _Placed) -> None:
    """Whether everything is placed that happened to a valid object; and whether any of these are two parts of one."""
    columns = read.columns
    required = (columns.types == INVOKE) & (columns.processes >= 0) & ~seen
    required &= (columns.partners >= 0) & (columns.types[columns.partners] == OK)
    lines = np.flatnonzero(required)
    act = read.acts[columns.fs[lines]]
    says = act != PASSED
    if not read.nil_is_value:
        says &= ((act != READ) & (act != CONTAINS)) | (columns.kinds[columns.partners[lines]] != NIL)
    if read.model.kind == "other":
        _all_of_elements(read, objects, lines[says], placed)
    else:
        _all_of_keys(columns, objects, lines[says], placed)


def _all_of_keys(columns: Columns, objects: Objects, lines: Ints, placed: _Placed) -> None:
    number_of = np.full(len(columns.key_names) + 1, -1, np.int64)  # NO_KEY, -1, is the last one
    valid = np.flatnonzero(objects.verdicts == VALID)
    number_of[objects.keys[valid]] = valid
    for number in valid[number_of[objects.keys[valid]] != valid].tolist():
        placed.codes[number], placed.faults[number] = SPLIT, objects.keys[number]
    numbers = number_of[_keys(columns, lines)]
    for number, line in zip(numbers[numbers >= 0].tolist(), lines[numbers >= 0].tolist(), strict=True):
        placed.codes[number], placed.faults[number] = MISSING, line


def _all_of_elements(read: Read, objects: Objects, lines: Ints, placed: _Placed) -> None:
    """The same where an object is one element of a key. What is not placed is of none of these: it was left, or other
    elements of the key are refuted."""
    begun = np.flatnonzero((objects.verdicts == VALID) & (np.diff(objects.starts) > 0))
    firsts = objects.orders[objects.starts[begun]]
    elements = _elements(read, firsts)
    same, _ = _same_values(*elements)
    if len(same) and same.max() < len(same) - 1:  # it cannot be said which
        placed.codes[begun], placed.faults[begun] = SPLIT, firsts
    if not len(lines):
        return
    of_object = dict(zip(_tuples(elements), begun.tolist(), strict=True))
    refuted = {int(key) for key in objects.keys[objects.verdicts == REFUTED]}
    any_of_key = dict(zip(objects.keys.tolist(), range(len(objects)), strict=True))
    left = np.isin(lines, objects.left).tolist()
    for line, element, excused in zip(lines.tolist(), _tuples(_elements(read, lines)), left, strict=True):
        number = of_object.get(element, -1 if excused or element[0] in refuted else any_of_key.get(element[0], 0))
        if number >= 0:
            placed.codes[number], placed.faults[number] = MISSING, line


def _elements(read: Read, lines: Ints) -> tuple[Ints, Bytes, Ints]:
    """The key, and the value as two numbers."""
    return _keys(read.columns, lines), read.values.kinds[lines], read.values.numbers[lines]


def _keys(columns: Columns, lines: Ints) -> Ints:
    return np.full(len(lines), NO_KEY) if columns.keys is None else columns.keys[lines].astype(np.int64)


def _tuples(elements: tuple[Ints, Bytes, Ints]) -> Iterator[tuple[int, int, int]]:
    return zip(*(each.tolist() for each in elements), strict=True)


def _same_values(owners: Ints, kinds: Bytes, numbers: Ints) -> tuple[Ints, int]:
    """A number for each value of each object, the same where the values are; and how many there may be."""
    order = np.lexsort((numbers, kinds, owners))
    new = np.zeros(len(order), np.int64)
    for column in (numbers, kinds, owners):
        new[1:] |= column[order][1:] != column[order][:-1]
    found = np.empty(len(order), np.int64)
    found[order] = np.cumsum(new)
    return found, len(order)
