"""The evidence against a level, as JSON has it, checked again: each edge found in the history, each cycle forbidden.

Nothing is shared with what decides but how a history is read and the names of things. What an edge needs is looked up
in the transactions themselves; orders of versions that no read shows are believed only where the evidence forces them
step by step (an order is forced if the other one is a forbidden cycle), or tries both.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

from checkers.transactional.commit_order import Objection, name
from checkers.transactional.lattice import MODELS, Family, Model, Order, forbids, implied
from checkers.transactional.transaction import Read, Transaction

WW, WR, RW, PROCESS, REALTIME = "ww", "wr", "rw", "process", "realtime"
Pair = tuple[int, int]
"""(first, second), as invocations: the first one's writes come before the second one's, of all keys."""
_DEPTH_MAX: Final = 50
_GENERAL: Final = frozenset(("G0", "G1c", "G-single", "G-nonadjacent", "G2-item"))
_NAMES: Final = _GENERAL | frozenset((
    "lost-update", "write-skew", "long-fork", "causal-reverse", "cyclic-versions", "fractured-read", "G-cursor",
    "G-monotonic",
))  # fmt: skip
_ORDERS: Final[Mapping[Order, frozenset[str]]] = {
    Order.NONE: frozenset(),
    Order.SESSION: frozenset((PROCESS,)),
    Order.REALTIME: frozenset((PROCESS, REALTIME)),
}


class Step(NamedTuple):
    """An edge: ``target`` comes after ``source``."""

    source: Transaction
    target: Transaction
    kind: str


class Facts(Protocol):
    """What the reads of a data type show (:mod:`checkers.transactional.shown`)."""

    def wrong(self, type_: str, reader: Transaction, read: Read, details: Mapping[str, Any], here: History) -> bool:
        """Whether this is wrong with the read."""
        ...

    def committed(self, transaction: Transaction) -> bool:
        """Whether one of unknown outcome must have committed, because somebody read what it wrote."""
        ...

    def sources(self, reader: Transaction) -> Iterator[tuple[Read, Transaction]]:
        """The reads of others' writes, each with whose it was."""
        ...

    def missed(self, reader: Transaction, other: Transaction, known: frozenset[Pair]) -> Iterator[Read]:
        """The reads without a write of the other."""
        ...

    def follows(self, first: Transaction, second: Transaction) -> bool:
        """Whether some read shows that the second wrote later to a key that both wrote."""
        ...


@dataclass(slots=True)
class History:
    """``transactions``: all, by invocation."""

    transactions: Sequence[Transaction]
    facts: Facts
    model: Model
    weaker: list[Model] = field(init=False)

    def __post_init__(self) -> None:
        self.weaker = [MODELS[each] for each in MODELS if each in implied(self.model.name)]

    def transaction(self, invoke: Any) -> Transaction:
        """That begins at this line. Raises :class:`Objection`."""
        if type(invoke) is int:
            place = bisect_left(self.transactions, invoke, key=lambda each: each.invoke)
            if place < len(self.transactions) and self.transactions[place].invoke == invoke:
                return self.transactions[place]
        raise Objection(f"it names {invoke!r:.40}, which begins no transaction of this history")

    def cursors(self) -> bool:
        """Whether the level allows no lost updates."""
        return any(each.family is Family.CURSOR for each in self.weaker)


def refute(here: History, type_: str, details: Mapping[str, Any]) -> str | None:
    """Why the evidence (an anomaly's type and details) does not show that the level is violated; None if it does."""
    try:
        if "reader" in details:
            _check_read(here, type_, details)
        else:
            _check_case(here, details, frozenset(), 0)
            _check_name(type_, details)
    except Objection as objection:
        return str(objection)
    return None


def is_explicit(details: Mapping[str, Any]) -> bool:
    """Whether the evidence says itself what is wrong: a read, a cycle, or a choice. Else it names transactions only."""
    return bool(details.keys() & {"reader", "edges", "cases"}) and not details.get("incomplete")


