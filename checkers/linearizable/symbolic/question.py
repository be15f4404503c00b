"""Events and their order as a question: which of them are taken, and what comes before what.

An event that must take effect is taken in any case. Of optional ones with the same step those invoked first are taken
first, in the order of their invocations: two of them could change places. So could two with the same step that must
take effect and of which one begins and ends first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from checkers.linearizable.limit import Limit
from checkers.linearizable.model import Step
from checkers.linearizable.operation import Operation
from checkers.linearizable.symbolic.formula import FALSE, TRUE, Formula
from checkers.linearizable.symbolic.order import TRIANGLES_MAX, Order
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

    def __init__(self, events: Sequence[Event], limit: Limit, counting: Sequence[int] = ()) -> None:
        """The events ``counting`` are taken only where that is assumed; an optional one of the same operation only
        where it is not."""
        self.events = events
        self.formula = Formula(limit)
        self.order = Order(self.formula, [(event.invoke, event.complete) for event in events])
        self._solver: Solver | None = None
        self._contradiction = False
        assumed = set(counting)
        self.taken = [
            self.formula.variable() if event.optional or number in assumed else TRUE
            for number, event in enumerate(events)
        ]
        self._exchange({events[number].invoke: self.taken[number] for number in counting})

    def __len__(self) -> int:
        return len(self.events)

    def before(self, a: int, b: int) -> int:
        return self.order.before(a, b)

    def together(self, a: int, b: int) -> int:
        """The literal that a is taken, and before b."""
        return self.formula.both(self.taken[a], self.before(a, b))

    def chosen(self, found: Answered, *, others: bool = True) -> Iterator[int]:
        """Literals that say which optional events the answer takes; and, with ``others``, which it does not."""
        for literal in self.taken:
            if literal != TRUE and (others or found.holds(literal)):
                yield literal if found.holds(literal) else -literal

    def ask(self, limit: Limit, assumptions: Sequence[int] = ()) -> Answered:
        """An order of all events that are taken. Saturates on the first call; later ones may follow more clauses."""
        if self._solver is None:
            self._contradiction = not assumptions and not saturate(self.formula, self.order)
            self.order.close(TRIANGLES_MAX // 4 if assumptions else TRIANGLES_MAX)
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

    def _exchange(self, counts: Mapping[int, int]) -> None:
        """``counts``: by the invocations of operations that may be assumed to be taken, the literals of that."""
        groups: defaultdict[Step, list[int]] = defaultdict(list)
        for number in sorted(range(len(self)), key=lambda number: self.events[number].invoke):
            groups[self.events[number].step].append(number)
        for group in groups.values():
            optional = [number for number in group if self.events[number].optional]
            for number in optional:
                self.formula.add(-self.taken[number], -counts.get(self.events[number].invoke, FALSE))
            for a, b in pairwise(optional):
                self.formula.add(-self.taken[b], self.taken[a], counts.get(self.events[a].invoke, FALSE))
                self.order.force(a, b)
            required = [number for number in group if self.taken[number] == TRUE]
            for a, b in _overlapping(self.events, required):
                self.order.force(a, b)


def _overlapping(events: Sequence[Event], group: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The pairs that run together, of which the first both begins and ends first."""
    for at, a in enumerate(group):
        for b in group[at + 1 :]:
            if events[b].invoke > events[a].complete:
                break
            if events[b].complete > events[a].complete:
                yield a, b
