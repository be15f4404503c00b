"""The nemesis: applies and heals faults as the operations of :mod:`harness.faults.timetable` ask, and measures them.

It observes the cluster's counters around every step. An application's effect is what its window shows against the
quiet stretch before the first fault; and the fault itself must be absent from the nearest calm stretches (no fault in
force) before the window and after it. Only then did it *bit*e (architecture.md, `Fault`).

A fault counts as in force from before it is tried until its heal has succeeded, so :meth:`Nemesis.heal_all` also ends
what was half done when the harness was interrupted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Final

from harness.cluster import Cluster, ClusterError, Observation, ShellError
from harness.fault import Action, Effect, Fault
from harness.faults.effect import Pair
from harness.faults.leader import find_leader
from harness.faults.target import is_symbolic, resolve
from harness.faults.timetable import START, STOP
from harness.history import Op
from harness.node import CallError
from harness.runtime import Runtime
from harness.system import System

Step = Awaitable[Mapping[str, Any]]

FAILURES: Final = (ClusterError, ShellError, CallError, OSError, TimeoutError)
"""What may go wrong on the way to a node; anything else is a bug of ours and is not caught."""

STEP_MS_MAX: Final = 12_000.0
BASELINE_MS: Final = 300.0
HEAL_TRIES: Final = 3


@dataclass(slots=True)
class _Application:
    """One application of a fault, from its request to its heal; times in ns on the run's clock."""

    number: int
    fault: str
    action: Action
    started_ns: int
    before: Observation
    resolved: Action | None = None
    done: Mapping[str, Any] | None = None
    end: Observation | None = None
    stopped_ns: int | None = None
    healed: Mapping[str, Any] | None = None
    errors: list[str] = field(default_factory=list)


