"""All lines of a JSONL history, compiled: from bytes to columns, and to pairs of lines.

What is not of the plain shape (harness/formats/line_bytes.py) makes :func:`read_lines` give up, and the plain reader
reads the file. It never takes what that would refuse, and never reads it differently: tests compare the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from harness.columns import NO_KEY, OTHER
from harness.compiled import allocation_free
from harness.formats.json_bytes import LINE_END, SCRATCH_SHAPE, after_blanks
from harness.formats.line_bytes import (
    F_END,
    INDEX,
    KEY,
    KEY_END,
    KIND,
    NAME,
    NAME_END,
    NUMBER_READ,
    PROCESS,
    REST,
    ROW_SIZE,
    TIME,
    TYPE,
    VALUE,
    VALUE_END,
    F,
    read_line,
)
from harness.formats.token_bytes import FULL, interned
from harness.history import INFO, INVOKE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Ints = NDArray[np.int64]
    Slots = NDArray[np.int32]
    Known = tuple[Slots, Ints]

MORE, DONE, GIVE_UP, KEYS_FULL = range(4)
AT, LINE, LAST_INDEX, STATE_SIZE = range(4)
"""What ``state`` says: where the next line begins and its position, and the last ``index`` until then."""

_LINE_BYTES_MAX: Final = 32 * 1024 * 1024  # half of what the plain reader takes


class Lines(NamedTuple):
    """The columns to be filled: harness.columns has their words. ``starts``, ``lengths`` and ``rests`` must be zero."""

    types: Bytes
    processes: Ints
    fs: NDArray[np.uint16]
    kinds: Bytes
    numbers: Ints
    times: Ints
    keys: NDArray[np.int32]
    starts: Ints
    lengths: NDArray[np.int32]
    rests: Bytes


def empty(count: int, begin: int) -> tuple[Lines, Ints]:
    """Columns for so many lines, and the state of a text that is read from ``begin`` on."""
    lines = Lines(
        types=np.zeros(count, np.uint8),
        processes=np.zeros(count, np.int64),
        fs=np.zeros(count, np.uint16),
        kinds=np.zeros(count, np.uint8),
        numbers=np.zeros(count, np.int64),
        times=np.zeros(count, np.int64),
        keys=np.zeros(count, np.int32),
        starts=np.zeros(count, np.int64),
        lengths=np.zeros(count, np.int32),
        rests=np.zeros(count, np.uint8),
    )
    state = np.zeros(STATE_SIZE, np.int64)
    state[AT], state[LAST_INDEX] = begin, -1
    return lines, state


def first(lines: Lines, count: int) -> Lines:
    """As many of them."""
    columns: Any = (column[:count] for column in lines)
    return Lines(*columns)


def space() -> tuple[Ints, Ints]:
    """A row, and what the reader of values needs."""
    return np.zeros(ROW_SIZE, np.int64), np.zeros(SCRATCH_SHAPE, np.int64)


@allocation_free
def all_blank(text: Bytes, at: int, size: int) -> bool:
    """Whether nothing but empty lines follows."""
    while text[at] == LINE_END or after_blanks(text, at) > at:
        at += 1
    return at == size


@allocation_free
def whole_line_end(text: Bytes, at: int, size: int, row: Ints, scratch: Ints) -> int:
    """Read the line that begins at ``at`` into ``row``; where its line end is, or would be. -1 if it is odd."""
    end = read_line(text, after_blanks(text, at), row, scratch)
    if end < 0:
        return -1
    end = after_blanks(text, end)
    return end if (text[end] == LINE_END or end == size) and end - at < _LINE_BYTES_MAX else -1


@allocation_free
def read_lines(
    text: Bytes, size: int, until: int, state: Ints, lines: Lines, fs: Known, processes: Known, keys: Known,
    row: Ints, scratch: Ints,
) -> int:  # fmt: skip
    """Read the lines from ``state[AT]`` on, until they end or one begins at or after ``until``: DONE or MORE.

    GIVE_UP where it is not the plain shape. KEYS_FULL if there is no space for another key: call it again with more,
    ``state`` says where to go on. ``fs``, ``processes`` and ``keys`` are of harness.formats.token_bytes.
    """
    # Taken out of their tuples once: each time costs an atomic count of references.
    (f_slots, f_spans), (process_slots, process_spans), (key_slots, key_spans) = fs, processes, keys
    types, process_column, f_column, kinds, numbers, times, key_column, starts, lengths, rests = lines
    at, line = state[AT], state[LINE]
    while at < min(size, until):
        end = whole_line_end(text, at, size, row, scratch)
        if end < 0:
            return DONE if all_blank(text, at, size) else GIVE_UP
        f = interned(text, row[F], row[F_END], f_slots, f_spans)
        process = row[PROCESS]
        if row[NAME]:
            process = -1 - interned(text, row[NAME], row[NAME_END], process_slots, process_spans)
        key = interned(text, row[KEY], row[KEY_END], key_slots, key_spans) if row[KEY] else NO_KEY
        if key == FULL:
            return KEYS_FULL
        if f < 0 or (row[NAME] and process >= 0) or (row[KEY] and key < 0) or 0 <= row[INDEX] <= state[LAST_INDEX]:
            return GIVE_UP
        types[line], process_column[line], f_column[line] = row[TYPE], process, f
        kinds[line], numbers[line], times[line], key_column[line] = row[KIND], row[NUMBER_READ], row[TIME], key
        if row[KIND] == OTHER:
            starts[line], lengths[line] = row[VALUE], row[VALUE_END] - row[VALUE]
        if row[REST]:
            rests[line] = row[REST]
        at = end + 1
        line += 1
        state[AT], state[LINE] = at, line
        state[LAST_INDEX] = max(state[LAST_INDEX], row[INDEX])
    return DONE if at >= size else MORE


@allocation_free
def pair(types: Bytes, threads: Ints, fs: NDArray[np.uint16], partners: Ints, running: Ints) -> bool:
    """Fill ``partners`` (all -1), as :attr:`harness.history.History.partners`; False where that is an error.

    ``threads`` are the processes, or other numbers for them: those below 0 have no pairs, the others are places in
    ``running`` (all -1).
    """
    for line in range(len(types)):
        thread = threads[line]
        if thread < 0:
            if types[line] != INFO:
                return False
            continue
        start = running[thread]
        if types[line] == INVOKE:
            if start >= 0:
                return False
            running[thread] = line
        else:
            if start < 0 or fs[start] != fs[line]:
                return False
            running[thread] = -1
            partners[start], partners[line] = line, start
    return True


def partners_in(types: Bytes, processes: Ints, fs: NDArray[np.uint16]) -> Ints | None:
    """The partners of all lines; None if they cannot be paired."""
    threads, process_max = processes, int(processes.max(initial=0))
    if process_max > 2 * len(types) + 1024:  # too sparse to be places
        clients = threads >= 0
        threads = threads.copy()
        distinct, threads[clients] = np.unique(threads[clients], return_inverse=True)
        process_max = len(distinct)
    partners, running = np.full(len(types), -1, np.int64), np.full(process_max + 1, -1, np.int64)
    return partners if pair(types, threads, fs, partners, running) else None
