"""Counters as a history tells of them, key by key: what was added to them, and what somebody was told they held."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Any, Final

from checkers.guard import Unsupported
from checkers.value import Codes, show
from harness.history import DUMP, Call, History

SIGNS: Final = {"inc": 1, "add": 1, "increment": 1, "dec": -1, "sub": -1, "decrement": -1, "subtract": -1}
"""The operations that change a counter, and in which direction."""

_TELLING: Final = ("inc", "dec", "increment", "decrement")
_NUMBER_BITS_MAX: Final = 128
NEVER: Final = inf


@dataclass(frozen=True, slots=True, order=True)
class Increment:
    """``complete`` is where it was acknowledged; infinity if that never came."""

    invoke: int
    complete: float
    delta: int


@dataclass(frozen=True, slots=True)
class Read:
    """A value that somebody was told: by an ok read, or by an increment that returns the new value and is ``own``."""

    call: Call
    value: int
    own: Increment | None = None

    @property
    def end(self) -> int:
        assert self.call.complete is not None, "an ok operation has completed"
        return self.call.complete


@dataclass(slots=True)
class Counter:
    """One key: its increments that did not fail, its ok reads in order of invocation, and where the last two increments
    to end did, each with its invocation."""

    key: Any
    increments: list[Increment] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    last: list[tuple[int, int]] = field(default_factory=list)

    def changed(self, call: Call, increment: Increment) -> None:
        self.increments.append(increment)
        end = call.invoke if call.complete is None else call.complete
        self.last = sorted([*self.last, (end, call.invoke)])[-2:]

    @property
    def is_read_last(self) -> bool:
        """Whether a read began when every other operation that changes the counter had ended."""
        if not self.reads:
            return False
        final = self.reads[-1].call
        return all(end < final.invoke for end, invoke in self.last if invoke != final.invoke)


def counters_of(history: History) -> list[Counter]:
    """The counters in order of their first operations. Raises :class:`checkers.guard.Unsupported` for other operations
    and values than integers, and :class:`harness.history.HistoryError`."""
    codes = Codes()
    found: dict[int, Counter] = {}
    calls = [call for call in history.calls() if call.f != DUMP]
    telling = any(_tells(call) for call in calls)
    for call in calls:
        if call.outcome == "fail" and call.f != "read" and call.f not in SIGNS:
            continue
        each = found.setdefault(codes.code(call.key), Counter(call.key))
        if call.f in SIGNS:
            _change(each, call, telling)
        elif call.f != "read":
            raise Unsupported(f"operation {call.invoke}: read the operation {show(call.f)}; expected inc, add or read")
        elif call.outcome == "ok":
            each.reads.append(Read(call, _number(call.result, call.complete, "read")))
    return list(found.values())


def _tells(call: Call) -> bool:
    """Whether this one returned something else than its amount, which can only be the new value."""
    if call.f not in _TELLING or call.outcome != "ok" or call.result is None:
        return False
    return type(call.argument) is not type(call.result) or call.argument != call.result


def _change(each: Counter, call: Call, telling: bool) -> None:
    if call.outcome == "fail":
        return
    complete = NEVER if call.outcome == "info" or call.complete is None else call.complete
    amount = 1 if call.argument is None and call.f in _TELLING else _number(call.argument, call.invoke, f"{call.f} of")
    increment = Increment(call.invoke, complete, SIGNS[call.f] * amount)
    each.changed(call, increment)
    if telling and call.f in _TELLING and call.outcome == "ok" and call.result is not None:
        each.reads.append(Read(call, _number(call.result, call.complete, f"{call.f} returning"), increment))


def _number(value: Any, position: int | None, what: str) -> int:
    if value is None and what == "read":
        return 0
    if type(value) is not int or value.bit_length() > _NUMBER_BITS_MAX:
        raise Unsupported(f"operation {position}: {what} {show(value)}; expected an integer")
    return value
