"""Did clients see a fault? One that strikes when nobody asks anything says nothing about the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from harness.faults.timetable import START, STOP
from harness.history import INVOKE, NEMESIS, History


def witnessed(applications: Sequence[Mapping[str, Any]], history: History) -> list[Mapping[str, Any]]:
    """The applications of faults (``Nemesis.effects``), none of which bit unless a client's operation was under way
    while it was surely in force: what nodes do among themselves, nobody saw. A fault that took long to begin may come
    when all that was to be asked has been answered."""
    spans = _spans(history)
    return [
        application
        if not application["bit"] or _is_met(history, *spans.get(application["application"], (0, 0)))
        else _unseen(application)
        for application in applications
    ]


def _spans(history: History) -> dict[Any, tuple[int, int]]:
    """Application -> the positions at which its start was done and its stop was announced."""
    starts: dict[Any, int] = {}
    spans: dict[Any, tuple[int, int]] = {}
    for index, code in enumerate(history.processes):
        if code >= 0 or history.process_name(code) != NEMESIS or not isinstance(history.values[index], Mapping):
            continue
        f, number = history.f_names[history.fs[index]], history.values[index].get("application")
        if f.startswith(START):
            starts[number] = index
        elif f.startswith(STOP) and number in starts:
            spans.setdefault(number, (starts[number], index))
    return spans


def _is_met(history: History, start: int, stop: int) -> bool:
    """Whether a client's operation ran at some moment between the two positions."""
    partners = history.partners
    return any(
        history.processes[index] >= 0
        and (index > start or (history.types[index] == INVOKE and not 0 <= partners[index] < start))
        for index in chain(range(start + 1, stop), range(start))
    )


def _unseen(application: Mapping[str, Any]) -> Mapping[str, Any]:
    explanation = application["effect"]["explanation"] + "; but no client operation was under way"
    return {**application, "bit": False, "effect": {**application["effect"], "explanation": explanation}}
