"""Which levels a history of registers satisfies, each decided once, when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from checkers.transactional.lattice import MODELS, Family, Model, Order, forbids, implied
from checkers.transactional.register.history import RegisterHistory
from checkers.transactional.register.polygraph.decide import Polygraphs
from checkers.transactional.register.polygraph.schedule import Schedule
from checkers.transactional.register.saturation import POLYNOMIAL, Known, refuted
from harness.result import Validity

_Key = tuple[Family, Order]


@dataclass(slots=True)
class Verdicts:
    """Of one history whose reads are explained. ``refutations[level]``: transactions that refute it by themselves;
    ``None``: it holds. ``proofs[level]``: a schedule that shows it, of those that took a search."""

    history: RegisterHistory
    known: Known
    polygraphs: Polygraphs
    refutations: dict[_Key, frozenset[int] | None] = field(default_factory=dict)
    proofs: dict[_Key, Schedule] = field(default_factory=dict)

    def of(self, model: Model) -> bool:
        """Whether the level holds. Raises :class:`checkers.guard.OutOfTimeError`."""
        return False if self.misread(model) else self.ordered(model)

    def misread(self, model: Model) -> bool:
        """Whether a wrong read forbids the level."""
        return any(forbids(model, each.type) for each in self.history.observations)

    def ordered(self, model: Model) -> bool:
        """The same, the wrong reads left out."""
        if _key(model) not in self.refutations:
            self._decide(model)
        return self.refutations[_key(model)] is None

    def inherited(self, model: Model) -> Validity:
        """What others that are decided already say of it."""
        key = _key(model)
        if key not in self.refutations:
            if any(each in self.refutations and self.refutations[each] is None for each in _implying(model.name)):
                self.refutations[key] = None
            for weaker in _implied(model.name):
                found = self.refutations.get(_key(weaker))
                if found is not None:
                    self.refutations[key] = found
                    break
        return self.refutations[key] is None if key in self.refutations else "unknown"

    def _decide(self, model: Model) -> None:
        key = _key(model)
        if model.family not in POLYNOMIAL and self.inherited(model) == "unknown":
            for weaker in _implied(model.name):
                if weaker.family in POLYNOMIAL:
                    self.ordered(weaker)
        if self.inherited(model) != "unknown":
            return
        if model.family in POLYNOMIAL:
            found = refuted(self.known, model.family, model.order)
            self.refutations[key] = None if found is None else frozenset(found)
            return
        for members in dict.fromkeys(each for each in self.refutations.values() if each is not None):
            if self.polygraphs.refutes(model.family, model.order, members):
                self.refutations[key] = members
                return
        decision = self.polygraphs.decide(model.family, model.order)
        self.refutations[key] = None if decision.proof is not None else frozenset(decision.members)
        if decision.proof is not None:
            self.proofs[key] = decision.proof


def _key(model: Model) -> _Key:
    return model.family, model.order


@cache
def _implying(name: str) -> tuple[_Key, ...]:
    return tuple(_key(each) for each in MODELS.values() if name in implied(each.name) and name != each.name)


@cache
def _implied(name: str) -> tuple[Model, ...]:
    """The weaker ones, in the order of the table."""
    return tuple(each for each in MODELS.values() if each.name in implied(name) and name != each.name)


@dataclass(frozen=True, slots=True)
class Choices:
    """The verdicts for each choice of what the ambiguous reads saw: a level holds if it does for one of them."""

    several: Sequence[Verdicts]

    def of(self, model: Model) -> bool:
        """Raises :class:`checkers.guard.OutOfTimeError`."""
        return any(each.of(model) for each in self.several)

    def limit(self, deadline: float | None) -> None:
        """From now on."""
        for each in self.several:
            each.known.deadline = each.polygraphs.deadline = deadline

    def known(self, model: Model) -> Validity:
        """The same, without deciding anything more."""
        answers = {False if each.misread(model) else each.inherited(model) for each in self.several}
        return True if True in answers else "unknown" if "unknown" in answers else False


def verdicts(history: RegisterHistory, deadline: float | None = None) -> Verdicts:
    """Nothing is decided yet."""
    return Verdicts(history, Known(history, deadline), Polygraphs(history, deadline=deadline))
