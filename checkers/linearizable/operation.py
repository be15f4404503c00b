"""Operations that may have taken effect, key by key: what is left of a history once it is read.

A linearizable system of independent objects is linearizable object by object (locality: Herlihy & Wing 1990, theorem
1), so each key is decided alone. What certainly did not happen, and what constrains nothing, is dropped here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from checkers.linearizable.model import Model, Step
from checkers.value import Codes
from harness.history import Call, History


@dataclass(frozen=True, slots=True)
class Operation:
    """A call and its step. ``invoke`` and ``complete`` are positions in the history, which decide the order of time;
    ``complete`` None: it may take effect at any time after ``invoke``, or never."""

    invoke: int
    complete: int | None
    step: Step
    call: Call = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class KeyHistory:
    """One object's operations: those that took effect, and those that may have; each in order of invocation."""

    key: Any
    required: tuple[Operation, ...]
    optional: tuple[Operation, ...]


def by_key(
    history: History, model: Model, codes: Codes, nil_reads: Literal["value", "unknown"] = "value"
) -> list[KeyHistory]:
    """The operations of each key, in order of the keys' first appearance.

    Raises :class:`harness.history.HistoryError` for lines that do not pair up, and
    :class:`checkers.guard.Unsupported` for an operation that the model does not know.
    """
    found: dict[int, tuple[Any, list[Operation], list[Operation]]] = {}
    for call in history.calls():
        _, required, optional = found.setdefault(codes.code(call.key), (call.key, [], []))
        if call.outcome == "fail" or (call.f == "read" and not _says_something(call, nil_reads)):
            continue
        step = model.parse(call, codes.code)
        if call.outcome == "ok":
            required.append(Operation(call.invoke, call.complete, step, call))
        else:
            optional.append(Operation(call.invoke, None, step, call))
    return [KeyHistory(key, tuple(required), tuple(optional)) for key, required, optional in found.values()]


def _says_something(read: Call, nil_reads: Literal["value", "unknown"]) -> bool:
    """A read without an answer constrains nothing; nor does an answer of nil where nil means "no information"."""
    return read.outcome == "ok" and not (nil_reads == "unknown" and read.result is None)
