"""Many trials over all cores: workers are started, their outcomes collected, and all of them ended whatever happens."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Final, Literal

from harness.plan import Plan
from harness.search.worker import request

ROOT: Final = Path(__file__).resolve().parents[2]
POLL_S: Final = 0.2
UNKNOWN_SHARE_MAX: Final = 0.1
"""Above this share of unknown runs a batch says nothing for certain."""

Outcome = Mapping[str, Any]


class WorkerError(Exception):
    """A worker process ended by itself; the text is what it said last."""


@dataclass(slots=True)
class Tally:
    """What a batch has come to. ``cells`` and ``rare`` are sums over all runs; ``bit``:
    fault -> [runs that had it, runs in which it had an effect]; ``recovery_s`` the longest."""

    runs: int = 0
    failures: list[Outcome] = field(default_factory=list)
    unknowns: list[Outcome] = field(default_factory=list)
    cells: dict[tuple[str, str, str], int] = field(default_factory=dict)
    rare: dict[str, list[int]] = field(default_factory=dict)
    bit: dict[str, list[int]] = field(default_factory=dict)
    operations: int = 0
    deliveries: int = 0
    virtual_s: float = 0.0
    worker_s: float = 0.0
    recovery_s: float = 0.0
    seconds: float = 0.0

    def add(self, outcome: Outcome) -> None:
        self.runs += 1
        if outcome["valid"] is False:
            self.failures.append(outcome)
        elif outcome["valid"] is not True:
            self.unknowns.append(outcome)
        for *cell, count in outcome.get("cells", ()):
            fault, phase, f = cell
            self.cells[fault, phase, f] = self.cells.get((fault, phase, f), 0) + count
        for name, (reached, took) in outcome.get("rare", {}).items():
            sums = self.rare.setdefault(name, [0, 0])
            sums[0], sums[1] = sums[0] + reached, sums[1] + took
        for name, bit in outcome.get("bit", {}).items():
            sums = self.bit.setdefault(name, [0, 0])
            sums[0], sums[1] = sums[0] + 1, sums[1] + bit
        self.operations += outcome.get("operations", 0)
        self.deliveries += outcome.get("deliveries", 0)
        self.virtual_s += outcome.get("virtual_s", 0.0)
        self.worker_s += outcome.get("seconds", 0.0)
        self.recovery_s = max(self.recovery_s, outcome.get("recovery_s") or 0.0)

    @property
    def valid(self) -> Literal[True, False, "unknown"]:
        """The verdict on all runs together: worst first, and a few unknown ones are borne."""
        if self.failures:
            return False
        return "unknown" if not self.runs or len(self.unknowns) > UNKNOWN_SHARE_MAX * self.runs else True

    @property
    def reasons(self) -> dict[str, int]:
        """Why runs are unknown: reason -> how many."""
        counts: dict[str, int] = {}
        for outcome in self.unknowns:
            counts[outcome["reason"]] = counts.get(outcome["reason"], 0) + 1
        return counts


@dataclass(frozen=True, slots=True)
class Batch:
    """The runs of the seeds ``first`` .. ``first + runs - 1`` of a plan. ``keep_going`` after a failure; ``checker_s``
    bounds each check in real seconds; ``workers`` None: one per core."""

    base: Plan
    first: int
    runs: int
    strategy: str = "uniform"
    keep_going: bool = False
    checker_s: float | None = 60.0
    workers: int | None = None

    def execute(self, watch: Callable[[Tally], None] = lambda tally: None) -> Tally:
        """Make the runs, telling ``watch`` a few times a second. Raises WorkerError; KeyboardInterrupt ends it with all
        workers gone."""
        tally, started = Tally(), perf_counter()
        try:
            for outcome in self._outcomes():
                if outcome is not None:
                    tally.add(outcome)
                tally.seconds = perf_counter() - started
                watch(tally)
                if tally.failures and not self.keep_going:
                    break
        except KeyboardInterrupt:
            if not tally.runs:
                raise
        tally.seconds = perf_counter() - started
        return tally

    def _outcomes(self) -> Iterator[Outcome | None]:
        """Outcomes as they come; None when for a while none came."""
        count = min(self.workers or os.cpu_count() or 1, self.runs)
        stop = self.first + self.runs
        workers: list[_Worker] = []
        try:
            workers.extend(_Worker(self, range(self.first + number, stop, count)) for number in range(count))
            yield from _collect(workers)
        finally:
            for worker in workers:
                worker.end()


class _Worker:
    """One worker process; ``lines`` are what it prints, then its end."""

    def __init__(self, batch: Batch, seeds: range) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "harness.search.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        assert self.process.stdin is not None, "a pipe was asked for"
        self.process.stdin.write(json.dumps(request(batch.base, seeds, batch.strategy, batch.checker_s)) + "\n")
        self.process.stdin.close()

    def read(self, lines: queue.Queue[str | None]) -> None:
        """Pass on what it prints; None at its end."""
        assert self.process.stdout is not None, "a pipe was asked for"
        for line in self.process.stdout:
            lines.put(line)
        lines.put(None)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()

    def check(self) -> None:
        """Raises WorkerError if it did not end well."""
        assert self.process.stderr is not None, "a pipe was asked for"
        if self.process.wait() != 0:
            raise WorkerError(f"a worker ended with status {self.process.returncode}: "
                              f"{self.process.stderr.read()[-4000:]}")  # fmt: skip


def _collect(workers: list[_Worker]) -> Iterator[Outcome | None]:
    lines: queue.Queue[str | None] = queue.Queue()
    for worker in workers:
        threading.Thread(target=worker.read, args=(lines,), daemon=True).start()
    running = len(workers)
    while running:
        try:
            line = lines.get(timeout=POLL_S)
        except queue.Empty:
            yield None
            continue
        if line is None:
            running -= 1
        else:
            yield json.loads(line)
    for worker in workers:
        worker.check()
