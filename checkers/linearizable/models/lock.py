"""Locks that know their owner, and semaphores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from checkers.guard import Unsupported
from checkers.linearizable.model import UNKNOWN, Kind, Reading, State, Step, strange, strange_value
from checkers.value import show
from harness.history import Call

_ACQUIRE, _RELEASE = ("acquire", "lock"), ("release", "unlock")


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _act(call: Call) -> str:
    if call.f in _ACQUIRE:
        return "acquire"
    if call.f in _RELEASE:
        return "release"
    raise strange(call, "acquire or release")


def _nothing_initially(name: str, initial: Any) -> None:
    if initial is not None:
        raise Unsupported(f"read the initial value {show(initial)} of a {name}; expected null: it begins free")


@dataclass(frozen=True, slots=True)
class ReentrantMutex:
    """The process that holds the lock may acquire it again, and must release it as often. The state is (owner, holds).

    Whoever crashes in acquire may hold it for ever: its process never acts again.
    """

    name: str = "reentrant-mutex"
    summary: str = "a lock its owner may acquire again; acquire, release"
    kind: Kind = "other"

    def begin(self, initial: Any, reading: Reading) -> State:
        _nothing_initially(self.name, initial)
        return (None, 0)

    def parse(self, call: Call, reading: Reading) -> Step | None:
        return Step(_act(call), (call.process,))

    def step(self, state: State, step: Step) -> State | None:
        (owner, holds), (process,) = state, step.given
        if step.f == "acquire":
            return (process, holds + 1) if holds == 0 or owner == process else None
        if holds == 0 or owner != process:
            return None
        return (process, holds - 1) if holds > 1 else (None, 0)

    def observes(self, step: Step) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class FencedMutex:
    """A lock whose acquire returns a fencing token, an integer greater than every one before; only its owner releases
    it. The state is (owner, the last token, or less where nobody knows it).

    A token that was never seen is taken to be the least possible: every future that a greater one allows, it allows.
    """

    name: str = "fenced-mutex"
    summary: str = "a lock; acquire returns a greater token each time, release"
    kind: Kind = "other"

    def begin(self, initial: Any, reading: Reading) -> State:
        if initial is not None and not _number(initial):
            raise Unsupported(f"read the initial value {show(initial)}; expected the last token, an integer, or null")
        return (None, initial)

    def parse(self, call: Call, reading: Reading) -> Step | None:
        act = _act(call)
        if act == "release" or call.outcome != "ok" or call.result is None:
            return Step(act, (call.process,))
        if not _number(call.result):
            raise strange_value(call, call.result, "the fencing token, an integer")
        return Step(act, (call.process,), call.result)

    def step(self, state: State, step: Step) -> State | None:
        (owner, last), (process,) = state, step.given
        if step.f == "release":
            return (None, last) if owner == process else None
        if owner is not None:
            return None
        if step.returned is UNKNOWN:
            return (process, None if last is None else last + 1)
        return (process, step.returned) if last is None or step.returned > last else None

    def observes(self, step: Step) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Semaphore:
    """acquire takes permits that are there (one, if no number is given), release gives back what was taken, by
    whomever. ``initial`` is the number of permits (1). The state is (available, all)."""

    name: str = "semaphore"
    summary: str = "permits (initial: how many); acquire, release"
    kind: Kind = "other"

    def begin(self, initial: Any, reading: Reading) -> State:
        permits = 1 if initial is None else initial
        if not _number(permits) or permits < 0:
            raise Unsupported(f"read the initial value {show(initial)}; expected the number of permits")
        return (permits, permits)

    def parse(self, call: Call, reading: Reading) -> Step | None:
        permits = 1 if call.argument is None else call.argument
        if not _number(permits) or permits < 1:
            raise strange_value(call, call.argument, "a number of permits, at least 1")
        return Step(_act(call), (permits,))

    def step(self, state: State, step: Step) -> State | None:
        (available, all_), (permits,) = state, step.given
        left = available - permits if step.f == "acquire" else available + permits
        return (left, all_) if 0 <= left <= all_ else None

    def observes(self, step: Step) -> bool:
        return False
