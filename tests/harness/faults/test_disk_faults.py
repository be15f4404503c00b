"""The faults of power, disks and processes: what they choose, what a simulated cluster makes of it, when they bit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from harness.cluster import ClusterSpec, NodeSpec, Observation
from harness.fault import Fault, FaultSpec, FaultSyntaxError
from harness.faults import (
    bit_flip,
    chunk_copy,
    disk_full,
    disk_stall,
    eio,
    power_loss,
    read_only,
    restart,
    slow_fsync,
    snapshot_restore,
    torn_write,
    truncate,
    wipe,
)
from harness.faults.action import check_action
from harness.faults.nemesis import Nemesis
from harness.faults.target import is_symbolic
from harness.history import NEMESIS, Op
from harness.simulation.cluster import SimCluster, SimProvider
from harness.simulation.runtime import SimRuntime
from harness.system import System
from tests.harness.faults.test_effect import NODES as THREE
from tests.harness.faults.test_effect import QUIET, seen

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        power_loss.FAULT,
        torn_write.FAULT,
        disk_full.FAULT,
        eio.FAULT,
        bit_flip.FAULT,
        restart.FAULT,
        read_only.FAULT,
        disk_stall.FAULT,
        slow_fsync.FAULT,
        truncate.FAULT,
        chunk_copy.FAULT,
        snapshot_restore.FAULT,
        wipe.FAULT,
    )
}
NODES = ("n1", "n2", "n3", "n4", "n5")
SYSTEM = System("keeper", "", frozenset(), {}, cast(Any, None), (), ready=bool,
                leader=lambda statuses: next((status["leader"] for status in statuses.values()), None))  # fmt: skip

FAILURES = [disk_full.FAULT, eio.FAULT, read_only.FAULT, disk_stall.FAULT, slow_fsync.FAULT]

fault_by_name = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)


# What they choose


@fault_by_name
def test_choices_are_json_that_a_plan_may_hold_and_repeat_with_the_seed(fault: Fault) -> None:
    for shape in (None, *fault.shapes):
        for turn in range(6):
            spec = FaultSpec(fault.name, shape)
            first, again = (fault.choose(spec, turn, NODES, Random(f"7:{turn}")) for _ in range(2))
            assert first == again == json.loads(json.dumps(first))
            check_action(first, NODES, triggered=True)
            assert is_symbolic(first) or set(first["nodes"]) <= set(NODES)


@fault_by_name
def test_a_number_of_nodes_is_obeyed(fault: Fault) -> None:
    assert len(fault.choose(FaultSpec(fault.name, "one", 3), 0, NODES, Random(0))["nodes"]) == 3
    assert fault.choose(FaultSpec(fault.name, "leader", 2), 0, NODES, Random(0))["count"] == 2
    with pytest.raises(FaultSyntaxError, match="at most 5"):
        fault.choose(FaultSpec(fault.name, "one", 6), 0, NODES, Random(0))


@pytest.mark.parametrize("fault", [power_loss.FAULT, torn_write.FAULT], ids=lambda fault: fault.name)
def test_a_majority_loses_its_power_first_and_all_of_them_soon(fault: Fault) -> None:
    shapes = [fault.choose(FaultSpec(fault.name), turn, NODES, Random(turn))["shape"] for turn in range(5)]
    assert shapes == ["majority", "leader", "all", "minority", "one"]


def test_power_goes_in_every_way() -> None:
    actions = [power_loss.FAULT.choose(FaultSpec("power-loss", "all"), 0, NODES, Random(seed)) for seed in range(100)]
    ways = {(action["torn"], action["reordered"], action["keep"]) for action in actions}
    assert ways == {(way["torn"], way["reordered"], way["keep"]) for way in power_loss.WAYS}
    torn = torn_write.FAULT.choose(FaultSpec("torn-write"), 0, NODES, Random(0))
    assert (torn["torn"], torn["reordered"], torn["keep"]) == (True, False, "some")


@pytest.mark.parametrize("shape", [None, "minority"])
@pytest.mark.parametrize("count", range(1, 8))
def test_bits_flip_on_the_same_minority_every_time(shape: str | None, count: int) -> None:
    nodes = tuple(f"n{number}" for number in range(1, count + 1))
    spec = FaultSpec("bit-flip", shape)
    actions = [bit_flip.FAULT.choose(spec, turn, nodes, Random(turn)) for turn in range(20)]
    damaged = {node for action in actions for node in action["nodes"]}
    assert damaged
    assert count <= 2 or 2 * len(damaged) < count
    assert {action["bits"] for action in actions} == {1}


def test_a_majority_is_damaged_only_where_it_is_asked_for() -> None:
    for shape, expected in (("majority", 3), ("all", 5), ("one", 1)):
        actions = [bit_flip.FAULT.choose(FaultSpec("bit-flip", shape), turn, NODES, Random(turn)) for turn in range(9)]
        assert len({node for action in actions for node in action["nodes"]}) == expected


def test_syncs_fail_sometimes_or_always() -> None:
    drawn = {eio.FAULT.choose(FaultSpec("eio"), 0, NODES, Random(seed))["probability"] for seed in range(50)}
    assert drawn == set(eio.PROBABILITIES)


# When they bit


NOTHING = {"bytes": 0, "writes": 0, "names": 0, "torn": 0}


def unpowered(refused: int, unanswered: tuple[str, ...] = ("n3",)) -> tuple[Observation, Observation]:
    return seen(2), seen(4, {"n1": {"net.timeout": refused}}, unanswered=unanswered)


def cut(**lost: int) -> dict[str, Any]:
    return {"nodes": ["n3"], "of": list(THREE), "lost": {"n3": {**NOTHING, **lost}}}


@pytest.mark.parametrize(
    ("lost", "window", "bit", "why"),
    [
        ({"bytes": 12, "writes": 2}, unpowered(0), True, "lost before they were durable: 12 bytes, 2 writes"),
        ({"names": 1}, unpowered(0), True, "1 names"),
        ({}, unpowered(9), True, "timed out 9; no data was lost"),
        ({}, unpowered(0), False, "nobody missed them"),
        ({}, unpowered(9, unanswered=()), False, "still answered"),
        ({"bytes": 12}, unpowered(0, unanswered=()), True, "12 bytes"),
    ],
)
def test_a_power_loss_bit_if_data_was_lost_or_the_node_was_missed(
    lost: dict[str, int], window: tuple[Observation, Observation], bit: bool, why: str
) -> None:
    effect = power_loss.FAULT.effect(cut(**lost), QUIET, window)
    assert effect.bit == bit
    assert why in effect.explanation
    assert effect.absent_outside
    assert effect.measured["bytes_lost"] == lost.get("bytes", 0)
    assert not power_loss.FAULT.effect(cut(bytes=1), (QUIET[0], replace(QUIET[1], unanswered=("n3",))), window
                                       ).absent_outside  # fmt: skip


def test_a_torn_write_bit_only_if_a_write_was_torn() -> None:
    assert torn_write.FAULT.effect(cut(bytes=3, torn=1), QUIET, unpowered(0)).bit
    effect = torn_write.FAULT.effect(cut(bytes=3), QUIET, unpowered(9))
    assert not effect.bit
    assert "nothing was being written" in effect.explanation


def restarted(closed: int, incarnation: int = 2) -> tuple[Observation, Observation]:
    return seen(2), seen(4, {"n1": {"net.closed": closed}}, incarnations={"n3": incarnation})


@pytest.mark.parametrize(
    ("nodes", "window", "bit", "why"),
    [
        (["n3"], restarted(2), True, "connections closed 2"),
        (["n3"], restarted(0), False, "nobody met that"),
        (["n3"], restarted(2, incarnation=1), False, "no new incarnation"),
        (["n2", "n3"], restarted(2), False, "1 of 2 nodes"),
    ],
)
def test_a_restart_bit_if_each_is_new_and_somebody_noticed(
    nodes: list[str], window: tuple[Observation, Observation], bit: bool, why: str
) -> None:
    effect = restart.FAULT.effect({"nodes": nodes, "of": list(THREE)}, QUIET, window)
    assert effect.bit == bit
    assert why in effect.explanation
    assert effect.absent_outside


def test_the_restart_of_all_needs_no_witness() -> None:
    window = seen(2), seen(4, incarnations=dict.fromkeys(THREE, 2))
    assert restart.FAULT.effect({"nodes": list(THREE), "of": list(THREE)}, QUIET, window).bit
    noisy = (seen(0), seen(2, {"n1": {"net.closed": 9}}))
    assert not restart.FAULT.effect({"nodes": ["n3"], "of": list(THREE)}, noisy, restarted(9)).bit
    again = seen(2), seen(4, {"n3": {"election.won": 1}}, incarnations={"n3": 2})
    assert restart.FAULT.effect({"nodes": ["n3"], "of": list(THREE)}, QUIET, again).bit, "it had to be elected again"
    late = seen(2), seen(4, {"n1": {"net.timeout": 9}}, incarnations={"n3": 2})
    assert not restart.FAULT.effect({"nodes": ["n3"], "of": list(THREE)}, QUIET, late).bit


@pytest.mark.parametrize("fault", FAILURES, ids=lambda fault: fault.name)
def test_a_bad_disk_bit_if_a_call_met_it(fault: Fault) -> None:
    def after(second: float, count: int) -> Observation:
        return replace(seen(second), met={"n1": {fault.name: count}, "n2": {"other": 7}})

    assert fault.effect({}, QUIET, (seen(2), after(4, 3))).bit
    assert not fault.effect({}, QUIET, (after(2, 3), after(4, 3))).bit
    assert not fault.effect({}, (after(0, 0), after(2, 1)), (after(2, 1), after(4, 3))).absent_outside
    assert fault.effect({"healed": {"met": {"n1": 2}}}, QUIET, (after(2, 1), after(4, 1))).bit, "told when it was over"
    assert not fault.effect({"healed": {"met": {"n1": 1}}}, QUIET, (after(2, 1), after(4, 1))).bit


def test_a_flip_bit_if_it_was_read_when_the_node_started() -> None:
    def judged(flips: dict[str, Any], before: int, after: int) -> Any:
        done = {"flips": flips, "met": {"n3": before}, "healed": {"met": {"n3": after}}}
        return bit_flip.FAULT.effect(done, QUIET, (seen(2), seen(4)))

    assert judged({"n3": [["f", 0, 1]]}, 4, 6).bit
    assert not judged({"n3": [["f", 0, 1]]}, 4, 4).bit
    assert not judged({"n3": []}, 4, 6).bit, "that was an earlier one's"
    assert "nothing was stored" in judged({"n3": []}, 0, 0).explanation
    never_healed = bit_flip.FAULT.effect({"flips": {"n3": [["f", 0, 1]]}, "met": {"n3": 0}}, QUIET, (seen(2), seen(4)))
    assert not never_healed.bit


@pytest.mark.parametrize(("fault", "answer"), [(truncate.FAULT, "cut"), (chunk_copy.FAULT, "copied")],
                         ids=["truncate", "chunk-copy"])  # fmt: skip
def test_damage_bit_if_it_was_read_when_the_node_started(fault: Fault, answer: str) -> None:
    done = {answer: {"n3": [["f", 1]]}, "met": {"n3": 1}}
    window = seen(2), seen(4)
    assert fault.effect({**done, "healed": {"met": {"n3": 2}}}, QUIET, window).bit
    assert not fault.effect({**done, "healed": {"met": {"n3": 1}}}, QUIET, window).bit
    assert not fault.effect({**done, answer: {"n3": []}, "healed": {"met": {"n3": 2}}}, QUIET, window).bit
    assert not fault.effect(done, QUIET, window).bit, "never healed"


def test_an_old_state_bit_if_it_was_read() -> None:
    done = {"met": {"n3": 1}}
    assert snapshot_restore.FAULT.effect({**done, "healed": {"met": {"n3": 2}}}, QUIET, (seen(2), seen(4))).bit
    assert not snapshot_restore.FAULT.effect({**done, "healed": {"met": {"n3": 1}}}, QUIET, (seen(2), seen(4))).bit
    assert not snapshot_restore.FAULT.effect(done, QUIET, (seen(2), seen(4))).bit


@pytest.mark.parametrize(
    ("size", "running", "bit", "why"),
    [(9, ["n3"], True, "9"), (9, [], False, "no node"), (0, ["n3"], False, "nothing was stored")],
)
def test_a_wipe_bit_if_an_emptied_node_runs_again(size: int, running: list[str], bit: bool, why: str) -> None:
    done = {"lost": {"n3": {"bytes": size, "files": 1}}, "healed": {"running": running}}
    effect = wipe.FAULT.effect(done, QUIET, (seen(2), seen(4)))
    assert (effect.bit, why in effect.explanation) == (bit, True)


# In a simulated world


def applied(folder: Path, fault: str, shape: str | None, work: str, seed: int) -> tuple[dict[str, Any], SimCluster]:
    """What the nemesis says of one application, a second long; and the cluster, up again."""
    nodes = tuple(NodeSpec(name, "node", "tests.harness.faults.keeper:Keeper") for name in NODES)
    spec = ClusterSpec(nodes, {"work": work}, (), seed, 1, 1000, folder)
    runtime = SimRuntime(seed)

    async def live() -> tuple[dict[str, Any], SimCluster]:
        cluster = await SimProvider().create(spec, runtime)
        await cluster.start(NODES)
        nemesis = Nemesis(SYSTEM, cluster, FAULTS, runtime)
        await nemesis.baseline()
        await runtime.sleep(500)
        action = FAULTS[fault].choose(FaultSpec(fault, shape), seed, NODES, Random(seed))
        for verb in ("start", "stop"):
            op = await nemesis.invoke(Op("info", NEMESIS, f"{verb}-{fault}", {"application": 0, **action}))
            assert op.error is None
            await runtime.sleep(1000)
        assert await nemesis.heal_all() == ()
        assert (await cluster.observe()).unanswered == (), "they are all up again"
        (effect,) = nemesis.effects()
        await cluster.down()
        return effect, cluster

    return runtime.run(live(), limit_s=60)


RARELY = {"torn-write": 1, "restart": 3}
"""Of five applications: at some moments nothing is being written, or nobody calls a node that is gone for a moment."""


@pytest.mark.parametrize("shape", ["leader", "minority", "majority", "all"])
@pytest.mark.parametrize("fault", FAULTS)
def test_what_works_is_bitten_and_comes_back(tmp_path: Path, fault: str, shape: str) -> None:
    applications = [applied(tmp_path, fault, shape, "keep", seed)[0] for seed in range(5 if fault in RARELY else 2)]
    bit = sum(application["bit"] for application in applications)
    assert bit >= RARELY.get(fault, 2), [application["effect"] for application in applications]
    assert all(application["effect"]["absent_outside"] for application in applications)
    json.dumps(applications)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_nobody_meets_did_not_bite(tmp_path: Path, fault: str) -> None:
    effect, _ = applied(tmp_path, fault, "one", "none", 1)
    assert effect["applied"]
    assert not effect["bit"], effect


def test_a_damaged_node_reads_what_was_damaged(tmp_path: Path) -> None:
    effect, cluster = applied(tmp_path, "bit-flip", None, "keep", 3)
    assert effect["done"]["nodes"] == ["n4", "n5"]
    for name, node in cluster._nodes.items():
        reads = [event["fields"] for event in node.events if event["name"] == "read"]
        assert reads[-1]["damaged"] == (name in ("n4", "n5"))
        assert len(reads) == 1 + (name in ("n4", "n5"))


@pytest.mark.parametrize("fault", ["power-loss", "restart", "torn-write"])
def test_what_was_synced_outlives_it(tmp_path: Path, fault: str) -> None:
    """No node has less after it than it had synced: a whole number of entries, but for what was being written."""
    for seed in range(10):
        effect, cluster = applied(tmp_path, fault, "all", "keep", seed)
        lost = effect["done"].get("lost", {})
        for name, node in cluster._nodes.items():
            first, second = (event["fields"] for event in node.events if event["name"] == "read")
            assert first["bytes"] == 0
            assert second["bytes"] > 500
            assert lost.get(name, NOTHING)["bytes"] <= 10
