"""What a workload is: which operations are asked, and how the answers are judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.generator import Generator
from harness.history import History, Op
from harness.result import Result


@dataclass(frozen=True, slots=True)
class WorkloadOptions:
    """What a plan tells its workload: nodes, concurrency (number of processes), rate (operations/s over all clients),
    time limit in seconds, initial value."""

    nodes: tuple[str, ...]
    concurrency: int
    rate_hz: float
    time_limit_s: float
    initial: Any = None


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Below these, too little happened and a valid verdict becomes unknown (``architecture.md``).

    Per operation name of ``counted``: at least ``ok_min`` ok completions and ``ok_share_min`` of its invocations; and
    at least ``conflicts_min`` pairs of overlapping operations on the same key, one of them a write.
    """

    counted: tuple[str, ...]
    ok_min: int = 10
    ok_share_min: float = 0.01
    conflicts_min: int = 1
    writes: tuple[str, ...] = ()


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
