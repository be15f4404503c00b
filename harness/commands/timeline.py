"""A few operations drawn one process to a line, from invocation to completion, so that a reader sees which overlap.

    process 0  [write 1]             [read: 1]
    process 2             [read: 2]

Only the order of the events is to scale. An operation whose outcome nobody knows has no end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from harness.history import INVOKE, History

OPERATIONS_MAX: Final = 12
WIDTH_MAX: Final = 110
LABEL_MAX: Final = 28


@dataclass(frozen=True, slots=True)
class _Bar:
    """From the ``begin``-th event of all that are drawn to the ``end``-th; None: nobody knows."""

    process: str
    begin: int
    end: int | None
    label: str


def timeline(history: History, invocations: Sequence[int]) -> Iterator[str]:
    """The operations that were invoked at these positions, a line for each process, in the order in which each first
    does something; nothing where they would not fit on a screen. What histories say is cut, and not yet made fit for
    a terminal."""
    starts = sorted(at for at in set(invocations) if history.types[at] == INVOKE and history.processes[at] >= 0)
    if not 2 <= len(starts) <= OPERATIONS_MAX:
        return
    bars = _bars(history, starts)
    places = _places(bars)
    names = list(dict.fromkeys(bar.process for bar in bars))
    indent = max(map(len, names)) + 2
    if indent + places[-1] > WIDTH_MAX:
        return
    for name in names:
        line = " " * (places[-1] + 1)
        for bar in bars:
            if bar.process == name:
                text = _drawn(bar, places)
                line = line[: places[bar.begin]] + text + line[places[bar.begin] + len(text) :]
        yield f"{name:<{indent}}{line}".rstrip()


def _bars(history: History, starts: Sequence[int]) -> list[_Bar]:
    partners = history.partners
    ends = {start: partners[start] for start in starts if partners[start] > start}
    known = {start: end for start, end in ends.items() if history[end].type != "info"}
    rank = {position: number for number, position in enumerate(sorted([*starts, *known.values()]))}
    bars = []
    for start in starts:
        end = known.get(start)
        process = f"process {history[start].process}"
        bars.append(_Bar(process, rank[start], None if end is None else rank[end], _label(history, start, end)))
    return bars


def _label(history: History, start: int, end: int | None) -> str:
    asked, op = history[start].value, history[start]
    text = op.f if asked is None else f"{op.f} {json.dumps(asked, default=str)}"
    if end is not None and history[end].type == "fail":
        text = f"failed {text}"
    elif end is not None and (asked is None or history[end].value != asked):
        text = f"{op.f}: {json.dumps(history[end].value, default=str)}"
    return text if len(text) <= LABEL_MAX else text[: LABEL_MAX - 3] + "..."


def _places(bars: Sequence[_Bar]) -> list[int]:
    """Of each event its column, with space for what stands between an operation's two; and at last the width."""
    beginning = {bar.begin: bar for bar in bars}
    ending = {bar.end: bar for bar in bars if bar.end is not None}
    places: list[int] = []
    for event in range(len(beginning) + len(ending)):
        place = places[-1] + 2 if places else 0
        if event in ending:
            bar = ending[event]
            place = max(place, places[bar.begin] + len(bar.label) + 1)
        places.append(place)
    open_ended = [places[bar.begin] + len(bar.label) + 4 for bar in bars if bar.end is None]
    return [*places, max([places[-1], *open_ended])]


def _drawn(bar: _Bar, places: Sequence[int]) -> str:
    if bar.end is None:
        return f"[{bar.label} ..."
    inner = places[bar.end] - places[bar.begin] - 1
    return f"[{bar.label:-^{inner}}]" if inner > len(bar.label) else f"[{bar.label}]"
