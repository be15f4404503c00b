"""The client operations of a history, a row each, as columns of numbers and one table of texts.

The columns of a call, in order of invocation (codes are of the table of texts; 0 is null, or nothing there):

    invoke, complete        positions in the history; ``complete`` as its distance, 0 if nothing came back
    process, f, key         numbers of the column's own list ``<column>_names``, which has the codes; keys from 1
    outcome                 of OUTCOMES
    argument, result, error, node, note     codes
    began, ended            moments: 0 if unknown, else nanoseconds / ``unit_ns`` since the first one, from 1 on;
                            ``ended`` as the difference
    line, line_ended        lines of the file, ``line_ended`` as the difference; missing where each line is the position
                            + ``line_offset``
    rank, object, anchor, fraction          where a linearization places it (``linearization``); ``rank`` 0: nowhere,
                            ``anchor`` as its distance from ``invoke``
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from harness.formats import Recording
from harness.history import INVOKE, TYPES, History
from harness.report.history_view.column import Column, encode
from harness.report.history_view.linearization import Point
from harness.report.history_view.text_table import TextTable

OUTCOMES: Final = ("ok", "fail", "info", "no answer")
_OUTCOME_OF_TYPE: Final = [OUTCOMES.index("no answer" if name == "invoke" else name) for name in TYPES]
_UNITS_MAX: Final = 1 << 52  # of what a number of JavaScript's holds exactly


@dataclass(frozen=True, slots=True)
class Clock:
    """The moments of a history. ``timed``: every line of a client has a time, and not all
    the same; ``monotonic``: none goes back."""

    first_ns: int
    unit_ns: int
    timed: bool
    monotonic: bool

    def moment(self, time_ns: int) -> int:
        """1 at the first known time; 0 for an unknown one."""
        return 0 if time_ns < 0 else (time_ns - self.first_ns) // self.unit_ns + 1


@dataclass(frozen=True, slots=True)
class Calls:
    """``invokes[i]`` is the position of call ``i``; ``texts`` are the texts between newlines."""

    invokes: Sequence[int]
    columns: tuple[Column, ...]
    texts: bytes
    clock: Clock
    facts: Mapping[str, Any]

    def number(self, history: History, position: int) -> int | None:
        """The call that one of its lines stands for; None for a line of the nemesis, and past the end."""
        if not 0 <= position < len(history) or history.processes[position] < 0:
            return None
        partner = history.partners[position]
        return bisect_left(self.invokes, min(position, partner) if partner >= 0 else position)


def calls_of(recording: Recording, points: Mapping[int, Point], important: Iterable[int] = ()) -> Calls:
    """The columns of a history. ``important``: positions of operations whose values are kept at more length. Raises
    :class:`harness.history.HistoryError`."""
    history, texts = recording.history, TextTable()
    partners, processes = history.partners, history.processes
    invokes = [i for i, code in enumerate(history.types) if code == INVOKE and processes[i] >= 0]
    ends = [partners[i] for i in invokes]
    clock = clock_of(history)
    columns = [*_what(history, texts, invokes, ends, set(important)), *_times(history, clock, invokes, ends)]
    offset, lines = _lines(recording, invokes, ends)
    columns += [*lines, *_placed(invokes, points)]
    kept = tuple(column for column in columns if column.width)
    facts = {"calls": len(invokes), "lines": len(history), "line_offset": offset, "unit_ns": clock.unit_ns,
             "timed": clock.timed, "monotonic": clock.monotonic,
             "first_ns": clock.first_ns - history.origin_ns}  # fmt: skip
    return Calls(invokes, kept, "\n".join(texts.texts).encode(), clock, facts)


def clock_of(history: History) -> Clock:
    """What the times of its clients' lines say."""
    times = [time for time, process in zip(history.times, history.processes, strict=True) if process >= 0]
    known = [time for time in history.times if time >= 0]
    first = min(known, default=0)
    unit = 1
    while (max(known, default=0) - first) // unit >= _UNITS_MAX:
        unit *= 10
    timed = bool(times) and 0 <= min(times) < max(times)
    return Clock(first, unit, timed, all(a <= b for a, b in pairwise(times)))


