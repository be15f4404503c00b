"""A witness of invalidity: a set S of operations that no one order explains, however the others are helped.

What no order explains must stay so when every operation outside S that only observes is removed, and every other one
outside S becomes optional (``Scope.asking``). More operations in S only make it harder to explain; so a smallest S is
found by halving: which is the first, in order of completion, without which the rest (and what is known to be needed)
can be explained? S is minimal if without any one of its members the rest is explained, or not decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from checkers.linearizable.limit import Limit
from checkers.linearizable.problem import completion
from checkers.linearizable.witness import ContradictionError
from checkers.sequential import brute
from checkers.sequential.decide import refutes
from checkers.sequential.scope import Item, Scope, invocation

_CONFIGURATIONS: Final = 5_000  # of one question
_BRUTE_OPERATIONS: Final = 24
_BRUTE_VISITS: Final = 4_000


@dataclass(frozen=True, slots=True)
class Witness:
    """``items`` in order of invocation. ``confirmed`` names what decided, of the witness alone, that it is invalid:
    "search", "brute" too where it is small enough, nothing where the budget did not allow it."""

    items: tuple[Item, ...]
    minimal: bool
    confirmed: tuple[str, ...]


def witness(scope: Scope, refuted: Sequence[Item], limit: Limit) -> Witness:
    """A witness within ``refuted``, the smallest that the limit allows to find. Raises
    :class:`checkers.linearizable.witness.ContradictionError`."""
    shrinking = _Shrinking(scope, limit)
    found = shrinking.smallest(sorted(refuted, key=lambda item: completion(item.operation)))
    if found is None:
        return Witness(tuple(sorted(refuted, key=invocation)), False, ())
    chosen = tuple(sorted(found, key=invocation))
    visits = _by_brute(scope, chosen)
    return Witness(chosen, not limit.expired(), ("search", "brute") if visits else ("search",))


def _by_brute(scope: Scope, chosen: Sequence[Item]) -> bool:
    """Whether brute force, too, says that the chosen operations are a witness."""
    asked = scope.asking(chosen)
    if len(asked.required) + len(asked.optional) > _BRUTE_OPERATIONS:
        return False
    verdict = brute.decide(asked, visits_max=_BRUTE_VISITS)
    if verdict:
        raise ContradictionError(f"brute force finds an order of {len(chosen)} operations that the search refuted")
    return verdict is False


class _Shrinking:
    """Makes witnesses smaller; anything that is not decided counts as none."""

    def __init__(self, scope: Scope, limit: Limit) -> None:
        self._scope, self._limit = scope, limit

    def refutes(self, chosen: Sequence[Item]) -> bool:
        if self._limit.expired():
            return False
        asked = self._scope.asking(chosen)
        return bool(refutes(asked, self._limit.at_most(configurations=_CONFIGURATIONS)))

    def smallest(self, candidates: list[Item]) -> list[Item] | None:
        """A minimal witness among the candidates, None if these are not known to be one."""
        if not self.refutes(candidates):
            return None
        needed: list[Item] = []
        left = candidates
        while not self.refutes(needed):
            length = self._shortest(needed, left)
            needed.append(left[length - 1])
            left = left[: length - 1]
            if self._limit.expired():
                return needed + left
        return self._without_idle(needed)

    def _shortest(self, needed: Sequence[Item], left: Sequence[Item]) -> int:
        """How many of ``left`` make a witness of ``needed``; all of them do."""
        low, high = 1, len(left)
        while low < high:
            middle = (low + high) // 2
            if self.refutes([*needed, *left[:middle]]):
                high = middle
            else:
                low = middle + 1
        return high

    def _without_idle(self, found: list[Item]) -> list[Item]:
        """Without what is not needed: where a question was not decided, halving may have kept some."""
        for item in list(found):
            rest = [other for other in found if other is not item]
            if self.refutes(rest):
                found = rest
        return found
