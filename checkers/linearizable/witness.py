"""A witness of invalidity: a set S of operations that no order explains, however the others are helped.

The history must stay invalid when every operation outside S that only observes is removed, and every other one outside
S becomes optional: it may take effect, with the result it had, at any time after its invocation, or never. (To delete a
write outright could make a contradiction of its own.) S is minimal if without any one of its members the rest is valid,
or not decided within the budget.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, Literal, NamedTuple, Protocol

from checkers.linearizable.brute import decide as decide_by_brute_force
from checkers.linearizable.limit import Limit
from checkers.linearizable.model import Selective
from checkers.linearizable.operation import KeyHistory, Operation
from checkers.linearizable.problem import ANY, TooLarge, completion, problem, transition
from checkers.linearizable.supply import find

MEMBERS_WANTED: Final = 24
_CONFIGURATIONS: Final = 20_000  # of one question, for each so many operations:
_CROWD: Final = 5_000
_CORE_SHARE: Final = 0.7  # of the time
_NARROWED_MAX: Final = 256  # of fewer than these the search here can soon tell which are needed
_CORE_OPERATIONS: Final = 1_000  # of more, z3's question alone takes seconds to write down, whatever the limit
_BRUTE_OPERATIONS: Final = 24
_BRUTE_VISITS: Final = 4_000


class ContradictionError(Exception):
    """Two ways to decide the same thing disagree: a bug of ours, and no ground for a verdict."""


@dataclass(frozen=True, slots=True)
class Witness:
    """``operations`` in order of invocation. ``confirmed`` names what decided, of the witness alone, that it is
    invalid: "search", "z3" where it was asked, "brute" too where it is small enough, nothing where the budget did not
    allow it. ``source``: the operations were found in z3's unsat core ("core"), or by the search alone."""

    operations: tuple[Operation, ...]
    minimal: bool
    confirmed: tuple[str, ...]
    source: Literal["search", "core"] = "search"


class Answer(NamedTuple):
    """Whether some order explains the chosen operations, None if that is not known; if not, how many of them, in order
    of completion, are enough to see that."""

    valid: bool | None
    needed: int = 0


class Asking(Protocol):
    """Decides whether chosen operations can be explained with the help of all others."""

    def helpers(self, chosen: Sequence[Operation], *, every: bool = False) -> Iterator[Operation]:
        """The optional operations: all others that change anything, but for some that are not needed."""

    def ask(self, chosen: Sequence[Operation], limit: Limit) -> Answer:
        """Search for an order of the chosen operations."""

    def guess(self, chosen: Sequence[Operation]) -> list[Operation]:
        """Of all but the last few, those most likely needed."""


def witness(
    key: KeyHistory, refuted: Sequence[Operation], limit: Limit, *, by_z3: bool = False, narrowed: bool = False
) -> Witness:
    """A witness within ``refuted`` (operations of the key that are one, though perhaps a large one; in order of
    completion): the smallest that the limit allows to find. z3's unsat core is where it begins if z3 refuted them
    (``by_z3``), and is asked for where the search leaves more than MEMBERS_WANTED. Many that are ``narrowed`` already
    are only decided once more. Raises :class:`ContradictionError`.
    """
    asking: Asking = _OfRegister(key) if key.model.kind == "register" else _OfAny(key, refuted)
    if narrowed and len(refuted) > _NARROWED_MAX:
        return _by_search(key, asking, refuted, limit, shrink=False)
    found = None if by_z3 else _by_search(key, asking, refuted, limit.share(2))
    if found is not None and (limit.expired() or (found.minimal and len(found.operations) <= MEMBERS_WANTED)):
        return found
    begin = refuted if found is None else sorted(found.operations, key=completion)
    by_core = _by_core(key, asking, begin, limit) if by_z3 or len(begin) <= _CORE_OPERATIONS else None
    if by_core is None or len(by_core.operations) > MEMBERS_WANTED:
        found = _by_search(key, asking, begin, limit) if found is None or not found.minimal else found
    candidates = [each for each in (by_core, found) if each is not None]
    return min(candidates, key=lambda each: (not each.confirmed, len(each.operations)))


def _by_search(
    key: KeyHistory, asking: Asking, refuted: Sequence[Operation], limit: Limit, *, shrink: bool = True
) -> Witness:
    shrinking = _Shrinking(asking, limit)
    if limit.expired():
        return Witness(_by_invocation(refuted), False, ())
    answer = shrinking.ask(refuted)
    if answer.valid:
        raise ContradictionError(f"the search finds an order of {len(refuted)} operations that were refuted")
    if answer.valid is None:
        return Witness(_by_invocation(refuted), False, ())
    chosen = list(refuted[: answer.needed])
    if not shrink:
        return Witness(_by_invocation(chosen), False, ("search",))
    chosen = shrinking.shrink(shrinking.guess(chosen))
    brute = ("brute",) if _by_brute(key, asking, chosen) else ()
    return Witness(_by_invocation(chosen), not limit.expired(), ("search", *brute))


def _by_core(key: KeyHistory, asking: Asking, refuted: Sequence[Operation], limit: Limit) -> Witness | None:
    """The unsat core, smaller still where the search can see that less is enough; None where z3 gives none."""
    from checkers.linearizable.symbolic.core import core  # here, for most witnesses are small without

    remaining_s = limit.remaining_s()
    found = core(key, refuted, limit.at_most(seconds=None if remaining_s is None else _CORE_SHARE * remaining_s))
    if found.valid:
        raise ContradictionError(f"z3 finds an order of {len(refuted)} operations that were refuted")
    if found.valid is None:
        return None
    shrinking, chosen = _Shrinking(asking, limit), list(found.operations)
    confirmed: tuple[str, ...] = ("z3",)
    answer = shrinking.ask(chosen)
    if answer.valid:
        raise ContradictionError(f"the search finds an order of {len(chosen)} operations that z3 refuted")
    if answer.valid is False:
        chosen = shrinking.shrink(chosen[: answer.needed])
        confirmed = ("search", "z3") if len(chosen) == len(found.operations) else ("search",)
    minimal = found.minimal if answer.valid is None else not limit.expired()
    brute = ("brute",) if _by_brute(key, asking, chosen) else ()
    return Witness(_by_invocation(chosen), minimal, (*confirmed, *brute), "core")


