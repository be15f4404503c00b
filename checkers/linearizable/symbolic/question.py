"""Events and their order as a question: which of them are taken, and what comes before what.

An event that must take effect is taken in any case. Of optional ones with the same step those invoked first are taken
first, in the order of their invocations: two of them could change places. So could two with the same step that must
take effect and of which one begins and ends first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from checkers.guard import OutOfTimeError
from checkers.linearizable.limit import Limit
from checkers.linearizable.model import Step
from checkers.linearizable.operation import Operation
from checkers.linearizable.symbolic.formula import FALSE, TRUE, Formula
from checkers.linearizable.symbolic.order import Circular, Order
from checkers.linearizable.symbolic.saturation import saturate
from checkers.linearizable.symbolic.solver import Answer, Solver


@dataclass(frozen=True, slots=True)
class Event:
    """A step that takes effect between ``invoke`` and ``complete`` (infinity: or never). ``operation`` None: it stands
    for something that was there before."""

    step: Step
    invoke: int
    complete: float
    operation: Operation | None = None

    @property
    def optional(self) -> bool:
        return self.complete == inf


@dataclass(frozen=True, slots=True)
class Answered:
    """``order``: the events taken, in an order that answers the question, if there is one. ``holds`` says of a literal
    that is not about the order whether it holds there."""

    answer: Answer
    order: tuple[int, ...] = ()
    holds: Callable[[int], bool] = bool


class Question:
    """What the semantics (``cells``, ``sums``, ...) add to: ``formula``, in the words ``taken`` and ``before``."""

    def __init__(self, events: Sequence[Event], limit: Limit, taken: Sequence[int] | None = None) -> None:
        self.events = events
        self.formula = Formula(limit)
        self.taken = list(taken or ())
        self.order = Order(self.formula, [(event.invoke, event.complete) for event in events])
        self._solver: Solver | None = None
        self._contradiction = False
        if taken is None:
            self.taken = [self.formula.variable() if event.optional else TRUE for event in events]
            self._exchange()

    def __len__(self) -> int:
        return len(self.events)

    def before(self, a: int, b: int) -> int:
        return self.order.before(a, b)

    def together(self, a: int, b: int) -> int:
        """The literal that a is taken, and before b."""
        return self.formula.both(self.taken[a], self.before(a, b))

    def ask(self, limit: Limit, assumptions: Sequence[int] = ()) -> Answered:
        """An order of all events that are taken. Saturates on the first call; later ones may follow more clauses."""
        if self._solver is None:
            if not assumptions and not saturate(self.formula, self.order):
                self._contradiction = True
            self.order.close()
            self._solver = Solver(self.formula)
        if self._contradiction:
            return Answered("unsat")
        while True:
            answer = self._solver.check(limit, assumptions)
            if answer != "sat":
                return Answered(answer)
            present = sum(1 << a for a, taken in enumerate(self.taken) if self.holds(taken))
            arranged, circles = self.order.arrange(self._solver.holds, present)
            if not circles:
                return Answered("sat", tuple(arranged), self.holds)
            for circle in circles:
                self.formula.add(*(-literal for literal in circle))
            if limit.expired():
                return Answered("time")

    def holds(self, literal: int) -> bool:
        if literal in (TRUE, FALSE):
            return literal == TRUE
        assert self._solver is not None
        return bool(self._solver.holds(literal))

    @property
    def core(self) -> frozenset[int]:
        """After "unsat": assumptions that are enough for it."""
        return frozenset() if self._solver is None else self._solver.core

    def _exchange(self) -> None:
        groups: defaultdict[Step, list[int]] = defaultdict(list)
        for number in sorted(range(len(self)), key=lambda number: self.events[number].invoke):
            groups[self.events[number].step].append(number)
        for group in groups.values():
            optional = [number for number in group if self.events[number].optional]
            for a, b in pairwise(optional):
                self.formula.add(-self.taken[b], self.taken[a])
                self.order.force(a, b)
            for a, b in _overlapping(self.events, [number for number in group if not self.events[number].optional]):
                self.order.force(a, b)


def _overlapping(events: Sequence[Event], group: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The pairs that run together, of which the first both begins and ends first."""
    for at, a in enumerate(group):
        for b in group[at + 1 :]:
            if events[b].invoke > events[a].complete:
                break
            if events[b].complete > events[a].complete:
                yield a, b
