"""Decide one scope, by the first of these that can: linearizability, what is forced, the search, z3.

A linearizable history is sequentially consistent, and linearizability is often cheap to see. What cannot be put in
order on one object alone cannot be on all. What registers force (``saturation``) may have a cycle. The rest is
NP-complete even for a few sessions (Gibbons & Korach 1997), and searched within the limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from checkers.guard import Unsupported
from checkers.linearizable.decide import Method
from checkers.linearizable.decide import decide as linearize
from checkers.linearizable.limit import Limit
from checkers.sequential import brute
from checkers.sequential.arrangement import Arrangement, arrange
from checkers.sequential.saturation import Saturation, saturate
from checkers.sequential.scope import Item, Scope
from checkers.sequential.search import Outcome, Searched, search
from checkers.sequential.symbolic import solve
from harness.result import Reason

_LINEARIZABLE_CONFIGURATIONS: Final = 20_000
_ALONE_CONFIGURATIONS: Final = 2_000
_FIRST_CONFIGURATIONS: Final = 30_000  # before z3 is asked
_Z3_OPERATIONS_MAX: Final = 2_000  # more than these it does not decide within minutes
_REASONS: Final[Mapping[Outcome, Reason]] = {"time": Reason.TIMEOUT, "memory": Reason.OUT_OF_MEMORY}


@dataclass(frozen=True, slots=True)
class Decision:
    """``valid`` None: undecided, for ``reason``, or for what ``problem`` says. ``order`` explains all where valid.
    ``refuted`` cannot be explained where invalid. ``placed``: the most operations that were put in order together."""

    valid: bool | None
    method: str
    reason: Reason | None = None
    order: tuple[Item, ...] = ()
    refuted: tuple[Item, ...] = ()
    placed: int = 0
    configurations: int = 0
    problem: str | None = None
    algorithm: str = ""


def decide(scope: Scope, method: Method, limit: Limit) -> Decision:
    """Whether the scope's operations can be put in one order. Raises ImportError where z3 is asked for and is not
    there, MemoryError where memory would not do."""
    if method == "brute":
        return _by_brute_force(scope)
    if method in ("auto", "polynomial") and (order := _linearized(scope, limit)) is not None:
        placed = len(scope.required)
        return Decision(True, "polynomial", order=order, placed=placed, algorithm="linearizable")
    arrangement = arrange(scope)
    if arrangement.from_nowhere is not None:
        return Decision(False, "polynomial", refuted=(arrangement.from_nowhere,), algorithm="from-nowhere")
    if method == "auto" and (decision := _by_objects(scope, limit)) is not None:
        return decision
    saturation = saturate(arrangement, limit.share(2))
    if saturation.before is None and method != "z3":
        return Decision(False, "polynomial", refuted=scope.required, algorithm="saturation")
    if method == "polynomial":
        return Decision(None, method, Reason.UNSUPPORTED, problem="what is forced has no cycle, which proves nothing")
    if method == "z3":
        return _by_z3(arrangement, saturation, limit)
    return _searched(arrangement, saturation, method, limit)


def refutes(scope: Scope, limit: Limit) -> bool | None:
    """Whether nothing explains the scope's operations; None if that is not known within the limit: the question that
    the making of a witness asks again and again."""
    try:
        arrangement = arrange(scope)
        if arrangement.from_nowhere is not None:
            return True
        saturation = saturate(arrangement, limit)
        if saturation.before is None:
            return True
        outcome = search(arrangement, saturation.before, limit).outcome
    except MemoryError:
        return None
    return None if outcome in ("time", "memory") else outcome == "invalid"


def _by_brute_force(scope: Scope) -> Decision:
    """Without an order: brute force knows only that there is one."""
    verdict = brute.decide(scope)
    if verdict is None:
        return Decision(None, "brute", Reason.OUT_OF_MEMORY)
    if not verdict:
        return Decision(False, "brute", refuted=scope.required)
    return replace(decide(scope, "search", Limit()), method="brute")


def _linearized(scope: Scope, limit: Limit) -> tuple[Item, ...] | None:
    """An order that respects even real time, if it is found soon: each operation at its moment (locality)."""
    near = limit.share(4).at_most(configurations=_LINEARIZABLE_CONFIGURATIONS)
    items = {item.operation.invoke: item for item in (*scope.required, *scope.optional)}
    moments: list[tuple[int, int, Item]] = []
    for key in scope.objects:
        try:
            decision = linearize(key, "polynomial", near)
            if decision.valid is None:
                decision = linearize(key, "search", near)
        except (MemoryError, Unsupported):
            return None
        if not decision.valid:
            return None
        moment = -1
        for place, operation in enumerate(decision.order):
            moment = max(moment, operation.invoke)  # before the completions of all that are placed from here on
            moments.append((moment, place, items[operation.invoke]))
    return tuple(item for _, _, item in sorted(moments, key=lambda each: each[:2]))


def _by_objects(scope: Scope, limit: Limit) -> Decision | None:
    """Invalid, if that is soon seen of one object alone."""
    if len(scope.objects) == 1:
        return None
    near = limit.share(4)
    for number in range(len(scope.objects)):
        alone = scope.alone(number)
        left = near.share(len(scope.objects) - number).at_most(configurations=_ALONE_CONFIGURATIONS)
        if refutes(alone, left):
            return Decision(False, "search", refuted=alone.required, algorithm="one object")
    return None


def _searched(arrangement: Arrangement, known: Saturation, method: Method, limit: Limit) -> Decision:
    """By the search; of registers for a short time only, then by z3 for half of what is left, then by the search."""
    registers = all(each.model.kind == "register" for each in arrangement.scope.objects)
    if method == "auto" and registers and len(arrangement) <= _Z3_OPERATIONS_MAX:
        near = limit.share(4).at_most(configurations=_FIRST_CONFIGURATIONS)
        first = _decision(arrangement.scope, search(arrangement, known.before, near), "search")
        if first.valid is not None:
            return first
        try:
            second = _by_z3(arrangement, known, limit.share(2))
        except (ImportError, MemoryError):  # what the search says will stand
            second = first
        if second.valid is not None:
            return replace(second, method="search+z3", configurations=first.configurations)
    return _decision(arrangement.scope, search(arrangement, known.before, limit), "search")


def _by_z3(arrangement: Arrangement, known: Saturation, limit: Limit) -> Decision:
    others = {each.model.name for each in arrangement.scope.objects if each.model.kind != "register"}
    if others:
        problem = f"z3 decides registers, not a {min(others)}"
        return Decision(None, "z3", Reason.UNSUPPORTED, problem=problem)
    return _decision(arrangement.scope, solve(arrangement, known, limit), "z3")


def _decision(scope: Scope, found: Searched, method: str) -> Decision:
    decision = Decision(None, method, placed=found.placed, configurations=found.configurations)
    if found.outcome == "valid":
        return replace(decision, valid=True, order=found.order)
    if found.outcome == "invalid":
        return replace(decision, valid=False, refuted=scope.required)
    return replace(decision, reason=_REASONS[found.outcome])
