"""Which guarantees a scene breaks, and where that depends on what nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from checkers.session import contents, pram, ranked, unordered
from checkers.session.observation import observations
from checkers.session.operation import value_of
from checkers.session.ranked import Ranking, ranking
from checkers.session.scene import Object, Scene
from checkers.session.violation import (
    INCOMPATIBLE_ORDER,
    MONOTONIC_READS,
    MONOTONIC_WRITES,
    PRAM,
    READ_YOUR_WRITES,
    Violation,
)
from checkers.value import show
from harness.result import Reason

Tick = Callable[[], None]


@dataclass(slots=True)
class Decision:
    """``violations``: if any, the guarantee is broken. ``doubt``: why, if not, it is not known to hold."""

    violations: list[Violation] = field(default_factory=list)
    reason: Reason | None = None
    doubt: str | None = None

    def unsure(self, reason: Reason, doubt: str) -> None:
        if self.reason is None:
            self.reason, self.doubt = reason, doubt


@dataclass(slots=True)
class Examined:
    """What the guarantees share: what is wrong by itself, and the objects' explicit orders (None: there is none)."""

    scene: Scene
    wrong: list[Violation]
    orders: list[tuple[Object, Ranking | None]]


def examined(scene: Scene, tick: Tick) -> Examined:
    """Look at all objects. Raises :class:`checkers.guard.Unsupported`."""
    wrong: list[Violation] = []
    orders: list[tuple[Object, Ranking | None]] = []
    for each in scene.objects.values():
        tick()
        wrong += observations(scene, each)
        orders.append((each, ranking(scene, each)))
    return Examined(scene, wrong, orders)


def decide(found: Examined, name: str, tick: Tick, only: Collection[str] | None = None) -> Decision:
    """Whether one guarantee holds; PRAM perhaps for ``only`` these sessions, by their names."""
    # Sessions may see the appends to a list in different orders, each in one: that alone does not break PRAM.
    decision = Decision([each for each in found.wrong if name != PRAM or each.type != INCOMPATIBLE_ORDER])
    for each, order in found.orders:
        tick()
        if name != PRAM:
            _decide(found.scene, name, each, order, decision)
        elif order is not None and order.by == "versions":  # every session's order must agree with the versions
            decision.violations += ranked.violations(MONOTONIC_WRITES, each, order)
        _ambiguous(name, each, decision)
    if name == PRAM:
        ranks = {each.key: order for each, order in found.orders if order is not None}
        violations, doubt = pram.examine(found.scene, ranks, tick, only)
        decision.violations += violations
        if doubt is not None:
            decision.unsure(Reason.UNSUPPORTED, doubt)
    return decision


def _decide(scene: Scene, name: str, each: Object, order: Ranking | None, decision: Decision) -> None:
    if order is not None:
        decision.violations += ranked.violations(name, each, order)
    elif each.kind == "register":
        violations, open_ = unordered.examine(name, each)
        decision.violations += violations
        if open_ is not None:
            first, second = (show(value_of(write.value)) for write in (open_.first, open_.second))
            doubt = f"it holds only if {first} is an older version than {second}, and nothing tells which of them is"
            decision.unsure(Reason.VERSION_ORDER, f"{where(each)}{unordered.DEMANDS[name]}: {doubt}")
    else:
        decision.violations += contents.violations(name, each)


def _ambiguous(name: str, each: Object, decision: Decision) -> None:
    """Reads of values of which several writes may have been the source."""
    if each.kind == "set" and name in (READ_YOUR_WRITES, MONOTONIC_READS):
        return  # for these it makes no difference
    read = next((read for read in each.reads if not read.clear), None)
    if read is not None:
        shown = read.value if each.kind == "register" else read.shown
        told = show(value_of(shown) if each.kind == "register" else [value_of(atom) for atom in read.shown])
        decision.unsure(Reason.VERSION_ORDER, f"{where(each)}operation {read.invoke} read {told}, which more than one "
                        "write may have been the source of")  # fmt: skip


def where(each: Object) -> str:
    """The beginning of a sentence about this object."""
    return "" if each.key is None else f"key {show(value_of(each.key))}: "
