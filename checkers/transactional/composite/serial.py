"""A serial order that explains what every read returned, searched state by state, and checked again by execution.

A transaction that only reads is executed as soon as its reads fit: that changes nothing for the others. Among those
that write the one that completed first is tried first, as it mostly happened. The search is bounded: that it finds
nothing proves nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import Any, Final

from checkers.guard import OutOfTimeError
from checkers.transactional.composite.reading import Composite, Parsed
from checkers.transactional.lattice import Order
from checkers.transactional.transaction import Atom

STEPS_PER_TRANSACTION: Final = 30
STEPS_MIN: Final = 3_000
_NOTHING: Final[frozenset[Atom]] = frozenset()


@dataclass(slots=True)
class State:
    """What every key holds: the atom of a register, the elements of a set, the total of a counter."""

    composite: Composite
    held: dict[Atom, Any] = field(default_factory=dict)

    def get(self, key: Atom) -> Any:
        if key in self.held:
            return self.held[key]
        return _NOTHING if self.composite.types.get(key) == "set" else self.composite.initial(key)

    def execute(self, transaction: Parsed) -> dict[Atom, Any] | None:
        """What its keys held before it; None, and nothing changed, if a read returned something else than was there."""
        before: dict[Atom, Any] = {}
        for micro in transaction.micros:
            held = None if micro.f == "rp" else self.get(micro.key)
            if micro.f == "r":
                fits = _fits(held, micro.value, self.composite.types.get(micro.key, "register"))
            elif micro.f == "rp":
                fits = self._ranged(micro.key) == dict(micro.value) and len(dict(micro.value)) == len(micro.value)
            else:
                fits = True
                before.setdefault(micro.key, held)
                self.held[micro.key] = _updated(held, micro.f, micro.value)
            if not fits:
                self.held.update(before)
                return None
        return before

    def _ranged(self, bounds: tuple[Atom, Atom]) -> dict[Atom, Atom]:
        null = self.composite.null
        return {key: value for key in self.composite.inside(bounds) if (value := self.get(key)) != null}


def _fits(held: Any, told: Any, type_: str) -> bool:
    if type_ == "set":
        return len(held) == len(told) and held.issuperset(told)
    return bool(held == told)


def _updated(held: Any, f: str, value: Any) -> Any:
    return held | {value} if f == "add" else held + value if f == "inc" else value


def refute(composite: Composite, order: Sequence[int], form: Order) -> str | None:
    """Why executing these transactions one after the other does not explain the history; None if it does."""
    state, executed = State(composite), set(order)
    if len(executed) != len(order):
        return "a transaction is there twice"
    for each in composite.transactions:
        if (each.number in executed and each.outcome == "fail") or (
            each.number not in executed and each.outcome == "ok"
        ):
            return f"transaction {each.invoke} is {each.outcome}"
    latest: dict[Hashable, int] = {}
    for number in order:
        each = composite.transactions[number]
        if state.execute(each) is None:
            return f"transaction {each.invoke} read something else than was there"
        group = each.session if form is Order.SESSION else None
        if form is not Order.NONE and each.complete is not None and each.complete < latest.get(group, -1):
            return f"transaction {each.invoke} had completed before one that is executed before it began"
        latest[group] = max(latest.get(group, -1), each.invoke)
    return None


def serial_order(composite: Composite, form: Order, deadline: float | None = None) -> list[int] | None:
    """Numbers of transactions in such an order; None if the bounded search found none. Raises
    :class:`checkers.guard.OutOfTimeError`."""
    return _Search(composite, form).run(deadline)


class _Search:
    """``first``: before it everything is done; ``signature``: of what is done and what registers hold, so that no state
    is searched twice (two that have the same by chance make the search miss something, which it may)."""

    def __init__(self, composite: Composite, form: Order) -> None:
        self.state: Final = State(composite)
        self.form: Final = form
        self.listed: Final = [each for each in composite.transactions if each.outcome != "fail"]
        self.done: list[tuple[int, dict[Atom, Any], int]] = []  # place, what was held before, signature before
        self.executed = bytearray(len(self.listed) + 1)
        self.signature = 0
        self.first = 0
        self.seen: set[int] = set()

    def run(self, deadline: float | None) -> list[int] | None:
        """Depth first, by a stack of what may still be tried at each depth."""
        needed = sum(each.outcome == "ok" for each in self.listed)
        stack = [self._candidates()]
        steps = max(STEPS_MIN, STEPS_PER_TRANSACTION * len(self.listed))
        while stack and steps:
            if not needed:
                return [self.listed[place].number for place, _, _ in self.done]
            place = next(stack[-1], None)
            if place is None:
                stack.pop()
                if self.done:
                    needed += self._undo()
                continue
            steps -= 1
            if deadline is not None and monotonic() > deadline:
                raise OutOfTimeError(f"a serial order of {len(self.listed)} transactions was being searched")
            before = self.state.execute(self.listed[place])
            if before is not None:
                needed -= self._do(place, before)
                stack.append(iter(()) if self.signature in self.seen else self._candidates())
                self.seen.add(self.signature)
        return None

    def _do(self, place: int, before: dict[Atom, Any]) -> bool:
        self.done.append((place, before, self.signature))
        self.executed[place] = True
        self.signature ^= hash(("done", place))
        for key, value in before.items():
            if self.state.composite.types.get(key, "register") == "register":
                self.signature ^= hash((key, value)) ^ hash((key, self.state.held[key]))
        while self.executed[self.first]:
            self.first += 1
        return self.listed[place].outcome == "ok"

    def _undo(self) -> bool:
        place, before, self.signature = self.done.pop()
        self.state.held.update(before)
        self.executed[place] = False
        self.first = min(self.first, place)
        return self.listed[place].outcome == "ok"

    def _candidates(self) -> Iterator[int]:
        """What may come next: one that only reads and fits, alone; or those that write, the first completed first."""
        writers: list[int] = []
        for place in self._open():
            each = self.listed[place]
            if any(micro.f not in ("r", "rp") for micro in each.micros):
                writers.append(place)
            elif each.outcome == "ok" and self.state.execute(each) is not None:
                return iter((place,))
        writers.sort(key=lambda place: (self.listed[place].outcome != "ok", _end(self.listed[place])))
        return iter(writers)

    def _open(self) -> list[int]:
        """Those that are not done, and before which nothing must be done that is not."""
        ends: dict[Hashable, float] = {}
        found: list[int] = []
        for place in range(self.first, len(self.listed)):
            each = self.listed[place]
            if self.executed[place]:
                continue
            group = each.session if self.form is Order.SESSION else None
            if self.form is Order.REALTIME and each.invoke > ends.get(group, inf):
                break
            ends[group] = min(ends.get(group, inf), _end(each))
            found.append(place)
        if self.form is Order.NONE:
            return found
        groups = [self.listed[place].session if self.form is Order.SESSION else None for place in found]
        return [place for place, group in zip(found, groups, strict=True) if self.listed[place].invoke < ends[group]]


def _end(transaction: Parsed) -> float:
    return inf if transaction.complete is None else transaction.complete
