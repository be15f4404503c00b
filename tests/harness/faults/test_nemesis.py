"""The nemesis on a model cluster: what it does, measures, falls back on, and heals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from harness.cluster import Cluster
from harness.fault import Fault
from harness.faults import kill, partition, pause
from harness.faults.nemesis import Nemesis
from harness.history import NEMESIS, Op
from harness.node import Message
from harness.system import System
from tests.harness.faults.model import ModelCluster, OwnTime, run

FAULTS: dict[str, Fault] = {"partition": partition.FAULT, "kill": kill.FAULT, "pause": pause.FAULT}
ISOLATE = {"shape": "isolate-leader", "nodes": ["leader"], "count": 1, "spares": ["n4", "n5"], "direction": "both"}
ONE = {"shape": "one", "nodes": ["n3"]}


def first_up(statuses: Mapping[str, Message]) -> str | None:
    return min(statuses, default=None)


class Run:
    """A nemesis on a model cluster, and the time between its operations."""

    def __init__(self, leader: Any = first_up) -> None:
        self.runtime = OwnTime()
        self.cluster = ModelCluster(self.runtime)
        system = System("s", "", frozenset(), {}, cast(Any, None), (), ready=bool, leader=leader)
        self.nemesis = Nemesis(system, cast(Cluster, self.cluster), FAULTS, self.runtime)
        run(self.nemesis.baseline())
        self.pass_ms(1500)

    def pass_ms(self, ms: float) -> None:
        run(self.runtime.sleep(ms))

    def invoke(self, verb: str, fault: str, action: Mapping[str, Any], number: int = 0) -> Op:
        op = Op("info", NEMESIS, f"{verb}-{fault}", {"application": number, **action})
        return run(self.nemesis.invoke(op))

    def apply(self, fault: str, action: Mapping[str, Any], number: int = 0) -> dict[str, Any]:
        self.invoke("start", fault, action, number)
        self.pass_ms(2000)
        self.invoke("stop", fault, action, number)
        self.pass_ms(1000)
        return self.nemesis.effects()[-1]


def test_an_isolated_leader_is_looked_up_and_its_packets_are_counted() -> None:
    test = Run()
    op = test.invoke("start", "partition", ISOLATE)
    assert op.value["nodes"] == ["n1"]
    assert op.value["drops"] == {"n1": ["n2", "n3", "n4", "n5"]} | {n: ["n1"] for n in ("n2", "n3", "n4", "n5")}
    assert test.nemesis.in_force == ("partition",)
    test.pass_ms(2000)
    test.invoke("stop", "partition", ISOLATE)
    test.pass_ms(1000)
    assert run(test.nemesis.heal_all()) == ()
    (effect,) = test.nemesis.effects()
    assert effect["bit"]
    assert effect["effect"]["measured"]["packets_dropped"] == 20 * 8
    assert (effect["started_ns"], effect["stopped_ns"]) == (1_500_000_000, 3_500_000_000)
    assert not test.nemesis.in_force


@pytest.mark.parametrize(("fault", "signal"), [("kill", "refused"), ("pause", "timeout")])
def test_a_node_that_is_missed_bites(fault: str, signal: str) -> None:
    test = Run()
    test.apply(fault, ONE)
    assert run(test.nemesis.heal_all()) == ()
    (effect,) = test.nemesis.effects()
    assert effect["bit"], effect
    assert effect["effect"]["measured"][signal] == 20 * 4
    assert not test.cluster.down | test.cluster.frozen


@pytest.mark.parametrize(("fault", "action"), [("partition", ISOLATE), ("kill", ONE), ("pause", ONE)])
def test_a_fault_that_meets_no_traffic_does_not_bite(fault: str, action: dict[str, Any]) -> None:
    test = Run()
    test.cluster.silent = True
    test.apply(fault, action)
    run(test.nemesis.heal_all())
    assert not test.nemesis.effects()[0]["bit"]


def test_an_effect_that_goes_on_after_the_heal_was_not_the_faults() -> None:
    test = Run()
    test.invoke("start", "partition", ISOLATE)
    test.pass_ms(2000)
    test.invoke("stop", "partition", ISOLATE)
    test.cluster.drops = {"n1": ["n2"]}
    test.pass_ms(1000)
    run(test.nemesis.heal_all())
    (effect,) = test.nemesis.effects()
    assert not effect["bit"]
    assert "not only while" in effect["effect"]["explanation"]


def test_without_a_calm_stretch_afterwards_nothing_is_claimed() -> None:
    test = Run()
    assert not test.apply("partition", ISOLATE)["bit"]


def test_each_application_is_judged_by_its_own_window() -> None:
    test = Run()
    test.apply("partition", ISOLATE, 0)
    test.cluster.silent = True
    test.apply("kill", ONE, 1)
    test.cluster.silent = False
    test.apply("pause", ONE, 2)
    run(test.nemesis.heal_all())
    assert [(entry["fault"], entry["bit"]) for entry in test.nemesis.effects()] == [
        ("partition", True), ("kill", False), ("pause", True),
    ]  # fmt: skip


def test_without_a_leader_the_last_known_one_is_taken_and_it_says_so() -> None:
    leaders = iter(["n2"])
    test = Run(leader=lambda statuses: next(leaders, None))
    assert test.apply("partition", ISOLATE, 0)["done"]["leader"] == "n2"
    done = test.apply("partition", ISOLATE, 1)["done"]
    assert done["nodes"] == ["n2"]
    assert done["leader"] is None
    assert "last one known" in done["fallback"]


def test_without_any_leader_ever_the_chosen_spare_is_taken() -> None:
    test = Run(leader=lambda statuses: None)
    done = test.apply("partition", ISOLATE)["done"]
    assert done["nodes"] == ["n4"]
    assert "ever" in done["fallback"]


def test_a_failing_apply_is_recorded_and_still_healed() -> None:
    test = Run()
    test.cluster.failures = 1
    op = test.invoke("start", "kill", ONE)
    assert "no route to host" in op.error
    assert test.nemesis.in_force == ("kill",)
    assert run(test.nemesis.heal_all()) == ()
    assert test.cluster.done == ["start n3"]
    (effect,) = test.nemesis.effects()
    assert not effect["applied"]
    assert not effect["bit"]


def test_a_failing_heal_is_tried_again_and_then_reported() -> None:
    test = Run()
    test.invoke("start", "partition", ISOLATE)
    test.cluster.failures = 2
    assert "heal: ShellError" in test.invoke("stop", "partition", ISOLATE).error
    assert run(test.nemesis.heal_all()) == ()
    test.invoke("start", "pause", ONE, 1)
    test.cluster.failures = 99
    (problem,) = run(test.nemesis.heal_all())
    assert "pause is still in force" in problem
    test.cluster.failures = 0
    assert run(test.nemesis.heal_all()) == ()


def test_healing_all_is_idempotent_and_ends_the_latest_first() -> None:
    test = Run()
    test.invoke("start", "partition", ISOLATE, 0)
    test.invoke("start", "kill", ONE, 1)
    for _ in range(2):
        assert run(test.nemesis.heal_all()) == ()
    assert test.cluster.done == ["partition", "kill n3", "start n3", "heal"]


def test_without_a_baseline_a_short_quiet_stretch_is_measured() -> None:
    test = Run()
    fresh = Nemesis(test.nemesis._system, cast(Cluster, test.cluster), FAULTS, test.runtime)
    test.nemesis = fresh
    test.apply("kill", ONE)
    run(fresh.heal_all())
    assert fresh.effects()[0]["bit"]


def test_of_two_kills_that_overlap_each_has_nodes_of_its_own() -> None:
    test = Run()
    test.invoke("start", "kill", {"shape": "one", "nodes": ["n1", "n2"]}, 0)
    test.invoke("start", "kill", {"shape": "one", "nodes": ["n2", "n3"]}, 1)
    assert test.nemesis.effects()[1]["left_out"] == {"n2": "kill (application 0)"}
    test.invoke("stop", "kill", {}, 0)
    assert test.cluster.down == {"n3"}
    test.invoke("stop", "kill", {}, 1)
    assert test.cluster.down == set()
    assert test.cluster.done == ["kill n1 n2", "kill n3", "start n1 n2", "start n3"]


def test_a_leader_that_is_anothers_is_left_alone_and_the_fault_says_so() -> None:
    test = Run()
    test.invoke("start", "pause", {"shape": "one", "nodes": ["n2"]}, 0)
    leader = {"shape": "leader", "nodes": ["leader"], "count": 2, "spares": ["n2", "n4"]}
    test.nemesis._last_leader, test.nemesis._system = "n2", replace(test.nemesis._system, leader=lambda statuses: "n2")
    op = test.invoke("start", "kill", leader, 1)
    assert op.value["refused"] == "n2 is held by pause (application 0)"
    assert test.nemesis.in_force == ("pause",)
    test.pass_ms(1000)
    assert test.invoke("stop", "kill", leader, 1).error is None
    assert run(test.nemesis.heal_all()) == ()
    _, killed = test.nemesis.effects()
    assert (killed["applied"], killed["bit"]) == (False, False)
    assert killed["effect"]["explanation"] == "the fault was not applied: n2 is held by pause (application 0)"
    assert test.cluster.done == ["pause n2", "resume n2"]


def test_spares_take_the_place_of_nodes_that_are_anothers() -> None:
    test = Run()
    test.invoke("start", "pause", {"shape": "one", "nodes": ["n4"]}, 0)
    test.invoke("start", "kill", {"shape": "leader", "nodes": ["leader"], "count": 3, "spares": ["n4", "n5", "n3"]}, 1)
    assert test.cluster.down == {"n1", "n5", "n3"}
    assert run(test.nemesis.heal_all()) == ()


def test_two_partitions_that_overlap_are_layers_of_each_other() -> None:
    test = Run()
    first, second = ({"shape": "one", "drops": drops} for drops in ({"n1": ["n2"]}, {"n1": ["n3"], "n4": ["n5"]}))
    test.invoke("start", "partition", first, 0)
    test.invoke("start", "partition", second, 1)
    test.pass_ms(100)
    assert test.cluster.drops == {"n1": ["n2", "n3"], "n4": ["n5"]}
    test.invoke("stop", "partition", first, 0)
    assert test.cluster.drops == {"n1": ["n3"], "n4": ["n5"]}
    test.invoke("stop", "partition", second, 1)
    assert test.cluster.drops == {}
    test.pass_ms(500)
    assert run(test.nemesis.heal_all()) == ()
    for effect in test.nemesis.effects():
        assert "counted together with" in effect["effect"]["explanation"]


def test_followers_are_all_but_the_leader_of_that_moment() -> None:
    test = Run()
    done = test.apply("kill", {"shape": "followers", "nodes": ["followers"], "spares": ["n4", "n1", "n2", "n5", "n3"]})
    assert done["done"]["nodes"] == ["n4", "n2", "n5", "n3"]
    assert done["done"]["leader"] == "n1"
    assert not test.cluster.down
