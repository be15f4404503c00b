"""The end of a run, when all is healed: final reads, after a quiet while; then what each replica holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from harness.generator import (
    EMPTY,
    PENDING,
    Answer,
    Context,
    Generator,
    delay,
    each_thread,
    fill,
    invoke,
    once,
    quiet,
    repeat,
    sequence,
    until_ok,
)
from harness.history import DUMP, Op
from harness.workload import WorkloadOptions

SETTLE_S: Final = 2.0
"""Before the final reads. A system may serve reads from a replica that is behind: by a heartbeat, or, when a partition
has just ended, by the time it takes to notice a dead connection and make a new one. What such a replica does not show
yet is not lost, and nothing that a client sees could tell the two apart but time."""

READS_MAX: Final = 10
READ_GAP_S: Final = 0.3

DUMP_ROUNDS_MAX: Final = 20
DUMP_GAP_S: Final = 0.3
"""Replicas that do not agree are asked again for 6 seconds and more: as long as final reads wait, and longer."""


def final_reads(*reads: Op) -> Generator:
    """When all has been quiet for a while, every thread, each at a node of its own, asks each of ``reads`` until it has
    one answer to it."""
    each = [until_ok(delay(READ_GAP_S, repeat(once(read), READS_MAX))) for read in reads]
    return quiet(SETTLE_S, each_thread(sequence(*each)))


def dumps(options: WorkloadOptions) -> Generator:
    """Each replica is asked what it holds, round by round, until two rounds in succession show that all who answer
    agree. Nothing where the system has no such operation, or no second node."""
    if DUMP not in options.operations or len(options.nodes) < 2:
        return EMPTY
    return _Rounds(options.nodes)


@dataclass(frozen=True, slots=True)
class _Rounds:
    """``asked`` and ``ended`` dumps of this round, with its ``states`` so far; ``ended_ns`` when the last one ended,
    ``start_ns`` when this round begins; ``before`` what all held in the round before (None: they did not agree)."""

    nodes: tuple[str, ...]
    number: int = 1
    start_ns: int = 0
    asked: int = 0
    ended: int = 0
    ended_ns: int = 0
    states: tuple[Any, ...] = ()
    before: Any = None

    def op(self, context: Context) -> Answer:
        if self.asked < len(self.nodes):
            op = fill(replace(invoke(DUMP, node=self.nodes[self.asked]), time=self.start_ns), context)
            return (PENDING, self) if op is PENDING else (op, replace(self, asked=self.asked + 1))
        if self.ended < self.asked:
            return PENDING, self
        agreed = self._agreed()
        if self.number == DUMP_ROUNDS_MAX or (agreed is not None and agreed == self.before):
            return None
        start_ns = self.ended_ns + round(DUMP_GAP_S * 1e9)
        return _Rounds(self.nodes, self.number + 1, start_ns, before=agreed).op(context)

    def _agreed(self) -> Any:
        first = self.states[0] if len(self.states) > 1 else None
        return first if all(state == first for state in self.states) else None

    def update(self, context: Context, event: Op) -> Generator:
        if event.f != DUMP or event.type == "invoke":
            return self
        shown = event.type == "ok" and isinstance(event.value, Mapping)
        states = (*self.states, event.value.get("state")) if shown else self.states
        return replace(self, ended=self.ended + 1, ended_ns=event.time, states=states)
