"""A generator driven in virtual time, with no clients: what would it ask, and when?

For tests of generators and workloads. The interpreter is the real thing; this obeys the same rules in a page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from heapq import heappop, heappush
from typing import Final

from harness.generator.core import LOG, PENDING, Context, Generator, Thread
from harness.generator.draws import Draws, derive
from harness.history import NEMESIS, Op, Process

Complete = Callable[[Op, Draws], Op]

STEP_NS: Final = 1_000_000
IDLE_NS_MAX: Final = 60_000_000_000


def answer_ok(op: Op, draws: Draws) -> Op:
    """Every operation succeeds within 10 ms."""
    return replace(op, type="info" if op.process == NEMESIS else "ok", time=op.time + draws.below(10_000_000))


def simulate(
    generator: Generator,
    *,
    concurrency: int = 5,
    seed: int = 0,
    complete: Complete = answer_ok,
    operations_max: int = 10_000,
) -> list[Op]:
    """The history of a run in which ``complete(invocation, draws)`` gives each completion and its time.

    Lines for people are kept too. Stops after ``operations_max`` lines. Raises RuntimeError if the generator stays
    pending for a minute with nobody at work.
    """
    run = _Simulation(generator, concurrency, seed, complete)
    more = True
    while more and len(run.history) < operations_max:
        more = run.step()
    return run.history


class _Simulation:
    def __init__(self, generator: Generator, concurrency: int, seed: int, complete: Complete) -> None:
        self.generator, self.concurrency, self.seed, self.complete = generator, concurrency, seed, complete
        self.threads: tuple[Thread, ...] = (*range(concurrency), NEMESIS)
        self.free: list[Thread] = list(self.threads)
        self.processes: dict[Thread, Process] = {thread: thread for thread in self.threads}
        self.running: list[tuple[int, int, Op]] = []
        self.history: list[Op] = []
        self.now = self.idle_ns = 0

    def context(self) -> Context:
        return Context(self.now, self.threads, tuple(self.free), dict(self.processes), self.concurrency, self.seed)

    def step(self) -> bool:
        """Whatever comes next: an operation, a completion, or a moment of waiting. False at the end."""
        answer = self.generator.op(self.context())
        if answer is None:
            return bool(self.running) and self._finish()
        op, successor = answer
        if op is PENDING:
            self.generator = successor
            return self._finish() if self.running else self._wait()
        if self.running and self.running[0][0] < op.time:
            return self._finish()
        self.generator, self.now = successor, max(self.now, op.time)
        return self._begin(replace(op, time=self.now))

    def _begin(self, op: Op) -> bool:
        self.history.append(op)
        self.idle_ns = 0
        if op.process == LOG:
            return True
        self.free.remove(self.context().thread_of(op.process))
        self.generator = self.generator.update(self.context(), op)
        event = self.complete(op, Draws(derive(derive(self.seed, "latency"), len(self.history))))
        heappush(self.running, (event.time, len(self.history), event))
        return True

    def _finish(self) -> bool:
        self.now, _, event = heappop(self.running)
        thread = self.context().thread_of(event.process)
        self.free.append(thread)
        if event.type == "info" and isinstance(event.process, int):
            self.processes[thread] = event.process + self.concurrency
        self.history.append(event)
        self.generator = self.generator.update(self.context(), event)
        return True

    def _wait(self) -> bool:
        self.now, self.idle_ns = self.now + STEP_NS, self.idle_ns + STEP_NS
        if self.idle_ns >= IDLE_NS_MAX:
            raise RuntimeError("read PENDING for a minute with nobody at work; expected an operation or the end")
        return True