class Nemesis:
    """Executes the operations of one run's schedule on its cluster. Not for concurrent use."""

    def __init__(self, system: System, cluster: Cluster, faults: Mapping[str, Fault], runtime: Runtime) -> None:
        self._system, self._cluster, self._faults, self._runtime = system, cluster, faults, runtime
        self._applications: dict[int, _Application] = {}
        self._in_force: list[int] = []
        self._observations: list[tuple[Observation, bool]] = []  # and whether no fault was in force from then on
        self._last_leader: str | None = None

    @property
    def in_force(self) -> tuple[str, ...]:
        """The faults in force, for the progress display."""
        return tuple(self._applications[number].fault for number in self._in_force)

    async def baseline(self) -> None:
        """Begin the quiet stretch with which effects are compared. To be called when the main phase begins, before
        any fault; without it a short stretch is measured just before the first fault."""
        await self._observe()

    async def invoke(self, op: Op) -> Op:
        """The completion of a start or stop operation: what was done, or the error; never raises for a failing node."""
        number = op.value["application"]
        if op.f.startswith(START):
            action = {name: value for name, value in op.value.items() if name != "application"}
            outcome = await self._start(number, op.f.removeprefix(START), action)
        else:
            assert op.f.startswith(STOP), f"read the nemesis operation {op.f!r}; expected start-... or stop-..."
            outcome = await self._stop(number)
        application = self._applications.get(number)
        error = application.errors[-1] if application and application.errors else None
        return replace(op, type="info", value={"application": number, **outcome}, error=error)

    async def _start(self, number: int, name: str, action: Action) -> Mapping[str, Any]:
        if not self._observations:
            await self._observe()
            await self._runtime.sleep(BASELINE_MS)
        before = await self._observe()
        application = _Application(number, name, action, self._runtime.now(), before)
        self._applications[number] = application
        self._in_force.append(number)
        self._spoil()
        application.resolved = await self._resolve(action)
        application.done = await self._try(
            application, self._faults[name].apply(self._cluster, application.resolved), "apply"
        )
        return application.done or {}

    async def _stop(self, number: int) -> Mapping[str, Any]:
        application = self._applications.get(number)
        if application is None or number not in self._in_force:
            return {}
        application.end = await self._observe()
        healed = await self._heal(application)
        await self._observe()
        return healed or {}

    async def _heal(self, application: _Application) -> Mapping[str, Any] | None:
        """Try to end one fault; it stays in force if that fails."""
        if application.resolved is None:  # interrupted while looking for the leader: nothing was done
            self._in_force.remove(application.number)
            return {}
        heal = self._faults[application.fault].heal(self._cluster, application.resolved)
        healed = await self._try(application, heal, "heal")
        if healed is not None:
            application.healed, application.stopped_ns = healed, self._runtime.now()
            self._in_force.remove(application.number)
        return healed

    async def _try(self, application: _Application, step: Step, verb: str) -> Mapping[str, Any] | None:
        try:
            return await self._runtime.within(STEP_MS_MAX, step)
        except FAILURES as error:
            application.errors.append(f"{verb}: {type(error).__name__}: {error}"[:1000])
            return None

    async def heal_all(self) -> tuple[str, ...]:
        """End everything in force, the latest first, trying a few times; then observe once more. Idempotent. Returns
        what could not be healed, in words; empty if all is well."""
        for attempt in range(HEAL_TRIES):
            if attempt and self._in_force:
                await self._runtime.sleep(200.0 * 2**attempt)
            for number in reversed(self._in_force.copy()):
                await self._heal(self._applications[number])
        if self._applications:
            await self._observe()
        remaining = [self._applications[number] for number in self._in_force]
        return tuple(f"{entry.fault} is still in force: {entry.errors[-1]}" for entry in remaining)

    async def _resolve(self, action: Action) -> Action:
        """The action with today's leader in it; failing that the last one known, failing that any node."""
        if not is_symbolic(action):
            return action
        leader = await find_leader(self._cluster, self._system.leader, self._runtime)
        if leader is not None:
            self._last_leader = leader
            return resolve(action, leader)
        fallback, why = self._last_leader, "no leader was found; the last one known was taken"
        if fallback is None:
            fallback, why = next(iter([*action.get("spares", ()), *self._cluster.nodes])), "no leader was ever found"
        return {**resolve(action, fallback), "leader": None, "fallback": why}

    async def _observe(self) -> Observation:
        observation = await self._cluster.observe()
        self._observations.append((observation, not self._in_force))
        return observation

    def _spoil(self) -> None:
        """A fault begins: the stretch that began with the latest observation is not calm."""
        self._observations[-1] = (self._observations[-1][0], False)

    def _calm(self) -> Iterator[Pair]:
        """The stretches between consecutive observations in which no fault was in force, in order."""
        for (first, calm), (second, _) in pairwise(self._observations):
            if calm:
                yield first, second

    def effects(self) -> list[dict[str, Any]]:
        """Every application so far, in order: the lines of ``faults.jsonl``.

        Each has ``fault``, ``application``, ``action`` (as scheduled), ``started_ns``, ``stopped_ns`` (None: still in
        force), ``applied``, ``done``, ``healed``, ``bit`` (the effect was there, and absent before and after),
        ``effect`` (``measured``, ``explanation``, ``absent_outside``), ``errors``.
        """
        calm = list(self._calm())
        return [self._describe(application, calm) for application in self._applications.values()]

    def _describe(self, application: _Application, calm: list[Pair]) -> dict[str, Any]:
        effect = self._judge(application, calm)
        return {
            "fault": application.fault,
            "application": application.number,
            "action": dict(application.action),
            "started_ns": application.started_ns,
            "stopped_ns": application.stopped_ns,
            "applied": application.done is not None,
            "done": None if application.done is None else dict(application.done),
            "healed": None if application.healed is None else dict(application.healed),
            "bit": effect.bit and effect.absent_outside,
            "effect": {
                "measured": dict(effect.measured),
                "explanation": effect.explanation,
                "absent_outside": effect.absent_outside,
            },
            "errors": list(application.errors),
        }

    def _judge(self, application: _Application, calm: list[Pair]) -> Effect:
        if application.done is None or application.end is None:
            what = "was not applied" if application.done is None else "was cut short"
            return Effect(False, {}, f"the fault {what}", absent_outside=True)
        judge = self._faults[application.fault].effect
        done = {**application.done, "healed": application.healed or {}}
        window = (application.before, application.end)
        earlier = [pair for pair in calm if pair[1].time_ns <= application.before.time_ns]
        later = [pair for pair in calm if pair[0].time_ns >= application.end.time_ns]
        if not earlier or not later:
            return replace(judge(done, window, window), bit=False, explanation="no calm stretch to compare with")
        effect = judge(done, earlier[0], window)
        around = [judge(done, pair, window) for pair in (earlier[-1], later[0])]
        absent = all(entry.absent_outside for entry in around)
        explanation = effect.explanation if absent else effect.explanation + "; but not only while it was in force"
        return replace(effect, absent_outside=absent, explanation=explanation)
