"""Which levels a history of registers satisfies, each decided once, when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from checkers.transactional.lattice import MODELS, Family, Model, Order, forbids, implied
from checkers.transactional.register.exact import Undecided, refuted_exactly
from checkers.transactional.register.history import RegisterHistory
from checkers.transactional.register.saturation import POLYNOMIAL, Known, refuted
from harness.result import Validity

_Key = tuple[Family, Order]


@dataclass(slots=True)
class Verdicts:
    """Of one history whose reads are explained. ``refutations[level]``: transactions that refute it by themselves;
    ``None``: it holds. ``undecided``: why nobody knows."""

    history: RegisterHistory
    known: Known
    refutations: dict[_Key, frozenset[int] | None] = field(default_factory=dict)
    undecided: dict[_Key, str] = field(default_factory=dict)

    def of(self, model: Model) -> Validity:
        """Whether the level holds."""
        if any(forbids(model, each.type) for each in self.history.observations):
            return False
        return self.ordered(model)

    def ordered(self, model: Model) -> Validity:
        """The same, the wrong reads left out."""
        key = (model.family, model.order)
        if key not in self.refutations and key not in self.undecided:
            self._decide(model)
        return "unknown" if key in self.undecided else self.refutations[key] is None

    def _decide(self, model: Model) -> None:
        key = (model.family, model.order)
        if any(self.refutations.get(_key(stronger), frozenset()) is None for stronger in _implying(model)):
            self.refutations[key] = None
            return
        for weaker in (each for name, each in MODELS.items() if name in implied(model.name) and name != model.name):
            if weaker.family in POLYNOMIAL and model.family not in POLYNOMIAL:
                self.ordered(weaker)
            inherited = self.refutations.get(_key(weaker))
            if inherited is not None:
                self.refutations[key] = inherited
                return
        try:
            if model.family in POLYNOMIAL:
                found = refuted(self.known, model.family, model.order)
                self.refutations[key] = None if found is None else frozenset(found)
            else:
                self.refutations[key] = refuted_exactly(self.known, model.family, model.order)
        except Undecided as error:
            self.undecided[key] = str(error)


def _key(model: Model) -> _Key:
    return model.family, model.order


def _implying(model: Model) -> Sequence[Model]:
    return [each for each in MODELS.values() if model.name in implied(each.name)]


@dataclass(frozen=True, slots=True)
class Choices:
    """The verdicts for each choice of what the ambiguous reads saw: a level holds if it does for one of them."""

    several: Sequence[Verdicts]

    def of(self, model: Model) -> Validity:
        answers = {each.of(model) for each in self.several}
        return True if True in answers else "unknown" if "unknown" in answers else False

    def why(self, model: Model) -> str:
        """Why nobody knows."""
        return next(each.undecided[_key(model)] for each in self.several if _key(model) in each.undecided)
