"""Of the levels that nobody asked for, which hold: those first whose answers say most about the others.

What holds settles all weaker levels, what fails all stronger ones. So the strongest is asked first, which most
histories satisfy; where something fails, the level that settles most whichever way it goes.
"""

from __future__ import annotations

from collections.abc import Collection
from time import monotonic
from typing import Any, Final

from checkers.guard import OutOfTimeError
from checkers.transactional.lattice import MODELS, STRICT, Model, implied, strongest_holding, weakest_failing
from checkers.transactional.register.saturation import POLYNOMIAL
from checkers.transactional.register.verdict import Choices
from harness.result import Validity

SEARCHED_MAX: Final = 400
"""In a history of no more transactions every level is searched, whatever was asked for."""
SEARCH_S_MIN: Final = 5.0
"""A longer one is searched for as long as the verdict took, and for no less than that."""


def search_until(asked: Model, transactions: int, verdict_s: float, deadline: float | None) -> float | None:
    """When to leave the levels that nobody asked for undecided: at the time limit, if the strongest one was asked for,
    which is what a check without --expect does."""
    if asked is MODELS[STRICT] or transactions <= SEARCHED_MAX:
        return deadline
    until = monotonic() + max(SEARCH_S_MIN, verdict_s)
    return until if deadline is None else min(until, deadline)


def levels(found: Choices, until: float | None, deadline: float | None) -> dict[str, Any]:
    """The strongest levels that hold, the weakest that fail, and those undecided when there is no more time."""
    answers = answered(found, until, deadline)
    names = {answer: [name for name in MODELS if answers[name] == answer] for answer in (True, False, "unknown")}
    undecided = {"undecided": names["unknown"]} if names["unknown"] else {}
    return {"strongest": list(strongest_holding(names[True])), "weakest_failing": list(weakest_failing(names[False])),
            **undecided}  # fmt: skip


def answered(found: Choices, until: float | None, deadline: float | None) -> dict[str, Validity]:
    """Of each level whether it holds, as far as there is time and memory to tell: until then by a search, and from then
    to the deadline without one."""
    _decide(found, set(MODELS), until)
    _decide(found, {name for name in MODELS if MODELS[name].family in POLYNOMIAL}, deadline)
    return {name: found.known(model) for name, model in MODELS.items()}


def _decide(found: Choices, names: set[str], until: float | None) -> None:
    found.limit(until)
    failed = False
    while True:
        answers = {name: found.known(MODELS[name]) for name in names}
        failed = failed or False in answers.values()
        names = {name for name, answer in answers.items() if answer == "unknown"}
        if not names or (until is not None and monotonic() > until):
            return
        name = following(names, failed=failed)
        try:
            found.of(MODELS[name])
        except (OutOfTimeError, MemoryError):
            names.discard(name)


def following(open_: Collection[str], *, failed: bool) -> str:
    """Of the levels that are open, the one to decide next: those without a search first."""
    below = {name: len(implied(name) & set(open_)) for name in open_}
    if not failed:
        return max(open_, key=lambda name: (below[name], list(MODELS).index(name)))
    above = {name: sum(name in implied(each) for each in open_) for name in open_}
    simple = {name: MODELS[name].family in POLYNOMIAL for name in open_}
    return max(
        open_, key=lambda name: (simple[name], min(below[name], above[name]), below[name], list(MODELS).index(name))
    )
