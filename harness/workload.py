"""What a workload is: which operations are asked, and how the answers are judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from harness.generator import Generator
from harness.history import History, Op
from harness.result import Result

OK_OF_ASKED: Final = 0.15
"""Short plans spend most of their time under faults, and a system that rightly waits them out answers little."""


@dataclass(frozen=True, slots=True)
class WorkloadOptions:
    """What a plan tells its workload: nodes, concurrency (number of processes), rate (operations/s over all clients),
    time limit in seconds, initial value; and the operations that its system knows."""

    nodes: tuple[str, ...]
    concurrency: int
    rate_hz: float
    time_limit_s: float
    initial: Any = None
    operations: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Below these, too little happened and a valid verdict becomes unknown (``architecture.md``).

    Per operation name of ``counted``, which are asked equally often: at least ``ok_min`` ok completions and
    ``ok_share_min`` of its invocations; and at least ``conflicts_min`` pairs of overlapping operations on the same key,
    one of them a write.

    They scale with the plan. One that asks for little needs fewer ok completions: of each name OK_OF_ASKED of what it
    asks for (``ok_of_asked`` where that says otherwise), and ``ok_least`` of all names together. A plan that lists its
    operations needs at least one of each name that it lists and that is not in ``ok_of_asked``. Overlaps are demanded
    of plans that ask for ``conflicts_from`` operations and more; in a short one they are luck, and what is lost or
    stale shows without them. Where ``writes`` are transactions, ``touched`` tells from an invocation's value each key,
    with whether it is written.
    """

    counted: tuple[str, ...]
    ok_min: int = 10
    ok_share_min: float = 0.01
    conflicts_min: int = 1
    writes: tuple[str, ...] = ()
    ok_of_asked: Mapping[str, float] = field(default_factory=dict)
    ok_least: int = 2
    conflicts_from: int = 100
    touched: Callable[[Any], Iterable[tuple[Any, bool]]] | None = None

    def __str__(self) -> str:
        less = "".join(f", {share:.0%} of {f}" for f, share in self.ok_of_asked.items())
        return (
            f"{self.ok_min} ok each of {', '.join(self.counted)} (of a short plan {OK_OF_ASKED:.0%} of what it asks "
            f"for{less}, and {self.ok_least} in all); from {self.conflicts_from} operations on, {self.conflicts_min} "
            f"overlap with one of {', '.join(self.writes)}"
        )


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload. ``generator`` makes the client operations of the main phase, ``final_generator`` those asked after
    the faults are healed; ``probe(attempt)``, for attempt 0, 1, ..., is an operation that shows, by its ok, that the
    system does its work again (it stands in the history and is judged like any other). ``check`` judges a history (time
    limit in seconds, or None); ``expect`` and ``model`` name what it judges, as in ``splitbrain check``.
    """

    name: str
    summary: str
    operations: frozenset[str]
    expect: str
    model: str | None
    generator: Callable[[WorkloadOptions], Generator]
    probe: Callable[[int], Op]
    check: Callable[[History, float | None], Result]
    thresholds: Thresholds
    final_generator: Callable[[WorkloadOptions], Generator] | None = None
    options: Mapping[str, str] = field(default_factory=dict)
