"""The runner: the order of things, what ends a run, and what is left behind; in virtual time and on real nodes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import catalog
from harness.cluster import Observation
from harness.clusters.loopback import LoopbackProvider
from harness.fault import EVENT, OPERATION, Trigger
from harness.faults.grammar import parse
from harness.faults.schedule import schedule
from harness.formats import read_history
from harness.generator.script import operations_of
from harness.history import NEMESIS, History
from harness.interpreter import ContractError
from harness.node_failure import node_failures
from harness.plan import Plan, ScheduledFault, ScheduledOperation
from harness.progress import Phase, Progress
from harness.real_runtime import RealRuntime
from harness.result import Reason
from harness.runner import HEAL, Record, Run, RunError
from harness.setup import Setup, misfits, node_specs
from harness.store import RunFolder, create_folder
from harness.system import Role
from harness.verdict import Verdict, judge
from tests.harness.play_cluster import Cut, PlayCluster, PlayProvider, play_system
from tests.harness.virtual_runtime import VirtualRuntime

SECOND = 1_000_000_000
TWO_CUTS = (
    ScheduledFault("cut", 2 * SECOND, 4 * SECOND, {}),
    ScheduledFault("cut", 6 * SECOND, 8 * SECOND, {}),
)


class Rehearsal:
    """A run on the play cluster, in virtual time."""

    def __init__(
        self,
        store: Path,
        *,
        cuts: tuple[ScheduledFault, ...] = (),
        fault: Cut | None = None,
        plan: dict[str, Any] | None = None,
        system: dict[str, Any] | None = None,
        **misbehaviour: Any,
    ) -> None:
        fields = {"system": "play", "workload": "set", "time_limit_s": 10.0, "faults": "cut" if cuts else "none",
                  "schedule": cuts, "seed": 7, **(plan or {})}  # fmt: skip
        self.provider = PlayProvider(**misbehaviour)
        self.setup = Setup(Plan(**fields), play_system(**(system or {})), catalog.workload("set"), self.provider,
                           {"cut": fault or Cut()})  # fmt: skip
        self.folder = create_folder(store, self.setup.plan)
        self.seen: list[Progress] = []
        self.runtime = VirtualRuntime()
        self.run = Run(self.setup, self.runtime, self.folder, self.seen.append)

    def play(self) -> Record:
        try:
            return self.runtime.run(self.run.execute())
        finally:
            assert self.cluster.down_count == 1, "the cluster is removed whatever happens"
            self.runtime.run(self.runtime.sleep(1000))
            self.runtime.close()

    @property
    def cluster(self) -> PlayCluster:
        assert self.provider.cluster is not None
        return self.provider.cluster

    @property
    def history(self) -> History:
        return read_history(self.folder.history)

    def verdict(self) -> Verdict:
        return judge(self.setup, self.folder, self.play(), 10.0)


def phases(seen: list[Progress]) -> list[Phase]:
    return list(dict.fromkeys(progress.phase for progress in seen))


def test_a_quiet_run_is_valid(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path)
    verdict = rehearsal.verdict()
    assert verdict.result.valid is True, verdict.result
    assert phases(rehearsal.seen) == [Phase.CREATE, Phase.START, Phase.READY, Phase.MAIN, Phase.FINAL, Phase.LOGS,
                                      Phase.DOWN]  # fmt: skip
    assert 900 < verdict.record.counts.ok < 1120
    assert verdict.record.recovery_s is None
    assert rehearsal.cluster.log == ["start", "logs", "down"]
    assert (rehearsal.folder.path / "results.json").exists()
    assert {entry.f for entry in verdict.availability} == {"add"}


def test_faults_are_healed_before_the_system_is_asked_and_read(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path, cuts=TWO_CUTS)
    verdict = rehearsal.verdict()
    assert verdict.result.valid is True, verdict.result
    assert [(line["name"], line["applied"], line["bit"]) for line in verdict.faults] == [("cut", 2, True)]
    assert verdict.record.recovered
    assert verdict.record.recovery_s is not None
    assert 0 < verdict.record.recovery_s < 0.1
    (add,) = (entry for entry in verdict.availability if entry.f == "add")
    assert [round(end - start) for start, end in add.windows] == [2, 2]
    fs = [op.f for op in rehearsal.history if op.process == NEMESIS]
    assert fs == ["start-cut", "start-cut", "stop-cut", "stop-cut"] * 2 + [HEAL, HEAL]
    healed = max(op.index for op in rehearsal.history if op.f == HEAL)
    reads = [op.index for op in rehearsal.history if op.f == "read"]
    assert min(reads) > healed
    before = {op.process for op in rehearsal.history[:healed] if isinstance(op.process, int)}
    after = {op.process for op in rehearsal.history[healed + 1 :]}
    assert not before & after, "it is fresh clients who are answered"
    during = [p for p in rehearsal.seen if p.faults == ("cut",)]
    assert during, "the display shows what is in force"


def test_the_history_is_on_disk_in_order_and_checkable_again(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path, cuts=TWO_CUTS)
    rehearsal.play()
    assert [op.index for op in rehearsal.history] == list(range(len(rehearsal.history)))
    assert rehearsal.history.calls()


def test_the_same_plan_gives_the_same_history(tmp_path: Path) -> None:
    def play() -> History:
        rehearsal = Rehearsal(tmp_path, cuts=TWO_CUTS)
        rehearsal.play()
        return rehearsal.history

    assert list(play()) == list(play())


def test_a_fault_without_effect_leaves_no_valid_verdict(tmp_path: Path) -> None:
    verdict = Rehearsal(tmp_path, cuts=TWO_CUTS, fault=Cut(bites=False)).verdict()
    assert (verdict.result.valid, verdict.result.reason) == ("unknown", Reason.FAULT_WITHOUT_EFFECT)
    assert "cut" in str(verdict.result.explanation)


def test_a_named_fault_that_was_never_scheduled_counts_as_one(tmp_path: Path) -> None:
    verdict = Rehearsal(tmp_path, plan={"faults": "cut"}).verdict()
    assert verdict.result.reason is Reason.FAULT_WITHOUT_EFFECT
    assert verdict.faults == [{"name": "cut", "applied": 0, "bit": False, "effect": {}}]


def test_a_system_that_does_not_come_back_is_unknown_and_bounded(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path, cuts=TWO_CUTS, dead_after_heal=True)
    verdict = rehearsal.verdict()
    assert verdict.result.valid == "unknown"
    assert verdict.result.reason is Reason.NO_RECOVERY
    assert verdict.record.recovery_s is None
    assert rehearsal.runtime.now() < 80 * SECOND


def test_what_cannot_be_healed_leaves_no_valid_verdict(tmp_path: Path) -> None:
    verdict = Rehearsal(tmp_path, cuts=TWO_CUTS, fault=Cut(heals=False)).verdict()
    assert verdict.result.valid == "unknown"
    assert verdict.result.reason is Reason.HARNESS_ERROR
    assert "does not obey" in verdict.record.unhealed[0]


def test_too_little_happened(tmp_path: Path) -> None:
    verdict = Rehearsal(tmp_path, plan={"rate_hz": 0.1}).verdict()
    assert (verdict.result.valid, verdict.result.reason) == ("unknown", Reason.TOO_FEW_OK)
    verdict = Rehearsal(tmp_path, plan={"concurrency": 1}).verdict()
    assert (verdict.result.valid, verdict.result.reason) == ("unknown", Reason.NO_CONFLICT)


def test_what_the_system_does_when_all_is_healed_is_no_evidence(tmp_path: Path) -> None:
    """Nobody is answered from a fraction of a second on; in the end ten waiting probes succeed at once."""
    cut = (ScheduledFault("cut", SECOND // 3, 9 * SECOND, {}),)
    rehearsal = Rehearsal(tmp_path, cuts=cut, plan={"rate_hz": 10.0}, dead_after_heal=True)
    rehearsal.runtime.at(12_700, lambda: setattr(rehearsal.cluster, "dead_after_heal", False))
    verdict = rehearsal.verdict()
    assert verdict.record.recovered
    healed = next(op.index for op in rehearsal.history if op.f == HEAL)
    assert sum(op.type == "ok" and op.f == "add" for op in rehearsal.history[healed:]) >= 10
    assert (verdict.result.valid, verdict.result.reason) == ("unknown", Reason.TOO_FEW_OK)


def test_a_fault_that_comes_when_nobody_asks_has_no_effect(tmp_path: Path) -> None:
    late = (ScheduledFault("cut", 12 * SECOND, 14 * SECOND, {}),)
    verdict = Rehearsal(tmp_path, cuts=late).verdict()
    assert (verdict.result.valid, verdict.result.reason) == ("unknown", Reason.FAULT_WITHOUT_EFFECT)
    assert "no client operation" in (tmp_path / "latest" / "faults.jsonl").read_text()


def test_a_lost_write_stays_invalid_whatever_else_is_wrong(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path, cuts=TWO_CUTS, fault=Cut(bites=False), fetch_fails=True)
    rehearsal.runtime.at(9_990, lambda: rehearsal.cluster.data.difference_update(range(100, 120)))
    verdict = rehearsal.verdict()
    assert verdict.result.valid is False
    assert any("lost" in anomaly.type for anomaly in verdict.result.anomalies), verdict.result.anomalies


def test_a_failed_assertion_in_a_node_is_an_anomaly(tmp_path: Path) -> None:
    line = '{"name":"assertion","incarnation":1,"fields":{"where":"handle","error":"a term fell"}}\n'
    verdict = Rehearsal(tmp_path, events=line).verdict()
    assert verdict.result.valid is False
    assert "a term fell" in verdict.result.anomalies[0].explanation


def test_a_crashed_node_and_missing_logs_leave_no_valid_verdict(tmp_path: Path) -> None:
    crashed = Rehearsal(tmp_path, events='{"name":"crash","fields":{"where":"x","error":"KeyError"}}\n').verdict()
    assert (crashed.result.valid, crashed.result.reason) == ("unknown", Reason.HARNESS_ERROR)
    unfetched = Rehearsal(tmp_path, fetch_fails=True).verdict()
    assert (unfetched.result.valid, unfetched.result.reason) == ("unknown", Reason.HARNESS_ERROR)
    one_unfetched = Rehearsal(tmp_path, unfetched="n2").verdict()
    assert (one_unfetched.result.valid, one_unfetched.result.reason) == ("unknown", Reason.HARNESS_ERROR)
    assert "the events of n2 were not fetched" in str(one_unfetched.result.explanation)


def test_a_checker_that_raises_gives_unknown(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path)

    def check(history: History, time_limit_s: float | None) -> Any:
        raise IndexError("a bug of ours")

    rehearsal.setup = replace(rehearsal.setup, workload=replace(rehearsal.setup.workload, check=check))
    verdict = rehearsal.verdict()
    assert (verdict.result.valid, verdict.result.reason) == ("unknown", Reason.CHECKER_ERROR)
    assert "a bug of ours" in str(verdict.result.explanation)


def test_an_interruption_just_before_the_operations_begin_is_not_lost(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path, cuts=TWO_CUTS)
    observe = PlayCluster.observe

    async def interrupted(cluster: PlayCluster) -> Observation:
        patch.undo()
        rehearsal.run.stop()
        return await observe(cluster)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PlayCluster, "observe", interrupted)
        record = rehearsal.play()
    assert record.interrupted
    assert rehearsal.runtime.now() < 3 * SECOND, "the operations do not begin"
    assert rehearsal.cluster.log[-2:] == ["logs", "down"]


def test_an_interrupted_run_is_healed_fetched_checked_and_not_valid(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path, cuts=TWO_CUTS)
    rehearsal.runtime.at(3_000, rehearsal.run.stop)
    verdict = rehearsal.verdict()
    assert not rehearsal.cluster.cut
    assert verdict.result.valid == "unknown"
    assert verdict.result.reason is Reason.INTERRUPTED
    assert rehearsal.cluster.log == ["start", "logs", "down"]
    assert rehearsal.history[-1].f == HEAL
    assert rehearsal.runtime.now() < 7 * SECOND


def test_an_interruption_before_the_load_leaves_no_history(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path, never_ready=True)
    rehearsal.runtime.at(100, rehearsal.run.stop)
    verdict = rehearsal.verdict()
    assert verdict.result.reason is Reason.INTERRUPTED
    assert not rehearsal.folder.history.exists()


def test_a_system_that_is_never_ready_is_an_error_with_its_logs(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path, never_ready=True)
    with pytest.raises(RunError, match=r"(?s)not ready after 30 s.*All nodes answer.*I am n1.*I am n5"):
        rehearsal.play()


def test_a_fault_that_the_cluster_cannot_make_is_named(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path, cuts=TWO_CUTS, capabilities=frozenset({"kill"}))
    with pytest.raises(RunError, match="needs cut, which this cluster cannot do \\(it can kill\\)"):
        rehearsal.play()


def test_a_broken_client_ends_the_run_and_keeps_the_history(tmp_path: Path) -> None:
    class Liar:
        async def open(self, node: str) -> None: ...
        async def close(self) -> None: ...
        async def invoke(self, op: Any) -> Any:
            return replace(op, type="ok", f="other")

    rehearsal = Rehearsal(tmp_path, system={"client": lambda env, options: Liar()})
    with pytest.raises(ContractError, match="'other'"):
        rehearsal.play()
    assert rehearsal.history[0].type == "invoke"


KILLS = {"kill": catalog.fault("kill"), "cut": Cut()}
ITS_NODE = {"shape": "its-node", "nodes": ["its-node"], "count": 1, "spares": ["n1"]}


def set_off(fault: str, trigger: Trigger, action: dict[str, Any] | None = None) -> ScheduledFault:
    return ScheduledFault(fault, 0, SECOND, action or {}, trigger.as_json())


def fault_lines(history: History) -> list[tuple[str, Any]]:
    return [(op.f, (op.value or {}).get("application")) for op in history if op.process == NEMESIS]


def test_an_operation_sets_off_a_fault_in_the_main_phase(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path, cuts=(set_off("cut", Trigger(OPERATION, "add", 50)), TWO_CUTS[1]))
    verdict = rehearsal.verdict()
    assert verdict.result.valid is True, verdict.result
    assert fault_lines(rehearsal.history) == [
        *[("start-cut", 0)] * 2, *[("stop-cut", 0)] * 2, *[("start-cut", 1)] * 2, *[("stop-cut", 1)] * 2,
        *[(HEAL, None)] * 2,
    ]  # fmt: skip
    announced = next(op for op in rehearsal.history if op.process == NEMESIS)
    before = [op for op in rehearsal.history[: announced.index] if op.type == "invoke"]
    assert len(before) == 50
    assert announced.time == before[-1].time, "it strikes in the very moment"
    assert announced.value["trigger"]["node"] == f"n{int(before[-1].process) % 5 + 1}"
    assert [line["applied"] for line in verdict.faults] == [2]
    (add,) = (entry for entry in verdict.availability if entry.f == "add")
    assert [round(end - start) for start, end in add.windows] == [1, 2]


def test_an_event_sets_off_a_fault_at_its_node_and_the_end_of_the_main_phase_ends_it(tmp_path: Path) -> None:
    rehearsal = Rehearsal(
        tmp_path,
        cuts=(replace(set_off("kill", Trigger(EVENT, "voted", 2), ITS_NODE), stop_ns=5 * SECOND),),
        capabilities=frozenset({"kill", "events"}),
        tells=[(7_000, "n2", "voted"), (8_000, "n4", "voted"), (9_000, "n5", "voted")],
    )
    rehearsal.setup = replace(rehearsal.setup, faults=KILLS)
    rehearsal.run = Run(rehearsal.setup, rehearsal.runtime, rehearsal.folder)
    record = rehearsal.play()
    assert rehearsal.cluster.log == ["start", "kill n4", "start", "logs", "down"]
    (application,) = record.applications
    assert application["trigger"]["node"] == "n4"
    assert round((application["stopped_ns"] - record.main_start_ns) / SECOND) == 10
    assert fault_lines(rehearsal.history)[-3:] == [("stop-kill", 0), (HEAL, None), (HEAL, None)]


def test_a_trigger_that_never_comes_leaves_no_valid_verdict(tmp_path: Path) -> None:
    verdict = Rehearsal(tmp_path, cuts=(set_off("cut", Trigger(OPERATION, "add", 10_000)),)).verdict()
    assert (verdict.result.valid, verdict.result.reason) == ("unknown", Reason.FAULT_WITHOUT_EFFECT)
    (application,) = verdict.record.applications
    assert "after 10000th operation add" in application["effect"]["explanation"]
    beside = Rehearsal(tmp_path, cuts=(set_off("cut", Trigger(OPERATION, "add", 10_000)), *TWO_CUTS)).verdict()
    assert beside.result.valid is True, "the others bit"


def test_a_cluster_that_tells_nothing_cannot_be_asked_to(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path, cuts=(set_off("cut", Trigger(EVENT, "voted")),))
    with pytest.raises(RunError, match="'cut' needs events, which this cluster cannot do"):
        rehearsal.play()


def test_an_interruption_ends_a_fault_that_was_set_off(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path, cuts=(replace(set_off("cut", Trigger(OPERATION, "add")), stop_ns=9 * SECOND),))
    rehearsal.runtime.at(2_000, rehearsal.run.stop)
    assert rehearsal.play().interrupted
    assert not rehearsal.cluster.cut
    assert fault_lines(rehearsal.history)[-3:] == [("stop-cut", 0), (HEAL, None), (HEAL, None)]
    assert rehearsal.runtime.now() < 7 * SECOND


def test_a_plans_own_operations_are_all_that_is_asked(tmp_path: Path) -> None:
    listed = (ScheduledOperation(0, 1, "add", 7), ScheduledOperation(10_000_000, 0, "add", 8),
              ScheduledOperation(11_000_000, 0, "add", 9), ScheduledOperation(SECOND, 3, "add", 10))  # fmt: skip
    rehearsal = Rehearsal(tmp_path, cuts=TWO_CUTS[:1], plan={"operations": listed})
    record = rehearsal.play()
    start_ns = record.main_start_ns
    asked = [op for op in rehearsal.history if op.type == "invoke" and op.f == "add"][:4]
    assert [((op.time - start_ns) // 1_000_000, op.process, op.value) for op in asked] == [
        (0, 1, 7), (10, 0, 8), (13, 0, 9), (1000, 3, 10),
    ]  # fmt: skip
    main_s = (record.main_end_ns - start_ns) / SECOND
    assert 4 <= main_s < 4.1, "the faults are over, and nothing more is asked"


def test_the_main_phase_of_a_plans_own_operations_waits_for_what_they_set_off(tmp_path: Path) -> None:
    listed = (ScheduledOperation(0, 1, "add", 7),)
    fault = set_off("cut", Trigger(OPERATION, "add"))
    record = Rehearsal(tmp_path, cuts=(fault,), plan={"operations": listed}).play()
    assert 1 <= (record.main_end_ns - record.main_start_ns) / SECOND < 1.6
    short = Rehearsal(tmp_path, cuts=(fault,), plan={"operations": listed, "time_limit_s": 0.5}).play()
    assert (short.main_end_ns - short.main_start_ns) / SECOND == 0.5


def test_a_recorded_run_is_asked_again_operation_by_operation(tmp_path: Path) -> None:
    first = Rehearsal(tmp_path, cuts=TWO_CUTS)
    record = first.play()
    listed = operations_of(first.history, record.main_start_ns, first.setup.plan.concurrency, record.main_end_ns)
    assert len(listed) > 500
    again = Rehearsal(tmp_path, cuts=TWO_CUTS, plan={"operations": listed})
    again_record = again.play()
    assert operations_of(again.history, again_record.main_start_ns, 10, again_record.main_end_ns) == listed
    assert Plan.from_json(json.loads(json.dumps(again.setup.plan.as_json()))) == again.setup.plan


def test_misfits_are_named() -> None:
    system = play_system(operations=frozenset({"read"}))
    assert "asks for add" in misfits(system, catalog.workload("set"))[0]
    assert misfits(play_system(), catalog.workload("set")) == []


def test_roles_with_a_count_come_besides_the_plans_nodes() -> None:
    system = play_system(roles={"server": Role("a:A"), "lock": Role("b:B", count=2)})
    assert [(spec.name, spec.role) for spec in node_specs(system, 3)] == [
        ("n1", "server"), ("n2", "server"), ("n3", "server"), ("n4", "lock"), ("n5", "lock")
    ]  # fmt: skip


def real_run(store: Path, system: str, workload: str, faults: str, **changes: Any) -> tuple[Setup, RunFolder, Record]:
    known = catalog.faults()
    under_test = catalog.system(system)
    options = {name: option.default for name, option in under_test.options.items()}
    plan = Plan(system=system, workload=workload, options=options, faults=faults, provider="loopback", nodes=3, seed=5)
    plan = replace(plan, **changes)
    nodes = tuple(spec.name for spec in node_specs(under_test, plan.nodes))
    drawn = schedule(parse(faults, known), known, nodes, plan.time_limit_s, plan.seed)
    plan = replace(plan, schedule=drawn)
    setup = Setup(plan, under_test, catalog.workload(workload), LoopbackProvider(), known)
    folder = create_folder(store, plan)

    async def execute() -> Record:
        return await Run(setup, RealRuntime(plan.seed), folder).execute()

    return setup, folder, asyncio.run(execute())


def test_raft_on_real_nodes_survives_a_kill(tmp_path: Path) -> None:
    setup, folder, record = real_run(tmp_path, "raft", "register", "kill", time_limit_s=5.0)
    verdict = judge(setup, folder, record, 30.0)
    assert node_failures(folder.nodes) == []
    assert verdict.result.valid is not False, verdict.result
    assert record.recovered
    assert record.counts.ok > 100
    (kill,) = verdict.faults
    assert kill["applied"] >= 1
    if kill["bit"]:
        assert verdict.result.valid is True, verdict.result
    else:
        assert verdict.result.reason is Reason.FAULT_WITHOUT_EFFECT


def test_single_leader_on_real_nodes_without_faults(tmp_path: Path) -> None:
    setup, folder, record = real_run(tmp_path, "single-leader", "set", "none", time_limit_s=2.0)
    verdict = judge(setup, folder, record, 30.0)
    assert verdict.result.valid is True, verdict.result
    assert (folder.nodes / "n1" / "node.log").exists()
