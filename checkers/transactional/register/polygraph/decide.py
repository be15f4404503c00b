"""Whether a history of register transactions satisfies a level: a schedule that proves it, or a few that refute it."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import nsmallest
from time import monotonic
from typing import Final

from checkers.guard import OutOfTimeError
from checkers.transactional.lattice import Family, Order
from checkers.transactional.register.history import INITIAL, RegisterHistory
from checkers.transactional.register.polygraph.dependency import Dependencies, broken, dependencies
from checkers.transactional.register.polygraph.facts import Facts, facts
from checkers.transactional.register.polygraph.proof import objection
from checkers.transactional.register.polygraph.schedule import Schedule, schedule
from checkers.transactional.register.polygraph.window import Explained, Question, SolverName, explain, shortened
from checkers.transactional.transaction import Transaction

DECIDED: Final = frozenset(
    (Family.ANY, Family.SNAPSHOT, Family.PREFIX, Family.ONE_RW, Family.UPDATE, Family.CURSOR)
)  # fmt: skip
FLAWS_SHARE: Final = 0.05
WHOLE_MAX: Final = 20_000
"""Where the guess has that many flaws, and the history no more transactions, its sessions say more than the guess."""
PAIRS_MAX: Final = 200_000
"""Of writes of one register: as many may be decided at once."""
REFUTING_MAX: Final = 64
"""What refutes one level is asked about others, if it is no more transactions than that."""
WHOLE_SHARE: Final = 0.5
"""Once a window has that much of the history, everything is decided at once."""


@dataclass(frozen=True, slots=True)
class Decision:
    """``proof`` if the level holds; else ``members``, transactions that refute it by themselves, none of them without
    need (unless time was short). ``windows`` and ``pairs``: how many groups of transactions were decided exactly, and
    how many orders of two writes known order had left open there."""

    proof: Schedule | None
    members: tuple[int, ...] = ()
    windows: int = 0
    pairs: int = 0

    @property
    def valid(self) -> bool:
        return self.proof is not None


@dataclass(slots=True)
class Polygraphs:
    """Decisions about one history, what they have in common made once. ``guess``: whether the history is executed by a
    guess first, and decided exactly only where that fails; else all at once."""

    history: RegisterHistory
    solver: SolverName = "sat"
    deadline: float | None = None
    guess: bool = True
    _facts: Facts | None = None
    _groups: dict[Order, list[int]] = field(default_factory=dict)
    _decisions: dict[tuple[Family, Order], Decision] = field(default_factory=dict)
    _schedules: dict[tuple[Family, Order], Schedule] = field(default_factory=dict)

    def decide(self, family: Family, order: Order) -> Decision:
        """``family`` must be in DECIDED; what is wrong with single reads is not looked at.

        Raises :class:`checkers.guard.OutOfTimeError`.
        """
        assert family in DECIDED, f"{family.name} is decided by saturation"
        key = family, order
        if key not in self._decisions:
            self._decisions[key] = self._decide(family, order)
        return self._decisions[key]

    def refutes(self, family: Family, order: Order, members: Collection[int]) -> bool:
        """Whether so few transactions are enough to refute the level, too."""
        if len(members) > REFUTING_MAX:
            return False
        return explain(self._question(family, order), sorted(members), range(len(self.history))) is None

    def _question(self, family: Family, order: Order) -> Question:
        known = self._facts = self._facts or facts(self.history)
        return Question(known, family, order, self._grouped(order), self.solver, self.deadline)

    def _decide(self, family: Family, order: Order) -> Decision:
        question = self._question(family, order)
        known = question.facts
        search = _Search(question, {})
        if not self.guess:
            return search.whole(range(len(known)))
        guess, hint = self._guess(family, order)
        if not guess.flaws and objection(self.history, family, order, guess) is None:
            return Decision(guess)
        flawed = self._flawed(guess) and len(known) <= WHOLE_MAX
        if order is not Order.REALTIME and not (flawed and order is Order.SESSION):
            form = Order.SESSION if flawed else hint
            if form is not order and self._settles(question, self.decide(family, form), guess):
                return self.decide(family, form)
        if flawed and (order is not Order.NONE or known.pairs() <= PAIRS_MAX):
            return search.whole(guess.commits)
        return search.search(guess, self._grouped(hint))

    def _flawed(self, guess: Schedule) -> bool:
        return guess.flaws > len(self.history) * FLAWS_SHARE

    def _settles(self, question: Question, stronger: Decision, guess: Schedule) -> bool:
        """Whether what a stronger form's decision rests on decides this form, too."""
        if stronger.proof is None:
            return explain(question, stronger.members, guess.commits) is None
        return objection(self.history, question.family, question.order, stronger.proof) is None

    def _guess(self, family: Family, order: Order) -> tuple[Schedule, Order]:
        """A schedule in real time; or, if that has many flaws, in the order of sessions, if that has fewer."""
        hints = (Order.REALTIME,) if order is Order.REALTIME else (Order.REALTIME, Order.SESSION)
        found: list[tuple[Schedule, Order]] = []
        for hint in hints:
            if (family, hint) not in self._schedules:
                assert self._facts is not None, "made before"
                self._schedules[family, hint] = schedule(self._facts, family, self._grouped(hint))
            found.append((self._schedules[family, hint], hint))
            if not self._flawed(found[-1][0]):
                break
        return min(found, key=lambda each: each[0].flaws)

    def _grouped(self, order: Order) -> list[int]:
        if order not in self._groups:
            codes: dict[Hashable, int] = {}
            self._groups[order] = [
                codes.setdefault(_group(each, order), len(codes)) for each in self.history.transactions
            ]
        return self._groups[order]


