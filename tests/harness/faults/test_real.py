"""The faults on real processes: the nemesis drives them, and their effects are measured, not assumed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from harness.cluster import ClusterSpec, NodeSpec
from harness.clusters.loopback import LoopbackCluster
from harness.fault import Fault
from harness.faults import kill, pause
from harness.faults.nemesis import Nemesis
from harness.history import NEMESIS, Op
from harness.node import Message
from harness.real_runtime import RealRuntime
from harness.system import System

FAULTS: dict[str, Fault] = {"kill": kill.FAULT, "pause": pause.FAULT}
NODES = ("n1", "n2", "n3")
LEADER = {"shape": "leader", "nodes": ["leader"], "count": 1, "spares": ["n3", "n2", "n1"]}
FOLLOWER = {"shape": "one", "nodes": ["n3"]}


def believed(statuses: Mapping[str, Message]) -> str | None:
    return next((status["leader"] for status in statuses.values()), None)


SYSTEM = System("heartbeats", "", frozenset(), {}, cast(Any, None), (), ready=bool, leader=believed)


async def apply(folder: Path, fault: str, action: Mapping[str, Any], ask: str) -> dict[str, Any]:
    """One application of the fault, half a second long, and what the nemesis says of it."""
    runtime = RealRuntime(seed=1)
    nodes = tuple(NodeSpec(name, "node", "tests.harness.faults.programs:Heartbeats") for name in NODES)
    spec = ClusterSpec(nodes, {"ask": ask}, (), seed=1, clients=1, client_timeout_ms=1000, folder=folder)
    cluster = LoopbackCluster(spec, runtime, python_path=[Path(__file__).parents[3]])
    try:
        await cluster.start(cluster.nodes)
        nemesis = Nemesis(SYSTEM, cluster, FAULTS, runtime)
        await runtime.sleep(200)  # connections are made
        await nemesis.baseline()
        await runtime.sleep(400)
        for verb in ("start", "stop"):
            op = await nemesis.invoke(Op("info", NEMESIS, f"{verb}-{fault}", {"application": 0, **action}))
            assert op.error is None
            await runtime.sleep(500)
        assert await nemesis.heal_all() == ()
        assert (await cluster.observe()).unanswered == ()
    finally:
        await cluster.down()
    (effect,) = nemesis.effects()
    return effect


@pytest.mark.parametrize("ask", ["yes", "no"])
@pytest.mark.parametrize(("fault", "action", "node"), [("kill", FOLLOWER, "n3"), ("pause", LEADER, "n1")])
def test_a_missed_node_bites(tmp_path: Path, fault: str, action: Mapping[str, Any], node: str, ask: str) -> None:
    effect = asyncio.run(apply(tmp_path, fault, action, ask))
    assert effect["done"]["nodes"] == [node]
    assert effect["bit"], effect


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_a_node_that_nobody_talks_to_is_not_missed(tmp_path: Path, fault: str) -> None:
    effect = asyncio.run(apply(tmp_path, fault, FOLLOWER, ask="never"))
    assert effect["applied"]
    assert not effect["bit"], effect