def _what(
    history: History, texts: TextTable, invokes: Sequence[int], ends: Sequence[int], important: set[int]
) -> list[Column]:
    """Who asked for what, and what came of it."""
    values, value, types = history.values, texts.value, history.types
    arguments = [value(values[i]) for i in invokes]
    results = [value(values[i]) if i >= 0 else 0 for i in ends]
    for number, (start, end) in enumerate(zip(invokes, ends, strict=True) if important else ()):
        if start in important or end in important:
            arguments[number] = texts.long(values[start])
            results[number] = texts.long(values[end]) if end >= 0 else 0
    silent = OUTCOMES.index("no answer")
    return [
        encode("invoke", invokes, delta=True),
        encode("complete", [end - start if end >= 0 else 0 for start, end in zip(invokes, ends, strict=True)]),
        *_named("process", [history.processes[i] for i in invokes], texts),
        *_named("f", [history.f_names[history.fs[i]] for i in invokes], texts),
        *_keys(history, invokes, texts),
        encode("outcome", [_OUTCOME_OF_TYPE[types[end]] if end >= 0 else silent for end in ends]),
        encode("argument", arguments),
        encode("result", results),
        *_rest(history, invokes, ends, texts),
    ]


def _named(name: str, entries: Sequence[int | str], texts: TextTable) -> tuple[Column, Column]:
    """A column of numbers, and the list of the codes that they stand for."""
    numbers: dict[int | str, int] = {}
    column = encode(name, [numbers.setdefault(entry, len(numbers)) for entry in entries])
    return column, encode(f"{name}_names", [texts.name(entry) for entry in numbers])


def _keys(history: History, invokes: Sequence[int], texts: TextTable) -> list[Column]:
    if history.keys is None:
        return []
    codes = [texts.name(history.keys[i]) for i in invokes]
    names = dict.fromkeys(code for code in codes if code)
    numbers = {code: number for number, code in enumerate(names, 1)} | {0: 0}
    return [encode("key", [numbers[code] for code in codes]), encode("key_names", list(names))]


def _rest(history: History, invokes: Sequence[int], ends: Sequence[int], texts: TextTable) -> list[Column]:
    """What few histories have: errors, nodes, sessions and other notes; of the completion, where it has any."""
    columns = []
    if history.errors is not None:
        columns.append(encode("error", [texts.value(e) for e in _either(history.errors, invokes, ends)]))
    if history.nodes is not None:
        columns.append(encode("node", [texts.name(node) for node in _either(history.nodes, invokes, ends)]))
    if history.sessions is not None or history.extras is not None:
        columns.append(encode("note", [_note(history, *pair, texts) for pair in zip(invokes, ends, strict=True)]))
    return columns


def _either(entries: Sequence[Any], invokes: Sequence[int], ends: Sequence[int]) -> list[Any]:
    return [
        entries[end] if end >= 0 and entries[end] is not None else entries[start]
        for start, end in zip(invokes, ends, strict=True)
    ]


def _note(history: History, start: int, end: int, texts: TextTable) -> int:
    notes: dict[str, Any] = {}
    for name, column in (("session", history.sessions), ("extra", history.extras)):
        if column is not None and (found := _either(column, (start,), (end,))[0]) is not None:
            notes[name] = found
    return texts.value(notes or None)


def _times(history: History, clock: Clock, invokes: Sequence[int], ends: Sequence[int]) -> list[Column]:
    times, moment = history.times, clock.moment
    began = [moment(times[i]) for i in invokes]
    ended = [moment(times[i]) if i >= 0 else 0 for i in ends]
    took = [end - start for start, end in zip(began, ended, strict=True)]
    return [encode("began", began, delta=True), encode("ended", took)]


def _lines(recording: Recording, invokes: Sequence[int], ends: Sequence[int]) -> tuple[int | None, list[Column]]:
    """The lines of the file; only their distance from the positions where that is always the same."""
    lines = recording.lines
    if not lines or lines == array("q", range(lines[0], lines[0] + len(lines))):
        return (lines[0] if lines else 0), []
    line = [lines[i] for i in invokes]
    later = [lines[end] - lines[start] if end >= 0 else 0 for start, end in zip(invokes, ends, strict=True)]
    return None, [encode("line", line, delta=True), encode("line_ended", later)]


def _placed(invokes: Sequence[int], points: Mapping[int, Point]) -> list[Column]:
    if not points:
        return []
    nowhere = Point(0, 0, 0, 0)
    placed = [points.get(i, nowhere) for i in invokes]
    anchors = [point.anchor - i if point.rank else 0 for point, i in zip(placed, invokes, strict=True)]
    return [
        encode("rank", [point.rank for point in placed], delta=True),
        encode("object", [point.object_number for point in placed]),
        encode("anchor", anchors),
        encode("fraction", [point.fraction for point in placed]),
    ]
