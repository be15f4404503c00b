"""A short way to write histories: each call with the two moments between which it runs."""

from __future__ import annotations

from typing import Any

from checkers.linearizable.models import BY_NAME
from checkers.linearizable.operation import KeyHistory, by_key
from checkers.value import Codes
from harness.history import History, Op

MODEL = BY_NAME["cas-register"]


def of(*calls: tuple[Any, ...], key: Any = None) -> History:
    """Calls (f, value, begin, end, outcome="ok"), each by a process of its own. ``end`` None: it never completed. The
    value of a read is its result. No two moments may be the same."""
    lines: list[tuple[float, Op]] = []
    for process, (f, value, begin, end, *outcome) in enumerate(calls):
        lines.append((begin, Op("invoke", process, f, None if f == "read" else value, key=key)))
        if end is not None:
            lines.append((end, Op(outcome[0] if outcome else "ok", process, f, value, key=key)))
    moments = [moment for moment, _ in lines]
    assert len(set(moments)) == len(moments), "moments order the lines"
    return History(op for _, op in sorted(lines, key=lambda line: line[0]))


def single(history: History, initial: Any = None, model: str = MODEL.name) -> tuple[KeyHistory, Codes]:
    """The only key of a history, and the codes of its values."""
    codes = Codes()
    (key,) = by_key(history, BY_NAME[model], codes, initial=initial)
    return key, codes
