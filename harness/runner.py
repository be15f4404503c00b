"""The runner: one plan, one run. A cluster comes up, is driven and disturbed, healed, asked once more, and removed.

The order of things is the method: nodes are asked until ready, never slept for; the faults' schedule is in the plan
before the run; everything is healed before the system is asked to answer again, and it must answer before the final
reads are worth anything; logs are fetched before the cluster goes; and the cluster goes whatever happens. Judging the
history is another matter (``harness.verdict``), done on what is on disk.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, cast

from harness.cluster import Cluster, ClusterError, ClusterSpec
from harness.cluster_faults import LinkFaults
from harness.fault_window import HEAL as _HEAL
from harness.faults.nemesis import FAILURES, Nemesis
from harness.faults.timetable import timetable
from harness.faults.triggered import TriggeredFaults
from harness.generator import Context, Generator, any_of, clients, delay, function, once, time_limit, until_ok
from harness.generator import nemesis as on_nemesis
from harness.generator.probe import probes
from harness.generator.script import script
from harness.history import NEMESIS, Op
from harness.interpreter import Counts, Interpreter
from harness.node_failure import EVENTS
from harness.progress import Phase, Progress, Say, Watch
from harness.readiness import NotReadyError, log_tails, until_ready
from harness.runtime import Runtime
from harness.setup import Setup, packages_of, unmet_needs
from harness.store import HistorySink, Place
from harness.system import Client
from harness.topology import DISTANCE, topology_of
from harness.versions import versions
from harness.workload import WorkloadOptions

HEAL: Final = _HEAL
"""The nemesis's last operation: end whatever is still in force. Always there when there were faults."""

RECOVERY_S_MAX: Final = 20.0
PROBE_GAP_S: Final = 0.1
FINAL_S_MAX: Final = 60.0
TICK_MS: Final = 250.0


class RunError(Exception):
    """The run could not be made, for reasons that say nothing about the system's correctness; the text says which."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a run leaves besides its folder. Times in ns on the run's clock; ``recovery_s`` from the end of the heal to
    the first success after it (None: no faults, or none came); ``applications`` as of ``Nemesis.effects``; ``unhealed``
    says what could not be healed, in words; ``troubles`` what else went wrong; ``origin_ns`` is the nodes' monotonic
    time at the run's time 0, where they are on this machine; ``versions`` are those of an external system."""

    counts: Counts
    origin_ns: int = 0
    main_start_ns: int = 0
    main_end_ns: int = 0
    recovery_s: float | None = None
    recovered: bool = True
    applications: Sequence[Mapping[str, Any]] = ()
    unhealed: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    interrupted: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _State:
    """What has become of the run so far."""

    phase: Phase = Phase.CREATE
    main_start_ns: int | None = None
    main_end_ns: int | None = None
    healed_ns: int | None = None
    recovered_ns: int | None = None
    unhealed: tuple[str, ...] = ()
    troubles: list[str] = field(default_factory=list)
    versions: Mapping[str, str] = field(default_factory=dict)
    stopped: bool = False
    aborted: bool = False
    over: bool = False


