"""The faults on real processes: the nemesis drives them, and their effects are measured, not assumed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from harness.cluster import Cluster, ClusterSpec, NodeSpec
from harness.clusters.local.provider import PROVIDER
from harness.clusters.loopback import LoopbackCluster
from harness.clusters.remote.cluster import RemoteCluster
from harness.fault import EVENT, LOG, Fault, Trigger
from harness.faults import kill, partition, pause
from harness.faults.nemesis import Nemesis
from harness.faults.triggered import TriggeredFaults
from harness.history import NEMESIS, Op
from harness.node import CallError, Message
from harness.plan import ScheduledFault
from harness.real_runtime import RealRuntime
from harness.system import System
from tests.harness.clusters.local_clusters import missing

FAULTS: dict[str, Fault] = {"partition": partition.FAULT, "kill": kill.FAULT, "pause": pause.FAULT}
PROGRAMS = Path(__file__).parent / "programs.py"
NODES = ("n1", "n2", "n3")
LEADER = {"shape": "leader", "nodes": ["leader"], "count": 1, "spares": ["n3", "n2", "n1"]}
FOLLOWER = {"shape": "one", "nodes": ["n3"]}


def believed(statuses: Mapping[str, Message]) -> str | None:
    return next((status["leader"] for status in statuses.values()), None)


SYSTEM = System("heartbeats", "", frozenset(), {}, cast(Any, None), (), ready=bool, leader=believed)


async def apply(cluster: Cluster, runtime: RealRuntime, fault: str, action: Mapping[str, Any]) -> dict[str, Any]:
    """One application of the fault, half a second long, and what the nemesis says of it; then the cluster goes."""
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


def spec(folder: Path, ask: str) -> ClusterSpec:
    nodes = tuple(NodeSpec(name, "node", f"{PROGRAMS.stem}:Heartbeats") for name in NODES)
    return ClusterSpec(nodes, {"ask": ask}, (), seed=1, clients=1, client_timeout_ms=1000, folder=folder,
                       modules=(PROGRAMS,))  # fmt: skip


def on_loopback(folder: Path, fault: str, action: Mapping[str, Any], ask: str) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        runtime = RealRuntime(seed=1)
        return await apply(LoopbackCluster(spec(folder, ask), runtime), runtime, fault, action)

    return asyncio.run(run())


@pytest.mark.parametrize("ask", ["yes", "no"])
@pytest.mark.parametrize(("fault", "action", "node"), [("kill", FOLLOWER, "n3"), ("pause", LEADER, "n1")])
def test_a_missed_node_bites(tmp_path: Path, fault: str, action: Mapping[str, Any], node: str, ask: str) -> None:
    effect = on_loopback(tmp_path, fault, action, ask)
    assert effect["done"]["nodes"] == [node]
    assert effect["bit"], effect


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_a_node_that_nobody_talks_to_is_not_missed(tmp_path: Path, fault: str) -> None:
    effect = on_loopback(tmp_path, fault, FOLLOWER, ask="never")
    assert effect["applied"]
    assert not effect["bit"], effect


VOTES = [Trigger(EVENT, "voted", 2), Trigger(LOG, "granted (of", 2)]
"""The same moment twice: as an event, and by a text in the line that is logged then."""


def at_vote(trigger: Trigger) -> ScheduledFault:
    return ScheduledFault("kill", 0, 500_000_000, {"shape": "its-node", "nodes": ["its-node"]}, trigger.as_json())


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


async def second_vote(
    cluster: LoopbackCluster | RemoteCluster, runtime: RealRuntime, gone: Any, trigger: Trigger
) -> tuple[Any, float]:
    """The effect of killing the second node that votes, and the seconds from its vote to its death; then the cluster
    goes."""
    try:
        await cluster.start(cluster.nodes)
        nemesis, lines = Nemesis(SYSTEM, cluster, FAULTS, runtime), list[Op]()
        faults = TriggeredFaults([at_vote(trigger)], nemesis, runtime, lines.append)
        await faults.prepare(SYSTEM, cluster, {})
        await runtime.sleep(300)
        await nemesis.baseline(sampled=True)
        faults.begin(runtime.now(), runtime.now() + 20_000_000_000)
        client = cluster.client_env(0, "c0")
        status = await cluster.status("n2")
        assert status is not None
        await client.call("n3", {"type": "vote"}, 1000)
        await runtime.sleep(300)
        assert lines == []
        begin = time.monotonic()
        with contextlib.suppress(CallError):  # it may be dead before it answers
            await client.call("n2", {"type": "vote"}, 1000)
        while not await gone(status["pid"]):
            await runtime.sleep(2)
        seconds = time.monotonic() - begin
        await faults.end()
        assert await nemesis.heal_all() == ()
        await runtime.sleep(300)
        await nemesis.conclude()
        assert (await cluster.observe()).unanswered == ()
        assert [(op.f, op.error) for op in lines] == [("start-kill", None)] * 2 + [("stop-kill", None)] * 2
    finally:
        await cluster.down()
    (effect,) = nemesis.effects()
    return effect, seconds


@pytest.mark.parametrize("trigger", VOTES, ids=str)
def test_a_vote_kills_its_real_node_at_once(tmp_path: Path, trigger: Trigger) -> None:
    async def gone(pid: int) -> bool:
        return is_gone(pid)

    async def run() -> tuple[Any, float]:
        runtime = RealRuntime(seed=1)
        return await second_vote(LoopbackCluster(spec(tmp_path, "yes"), runtime), runtime, gone, trigger)

    effect, seconds = asyncio.run(run())
    assert effect["done"]["nodes"] == ["n2"]
    assert effect["bit"], effect
    assert seconds < 0.2


@pytest.mark.cluster
@pytest.mark.skipif(bool(missing()), reason=f"the provider local cannot be used here: {missing()}")
@pytest.mark.parametrize("trigger", VOTES, ids=str)
def test_a_vote_kills_its_node_over_ssh(tmp_path: Path, trigger: Trigger) -> None:
    async def run(folder: Path) -> tuple[Any, float]:
        runtime = RealRuntime(seed=1)
        cluster = await PROVIDER.create(spec(folder, "yes"), runtime)

        async def gone(pid: int) -> bool:
            return (await cluster._nodes["n2"].state()) == "gone"

        return await second_vote(cluster, runtime, gone, trigger)

    for attempt in range(3):  # where others load the machine, nodes meet timeouts in the quiet stretch, too
        effect, seconds = asyncio.run(run(tmp_path / str(attempt)))
        assert effect["done"]["nodes"] == ["n2"]
        if effect["bit"]:
            break
    assert effect["bit"], effect
    assert seconds < 1.0, "through two SSH commands, on a busy machine"


ISOLATE: dict[str, Any] = {"shape": "isolate-leader", "nodes": ["leader"], "spares": list(NODES), "direction": "both"}


@pytest.mark.cluster
@pytest.mark.skipif(bool(missing()), reason=f"the provider local cannot be used here: {missing()}")
@pytest.mark.parametrize(
    ("fault", "action", "ask", "bit"),
    [
        ("partition", ISOLATE, "no", True),
        ("partition", {**ISOLATE, "direction": "deaf"}, "no", True),
        ("partition", ISOLATE, "never", False),
        ("pause", LEADER, "no", True),
        ("kill", FOLLOWER, "no", True),
    ],
)
def test_faults_on_a_network_of_our_own(
    tmp_path: Path, fault: str, action: dict[str, Any], ask: str, bit: bool
) -> None:
    async def run() -> dict[str, Any]:
        runtime = RealRuntime(seed=1)
        return await apply(await PROVIDER.create(spec(tmp_path, ask), runtime), runtime, fault, action)

    effect = asyncio.run(run())
    assert effect["applied"]
    assert effect["bit"] is bit, effect
    if fault == "partition" and bit:
        receivers = ["n1"] if action["direction"] == "deaf" else list(NODES)
        assert sorted(effect["done"]["drops"]) == receivers
        assert effect["effect"]["measured"]["packets_dropped"] > 0