def _check_read(here: History, type_: str, details: Mapping[str, Any]) -> None:
    reader = here.transaction(details["reader"])
    read = next((each for each in reader.reads if each.place == details.get("place")), None)
    if read is None:
        raise Objection(f"{name(reader)} has no read at place {details.get('place')!r:.40}")
    if not forbids(here.model, type_):
        raise Objection(f"{here.model.name} does not forbid {type_!r:.40}")
    if not here.facts.wrong(type_, reader, read, details, here):
        raise Objection(f"the read of {name(reader)} at place {read.place} shows no {type_}")


def _check_name(type_: str, details: Mapping[str, Any]) -> None:
    """One of the general names says how many antidependencies a cycle has, and which order it needs; where others are
    forced by more cycles it may say what those need."""
    base = type_.removesuffix("-realtime").removesuffix("-process")
    if base not in _NAMES:
        raise Objection(f"no anomaly is called {type_!r:.40}")
    if "edges" in details and not details.get("forced") and base in _GENERAL:
        right = _general_name([edge["type"] for edge in details["edges"]])
        if right != type_:
            raise Objection(f"it calls that {type_}, which is {right}")


def _general_name(kinds: Sequence[str]) -> str:
    """Adya's names (1999) as Elle has them."""
    suffix = "-realtime" if REALTIME in kinds else "-process" if PROCESS in kinds else ""
    if RW not in kinds:
        return ("G1c" if WR in kinds else "G0") + suffix
    if kinds.count(RW) == 1:
        return "G-single" + suffix
    adjacent = any(kinds[place] == kinds[place - 1] == RW for place in range(len(kinds)))
    return ("G2-item" if adjacent else "G-nonadjacent") + suffix


# ---------------------------------------------------------------------------- cycles and choices


def _check_case(here: History, case: Any, known: frozenset[Pair], depth: int) -> None:
    """Orders that are forced first, then a cycle, or a choice of which either way ends in one."""
    if isinstance(case, list):
        case = {"edges": case}
    if not isinstance(case, dict) or depth > _DEPTH_MAX:
        raise Objection("it has a case that is none")
    for each in _listed(case.get("forced", [])):
        first, second = _pair(here, each.get("order") if isinstance(each, dict) else None)
        _check_cycle(here, each.get("otherwise"), known | {(second, first)})
        known |= {(first, second)}
    if "edges" in case:
        _check_cycle(here, case["edges"], known)
        return
    first, second = _pair(here, case.get("pair"))
    cases = _listed(case.get("cases"))
    if len(cases) != 2:
        raise Objection("it tries a pair of writes, and not in both orders")
    _check_case(here, cases[0], known | {(first, second)}, depth + 1)
    _check_case(here, cases[1], known | {(second, first)}, depth + 1)


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Objection(f"it has {value!r:.40} where a list was expected")
    return value


def _pair(here: History, pair: Any) -> Pair:
    """Two that both certainly wrote one key."""
    if not isinstance(pair, list) or len(pair) != 2:
        raise Objection(f"it has {pair!r:.40} where two transactions were expected")
    first, second = here.transaction(pair[0]), here.transaction(pair[1])
    if first is second or not first.appends.keys() & second.appends.keys():
        raise Objection(f"{name(first)} and {name(second)} did not write one key")
    for each in (first, second):
        _check_committed(here, each)
    return first.invoke, second.invoke


def _check_committed(here: History, transaction: Transaction) -> None:
    if transaction.outcome == "ok":
        return
    reads_commit = here.model.family is not Family.WRITES
    if transaction.outcome == "fail" or not (reads_commit and here.facts.committed(transaction)):
        raise Objection(f"{name(transaction)} may not have committed")


