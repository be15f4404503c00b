"""``sessions``: every process writes versions to a key of its own, everybody reads; every session guarantee must hold.

The user who does not find what he has just written, or who sees it and after the next click does not (Kleppmann,
"Designing Data-Intensive Applications", ch. 5, "Problems with Replication Lag"), is a client whose reads are served by
replicas that are behind. A session is a process. It alone writes its key, one version after the other, so the order of
the versions is known, and each guarantee is judged by its own name: read-your-writes, monotonic-reads,
monotonic-writes, writes-follow-reads and PRAM.

Lag is short, and shows only to who looks at once. So a session that has written or read something mostly goes on
without a pause, like somebody who reloads the page, and reads the same key again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
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
    mix,
    rate,
)
from harness.history import History, Op
from harness.result import Result
from harness.workload import Thresholds, Workload, WorkloadOptions
from workloads.anomaly_order import each_type_first
from workloads.final import dumps

NAME: Final = "sessions"

READ_BY_ALL: Final = 3
"""How many threads have keys that the others read, too: few, so that they are read while they are written."""

GOES_ON: Final = 2 / 3
"""How often a session reads again at once: on average it does so twice."""

WRITES_PER_READ: Final = 2.0
"""Of operations that do not follow at once; those that do are reads."""


def _write(context: Context, position: int) -> Op:
    """The next version of the writer's own key. Positions grow, over all keys together, and so do versions."""
    if not context.free:
        return invoke("write")  # nobody may ask it yet
    process = context.processes[context.free[0]]
    return replace(invoke("write", 1 + position, key=process), process=process)


def _read(context: Context, position: int) -> Op:
    written = context.draws(position).choice(context.threads[:READ_BY_ALL])
    return invoke("read", key=context.processes[written])


@dataclass(frozen=True, slots=True)
class _Reload:
    """Reads that follow an operation at once: the same process's, of the same key. ``waiting`` are operations to be
    followed; ``seen`` how many have ended well."""

    waiting: tuple[Op, ...] = ()
    seen: int = 0

    def op(self, context: Context) -> Answer:
        alive = [event for event in self.waiting if event.process in context.processes.values()]
        for event in alive:
            if context.thread_of(event.process) in context.free:
                left = tuple(other for other in alive if other is not event)
                again = fill(replace(invoke("read", key=event.key), process=event.process), context)
                return again, replace(self, waiting=left)
        return PENDING, self

    def update(self, context: Context, event: Op) -> Generator:
        if event.type != "ok":
            return self
        follows = context.draws(self.seen).uniform() < GOES_ON
        waiting = tuple(other for other in self.waiting if other.process != event.process)
        return _Reload((*waiting, event) if follows else waiting, self.seen + 1)


def generator(options: WorkloadOptions) -> Generator:
    begun = mix(function(_write), function(_read), weights=(WRITES_PER_READ, 1.0))
    return clients(any_of(rate(options.rate_hz * (1 - GOES_ON), begun), _Reload()))


def final_generator(options: WorkloadOptions) -> Generator:
    return clients(dumps(options))


def probe(attempt: int) -> Op:
    """The only write to a key that nobody reads: a session of its own."""
    return invoke("write", 1, key=-1 - attempt)


def check(history: History, time_limit_s: float | None) -> Result:
    """All session guarantees. The values are taken for versions where each key has one writer: always in a run of the
    generator. In a repeated run another process may do what a plan lists for this one, and a write of the first one,
    whose outcome is unknown, may then come true after a higher version."""
    from checkers.session.verdict import session_guarantees

    versions = one_writer_per_key(history)
    return each_type_first(session_guarantees(history, versions=versions, time_limit_s=time_limit_s))


def one_writer_per_key(history: History) -> bool:
    writers: defaultdict[Hashable, set[Any]] = defaultdict(set)
    for call in history.calls():
        if call.f == "write" and call.outcome != "fail":
            writers[call.key if isinstance(call.key, Hashable) else None].add(call.process)
    return all(len(processes) == 1 for processes in writers.values())


WORKLOAD: Final = Workload(
    name=NAME,
    summary="write versions to a key of one's own, read all keys; every session guarantee must hold",
    operations=frozenset({"read", "write"}),
    expect="session-guarantees",
    model=None,
    generator=generator,
    final_generator=final_generator,
    probe=probe,
    check=check,
    thresholds=Thresholds(
        counted=("read", "write"),
        writes=("write",),
        conflicts_from=2000,  # a session is disappointed by what happened before it read, not at the same time
    ),
)
