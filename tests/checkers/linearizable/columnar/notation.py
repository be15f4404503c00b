"""Histories that have columns, however small they are."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from checkers.linearizable import columnar
from checkers.linearizable.limit import Limit
from checkers.linearizable.model import Reading
from checkers.linearizable.models import BY_NAME
from checkers.value import Codes
from harness.columns import Columns, columns_of
from harness.history import History, Op

PUTS = ("write", "cas", "enqueue", "push", "insert", "add", "remove", "contains")


def of(*calls: tuple[Any, ...], key: Any = None) -> History:
    """Calls (f, value, begin, end, outcome="ok"), each by a process of its own. ``end`` None: it never completed. The
    value of what asks is its result; contains, and whatever else should be told one, has (value, result)."""
    lines: list[tuple[float, Op]] = []
    for process, (f, value, begin, end, *outcome) in enumerate(calls):
        argument, result = value if isinstance(value, tuple) else (value, value)
        lines.append((begin, Op("invoke", process, f, argument if f in PUTS else None, key=key)))
        if end is not None:
            lines.append((end, Op(outcome[0] if outcome else "ok", process, f, result, key=key)))
    return History(op for _, op in sorted(lines, key=lambda line: line[0]))


def together(*histories: History) -> History:
    """The histories of several keys, one after the other, by different processes."""
    ops, first = [], 0
    for history in histories:
        ops += [Op(op.type, int(op.process) + first, op.f, op.value, key=op.key) for op in history]
        first += len(history)
    return History(ops)


def columns(history: History) -> Columns:
    found = columns_of(history)
    assert found is not None, "numpy is there"
    return found


def large(history: History) -> History:
    """The same history, as if it had been read into columns."""
    return History.from_columns(columns(history))


def read(
    history: History, model: str, initial: Any = None, nil_reads: Literal["value", "unknown"] = "value"
) -> columnar.Read:
    found = columnar.read(columns(history), BY_NAME[model], initial, Reading(Codes(), nil_reads == "value"), Limit())
    assert found is not None, "the model has a method on columns"
    return found


def verdicts(history: History, model: str, **options: Any) -> str:
    """Of each object V(alid), R(efuted) or L(eft); every linearization holds."""
    found = read(history, model, **options)
    objects = columnar.decide(found)
    assert not columnar.objections(found, objects)
    assert objects.verdicts.dtype == np.uint8
    return "".join("VRL"[verdict] for verdict in objects.verdicts)
