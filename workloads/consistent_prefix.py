"""``consistent-prefix``: questions are appended to one list and replies to another; nobody may see a reply and miss its
question, and each list must be seen as it grew.

After Kleppmann, "Designing Data-Intensive Applications", ch. 5, "Consistent Prefix Reads". Who looks reads the replies
first, the questions at once after that, and replies to the newest question that he finds there and nobody has replied
to yet: a reply is caused by what was read. Two things are judged:

* each list by itself (``checkers.consistent_prefix``): all reads show beginnings of one order of its appends, in which
  each session's stand as it made them. Stale reads are none of its business; an acknowledged append that was lost in
  a failover is, where somebody had seen it.
* both lists together (``checkers.causal_prefix``): an observer who reads each from another replica, or partition, can
  see the reply before the question.

Lists are left after OPENINGS_PER_BOARD questions and looks, as reads show all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from harness.generator import (
    PENDING,
    Answer,
    Context,
    Generator,
    any_of,
    clients,
    fill,
    function,
    invoke,
    rate,
)
from harness.history import History, Op
from harness.result import Result, composed
from harness.workload import Thresholds, Workload, WorkloadOptions
from workloads.anomaly_order import each_type_first
from workloads.final import dumps

NAME: Final = "consistent-prefix"
QUESTIONS, REPLIES = "questions-", "replies-"

OPENINGS_PER_BOARD: Final = 60

ASKS: Final = 0.4
"""How many of the openings are questions; the others are looks, which mostly become three operations."""

OPERATIONS_PER_OPENING: Final = ASKS + (1 - ASKS) * 2.5


def _open(context: Context, position: int) -> Op:
    """A question, its number as its text; or the first half of a look."""
    board = position // OPENINGS_PER_BOARD
    if context.draws(position).uniform() < ASKS:
        return invoke("append", 1 + position, key=f"{QUESTIONS}{board}")
    return invoke("read", key=f"{REPLIES}{board}")


@dataclass(frozen=True, slots=True)
class _GoOn:
    """What follows a read at once, by the same process: after the replies, the questions; after these, a reply.
    ``waiting`` are such operations; ``replied`` is the newest question that somebody has set out to reply to."""

    waiting: tuple[Op, ...] = ()
    replied: int = 0

    def op(self, context: Context) -> Answer:
        alive = [op for op in self.waiting if op.process in context.processes.values()]
        for op in alive:
            if context.thread_of(op.process) in context.free:
                return fill(op, context), replace(self, waiting=tuple(other for other in alive if other is not op))
        return PENDING, self

    def update(self, context: Context, event: Op) -> Generator:
        if event.type != "ok" or event.f != "read":
            return self
        kind, _, board = str(event.key).rpartition("-")
        if f"{kind}-" == REPLIES:
            return self._with(event, invoke("read", key=f"{QUESTIONS}{board}"))
        newest = _newest(event.value)
        if newest <= self.replied:
            return self
        return replace(self._with(event, invoke("append", newest, key=f"{REPLIES}{board}")), replied=newest)

    def _with(self, event: Op, op: Op) -> _GoOn:
        """One who was overtaken by another operation goes on from there."""
        others = tuple(other for other in self.waiting if other.process != event.process)
        return replace(self, waiting=(*others, replace(op, process=event.process)))


def _newest(shown: Any) -> int:
    """The newest of the questions read; 0 if there are none, or what was read are no questions."""
    numbers = [each for each in shown if type(each) is int] if isinstance(shown, Sequence) else []
    return max(numbers, default=0)


def generator(options: WorkloadOptions) -> Generator:
    openings = rate(options.rate_hz / OPERATIONS_PER_OPENING, function(_open))
    return clients(any_of(openings, _GoOn()))


def final_generator(options: WorkloadOptions) -> Generator:
    return clients(dumps(options))


def probe(attempt: int) -> Op:
    """A question on a board of its own, which nobody reads."""
    return invoke("append", 1, key=f"{QUESTIONS}probe-{attempt}")


def check(history: History, time_limit_s: float | None) -> Result:
    from checkers.causal_prefix import check as check_both
    from checkers.consistent_prefix import check as check_each

    each, both = (judge(history, time_limit_s=time_limit_s) for judge in (check_each, check_both))
    return each_type_first(composed(each, both))


WORKLOAD: Final = Workload(
    name=NAME,
    summary="append questions to a list, replies to another; each shows its beginning, no reply without its question",
    operations=frozenset({"append", "read"}),
    expect="consistent-prefix",
    model=None,
    generator=generator,
    final_generator=final_generator,
    probe=probe,
    check=check,
    thresholds=Thresholds(
        counted=("append", "read"),
        writes=("append",),
        conflicts_from=1000,  # what is missing shows in reads that come later, too
    ),
)
