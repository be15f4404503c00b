"""The faults of disks and power on real nodes: each is met by the nodes' own program, and only while it is in force."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from harness.cluster import ClusterSpec, NodeSpec
from harness.clusters.local.provider import PROVIDER
from harness.clusters.remote.cluster import RemoteCluster
from harness.fault import FaultSpec
from harness.faults.nemesis import Nemesis
from harness.history import NEMESIS, Op
from harness.real_runtime import RealRuntime
from harness.system import System
from tests.harness.clusters.local_clusters import missing
from tests.harness.faults.test_disk_faults import FAULTS

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(bool(missing()), reason=f"the provider local cannot be used here: {missing()}"),
]

KEEPER = Path(__file__).with_name("keeper.py")
NODES = ("n1", "n2", "n3")
SYSTEM = System("keeper", "", frozenset(), {}, cast(Any, None), (), ready=bool,
                leader=lambda statuses: next((status["leader"] for status in statuses.values()), None))  # fmt: skip


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def keepers(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteCluster]:
    """Three nodes that write and sync and call each other, all the time."""
    nodes = tuple(NodeSpec(name, "node", "keeper:Keeper") for name in NODES)
    options = {"work": "keep", "pace_ms": "10", "times": "100"}
    spec = ClusterSpec(nodes, options, (), 1, 1, 1000, tmp_path_factory.mktemp("keepers"), modules=(KEEPER,))

    async def make() -> RemoteCluster:
        cluster = await PROVIDER.create(spec, RealRuntime(1))
        await cluster.start(NODES)
        return cluster

    cluster = runner.run(make())
    yield cluster
    runner.run(cluster.down())


async def applied(cluster: RemoteCluster, fault: str, shape: str) -> dict[str, Any]:
    runtime = RealRuntime(1)
    nemesis = Nemesis(SYSTEM, cluster, FAULTS, runtime)
    await nemesis.baseline()
    await runtime.sleep(200)
    action = FAULTS[fault].choose(FaultSpec(fault, shape), 0, NODES, Random(2))
    for verb, ms in (("start", 500), ("stop", 200)):
        op = await nemesis.invoke(Op("info", NEMESIS, f"{verb}-{fault}", {"application": 0, **action}))
        assert op.error is None
        await runtime.sleep(ms)
    assert await nemesis.heal_all() == ()
    assert (await cluster.observe()).unanswered == (), "they are all up again"
    (effect,) = nemesis.effects()
    return effect


SHAPES = {"torn-write": "all", "power-loss": "majority"}
"""Where in one of three nodes there may be nothing to tear or to lose."""


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "restart"])
def test_a_node_that_works_meets_it(runner: asyncio.Runner, keepers: RemoteCluster, fault: str) -> None:
    effect = runner.run(applied(keepers, fault, SHAPES.get(fault, "one")))
    assert effect["bit"], effect
    assert effect["effect"]["absent_outside"]