def _by_invocation(operations: Sequence[Operation]) -> tuple[Operation, ...]:
    return tuple(sorted(operations, key=lambda operation: operation.invoke))


def _by_brute(key: KeyHistory, asking: Asking, chosen: Sequence[Operation]) -> bool:
    """Whether brute force, too, says that the chosen operations are a witness."""
    helpers = list(islice(asking.helpers(chosen, every=True), _BRUTE_OPERATIONS))
    if len(chosen) + len(helpers) > _BRUTE_OPERATIONS:
        return False
    verdict = decide_by_brute_force(key.model, key.initial, chosen, helpers, visits_max=_BRUTE_VISITS)
    if verdict:
        raise ContradictionError(f"brute force finds an order of {len(chosen)} operations that the search refuted")
    return verdict is False


class _OfRegister:
    """Asks the registers' own search."""

    def __init__(self, key: KeyHistory) -> None:
        self._initial = key.initial
        self._mutations: defaultdict[tuple[int, int], list[Operation]] = defaultdict(list)
        for operation in _by_invocation([*key.required, *key.optional]):
            expects, leaves = transition(operation.step)
            if expects != leaves:
                self._mutations[expects, leaves].append(replace(operation, complete=None))

    def helpers(self, chosen: Sequence[Operation], *, every: bool = False) -> Iterator[Operation]:
        """Of a class no more are needed than chosen operations observe anything, the earliest ones: in a linearization
        with the fewest optional operations each is followed at once by one that observes it, so that a chain of them
        ends in a chosen one; and no chain uses a class twice."""
        taken = {operation.invoke for operation in chosen}
        needed = None if every else sum(transition(operation.step)[0] != ANY for operation in chosen)
        for operations in self._mutations.values():
            yield from islice((each for each in operations if each.invoke not in taken), needed)

    def ask(self, chosen: Sequence[Operation], limit: Limit) -> Answer:
        found = find(problem(chosen, self.helpers(chosen), self._initial), limit)[0]
        if found.ends:
            return Answer(True)
        return Answer(False, found.refuted) if found.outcome == "done" else Answer(None)

    def guess(self, chosen: Sequence[Operation]) -> list[Operation]:
        """All that made the value the very last one expects."""
        wanted = transition(chosen[-1].step)[0]
        return [o for o in chosen if transition(o.step)[1] == wanted != transition(o.step)[0]]


class _OfAny:
    """Asks the search of any model."""

    def __init__(self, key: KeyHistory, refuted: Sequence[Operation]) -> None:
        """What is not relevant to all that was refuted is not relevant to any part of it."""
        self._key = key
        changing = [o for o in _by_invocation([*key.required, *key.optional]) if not key.model.observes(o.step)]
        needed = [True] * len(changing)
        if isinstance(key.model, Selective):
            needed = list(key.model.relevant([o.step for o in refuted], [o.step for o in changing], key.initial))
        self._helpers = [replace(o, complete=None) for o, is_needed in zip(changing, needed, strict=True) if is_needed]

    def helpers(self, chosen: Sequence[Operation], *, every: bool = False) -> Iterator[Operation]:
        taken = {operation.invoke for operation in chosen}
        return (each for each in self._helpers if each.invoke not in taken)

    def ask(self, chosen: Sequence[Operation], limit: Limit) -> Answer:
        try:
            from checkers.linearizable.walk import race  # here, for most histories are of registers

            found = race(replace(self._key, required=tuple(chosen), optional=tuple(self.helpers(chosen))), limit)
        except TooLarge:
            return Answer(None)
        if found.outcome == "valid":
            return Answer(True)
        return Answer(False, len(found.refuted)) if found.outcome == "invalid" else Answer(None)

    def guess(self, chosen: Sequence[Operation]) -> list[Operation]:
        return []


class _Shrinking:
    """Makes witnesses smaller; anything that is not decided counts as none."""

    def __init__(self, asking: Asking, limit: Limit) -> None:
        self._asking, self._limit = asking, limit

    def ask(self, chosen: Sequence[Operation]) -> Answer:
        configurations = _CONFIGURATIONS * (1 + len(chosen) // _CROWD)
        return self._asking.ask(chosen, self._limit.at_most(configurations=configurations))

    def narrows(self, chosen: Sequence[Operation]) -> list[Operation] | None:
        """The part of ``chosen`` (in order of completion) that is a witness already; None if none is known to be."""
        if self._limit.expired():
            return None
        answer = self.ask(chosen)
        return list(chosen[: answer.needed]) if answer.valid is False else None

    def shrink(self, chosen: list[Operation]) -> list[Operation]:
        """Less and less of it, until no member can be spared."""
        size = len(chosen) // 2
        while size:
            smaller = self.drop_pieces(chosen, size)
            size = size // 2 if size > 1 or len(smaller) == len(chosen) else 1
            chosen = smaller
        return chosen

    def guess(self, chosen: list[Operation]) -> list[Operation]:
        """A small part to begin with: the last operations, and what these most likely need."""
        recent = 8
        while recent < len(chosen):
            part = {o.invoke: o for o in (*self._asking.guess(chosen), *chosen[-recent:])}
            found = self.narrows(sorted(part.values(), key=completion))
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