class Run:
    """One run of a plan. ``watch`` is told of the progress a few times a second, ``say`` gets lines for people;
    ``hold(cluster, record)``, if given, is awaited before the cluster is removed. ``keeps_data``: what is on the nodes'
    disks is fetched with their logs; ``captures``: so are their packets (where the cluster's nodes have such)."""

    def __init__(
        self,
        setup: Setup,
        runtime: Runtime,
        folder: Place,
        watch: Watch = lambda progress: None,
        say: Say = lambda text: None,
        hold: Callable[[Cluster, Record], Awaitable[None]] | None = None,
        *,
        keeps_data: bool = False,
        captures: bool = False,
    ) -> None:
        self._setup, self._runtime, self._folder = setup, runtime, folder
        self._watch, self._say, self._hold = watch, say, hold
        self._keeps_data, self._captures = keeps_data, captures
        names, data = [spec.name for spec in setup.node_specs], setup.plan.topology
        self._topology = None if data is None else topology_of(data, names)
        self._state = _State()
        self._interpreter: Interpreter | None = None
        self._nemesis: Nemesis | None = None
        self._triggered: TriggeredFaults | None = None
        self._recent: list[tuple[int, int]] = []

    def stop(self) -> None:
        """Begin nothing new: running operations end, everything is healed, logs are fetched, the cluster removed."""
        self._state.stopped = True
        if self._interpreter is not None and self._state.phase in (Phase.MAIN, Phase.RECOVER, Phase.FINAL):
            self._interpreter.stop()
        if self._triggered is not None:
            self._triggered.cut()

    def abort(self) -> None:
        """Fetch no logs when :meth:`execute` is cancelled next: only remove the cluster."""
        self._state.aborted = True

    async def execute(self) -> Record:
        """Make the run. Raises RunError, or harness.interpreter's ContractError; the cluster is removed in any case."""
        self._runtime.spawn(self._tick(), "progress")
        try:
            return await self._with_cluster()
        except NotReadyError as error:
            told = log_tails(self._folder.nodes) if self._folder.nodes is not None else ""
            raise RunError(f"{error}\n{told}".rstrip()) from error
        finally:
            self._state.over = True

    async def _with_cluster(self) -> Record:
        self._enter(Phase.CREATE)
        plan = self._setup.plan
        spec = ClusterSpec(
            nodes=self._setup.node_specs,
            options=plan.options,
            bugs=plan.bugs,
            seed=plan.seed,
            clients=plan.concurrency,
            client_timeout_ms=plan.client_timeout_s * 1000,
            folder=self._folder.path / "cluster",
            modules=self._setup.modules,
            needs=frozenset().union(*(self._setup.faults[entry.fault].needs for entry in plan.schedule)),
            capture=self._captures,
            regions=self._topology.region_of if self._topology is not None else {},
            packages=packages_of(self._setup.system),
            keepers=self._setup.system.external is not None,
            files=self._setup.files,
            say=self._say,
        )
        try:
            cluster = await self._setup.provider.create(spec, self._runtime)
        except ClusterError as error:
            raise RunError(f"no cluster could be made: {error}") from error
        try:
            try:
                if problems := unmet_needs(self._setup.faults, plan, cluster):
                    raise RunError("; ".join(problems))
                await self._ask_versions(cluster)
                await self._set_apart(cluster)
                await self._bring_up(cluster)
                await self._drive(cluster)
            finally:
                if not self._state.aborted:
                    await self._fetch_logs(cluster)
            record = self._record()
            if self._hold is not None:
                self._enter(Phase.HELD)
                await self._hold(cluster, record)
        finally:
            self._enter(Phase.DOWN)
            await cluster.down()
        return record

    async def _ask_versions(self, cluster: Cluster) -> None:
        external, shell = self._setup.system.external, getattr(cluster, "shell", None)
        if external is None or shell is None:
            return
        self._state.versions = await versions(external, shell(cluster.nodes[0]))
        self._say("; ".join(f"{what} {version}" for what, version in self._state.versions.items()))

    async def _set_apart(self, cluster: Cluster) -> None:
        """Put as much distance between the regions as the topology says; there is no fault in that, and no heal."""
        if self._topology is None or self._state.stopped:
            return
        if "delay" not in cluster.capabilities:
            raise RunError("the plan has a topology, and this cluster cannot delay messages between its nodes")
        delays = self._topology.delays()
        if delays:
            await cast(LinkFaults, cluster).degrade_each(DISTANCE, delays)

    async def _bring_up(self, cluster: Cluster) -> None:
        if self._state.stopped:
            return
        self._enter(Phase.START)
        try:
            await cluster.start(cluster.nodes)
        except FAILURES as error:
            raise NotReadyError(f"the nodes did not start: {error}") from error
        self._enter(Phase.READY)
        await until_ready(self._setup.system, cluster, self._runtime, lambda: self._state.stopped)

    async def _drive(self, cluster: Cluster) -> None:
        """The main phase and all that follows it, until nothing more is asked."""
        if self._state.stopped:
            return
        writer = self._folder.open_history()
        try:
            interpreter = self._make_interpreter(cluster, writer)
            await self._run_main(interpreter, cluster)
            await self._run_heal(interpreter)
            await self._run_recovery(interpreter, cluster)
            await self._run_final(interpreter)
            await interpreter.close()
        finally:
            if self._triggered is not None:
                self._triggered.close()
            if self._nemesis is not None:
                self._nemesis.close()
            writer.close()

    def _make_interpreter(self, cluster: Cluster, writer: HistorySink) -> Interpreter:
        plan, system = self._setup.plan, self._setup.system
        if plan.schedule:
            self._nemesis = Nemesis(system, cluster, self._setup.faults, self._runtime)
            if any(entry.trigger is not None for entry in plan.schedule):
                self._triggered = TriggeredFaults(plan.schedule, self._nemesis, self._runtime, self._note)
        fronts, triggered = self._client_nodes(cluster), self._triggered
        asked = triggered.invoked if triggered is not None and triggered.by_operation else None

        def make(thread: int, process: int) -> Client:
            return system.client(cluster.client_env(thread, f"c{process}"), plan.options)

        def record(op: Op) -> None:
            writer.append(op)
            if op.type == "ok" and self._state.phase is Phase.RECOVER and self._state.recovered_ns is None:
                self._state.recovered_ns = op.time
            if asked is not None and op.type == "invoke" and isinstance(op.process, int):
                asked(op.f, op.node or fronts[op.process % len(fronts)])

        self._interpreter = Interpreter(
            self._runtime,
            concurrency=plan.concurrency,
            nodes=fronts,
            make=make,
            record=record,
            timeout_ms=plan.client_timeout_s * 1000,
            nemesis=self._disturb if self._nemesis is not None else None,
            seed=plan.seed,
            say=self._say,
        )
        return self._interpreter

    def _client_nodes(self, cluster: Cluster) -> tuple[str, ...]:
        """The nodes that clients attach to: those of the system's first role."""
        front = next(iter(self._setup.system.roles))
        return tuple(node for node in cluster.nodes if cluster.roles[node] == front)

    def _note(self, op: Op) -> None:
        assert self._interpreter is not None, "faults are set off while it runs"
        self._interpreter.note(op)

    async def _disturb(self, op: Op) -> Op:
        assert self._nemesis is not None, "the interpreter has a nemesis only if the run has"
        if op.f != HEAL:
            return await self._nemesis.invoke(op)
        self._state.unhealed = await self._nemesis.heal_all()
        return replace(op, value={"remaining": list(self._state.unhealed)})

    async def _run_main(self, interpreter: Interpreter, cluster: Cluster) -> None:
        plan, triggered = self._setup.plan, self._triggered
        if triggered is not None:
            await triggered.prepare(self._setup.system, cluster, plan.options)
        if self._nemesis is not None:
            await self._nemesis.baseline(sampled=triggered is not None)
            if self._state.stopped:  # meanwhile, when there was nothing yet to be stopped
                return
        self._state.main_start_ns = start_ns = self._runtime.now()
        end_ns = start_ns + round(plan.time_limit_s * 1e9)
        load: Generator = clients(time_limit(plan.time_limit_s, self._load(start_ns)))
        if plan.schedule:
            load = any_of(load, on_nemesis(timetable(plan.schedule, start_ns)))
        self._enter(Phase.MAIN)
        if triggered is not None:
            triggered.begin(start_ns, end_ns)
        await interpreter.run(load)
        if triggered is not None:
            await triggered.end()
        self._state.main_end_ns = min(self._runtime.now(), end_ns)

    def _load(self, start_ns: int) -> Generator:
        """What clients ask in the main phase: the plan's own operations, or the workload's."""
        plan = self._setup.plan
        if plan.operations is not None:
            return script(plan.operations, plan.concurrency, start_ns)
        load = self._setup.workload.generator(self._options())
        return any_of(load, probes(self._options(), plan.probe_hz)) if plan.probe_hz else load

    async def _run_heal(self, interpreter: Interpreter) -> None:
        if self._nemesis is None:
            return
        self._enter(Phase.HEAL)
        interpreter.resume()  # an interrupted run is healed all the same
        self._state.unhealed = ("the heal did not end",)  # until it has said what remains
        await interpreter.run(on_nemesis(once(Op("info", NEMESIS, HEAL))))
        self._state.healed_ns = self._runtime.now()

    async def _run_recovery(self, interpreter: Interpreter, cluster: Cluster) -> None:
        """Ask, with fresh clients, until something succeeds; and wait for a database to be whole again, which may take
        it longer than to answer: a deposed master that has not heard of it yet would be read, and then lose it all."""
        if self._nemesis is None or self._state.stopped:
            return

        def probe(context: Context, attempt: int) -> Op:
            return self._setup.workload.probe(attempt)

        self._enter(Phase.RECOVER)
        interpreter.renew()
        await interpreter.run(clients(until_ok(time_limit(RECOVERY_S_MAX, delay(PROBE_GAP_S, function(probe))))))
        await self._nemesis.conclude()
        if self._setup.system.external is not None:
            try:
                await until_ready(
                    self._setup.system, cluster, self._runtime, lambda: self._state.stopped, RECOVERY_S_MAX
                )
            except NotReadyError as error:
                self._say(f"after the heal {error}")  # what is read now may be what is about to be thrown away
                self._state.troubles.append(f"the final reads are of a system that was not whole: {error}")

    async def _run_final(self, interpreter: Interpreter) -> None:
        final = self._setup.workload.final_generator
        if final is None or self._state.stopped:
            return
        self._enter(Phase.FINAL)
        await interpreter.run(clients(time_limit(FINAL_S_MAX, final(self._options()))))

    def _options(self) -> WorkloadOptions:
        plan = self._setup.plan
        nodes = tuple(spec.name for spec in self._setup.node_specs)
        operations = self._setup.system.operations
        return WorkloadOptions(nodes, plan.concurrency, plan.rate_hz, plan.time_limit_s, plan.initial, operations)

    async def _fetch_logs(self, cluster: Cluster) -> None:
        folder = self._folder.nodes
        if folder is None:
            return
        self._enter(Phase.LOGS)
        try:
            await cluster.fetch_logs(folder)
        except FAILURES as error:
            self._state.troubles.append(f"the nodes' logs were not fetched: {error}")
            return
        await self._fetch_data(cluster, folder)
        unread = [node for node in cluster.nodes if not (folder / node / EVENTS).is_file()]
        if unread and self._interpreter is not None:
            self._state.troubles.append(
                f"the events of {', '.join(unread)} were not fetched: a failed assertion there would not be known"
            )

    async def _fetch_data(self, cluster: Cluster, folder: Path) -> None:
        """What is missing of it is said, and takes nothing from the verdict."""
        fetch = getattr(cluster, "fetch_data", None)
        if self._keeps_data and fetch is not None:
            for line in filter(None, (await fetch(folder)).values()):
                self._say(line)

    def _record(self) -> Record:
        state = self._state
        counts = self._interpreter.counts if self._interpreter is not None else Counts()
        recovery_s = None
        if state.healed_ns is not None and state.recovered_ns is not None:
            recovery_s = (state.recovered_ns - state.healed_ns) / 1e9
        return Record(
            counts=counts,
            origin_ns=self._runtime.origin_ns,
            main_start_ns=state.main_start_ns or 0,
            main_end_ns=state.main_end_ns or 0,
            recovery_s=recovery_s,
            recovered=self._nemesis is None or state.recovered_ns is not None,
            applications=self._applications(),
            unhealed=state.unhealed,
            troubles=tuple(state.troubles),
            interrupted=state.stopped,
            versions=state.versions,
        )

    def _applications(self) -> Sequence[Mapping[str, Any]]:
        applied = self._nemesis.effects() if self._nemesis is not None else []
        return [*applied, *(self._triggered.never_applied() if self._triggered is not None else ())]

    def _enter(self, phase: Phase) -> None:
        self._state.phase = phase
        self._watch(self._progress())

    async def _tick(self) -> None:
        while not self._state.over:
            self._watch(self._progress())
            await self._runtime.sleep(TICK_MS)

    def _progress(self) -> Progress:
        state, now = self._state, self._runtime.now()
        counts = self._interpreter.counts if self._interpreter is not None else Counts()
        return Progress(
            phase=state.phase,
            elapsed_s=now / 1e9,
            main_s=(now - state.main_start_ns) / 1e9 if state.main_start_ns is not None else 0.0,
            limit_s=self._setup.plan.time_limit_s,
            rate_hz=self._recent_rate(now, counts.ok + counts.fail + counts.info),
            ok=counts.ok,
            fail=counts.fail,
            info=counts.info,
            running=counts.running,
            faults=self._nemesis.in_force if self._nemesis is not None else (),
        )

    def _recent_rate(self, now: int, completed: int) -> float:
        """Operations completed per second over the last second or so."""
        self._recent = [entry for entry in self._recent if now - entry[0] < 1_200_000_000] + [(now, completed)]
        (first_ns, first), (last_ns, last) = self._recent[0], self._recent[-1]
        return (last - first) * 1e9 / (last_ns - first_ns) if last_ns > first_ns else 0.0
