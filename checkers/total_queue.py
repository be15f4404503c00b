"""The total-queue checker: does what went into a queue come out again?

After Jepsen's ``total-queue`` checker (jepsen.checker/total-queue). Operations: ``enqueue``, ``dequeue``, ``drain``
(:mod:`checkers.queue_traffic` has their forms); values are counted as often as they are put in. An element is

* *missing* if its enqueue was acknowledged and no dequeue ever brought it back: there are fewer dequeues of its value
  than could serve all its acknowledged enqueues (each invoked before the dequeue ended);
* *unexpected* if a dequeue brought it though no enqueue of it can have happened by then: invalid;
* *duplicated* if a dequeue brought it once more than it can have been put in: counted, and allowed, as in Jepsen, for a
  queue that delivers at least once may do so (``--expect queue`` forbids it);
* *recovered* if nobody knew whether its enqueue had happened, and it came out.

What is missing is *lost* only where it cannot be anywhere else:

* it may still be in the queue, unless the queue was emptied in the end: a drain, or a dequeue that found nothing, began
  when the last acknowledged enqueue had ended. Without one a missing element is unknown (missing-final-read);
* it may have gone to a dequeue of unknown outcome, whose answer nobody got: each such that began before the queue was
  found empty for the last time may have taken one element, a drain all. Only if more are missing than these can have
  taken is it certain that elements were lost, though not which; else it is unknown (unknown-outcome). Jepsen calls
  these lost.

If nothing is missing and nothing unexpected, all that went in came out, drain or no drain. Keys are queues of their
own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from checkers.guard import guarded
from checkers.quantile import quantiles_ms
from checkers.queue_traffic import (
    DRAIN,
    LISTED_MAX,
    TOLD_MAX,
    UNEXPECTED,
    Element,
    Queue,
    end_of,
    listed,
    matched,
    positions_of,
    queues_of,
    surplus_anomaly,
    surplus_of,
    where,
)
from checkers.value import Codes, show
from harness.history import INVOKE, Call, History
from harness.result import Anomaly, Reason, Result

EXPECT: Final = "total-queue"
LOST: Final = "lost"
_COUNTS: Final = ("attempts", "acknowledged", "dequeued", "missing", "lost", "unexpected", "duplicates", "recovered",
                  "crashed_dequeues")  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Balance:
    """What one queue owes: its missing enqueues in order of their ends, who emptied it in the end (None: nobody), and
    how many elements may have gone to dequeues of unknown outcome (infinity: to a drain)."""

    missing: Sequence[Call]
    final: Call | None
    takers: Sequence[Call]

    @property
    def excused(self) -> float:
        return inf if any(call.f == DRAIN for call in self.takers) else len(self.takers)

    @property
    def lost(self) -> int:
        """How many elements are certainly lost."""
        return 0 if self.final is None or self.excused >= len(self.missing) else len(self.missing) - int(self.excused)


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Whether all that was acknowledged came out. O(n log n); the time limit is unused.

    Invalid: one anomaly "lost" per key, its operations being both halves of the enqueues, of the call that found the
    queue empty and of the dequeues of unknown outcome (at most 24 of each); or "unexpected". ``details``: counts over
    all keys (``lost``: how many certainly are, at least), and quantiles of ``latencies_ms``, from an enqueue's
    acknowledgement (its invocation, if nobody knows its outcome) to the end of the dequeue. Raises
    :class:`harness.history.HistoryError`.
    """
    return guarded(EXPECT, lambda: _judge(history), method="multisets")


def _judge(history: History) -> Result:
    codes = Codes()
    queues = queues_of(history, codes)
    counts = dict.fromkeys(_COUNTS, 0)
    anomalies: list[Anomaly] = []
    doubts: list[tuple[Reason, str]] = []
    for queue in queues:
        balance = _balance(queue)
        found = surplus_of(queue)
        _count(counts, queue, balance)
        counts["unexpected"] += len(found.unexpected)
        counts["duplicates"] += len(found.duplicates)
        if balance.lost:
            anomalies.append(_lost(queue, codes, balance))
        elif balance.missing:
            doubts.append(_doubt(queue, codes, balance))
        if found.unexpected:
            anomalies.append(surplus_anomaly(queue, codes, UNEXPECTED, found.unexpected))
    if not counts["acknowledged"]:
        doubts.append((Reason.TOO_FEW_OK, "no enqueue was ever acknowledged, so nothing had to come out"))
    reason, explanation = doubts[0] if doubts and not anomalies else (None, None)
    return Result(
        valid=False if anomalies else "unknown" if doubts else True,
        expect=EXPECT,
        method="multisets",
        reason=reason,
        explanation=explanation,
        anomalies=tuple(anomalies),
        operations=history.types.count(INVOKE),
        details={**counts, "latencies_ms": quantiles_ms(_latencies_ns(history, queues)), "keys": len(queues)},
    )


