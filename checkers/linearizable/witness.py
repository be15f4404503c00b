"""A witness of invalidity: a set S of operations that no order explains, however the others are helped.

The history must stay invalid when every read outside S is removed and every write or CAS outside S becomes optional: it
may take effect at any time after its invocation, or never. (To delete a write outright could make a contradiction of
its own.) S is minimal if without any one of its members the rest is valid, or not decided within the budget.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from checkers.linearizable.brute import decide as decide_by_brute_force
from checkers.linearizable.limit import Limit
from checkers.linearizable.model import Model
from checkers.linearizable.operation import KeyHistory, Operation
from checkers.linearizable.problem import ANY, problem, transition
from checkers.linearizable.search import Exploration
from checkers.linearizable.supply import find

_CONFIGURATIONS: Final = 20_000  # of one question
_BRUTE_OPERATIONS: Final = 24
_BRUTE_VISITS: Final = 4_000


class ContradictionError(Exception):
    """Two ways to decide the same thing disagree: a bug of ours, and no ground for a verdict."""


@dataclass(frozen=True, slots=True)
class Witness:
    """``operations`` in order of invocation. ``confirmed`` names what decided, of the witness alone, that it is
    invalid: "search", "brute" too where it is small enough, nothing where the budget did not allow it."""

    operations: tuple[Operation, ...]
    minimal: bool
    confirmed: tuple[str, ...]


def witness(model: Model, initial: int, key: KeyHistory, refuted: Sequence[Operation], limit: Limit) -> Witness:
    """A witness within ``refuted`` (operations of the key that are one, though perhaps a large one; in order of
    completion): the smallest that the limit allows to find. Raises :class:`ContradictionError`."""
    shrinking = _Shrinking(initial, key, limit)
    chosen = list(refuted)
    if limit.expired():
        return Witness(_by_invocation(chosen), False, ())
    if shrinking.ask(chosen).ends:
        raise ContradictionError(f"the search finds an order of {len(chosen)} operations that were refuted")
    confirmed = shrinking.narrows(chosen)
    if confirmed is None:
        return Witness(_by_invocation(chosen), False, ())
    chosen = shrinking.guess(confirmed)
    size = len(chosen) // 2
    while size:
        smaller = shrinking.drop_pieces(chosen, size)
        size = size // 2 if size > 1 or len(smaller) == len(chosen) else 1
        chosen = smaller
    visits = _by_brute(model, initial, shrinking, chosen)
    return Witness(_by_invocation(chosen), not limit.expired(), ("search", "brute") if visits else ("search",))


def _by_invocation(operations: Sequence[Operation]) -> tuple[Operation, ...]:
    return tuple(sorted(operations, key=lambda operation: operation.invoke))


def _by_brute(model: Model, initial: int, shrinking: _Shrinking, chosen: Sequence[Operation]) -> bool:
    """Whether brute force, too, says that the chosen operations are a witness."""
    helpers = list(shrinking.helpers(chosen, every=True))
    if len(chosen) + len(helpers) > _BRUTE_OPERATIONS:
        return False
    verdict = decide_by_brute_force(model, initial, chosen, helpers, visits_max=_BRUTE_VISITS)
    if verdict:
        raise ContradictionError(f"brute force finds an order of {len(chosen)} operations that the search refuted")
    return verdict is False


class _Shrinking:
    """Asks whether sets of operations are witnesses; anything that is not decided counts as none."""

    def __init__(self, initial: int, key: KeyHistory, limit: Limit) -> None:
        self._initial, self._limit = initial, limit
        self._mutations: defaultdict[tuple[int, int], list[Operation]] = defaultdict(list)
        for operation in _by_invocation([*key.required, *key.optional]):
            expects, leaves = transition(operation.step)
            if expects != leaves:
                self._mutations[expects, leaves].append(replace(operation, complete=None))

    def helpers(self, chosen: Sequence[Operation], *, every: bool = False) -> Iterator[Operation]:
        """The optional operations: all others that mutate. Of a class no more are needed than chosen operations
        observe anything, the earliest ones: in a linearization with the fewest optional operations each is followed at
        once by one that observes it, so that a chain of them ends in a chosen one; and no chain uses a class twice."""
        taken = {operation.invoke for operation in chosen}
        needed = None if every else sum(transition(operation.step)[0] != ANY for operation in chosen)
        for operations in self._mutations.values():
            yield from islice((each for each in operations if each.invoke not in taken), needed)

    def narrows(self, chosen: Sequence[Operation]) -> list[Operation] | None:
        """The part of ``chosen`` (in order of completion) that is a witness already; None if none is known to be."""
        if self._limit.expired():
            return None
        found = self.ask(chosen)
        if found.ends or found.outcome != "done":
            return None
        return list(chosen[: found.refuted])

    def ask(self, chosen: Sequence[Operation]) -> Exploration:
        """Search for an order of the chosen operations, with the help of all others."""
        arrays = problem(chosen, self.helpers(chosen), self._initial)
        near = self._limit.at_most(configurations=_CONFIGURATIONS)
        return find(arrays, near)[0]

    def guess(self, chosen: list[Operation]) -> list[Operation]:
        """A small part to begin with: the last operations, and all that made the value the very last one expects."""
        wanted = transition(chosen[-1].step)[0]
        recent = 8
        while recent < len(chosen):
            part = [o for o in chosen[:-recent] if transition(o.step)[1] == wanted != transition(o.step)[0]]
            found = self.narrows(part + chosen[-recent:])
            if found is not None:
                return found
            recent *= 4
        return chosen

    def drop_pieces(self, chosen: list[Operation], size: int) -> list[Operation]:
        """Try to do without each piece of ``size`` neighbours, the earliest first."""
        at = 0
        while at < len(chosen):
            found = self.narrows(chosen[:at] + chosen[at + size :])
            if found is None:
                at += size
            else:
                chosen = found
        return chosen
