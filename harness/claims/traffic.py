"""How operations fared around a run's faults: before them, while all were in force, after the last heal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.claims.timed import Span, Timed, end_of, span_of
from harness.fault_window import FaultWindow

NEAR_NS: Final = 2_000_000_000
"""What succeeds so soon after a fault's window counts as done under it."""


RECOVERY_S: Final = 10.0
"""How soon after the heal there must be answers again."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Operations of one name: ``before`` (ok, before any fault began); ``asked`` while all were in force (begun a
    client's timeout after the last one began, before the first heal), ``answered`` of these (ok, before that heal);
    ``asked_after`` (begun after the last heal), ``after`` (ok of these), ``soon`` (ok of these within RECOVERY_S of
    that heal), ``recovery_s`` from there to the first of them."""

    before: int = 0
    asked: int = 0
    answered: int = 0
    asked_after: int = 0
    after: int = 0
    soon: int = 0
    recovery_s: float | None = None


def traffic(operations: Sequence[Timed], windows: Sequence[FaultWindow], patience_s: float) -> dict[str, Traffic]:
    """By the operations' names; nothing where nothing was broken."""
    span = span_of(windows)
    if span is None:
        return {}
    named: defaultdict[str, list[Timed]] = defaultdict(list)
    for operation in operations:
        named[operation.f].append(operation)
    return {f: _around(named[f], span, round(patience_s * 1e9)) for f in sorted(named)}


def _around(operations: Sequence[Timed], span: Span, patience_ns: int) -> Traffic:
    from_ns, to_ns = span.all_ns + patience_ns, span.heal_ns
    asked = [operation for operation in operations if from_ns <= operation.begun_ns < to_ns]
    asked_after = [operation for operation in operations if operation.begun_ns > span.end_ns]
    after = [operation for operation in asked_after if operation.ok]
    return Traffic(
        before=sum(operation.ok and operation.done_ns < span.begin_ns for operation in operations),
        asked=len(asked),
        answered=sum(operation.ok and operation.done_ns < to_ns for operation in asked),
        asked_after=len(asked_after),
        after=len(after),
        soon=sum(operation.done_ns <= span.end_ns + round(RECOVERY_S * 1e9) for operation in after),
        recovery_s=round((min(each.done_ns for each in after) - span.end_ns) / 1e9, 3) if after else None,
    )


def disturbed(operations: Sequence[Timed], windows: Sequence[FaultWindow]) -> int:
    """Operations that succeeded inside a fault's window, or soon after it."""
    spans = [(window.start_ns, end_of(window) + NEAR_NS) for window in windows]
    good = [operation.done_ns for operation in operations if operation.ok]
    return sum(any(start <= done <= stop for start, stop in spans) for done in good)


def carried(operations: Sequence[Timed], elected_ns: Sequence[int]) -> bool:
    """Whether after one of these elections an operation succeeded on a key that one had succeeded on before it: what an
    earlier leader acknowledged was asked of the later one. True where there was no election."""
    good = [(repr(operation.key), operation) for operation in operations if operation.ok]
    return not elected_ns or any(_asked_again(good, at_ns) for at_ns in elected_ns)


def _asked_again(good: Sequence[tuple[str, Timed]], at_ns: int) -> bool:
    old = {key for key, operation in good if operation.done_ns < at_ns}
    return any(operation.begun_ns > at_ns and key in old for key, operation in good)
