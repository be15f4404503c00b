"""Every fault of links on real nodes: the nemesis applies, measures and heals it. Where programs talk it bites; where
they are silent it does not; and what a connection hides never does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from harness import catalog
from harness.cluster import ClusterSpec, NodeSpec
from harness.clusters.local.provider import PROVIDER
from harness.clusters.remote.cluster import RemoteCluster
from harness.fault import FaultSpec
from harness.faults.nemesis import Nemesis
from harness.history import NEMESIS, Op
from harness.real_runtime import RealRuntime
from harness.system import System

pytestmark = pytest.mark.cluster

PROGRAMS = Path(__file__).parent.parent.parent / "faults" / "programs.py"
NODES = ("n1", "n2", "n3")
SYSTEM = System("heartbeats", "", frozenset(), {}, cast(Any, None), (), ready=bool,
                leader=lambda statuses: next((status["leader"] for status in statuses.values()), None))  # fmt: skip


def made(runner: asyncio.Runner, folder: Path, ask: str) -> RemoteCluster:
    nodes = tuple(NodeSpec(name, "node", "programs:Heartbeats") for name in NODES)
    spec = ClusterSpec(nodes, {"ask": ask}, (), 1, 1, 1000, folder, modules=(PROGRAMS,))

    async def make() -> RemoteCluster:
        cluster = await PROVIDER.create(spec, RealRuntime(1))
        await cluster.start(NODES)
        await asyncio.sleep(0.3)  # connections are made
        return cluster

    return runner.run(make())


@pytest.fixture(scope="module")
def talking(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteCluster]:
    cluster = made(runner, tmp_path_factory.mktemp("talking"), "no")
    yield cluster
    runner.run(cluster.down())


@pytest.fixture(scope="module")
def silent(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteCluster]:
    cluster = made(runner, tmp_path_factory.mktemp("silent"), "never")
    yield cluster
    runner.run(cluster.down())


MILD = {"probability": 0.2, "delay_ms": 15.0, "jitter_ms": 5.0, "rate_kbit_s": 60.0}
FAULTS = (
    ("delay", "leader"),
    ("loss", "all"),
    ("loss", "messages"),
    ("duplicate", "all"),
    ("duplicate", "packets"),
    ("reorder", "all"),
    ("reorder", "packets"),
    ("corrupt", "all"),
    ("bandwidth", "all"),
    ("slow-link", "leader"),
    ("slow-node", "all"),
    ("flap", "one"),
)


def mild(name: str, shape: str) -> dict[str, Any]:
    """What the fault chooses, by an amount that leaves enough to be met by the others."""
    action = dict(catalog.fault(name).choose(FaultSpec(name, shape), 0, NODES, Random(2)))
    if "amount" in action and name != "slow-node":
        action["amount"] = {field: MILD[field] for field in action["amount"]}
    return action


async def all_at_once(cluster: RemoteCluster) -> dict[tuple[str, str], dict[str, Any]]:
    """What the nemesis says of each fault, of all that were in force together for a second."""
    nemesis = Nemesis(SYSTEM, cluster, catalog.faults(), RealRuntime(1))
    await nemesis.baseline()
    await asyncio.sleep(0.2)
    operations = [(number, name, mild(name, shape)) for number, (name, shape) in enumerate(FAULTS)]
    for number, name, action in operations:
        op = await nemesis.invoke(Op("info", NEMESIS, f"start-{name}", {"application": number, **action}))
        assert op.error is None
    await asyncio.sleep(1.0)
    stopped = [Op("info", NEMESIS, f"stop-{name}", {"application": number}) for number, name, _ in operations]
    for op in await asyncio.gather(*map(nemesis.invoke, stopped)):
        assert op.error is None
    assert await nemesis.heal_all() == ()
    await asyncio.sleep(0.5)
    await nemesis.conclude()
    return dict(zip(FAULTS, nemesis.effects(), strict=True))


def test_each_of_them_bites_where_programs_talk_but_what_tcp_absorbs(
    runner: asyncio.Runner, talking: RemoteCluster
) -> None:
    effects = runner.run(all_at_once(talking))
    for (name, shape), effect in effects.items():
        assert effect["effect"]["absent_outside"], (name, shape, effect)
        assert effect["bit"] is (shape != "packets"), (name, shape, effect)
        figures = {key: figure for key, figure in effect["effect"]["measured"].items() if not key.endswith("_quiet")}
        assert max(figures.values()) > 0, (name, shape)
        assert ("absorbed=tcp" in effect["effect"]["explanation"]) is (shape == "packets")


def test_none_bites_where_nobody_says_anything(runner: asyncio.Runner, silent: RemoteCluster) -> None:
    for (name, shape), effect in runner.run(all_at_once(silent)).items():
        assert effect["applied"], (name, shape)
        assert not effect["bit"], (name, shape, effect)


def test_two_delays_overlap_and_neither_ends_the_other(runner: asyncio.Runner, talking: RemoteCluster) -> None:
    async def scenario() -> tuple[list[dict[str, Any]], set[str], set[str]]:
        nemesis = Nemesis(SYSTEM, talking, catalog.faults(), RealRuntime(1))
        await nemesis.baseline()
        await asyncio.sleep(0.2)
        links = [[["n1", "n2"]], [["n1", "n3"]]]
        for number, chosen in enumerate(links):
            action = {"shape": "link", "links": chosen, "amount": {"delay_ms": 20.0 + number, "jitter_ms": 0}}
            await nemesis.invoke(Op("info", NEMESIS, "start-delay", {"application": number, **action}))
        await asyncio.sleep(0.4)
        both = {node for node, counts in (await talking.observe()).met.items() if counts.get("delay")}
        await nemesis.invoke(Op("info", NEMESIS, "stop-delay", {"application": 0}))
        middle = (await talking.observe()).met
        await asyncio.sleep(0.4)
        later = (await talking.observe()).met
        assert await nemesis.heal_all() == ()
        grown = {node for node in NODES if later[node].get("delay", 0) > middle[node].get("delay", 0)}
        return nemesis.effects(), both, grown

    effects, both, grown = runner.run(scenario())
    assert [effect["applied"] for effect in effects] == [True, True]
    assert {"n2", "n3"} <= both
    assert grown == {"n3"}
