"""Containers: whoever takes a value takes what one certain event put in.

Each take is matched with a put before it; each put with at most one take. What is taken must be the next to go: of any
other put before the take, either it is not nearer to that end of the container, or it has been taken away by then.
Which of two is nearer is what makes a queue, a stack or a deque (``Nearer``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from checkers.linearizable.model import EMPTY, UNKNOWN
from checkers.linearizable.symbolic.formula import FALSE, TRUE
from checkers.linearizable.symbolic.question import Answered, Question

# nearer(question, put, other, take): the literal that put goes before the other, seen from where the take takes.
Nearer = Callable[[Question, int, int, int], int]


def first_in(question: Question, put: int, other: int, take: int) -> int:
    """Of a queue."""
    return question.before(put, other)


def last_in(question: Question, put: int, other: int, take: int) -> int:
    """Of a stack."""
    return question.before(other, put)


def by_end(question: Question, put: int, other: int, take: int) -> int:
    """Of a deque: of two, the one put in later is nearer to the end where it was put in."""
    end = question.events[take].step.f.partition("-")[2]
    later = question.before(other, put)
    if question.events[put].step.f.endswith(end):
        return TRUE if not question.events[other].step.f.endswith(end) else later
    return FALSE if question.events[other].step.f.endswith(end) else -later


@dataclass(frozen=True, slots=True)
class Container:
    """Puts and takes, and peeks at what would go next; ``nearer`` says which does."""

    question: Question
    nearer: Nearer
    _puts: list[int] = field(default_factory=list)
    _sure: dict[str, int] = field(default_factory=dict)  # bit sets of the puts, and of the takes, that are surely taken
    _all: dict[str, int] = field(default_factory=dict)  # and of all of them
    _matches: dict[tuple[int, int], int] = field(default_factory=dict)  # by (take, put)
    _takers: defaultdict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    _gone: dict[tuple[int, int], int] = field(default_factory=dict)

    def constrain(self) -> None:
        events = self.question.events
        self._puts.extend(number for number, event in enumerate(events) if event.step.f.startswith("put"))
        takes = [n for n, e in enumerate(events) if e.step.f.startswith("take") and e.step.returned != EMPTY]
        for kind, numbers in (("put", self._puts), ("take", takes)):
            self._all[kind] = sum(1 << number for number in numbers)
            self._sure[kind] = sum(1 << number for number in numbers if self.question.taken[number] == TRUE)
        for take in takes:
            self._match(take)
        for put in self._puts:
            self.question.formula.at_most_one([match for _, match in self._takers[put]])
        for take in takes:
            self.question.formula.check_time()
            for put in self._candidates(take):
                self._goes_next(self._matches[take, put], take, put)
        for number, event in enumerate(events):
            if event.step.returned == EMPTY:
                for put in self._puts:
                    if not self._follows(put, number):
                        self._absent(self.question.taken[number], put, number)
            elif event.step.f.startswith("peek"):
                self._see(number)

    def ending(self, found: Answered) -> Iterator[int]:
        """Literals that hold in the answer and together imply what is left at its end, in which order."""
        yield from self.question.chosen(found)
        yield from (match for match in self._matches.values() if found.holds(match))
        gone = {put for (_, put), match in self._matches.items() if found.holds(match)}
        left = [event for event in found.order if event in set(self._puts) - gone]
        yield from (self.question.before(a, b) for a, b in pairwise(left))

    def _candidates(self, number: int) -> list[int]:
        """The puts that the event may have taken or seen."""
        wanted, events = self.question.events[number].step.returned, self.question.events
        alike = (put for put in self._puts if wanted is UNKNOWN or events[put].step.given[0] == wanted)
        return [put for put in alike if self.question.before(put, number) != FALSE and self._plausible(put, number)]

    def _plausible(self, put: int, take: int) -> bool:
        """Whether nothing that is forced contradicts that what was put in goes next. As many go out of a queue before
        the one as went in before the other; between the two, as many come on top of a stack as go."""
        ahead, after = self.question.order.ahead, self.question.order.after
        if self.nearer is first_in:
            least, most = (ahead[put] & self._sure["put"]), self._all["put"] & ~after[put] & ~(1 << put)
            fewest, greatest = (ahead[take] & self._sure["take"]), self._all["take"] & ~after[take] & ~(1 << take)
        elif self.nearer is last_in:
            within, around = after[put] & ahead[take], ~(ahead[put] | after[take] | 1 << put | 1 << take)
            least, most = self._sure["put"] & within, self._all["put"] & around
            fewest, greatest = self._sure["take"] & within, self._all["take"] & around
        else:
            return True
        return least.bit_count() <= greatest.bit_count() and fewest.bit_count() <= most.bit_count()

    def _follows(self, put: int, number: int) -> bool:
        """Of a queue: whether another put is surely between. That one must be gone by the event, too, and this one was
        gone before it went."""
        order = self.question.order
        return self.nearer is first_in and bool(order.after[put] & order.ahead[number] & self._sure["put"])

    def _match(self, take: int) -> None:
        question, formula = self.question, self.question.formula
        candidates = self._candidates(take)
        matches = [formula.variable() for _ in candidates]
        formula.add(-question.taken[take], *matches)
        formula.at_most_one(matches)
        for put, match in zip(candidates, matches, strict=True):
            self._matches[take, put] = match
            self._takers[put].append((take, match))
            formula.add(-match, question.taken[take])
            formula.add(-match, question.taken[put])
            formula.add(-match, question.before(put, take))

    def _see(self, peek: int) -> None:
        question, formula = self.question, self.question.formula
        candidates = self._candidates(peek)
        seen = [formula.variable() for _ in candidates]
        formula.add(-question.taken[peek], *seen)
        for put, sees in zip(candidates, seen, strict=True):
            formula.add(-sees, question.taken[put])
            formula.add(-sees, question.before(put, peek))
            for take, match in self._takers[put]:
                formula.add(-sees, -match, question.before(peek, take))
            self._goes_next(sees, peek, put)

    def _goes_next(self, guard: int, number: int, put: int) -> None:
        for other in self._puts:
            if other != put and not self._follows(other, put):
                nearer = self.nearer(self.question, put, other, number)
                if nearer != TRUE:
                    self._absent(guard, other, number, nearer)

    def _absent(self, guard: int, put: int, number: int, unless: int = FALSE) -> None:
        """Where the guard holds, and ``unless`` does not: the put is not taken, or after the event, or gone by then."""
        question = self.question
        later = question.before(number, put)
        if later != TRUE:
            question.formula.add(-guard, -question.taken[put], unless, later, self._is_gone(put, number))

    def _is_gone(self, put: int, number: int) -> int:
        """A literal that implies that what was put in has been taken out before the event."""
        question, formula = self.question, self.question.formula
        if (put, number) not in self._gone:
            takers = [(take, match) for take, match in self._takers[put] if take != number]
            takers = [(take, match) for take, match in takers if question.before(take, number) != FALSE]
            self._gone[put, number] = gone = formula.variable() if takers else FALSE
            if takers:
                formula.add(-gone, *(match for _, match in takers))
            for take, match in self._takers[put] if takers else ():
                formula.add(-gone, -match, FALSE if take == number else question.before(take, number))
        return self._gone[put, number]
