"""The nemesis: applies and heals faults as the operations of :mod:`harness.faults.timetable` ask, or at once where
something sets them off (:mod:`harness.faults.triggered`), and measures them.

It observes the cluster's counters around every step, and in a run with triggers every second besides: a fault that
something sets off strikes in that very moment, so nothing can be observed first. What the observations say of an
application is in :mod:`harness.faults.measurement`.

Faults that overlap are layers of each other (:mod:`harness.faults.layers`), and a node has one owner at a time
(:mod:`harness.faults.ownership`): an application that finds no node free is not applied.

A fault counts as in force from before it is tried until its heal has succeeded, so :meth:`Nemesis.heal_all` also ends
what was half done when the harness was interrupted. Several faults may begin at the same time; heals wait for each
other, since two of them may start the same node.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, Final

from harness.cluster import Cluster, ClusterError, Observation, ShellError
from harness.fault import Action, Fault
from harness.faults.layers import Layers
from harness.faults.leader import find_leader
from harness.faults.measurement import Application, Observations, described, together
from harness.faults.ownership import claim, owns_nodes
from harness.faults.target import FOLLOWERS, ITS_NODE, LEADER, is_symbolic, resolve, resolve_role, role_of
from harness.faults.timetable import START, STOP
from harness.history import NEMESIS, Op
from harness.node import CallError, Future, Task
from harness.runtime import Runtime
from harness.system import System

Step = Awaitable[Mapping[str, Any]]

FAILURES: Final = (ClusterError, ShellError, CallError, OSError, TimeoutError)
"""What may go wrong on the way to a node; anything else is a bug of ours and is not caught."""

STEP_MS_MAX: Final = 12_000.0
BASELINE_MS: Final = 300.0
SAMPLE_MS: Final = 1_000.0
HEAL_TRIES: Final = 3


class Nemesis:
    """Executes the operations of one run's schedule on its cluster."""

    def __init__(self, system: System, cluster: Cluster, faults: Mapping[str, Fault], runtime: Runtime) -> None:
        self._system, self._cluster, self._faults, self._runtime = system, cluster, faults, runtime
        self._layers = Layers(cluster)
        self._applications: dict[int, Application] = {}
        self._in_force: list[int] = []
        self._observations = Observations()
        self._last_leader: str | None = None
        self._sampling: Task[None] | None = None
        self._healing = False
        self._healed: Future[None] | None = None  # whoever waits for a heal to end

    @property
    def in_force(self) -> tuple[str, ...]:
        """The faults in force, for the progress display."""
        return tuple(self._applications[number].fault for number in self._in_force)

    async def baseline(self, *, sampled: bool = False) -> None:
        """Begin the quiet stretch with which effects are compared. To be called when the main phase begins, before
        any fault; without it a short stretch is measured just before the first fault. ``sampled``: faults will strike
        unannounced, so there is a short stretch now, and an observation every second until everything is healed."""
        await self._observe()
        if sampled:
            await self._runtime.sleep(BASELINE_MS)
            await self._observe()
            self._sampling = self._runtime.spawn(self._sample(), "observations")

    async def _sample(self) -> None:
        while True:
            await self._runtime.sleep(SAMPLE_MS)
            await self._observe()

    async def invoke(self, op: Op) -> Op:
        """The completion of a start or stop operation: what was done, or the error; never raises for a failing node."""
        number = op.value["application"]
        if op.f.startswith(START):
            action = {name: value for name, value in op.value.items() if name != "application"}
            await self._start(number, op.f.removeprefix(START), action)
            return self.begun(number)
        assert op.f.startswith(STOP), f"read the nemesis operation {op.f!r}; expected start-... or stop-..."
        healed = await self._stop(number)
        return self._completion(op.f, number, healed)

    async def _start(self, number: int, name: str, action: Action) -> None:
        if self._observations.latest is None:
            await self._observe()
            await self._runtime.sleep(BASELINE_MS)
        application = self._begin(number, name, action, await self._observe())
        leader, found = await self._look_up(action)
        if self._claim(application, leader, found):
            assert application.resolved is not None, "claimed"
            step = self._faults[name].apply(self._layer(number), application.resolved)
            application.done = await self._try(application, step, "apply")
            self._act(application)

    def announce(self, number: int, name: str, action: Action, trigger: Mapping[str, Any]) -> Op:
        """A fault is set off: from now on it counts as in force. :meth:`strike` applies it; ``trigger`` has the node
        where it was set off. Returns the operation that announces it."""
        before = self._observations.latest
        assert before is not None, "the baseline is taken before anything can set off a fault"
        self._begin(number, name, action, before, trigger)
        return Op("info", NEMESIS, START + name, {"application": number, **action, "trigger": dict(trigger)})

    async def strike(self, number: int) -> None:
        """Apply what was announced. Nothing is awaited before the cluster is told, but for a leader's name."""
        application = self._applications[number]
        action, node = application.action, (application.trigger or {}).get("node")
        try:
            leader, found = (None, {}) if is_symbolic(action, (ITS_NODE,)) else await self._look_up(action)
            if self._claim(application, leader or node, found):
                assert application.resolved is not None, "claimed"
                fault = self._faults[application.fault]
                application.done = await fault.apply(self._layer(number), application.resolved)
                self._act(application)
        except Exception as error:  # noqa: BLE001 (a fault that fails is no reason to lose the history)
            self.note_error(number, "apply", error)

    def _act(self, application: Application) -> None:
        """A recurring fault goes on, once it is applied, until its heal begins."""
        fault: Any = self._faults[application.fault]
        if application.done is None or not hasattr(fault, "during") or application.number not in self._in_force:
            return

        application.over = over = self._runtime.future()

        async def act() -> None:
            try:
                await fault.during(self._layer(application.number), application.resolved, self._runtime, over)
            except FAILURES as error:
                self.note_error(application.number, "during", error)

        application.acting = self._runtime.spawn(act(), f"{application.fault} {application.number}")

    async def _cease(self, application: Application) -> None:
        """Whatever a recurring fault was doing has ended when this returns, or will not."""
        if application.acting is None or application.over is None:
            return
        if not application.over.done():
            application.over.set_result(None)
        try:
            await self._runtime.within(STEP_MS_MAX, application.acting)
        except TimeoutError as error:
            self.note_error(application.number, "during", error)

    def note_error(self, number: int, verb: str, error: BaseException) -> None:
        """Keep what went wrong with an application."""
        self._applications[number].errors.append(f"{verb}: {type(error).__name__}: {error}"[:1000])

    def begun(self, number: int) -> Op:
        """The operation that says what was done to begin an application."""
        application = self._applications[number]
        return self._completion(START + application.fault, number, application.done)

    def _begin(
        self, number: int, name: str, action: Action, before: Observation, trigger: Mapping[str, Any] | None = None
    ) -> Application:
        application = Application(number, name, action, self._runtime.now(), before, trigger)
        self._applications[number] = application
        self._in_force.append(number)
        self._observations.spoil()
        return application

    def _completion(self, f: str, number: int, outcome: Mapping[str, Any] | None) -> Op:
        application = self._applications.get(number)
        error = application.errors[-1] if application and application.errors else None
        refused = {"refused": application.refused} if application and application.refused else {}
        return Op("info", NEMESIS, f, {"application": number, **(outcome or {}), **refused}, error=error)

    async def _stop(self, number: int) -> Mapping[str, Any] | None:
        application = self._applications.get(number)
        if application is None or number not in self._in_force:
            return None
        application.end = await self._observe()
        healed = await self._heal(application)
        await self._observe()
        return healed

    async def _heal(self, application: Application) -> Mapping[str, Any] | None:
        """Try to end one fault; it stays in force if that fails."""
        await self._turn()
        try:
            if application.number not in self._in_force:
                return application.healed
            if application.resolved is None:  # interrupted while looking for the leader: nothing was done
                self._in_force.remove(application.number)
                return {}
            await self._cease(application)
            heal = self._faults[application.fault].heal(self._layer(application.number), application.resolved)
            healed = await self._try(application, heal, "heal")
            if healed is not None:
                application.healed, application.stopped_ns = healed, self._runtime.now()
                self._in_force.remove(application.number)
            return healed
        finally:
            self._healing = False
            if self._healed is not None:
                self._healed.set_result(None)
                self._healed = None

    async def _turn(self) -> None:
        """Wait until no heal is under way, and begin one."""
        while self._healing:
            if self._healed is None:
                self._healed = self._runtime.future()
            await self._healed
        self._healing = True

    async def _try(self, application: Application, step: Step, verb: str) -> Mapping[str, Any] | None:
        try:
            return await self._runtime.within(STEP_MS_MAX, step)
        except FAILURES as error:
            self.note_error(application.number, verb, error)
            return None

    def _layer(self, number: int) -> Cluster:
        """The cluster as one application sees it."""
        return self._layers.of(number, lambda: self._owners(without=number))

    def _owners(self, without: int) -> dict[str, str]:
        """The nodes that other applications in force own, and in words which."""
        owning = [self._applications[number] for number in self._in_force if number != without]
        return {
            node: f"{other.fault} (application {other.number})"
            for other in owning
            if owns_nodes(self._faults[other.fault])
            for node in (other.resolved or {}).get("nodes", ())
        }

    def _claim(self, application: Application, node: str | None, found: Mapping[str, Any]) -> bool:
        """Decide what is struck, now that it is known who leads (or where it was set off: ``node``), and whose nodes
        are whose: nothing may come between this and the strike. Whether anything is left to do; if not, the
        application is over."""
        own = owns_nodes(self._faults[application.fault])
        owners = self._owners(without=application.number) if own else {}
        decided = claim(application.action, owners, lambda action: self._resolved(action, node))
        application.left_out = decided.left_out
        if decided.action is None:
            application.refused = decided.refusal
            self._in_force.remove(application.number)
            return False
        application.resolved = {**decided.action, **found}
        return True

    def _resolved(self, action: Action, node: str | None) -> Action:
        if role_of(action) is not None:
            return resolve_role(action, self._cluster.roles)
        word = next((word for word in (LEADER, ITS_NODE, FOLLOWERS) if is_symbolic(action, (word,))), None)
        if word is None:
            return action
        assert node is not None, "the leader was looked up, or what set the fault off has a node"
        return resolve(action, node, word)

    async def heal_all(self) -> tuple[str, ...]:
        """End everything in force, the latest first, trying a few times; then observe once more. Idempotent. Returns
        what could not be healed, in words; empty if all is well."""
        self.close()
        for attempt in range(HEAL_TRIES):
            if attempt and self._in_force:
                await self._runtime.sleep(200.0 * 2**attempt)
            for number in reversed(self._in_force.copy()):
                await self._heal(self._applications[number])
        if self._applications:
            await self._observe()
        remaining = [self._applications[number] for number in self._in_force]
        return tuple(f"{entry.fault} is still in force: {entry.errors[-1]}" for entry in remaining)

    async def conclude(self) -> None:
        """Observe once more, when the system works again: what was healed last then has a calm stretch after it."""
        await self._observe()

    def close(self) -> None:
        """No more observations of its own accord."""
        if self._sampling is not None:
            self._sampling.cancel()
            self._sampling = None

    async def _look_up(self, action: Action) -> tuple[str | None, Mapping[str, Any]]:
        """Today's leader, if the action waits for one; failing that the last one known, failing that any node, and what
        is to be said of that."""
        if not is_symbolic(action, (LEADER, FOLLOWERS)):
            return None, {}
        leader = await find_leader(self._cluster, self._system.leader, self._runtime)
        if leader is not None:
            self._last_leader = leader
            return leader, {}
        fallback, why = self._last_leader, "no leader was found; the last one known was taken"
        if fallback is None:
            fallback, why = next(iter([*action.get("spares", ()), *self._cluster.nodes])), "no leader was ever found"
        return fallback, {"leader": None, "fallback": why}

    async def _observe(self) -> Observation:
        calm = not self._in_force
        observation = await self._cluster.observe()
        # A fault that began or ended meanwhile is in the counters of some nodes and not of others.
        self._observations.add(observation, calm and not self._in_force)
        return observation

    def effects(self) -> list[dict[str, Any]]:
        """Every application so far, in order: the lines of ``faults.jsonl``.

        Each has ``fault``, ``application``, ``action`` (as scheduled), ``trigger`` (what set it off, and the node; or
        None: the clock), ``started_ns``, ``stopped_ns`` (None: still in force), ``applied``, ``done``, ``healed``,
        ``bit`` (the effect was there, and absent before and after), ``effect`` (``measured``, ``explanation``,
        ``absent_outside``), ``errors``; ``left_out`` where nodes were another's: node -> whose; ``refused``
        where that left nothing to do: why.
        """
        calm = self._observations.calm()
        entries = self._applications.values()
        return [described(entry, self._faults[entry.fault], calm, together(entry, entries)) for entry in entries]
