"""``devices``: every user writes on one device and looks on another; what was entered must be there.

"The same user accessing your service from multiple devices" (Kleppmann, "Designing Data-Intensive Applications", ch. 5,
"Reading Your Own Writes"). A session is a user, with two processes, each with a connection, and a memory, of its own:
the first writes the user's key, one version after the other, and both read it. What one device has done mostly makes
the other look at once. Only read-your-writes is judged, of the user as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from harness.generator import PENDING, Answer, Context, Generator, any_of, clients, fill, function, invoke, rate
from harness.history import History, Op
from harness.result import Result
from harness.workload import Thresholds, Workload, WorkloadOptions
from workloads.anomaly_order import each_type_first
from workloads.final import dumps
from workloads.sessions import one_writer_per_key

NAME: Final = "devices"

DEVICES: Final = 2

GOES_ON: Final = 2 / 3
"""How often the other device looks, once this one has written or read: on average twice per write."""


def _write(context: Context, position: int) -> Op:
    """The next version, entered on the first device of a user. Positions grow, over all users, and so do versions."""
    first = [thread for thread in context.threads if _is_first(thread)]
    process = context.processes[next((thread for thread in first if thread in context.free), first[0])]
    return replace(_of_user(invoke("write", 1 + position), process), process=process)


def _is_first(thread: object) -> bool:
    return isinstance(thread, int) and thread % DEVICES == 0


def _of_user(op: Op, first: object) -> Op:
    """Users are named after the process of their first device: when it is no more, neither are they."""
    return replace(op, key=f"user-{first}", session=f"user-{first}")


@dataclass(frozen=True, slots=True)
class _Look:
    """Reads on the other device. ``waiting`` are such reads; ``seen`` how many operations have ended well."""

    waiting: tuple[Op, ...] = ()
    seen: int = 0

    def op(self, context: Context) -> Answer:
        alive = [op for op in self.waiting if op.process in context.processes.values()]
        for op in alive:
            if context.thread_of(op.process) in context.free:
                return fill(op, context), replace(self, waiting=tuple(other for other in alive if other is not op))
        return PENDING, self

    def update(self, context: Context, event: Op) -> Generator:
        if event.type != "ok" or event.session is None:
            return self
        follows = context.draws(self.seen).uniform() < GOES_ON
        read = replace(invoke("read", key=event.key, session=event.session), process=_other_device(context, event))
        waiting = tuple(op for op in self.waiting if op.process != read.process)
        return _Look((*waiting, read) if follows else self.waiting, self.seen + 1)


def _other_device(context: Context, event: Op) -> int | str:
    """The process of the user's other device; of the same one, if an odd number of processes leaves it alone."""
    thread = context.thread_of(event.process)
    assert isinstance(thread, int), "operations of sessions are clients'"
    return context.processes.get(thread + 1 if _is_first(thread) else thread - 1, event.process)


def generator(options: WorkloadOptions) -> Generator:
    return clients(any_of(rate(options.rate_hz * (1 - GOES_ON), function(_write)), _Look()))


def final_generator(options: WorkloadOptions) -> Generator:
    return clients(dumps(options))


def probe(attempt: int) -> Op:
    """The only write to a key that nobody reads: a user of its own."""
    return invoke("write", 1, key=f"user-probe-{attempt}")


def check(history: History, time_limit_s: float | None) -> Result:
    """Read-your-writes, by user. The values are versions where each key has one writer (see ``workloads.sessions``)."""
    from checkers.session.verdict import read_your_writes

    versions = one_writer_per_key(history)
    return each_type_first(read_your_writes(history, versions=versions, time_limit_s=time_limit_s))


WORKLOAD: Final = Workload(
    name=NAME,
    summary="users write on one device and read on two; what a user has written is there on both",
    operations=frozenset({"read", "write"}),
    expect="read-your-writes",
    model=None,
    generator=generator,
    final_generator=final_generator,
    probe=probe,
    check=check,
    thresholds=Thresholds(
        counted=("read", "write"),
        writes=("write",),
        conflicts_from=2000,  # what is missing shows in reads that come later
    ),
)
