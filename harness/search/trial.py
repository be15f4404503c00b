"""A trial: one plan run in the simulated world and judged, in memory or with a run's folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from harness.formats import read_history
from harness.history import History, Op
from harness.interpreter import ContractError
from harness.progress import Progress
from harness.runner import Record, Run, RunError
from harness.setup import Setup
from harness.simulation.cluster import SimCluster, SimProvider
from harness.simulation.runtime import SimRuntime
from harness.simulation.scheduler import DeadlockError, LivelockError
from harness.store import HistorySink, MemoryFolder, Place, RunFolder
from harness.trace import Trace
from harness.verdict import Verdict, assess, judge

VIRTUAL_S_SPARE: Final = 600.0
"""How long after the main phase's end a run may take, in virtual time, until something is taken to be stuck."""


class TrialError(Exception):
    """A run that came to no verdict; the text says why (a livelock with its tasks, a system that never was ready)."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a plan. ``history`` and ``events`` (as in ``events.jsonl``) are what the verdict stands on;
    ``rare`` the rare branches, name -> [times reached, times taken]; ``deliveries`` messages that arrived,
    ``scheduled`` the scheduler's events; ``virtual_s`` and ``seconds`` simulated and real seconds."""

    setup: Setup
    verdict: Verdict
    history: History
    events: Sequence[Mapping[str, Any]]
    rare: Mapping[str, Sequence[int]]
    deliveries: int
    scheduled: int
    virtual_s: float
    seconds: float

    @property
    def anomalies(self) -> tuple[str, ...]:
        """The types of the anomalies, each once."""
        return tuple(dict.fromkeys(anomaly.type for anomaly in self.verdict.result.anomalies))


def run_trial(
    setup: Setup,
    *,
    folder: RunFolder | None = None,
    trace: Trace | None = None,
    watch: Callable[[Progress], None] = lambda progress: None,
    say: Callable[[str], None] = lambda text: None,
    time_limit_s: float | None = 60.0,
) -> Trial:
    """Run ``setup``'s plan in the simulated world, whatever its provider, and judge it.

    With a ``folder`` everything a run leaves is written there. ``time_limit_s`` bounds the checker, in real seconds.
    Raises TrialError where there is nothing to be judged.
    """
    started, plan = perf_counter(), setup.plan
    provider = SimProvider(trace=trace, rare=plan.rare, keeps_logs=folder is not None)
    runtime = SimRuntime(plan.seed, plan.order)
    memory = MemoryFolder()
    place: Place = memory if folder is None else folder
    setup = replace(setup, provider=provider)
    run = Run(setup, runtime, place if trace is None else TracedPlace(place, trace), watch, say)
    try:
        record = runtime.run(run.execute(), plan.time_limit_s + VIRTUAL_S_SPARE)
    except (RunError, ContractError, DeadlockError, LivelockError) as error:
        raise TrialError(f"seed {plan.seed}: {error}") from error
    cluster = provider.cluster
    assert cluster is not None, "a run that has ended had a cluster"
    record = _with_violations(record, cluster)
    if folder is None:
        history, events = History(memory.operations), events_of(cluster)
        verdict = assess(setup, history, record, events, time_limit_s)
    else:
        verdict = judge(setup, folder, record, time_limit_s)
        history, events = read_history(folder.history, "jsonl"), events_of(cluster)
    rare = cluster.world.rare
    return Trial(
        setup=setup,
        verdict=verdict,
        history=history,
        events=events,
        rare={name: (times, rare.took.get(name, 0)) for name, times in rare.reached.items()},
        deliveries=cluster.world.network.delivered,
        scheduled=runtime.scheduler.events,
        virtual_s=runtime.scheduler.now_us / 1e6,
        seconds=perf_counter() - started,
    )


class TracedPlace:
    """A run's place whose trace is told of every operation too."""

    def __init__(self, place: Place, trace: Trace) -> None:
        self._place, self._trace = place, trace
        self._sink: HistorySink | None = None
        self._begun: set[tuple[str, Any]] = set()

    @property
    def path(self) -> Path:
        return self._place.path

    @property
    def nodes(self) -> Path | None:
        return self._place.nodes

    def open_history(self) -> HistorySink:
        self._sink = self._place.open_history()
        return self

    def append(self, op: Op) -> None:
        assert self._sink is not None, "the history was opened"
        self._sink.append(op)
        if isinstance(op.process, int):
            self._trace.operation(op.time // 1000, op)
            return
        step = (op.f, op.value.get("application") if isinstance(op.value, Mapping) else None)
        self._trace.fault(op.time // 1000, op.f, "done" if step in self._begun else "begin", op.value)
        self._begun.add(step)

    def close(self) -> None:
        if self._sink is not None:
            self._sink.close()


def events_of(cluster: SimCluster) -> list[Mapping[str, Any]]:
    """What all nodes told, in order of node."""
    return [event for node in cluster.world.nodes.values() for event in node.events]


def _with_violations(record: Record, cluster: SimCluster) -> Record:
    """Node code that breaks a rule leaves no valid verdict."""
    broken = tuple(str(violation) for violation in cluster.world.violations)
    return replace(record, troubles=(*record.troubles, *broken)) if broken else record


__all__ = ["Trial", "TrialError", "run_trial"]
