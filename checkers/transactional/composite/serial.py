"""A serial order that explains what every read returned, searched state by state, and checked again by execution.

A transaction that only reads is executed as soon as its reads fit: that changes nothing for the others. Among those
that write the one that completed first is tried first, as it mostly happened. The search is bounded: that it finds
nothing proves nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final

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


def serial_order(composite: Composite, form: Order) -> list[int] | None:
    """Numbers of transactions in such an order; None if the bounded search found none."""
    return _Search(composite, form).run()


@dataclass(slots=True)
class _Search:
    composite: Composite
    form: Order
    dead: set[tuple[int, int]] = field(default_factory=set)

    def run(self) -> list[int] | None:
        """Depth first, by a stack of what may still be tried at each depth."""
        transactions = [each for each in self.composite.transactions if each.outcome != "fail"]
        waiting = {each.number: each for each in transactions}
        needed = sum(each.outcome == "ok" for each in transactions)
        state = State(self.composite)
        done: list[int] = []
        undo: list[dict[Atom, Any]] = []
        stack: list[Iterator[Parsed]] = [self._candidates(waiting, state)]
        steps = max(STEPS_MIN, STEPS_PER_TRANSACTION * len(transactions))
        certain = 0
        while stack:
            if certain == needed:
                return done
            each = next(stack[-1], None)
            before = None if each is None else state.execute(each)
            if each is None:
                stack.pop()
                if not done:
                    return None
                last = self.composite.transactions[done.pop()]
                certain -= last.outcome == "ok"
                waiting[last.number] = last
                state.held.update(undo.pop())
                continue
            steps -= 1
            if steps < 0:
                return None
            if before is None:
                continue
            done.append(each.number)
            undo.append(before)
            certain += each.outcome == "ok"
            del waiting[each.number]
            stack.append(self._following(waiting, state, done))
        return None

    def _following(self, waiting: dict[int, Parsed], state: State, done: list[int]) -> Iterator[Parsed]:
        """Nothing, if the same transactions had led to the same state before."""
        seen = hash(frozenset(done)), hash(frozenset(state.held.items()))
        if seen in self.dead:
            return iter(())
        self.dead.add(seen)
        return self._candidates(waiting, state)

    def _candidates(self, waiting: dict[int, Parsed], state: State) -> Iterator[Parsed]:
        """What may come next: one that only reads and fits, alone; or those that write, the first completed first."""
        ends: dict[Hashable, float] = {}
        for each in waiting.values() if self.form is not Order.NONE else ():
            group = each.session if self.form is Order.SESSION else None
            ends[group] = min(ends.get(group, inf), inf if each.complete is None else each.complete)
        writers = []
        for each in waiting.values():
            group = each.session if self.form is Order.SESSION else None
            if each.invoke > ends.get(group, inf):
                if self.form is Order.REALTIME:
                    break  # in order of invocation
                continue
            if any(micro.f not in ("r", "rp") for micro in each.micros):
                writers.append(each)
            elif each.outcome == "ok" and state.execute(each) is not None:
                return iter((each,))
        writers.sort(key=lambda each: (each.outcome != "ok", inf if each.complete is None else each.complete))
        return iter(writers)