def _check_cycle(here: History, edges: Any, known: frozenset[Pair]) -> None:
    steps = [_step(here, each) for each in _listed(edges)]
    if not steps:
        raise Objection("it has a cycle without edges")
    for step, following in zip(steps, [*steps[1:], steps[0]], strict=True):
        if step.target is not following.source or step.source is step.target:
            raise Objection(f"the edge to {name(step.target)} is not followed by one from it")
        _check_committed(here, step.source)
        if not _holds(here, step, known):
            raise Objection(f"nothing in the history says that {name(step.source)} comes before {name(step.target)} "
                            f"({step.kind})")  # fmt: skip
    if not any(_forbids(here, model, steps, known) for model in here.weaker):
        kinds = " ".join(step.kind for step in steps)
        raise Objection(f"{here.model.name} does not forbid a cycle of {kinds}")


def _step(here: History, edge: Any) -> Step:
    if not isinstance(edge, dict) or edge.get("type") not in (WW, WR, RW, PROCESS, REALTIME):
        raise Objection(f"it has {edge!r:.60} where an edge was expected")
    return Step(here.transaction(edge.get("from")), here.transaction(edge.get("to")), edge["type"])


def _holds(here: History, step: Step, known: frozenset[Pair]) -> bool:
    source, target, kind = step
    if kind in (PROCESS, REALTIME):
        before = source.complete is not None and source.complete < target.invoke
        return before and (kind == REALTIME or source.session == target.session)
    if kind == WR:
        return any(writer is source for _, writer in here.facts.sources(target))
    if kind == RW:
        return any(True for _ in here.facts.missed(source, target, known))
    return (
        (source.invoke, target.invoke) in known
        or here.facts.follows(source, target)
        or (here.cursors() and _updates(here, source, target, known))
    )


def _updates(here: History, reader: Transaction, other: Transaction, known: frozenset[Pair]) -> bool:
    """Whether it wrote a key that it had read before without the other's write: where no update may be lost, the other
    can only have written after it."""
    missed = here.facts.missed(reader, other, known)
    return any(not read.own and read.key in reader.appends and read.key in other.appends for read in missed)


# ---------------------------------------------------------------------------- which cycles a level forbids


def _forbids(here: History, model: Model, steps: Sequence[Step], known: frozenset[Pair]) -> bool:
    """By the definition of the level in its sources (:mod:`checkers.transactional.lattice`)."""
    kinds = [step.kind for step in steps]
    order = _ORDERS[model.order]
    others = {*kinds} - order
    misses = kinds.count(RW)
    if not misses:
        return others <= ({WW} if model.family is Family.WRITES else {WW, WR})
    if not others <= {WW, WR, RW} or model.family is Family.WRITES:
        return False
    match model.family:
        case Family.ANY:
            return True
        case Family.SNAPSHOT:
            return all(not kinds[place] == kinds[place - 1] == RW for place in range(len(kinds)))
        case Family.PREFIX:
            return all(kinds[place - 1] in {WR, *order} for place, kind in enumerate(kinds) if kind == RW)
        case Family.ONE_RW:
            return misses == 1
        case Family.UPDATE:
            return sum(not step.source.appends for step in steps) <= 1
        case Family.CAUSAL:
            return misses == 1 and WW not in kinds
        case _:
            return len(steps) == 2 and _forbids_two(here, model, steps, known)


def _forbids_two(here: History, model: Model, steps: Sequence[Step], known: frozenset[Pair]) -> bool:
    """Cycles of two of which the kinds do not tell all."""
    first, back = sorted(steps, key=lambda step: step.kind != RW)
    reader, other = first.source, first.target
    if model.family is Family.ATOMIC:
        return back.kind in {WR, *_ORDERS[model.order]}
    if model.family is Family.CURSOR:
        return _updates(here, reader, other, known) and (
            back.kind == WW or (back.kind == RW and _updates(here, other, reader, known))
        )
    if model.family is not Family.MONOTONIC or back.kind != WR:
        return False
    began = min(read.place for read, writer in here.facts.sources(reader) if writer is other)
    return any(read.place > began for read in here.facts.missed(reader, other, known))
