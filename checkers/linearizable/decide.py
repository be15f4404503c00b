"""Decide one object, by the first of these that can: a polynomial method, a search, z3.

Where values are distinct a polynomial method decides (``distinct``). What remains of the register family goes to its
own searches (``supply``), then window by window, z3 for the windows that the search does not decide; any other model to
the general searches (``walk.race``), then to z3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final, Literal

from checkers.guard import OutOfTimeError, Unsupported
from checkers.linearizable import distinct
from checkers.linearizable.limit import Limit
from checkers.linearizable.operation import KeyHistory, Operation
from checkers.linearizable.problem import ANY, Problem, TooLarge, completion, counting, problem
from checkers.linearizable.search import Exploration, Point, explore, start
from checkers.linearizable.supply import Placement, find, place
from harness.result import Reason

Method = Literal["auto", "polynomial", "search", "z3", "brute"]

_SEARCH_CONFIGURATIONS: Final = 1_000_000  # of the whole key, before it is taken window by window
_WALK_CONFIGURATIONS: Final = 600_000  # of the search of any model, before z3 is asked
_WINDOW_CONFIGURATIONS: Final = 100_000
_NOT_DISTINCT: Final = "no polynomial method applies: values are not distinct, or other things are done"


@dataclass(frozen=True, slots=True)
class Decision:
    """``valid`` None: undecided, for ``reason``. ``order`` is a linearization where valid. ``refuted`` are operations
    whose results no linearization explains where invalid, in order of completion: later ones are not needed for that.
    ``explained``: how many completions, at least, some linearization explains. ``windows`` counts them by method.
    ``problem`` says what went wrong, where something did; ``algorithm`` which of several the method used. ``narrowed``:
    what is refuted was made fewer already, as far as a compiled search can, which refuted just these."""

    valid: bool | None
    method: str
    reason: Reason | None = None
    order: tuple[Operation, ...] = ()
    refuted: tuple[Operation, ...] = ()
    explained: int = 0
    configurations: int = 0
    windows: Mapping[str, int] = field(default_factory=dict)
    problem: str | None = None
    algorithm: str = ""
    narrowed: bool = False


def decide(key: KeyHistory, method: Method, limit: Limit) -> Decision:
    """Whether one object's operations can be linearized. Raises ImportError where z3 is asked for and is not installed,
    :class:`checkers.linearizable.problem.TooLarge` where memory would not do."""
    if method in ("auto", "polynomial"):
        decision = _by_distinct_values(key, limit)
        if decision is not None:
            return decision
        if method == "polynomial":
            return Decision(None, method, Reason.UNSUPPORTED, problem=_NOT_DISTINCT)
    if method == "brute":
        return _by_brute_force(key)
    if key.model.kind == "register":
        return _register(key, method, limit)
    return _general(key, method, limit)


def _by_distinct_values(key: KeyHistory, limit: Limit) -> Decision | None:
    try:
        verdict = distinct.decide(key, limit)
    except OutOfTimeError:
        return Decision(None, "polynomial", Reason.TIMEOUT)
    if verdict is None:
        return None
    if verdict.order is None:
        happened = (operation for operation in verdict.refuted if operation.complete is not None)
        refuted = tuple(sorted(happened, key=completion))
        return Decision(False, "polynomial", refuted=refuted, algorithm=verdict.algorithm)
    explained = len(key.required)
    return Decision(True, "polynomial", order=verdict.order, explained=explained, algorithm=verdict.algorithm)


def _by_brute_force(key: KeyHistory) -> Decision:
    """Without a linearization: brute force knows only that there is one."""
    from checkers.linearizable import brute

    verdict = brute.decide(key.model, key.initial, key.required, key.optional)
    if verdict is False:
        return Decision(False, "brute", refuted=tuple(sorted(key.required, key=completion)))
    if verdict is None:
        return Decision(None, "brute", Reason.OUT_OF_MEMORY)
    return replace(_by_walk(key, Limit()), method="brute")


def _by_walk(key: KeyHistory, limit: Limit) -> Decision:
    from checkers.linearizable.walk import race  # here, for most histories are of registers

    walked = race(key, limit)
    decision = Decision(
        None,
        "search",
        explained=walked.rank,
        configurations=walked.configurations,
        windows={"search": 1},
        algorithm=walked.winner,
    )
    if walked.outcome == "valid":
        return replace(decision, valid=True, order=walked.order)
    if walked.outcome == "invalid":
        return replace(decision, valid=False, refuted=walked.refuted)
    return replace(decision, reason=Reason.TIMEOUT if walked.outcome == "time" else Reason.OUT_OF_MEMORY)


def _general(key: KeyHistory, method: Method, limit: Limit) -> Decision:
    """Any other model: the search, then z3; and, where z3 comes to no end and the search was cut short, that again."""
    if method == "z3":
        return _by_z3(key, limit)
    if method == "search":
        return _by_walk(key, limit)
    again = limit.configurations > _WALK_CONFIGURATIONS
    try:
        walked = _by_walk(key, limit.share(2).at_most(configurations=_WALK_CONFIGURATIONS))
        again = again and walked.reason is Reason.OUT_OF_MEMORY
    except TooLarge as error:
        walked, again = Decision(None, "search", Reason.OUT_OF_MEMORY, problem=str(error)), False
    if walked.valid is not None:
        return walked
    try:
        solved = _by_z3(key, limit.share(2) if again else limit)
    except (ImportError, Unsupported):  # without z3 the search's word stands
        solved = walked
    if solved.valid is None and again and not limit.expired():
        return _by_walk(key, limit)
    return replace(
        solved,
        method="+".join(dict.fromkeys((walked.method, solved.method))),
        explained=max(walked.explained, solved.explained),
        configurations=walked.configurations,
    )


def _by_z3(key: KeyHistory, limit: Limit) -> Decision:
    from checkers.linearizable.symbolic.window import unwind  # here, for it is seldom needed

    unwound = unwind(key, limit)
    decision = Decision(None, "z3", explained=unwound.rank, windows={"z3": unwound.windows}, algorithm="order-encoding")
    if unwound.outcome == "valid":
        return replace(decision, valid=True, order=unwound.order)
    if unwound.outcome == "invalid":
        return replace(decision, valid=False, refuted=unwound.refuted)
    return replace(decision, reason=Reason.TIMEOUT if unwound.outcome == "time" else Reason.OUT_OF_MEMORY)


def _register(key: KeyHistory, method: Method, limit: Limit) -> Decision:
    arrays = problem(key.required, key.optional, key.initial)
    if method != "z3" and (from_nowhere := _from_nowhere(arrays)):
        return Decision(False, "search", refuted=from_nowhere)
    if method == "z3":
        return _by_windows(arrays, limit, ("z3",))
    whole = limit if method == "search" else limit.share(2).at_most(configurations=_SEARCH_CONFIGURATIONS)
    exploration, placement = find(arrays, whole)
    if exploration.outcome == "done" or method == "search":
        return _of_search(arrays, exploration, placement)
    try:
        decision = _by_windows(arrays, limit, ("search", "z3"))
    except ImportError:  # without z3 the search's word stands
        return _of_search(arrays, exploration, placement)
    return replace(
        decision,
        explained=max(decision.explained, placement.rank),
        configurations=decision.configurations + exploration.configurations,
    )


def _from_nowhere(arrays: Problem) -> tuple[Operation, ...]:
    """The first operation, if any, that saw a value which nothing could have left by then: a witness by itself."""
    for rank, expected in enumerate(arrays.expects):
        if expected not in (ANY, arrays.initial) and arrays.last_producer[rank] < 0:
            return (arrays.operations[rank],)
    return ()


def _of_search(arrays: Problem, exploration: Exploration, placement: Placement) -> Decision:
    decision = Decision(
        None, "search", explained=placement.rank, configurations=exploration.configurations, windows={"search": 1}
    )
    if exploration.ends:
        return replace(decision, valid=True, order=placement.order)
    if exploration.outcome == "done":
        return replace(decision, valid=False, refuted=arrays.operations[: exploration.refuted])
    return replace(decision, reason=Reason.TIMEOUT if exploration.outcome == "time" else Reason.OUT_OF_MEMORY)


def _by_windows(arrays: Problem, limit: Limit, ways: tuple[str, ...]) -> Decision:
    """From cut to cut: all points that can be reached, until there are none, or the history ends."""
    arrays = counting(arrays, range(len(arrays.classes)))
    points: tuple[Point, ...] = (start(arrays),)
    windows: Counter[str] = Counter()
    visited = 0
    for span in pairwise(arrays.cuts):
        way, exploration = _window(arrays, span, points, limit, ways)
        windows[way] += 1
        visited += exploration.configurations
        method = "+".join(sorted({*windows, *ways[:1]}))
        undecided = Decision(None, method, None, explained=exploration.rank, configurations=visited, windows=windows)
        if exploration.outcome != "done":
            reason = Reason.TIMEOUT if exploration.outcome == "time" else Reason.OUT_OF_MEMORY
            return replace(undecided, reason=reason)
        points = exploration.ends
        if not points:
            return replace(undecided, valid=False, refuted=arrays.operations[: exploration.refuted])
    return Decision(
        True,
        "+".join(sorted({*windows, *ways[:1]})),
        order=place(arrays, points[0].trail).order,
        explained=len(arrays),
        configurations=visited,
        windows=windows,
    )


def _window(
    arrays: Problem, span: tuple[int, int], points: Sequence[Point], limit: Limit, ways: tuple[str, ...]
) -> tuple[str, Exploration]:
    """The way that decided the window, or the last one tried, and what it found."""
    more = span[1] < len(arrays)
    if "search" in ways:
        near = limit.share(2).at_most(configurations=_WINDOW_CONFIGURATIONS)
        exploration = explore(arrays, span, points, near, every_end=more)
        if exploration.outcome == "done":
            return "search", exploration
    from checkers.linearizable.symbolic import ends  # here, for most windows never need it

    return "z3", ends(arrays, span, points, limit, every_end=more)