def _balance(queue: Queue) -> _Balance:
    missing = [call for element in queue.elements.values() for call in _missing(element)]
    acknowledged = [end_of(call) for element in queue.elements.values() for call in element.acknowledged]
    final = max(
        (call for call in queue.emptied if call.invoke > max(acknowledged, default=-1)), key=end_of, default=None
    )
    takers = [call for call in queue.crashed if final is None or call.invoke < end_of(final)]
    return _Balance(sorted(missing, key=end_of), final, takers)


def _missing(element: Element) -> list[Call]:
    """Acknowledged enqueues of one value that no dequeue can have brought back, when as many as possible did."""
    served = sum(enqueue is not None for _, enqueue in matched(element.acknowledged, element.taken))
    return element.acknowledged[served:]


def _count(counts: dict[str, int], queue: Queue, balance: _Balance) -> None:
    counts["attempts"] += queue.attempts
    counts["missing"] += len(balance.missing)
    counts["lost"] += balance.lost
    counts["crashed_dequeues"] += len(queue.crashed)
    for element in queue.elements.values():
        acknowledged = len(element.acknowledged)
        served = sum(enqueue is not None for _, enqueue in matched(element.enqueues, element.taken))
        counts["acknowledged"] += acknowledged
        counts["dequeued"] += len(element.taken)
        counts["recovered"] += max(0, served - acknowledged)


def _latencies_ns(history: History, queues: Sequence[Queue]) -> Iterator[int]:
    times = history.times
    for queue in queues:
        for element in queue.elements.values():
            for call, enqueue in matched(element.enqueues, element.taken):
                if enqueue is None:
                    continue
                begin = times[end_of(enqueue) if enqueue.outcome == "ok" else enqueue.invoke]
                if begin >= 0 <= times[end_of(call)]:
                    yield max(0, times[end_of(call)] - begin)


def _doubt(queue: Queue, codes: Codes, balance: _Balance) -> tuple[Reason, str]:
    count = len(balance.missing)
    what = f"{where(queue)}{_elements(count)} acknowledged and never came out ({_told(balance.missing, codes)})"
    if balance.final is None:
        in_there = "it may still be in there" if count == 1 else "they may still be in there"
        return Reason.MISSING_FINAL_READ, (
            f"{what}, and nobody emptied the queue after the last acknowledged enqueue had ended: {in_there}"
        )
    return Reason.UNKNOWN_OUTCOME, f"{what}, and {_takers(balance)} nobody got the answer of may have taken as many"


def _takers(balance: _Balance) -> str:
    drains = [call for call in balance.takers if call.f == DRAIN]
    if drains:
        return f"a drain (op {drains[0].invoke}) that"
    count = len(balance.takers)
    return f"1 dequeue (op {balance.takers[0].invoke}) that" if count == 1 else f"{count} dequeues that"


def _lost(queue: Queue, codes: Codes, balance: _Balance) -> Anomaly:
    assert balance.final is not None, "without a look at the end nothing is lost for certain"
    count = len(balance.missing)
    excuse = f"; {_takers(balance)} nobody got the answer of can have taken no more" if balance.takers else ""
    return Anomaly(
        type=LOST,
        operations=positions_of([*balance.missing[:LISTED_MAX], balance.final, *balance.takers[:LISTED_MAX]]),
        explanation=(
            f"{where(queue)}{_elements(count)} acknowledged and never came out, though process "
            f"{balance.final.process} found the queue empty in the end (op {balance.final.complete}): "
            f"{_told(balance.missing, codes)}{excuse}."
        ),
        details={
            **listed(queue, codes, [codes.code(call.argument) for call in balance.missing]),
            "lost_least": balance.lost,
        },
    )


def _told(missing: Sequence[Call], codes: Codes) -> str:
    more = f" and {len(missing) - TOLD_MAX} more" if len(missing) > TOLD_MAX else ""
    return ", ".join(f"{show(call.argument)} (op {call.complete})" for call in missing[:TOLD_MAX]) + more


def _elements(count: int) -> str:
    return "1 element was" if count == 1 else f"{count} elements were"