def _group(transaction: Transaction, order: Order) -> Hashable:
    """Transactions of one group are related by the order."""
    return {Order.NONE: transaction.number, Order.SESSION: transaction.session, Order.REALTIME: None}[order]


@dataclass(slots=True)
class _Search:
    """Windows are disjoint; each has an order of its members that the next guess must keep."""

    question: Question
    windows: dict[frozenset[int], Explained]

    def whole(self, position: Sequence[int]) -> Decision:
        """All transactions at once."""
        everyone = range(len(self.question.facts))
        explained = explain(self.question, everyone, position)
        if explained is None:
            return self.refuted(everyone, position)
        return self.proved(_schedule(len(everyone), explained.moments))

    def search(self, guess: Schedule, groups: Sequence[int]) -> Decision:
        question = self.question
        while True:
            if question.deadline is not None and monotonic() > question.deadline:
                raise OutOfTimeError(f"{len(self.windows)} groups of transactions had been decided")
            found = dependencies(question.facts, question.family, question.order, guess)
            order, broken_groups = broken(found)
            if not broken_groups:
                return self.proved(_schedule(len(question.facts), _moments(found, order)))
            for members in broken_groups:
                union = self.joined(members)
                while union in self.windows and len(union) < len(guess.commits):
                    grown = self.joined(neighbours(question.facts, guess, union))
                    if grown == union:  # nobody else has to do with them
                        return self.whole(guess.commits)
                    union = grown
                if len(union) > len(guess.commits) * WHOLE_SHARE:
                    return self.whole(guess.commits)
                refuted = self.decide(union, guess.commits, groups)
                if refuted is not None:
                    return refuted
            guess = schedule(question.facts, question.family, groups, self.learned())

    def joined(self, members: Iterable[int]) -> frozenset[int]:
        """With those from which they read what others of them wrote over, and the windows that share some of all."""
        known = self.question.facts
        inside = set(members)
        wrote = {known.registers[version] for number in inside for version in known.writes[number]}
        sources = {
            known.writers[version] for number in inside for version in known.reads[number]
            if known.registers[version] in wrote
        }  # fmt: skip
        union = frozenset(inside | sources - {INITIAL})
        for window in self.windows:
            if not window.isdisjoint(union):
                union |= window
        return union

    def decide(self, members: frozenset[int], position: Sequence[int], groups: Sequence[int]) -> Decision | None:
        """In the order of the guess, if that is possible; else in that of the level."""
        question = self.question
        explained = None
        if groups != question.groups:
            hinted = replace(question, order=Order.REALTIME, groups=groups)
            explained = explain(hinted, sorted(members), position)
            question.windows, question.pairs = hinted.windows, hinted.pairs
        explained = explained or explain(question, sorted(members), position)
        if explained is None:
            return self.refuted(sorted(members), position)
        for window in [each for each in self.windows if not each.isdisjoint(members)]:
            del self.windows[window]
        self.windows[members] = explained
        return None

    def learned(self) -> Mapping[int, Sequence[int]]:
        before: dict[int, list[int]] = {}
        for explained in self.windows.values():
            for first, second in explained.version_pairs(self.question.facts):
                before.setdefault(second, []).append(first)
        return before

    def proved(self, proof: Schedule) -> Decision:
        question = self.question
        why = objection(question.facts.history, question.family, question.order, proof)
        assert why is None, f"the schedule proves nothing: {why}"
        return Decision(proof, (), question.windows, question.pairs)

    def refuted(self, members: Sequence[int], position: Sequence[int]) -> Decision:
        few = shortened(self.question, members, position)
        return Decision(None, few, self.question.windows, self.question.pairs)


def neighbours(known: Facts, guess: Schedule, members: Iterable[int]) -> set[int]:
    """With those that read what the members wrote, or wrote just before or after them."""
    found = set(members)
    commits = guess.commits
    for number in list(found):
        for version in known.writes[number]:
            found.update(known.readers[version])
            register = known.registers[version]
            first, end = known.initial[register] + 1, known.end(register)
            others = known.writers[first:end]
            found.update(nsmallest(3, others, key=lambda other: abs(commits[other] - commits[number])))
        for version in known.reads[number]:
            if known.writers[version] != INITIAL:
                found.add(known.writers[version])
    return found


def _moments(found: Dependencies, order: Sequence[int]) -> Iterable[tuple[int, bool]]:
    count = len(found.facts)
    for node in order:
        number = found.transaction(node)
        if number >= 0:
            yield number, not found.shift or node >= count


def _schedule(count: int, moments: Iterable[tuple[int, bool]]) -> Schedule:
    """One step for each moment."""
    begins, commits = [-1] * count, [-1] * count
    for step, (number, commit) in enumerate(moments):
        if commit:
            commits[number] = step
            if begins[number] < 0:
                begins[number] = step
        else:
            begins[number] = step
    return Schedule(begins, commits, 0)
