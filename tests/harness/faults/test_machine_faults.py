"""Machine and resource faults in a simulated world: the nemesis drives them, the nodes tell what they saw."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from harness import catalog
from harness.cluster import ClusterSpec, NodeSpec
from harness.cluster_faults import SHARE_MIN, MachineFaults, ResourceFaults
from harness.fault import Fault, FaultSpec
from harness.faults.action import check_action
from harness.faults.nemesis import Nemesis
from harness.history import NEMESIS, Op
from harness.node import CallError, Env, Message
from harness.simulation.cluster import SimCluster, SimProvider
from harness.simulation.runtime import SimRuntime
from harness.system import System

NAMES = ("stop", "power-off", "crash-loop", "upgrade", "memory", "cpu", "fds")
FAULTS: dict[str, Fault] = {name: catalog.fault(name) for name in NAMES}
NODES = ("n1", "n2", "n3")
SYSTEM = System("chatter", "", frozenset(), {}, cast(Any, None), (), ready=bool,
                leader=lambda statuses: next((status["leader"] for status in statuses.values()), None))  # fmt: skip


class Chatter:
    """Each node asks all others all the time; or, with ``work=none``, does nothing at all."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env, self._works = env, options["work"] != "none"

    async def start(self) -> None:
        if self._works:
            for peer in self._env.peers:
                self._env.spawn(self._chat(peer), f"chat-{peer}")

    async def _chat(self, peer: str) -> None:
        while True:
            try:
                await self._env.call(peer, {}, 100)
            except CallError as error:
                self._env.count(type(error).__name__)
            await self._env.work(5)
            await self._env.sleep(20)

    def status(self) -> Message:
        return {"leader": self._env.nodes[0]}

    async def handle(self, source: str, message: Message) -> Message:
        if "file" in message:
            self._env.disk.append(message["file"], b"x")
            if message["sync"]:
                await self._env.disk.sync(message["file"])
                await self._env.disk.sync_dir()
        return {"files": list(self._env.disk.list()), "incarnation": self._env.incarnation}


Scenario = Callable[[SimCluster, SimRuntime], Awaitable[Any]]


def simulated(folder: Path, scenario: Scenario, work: str = "talk", seed: int = 1) -> Any:
    """What comes of it, on a cluster whose programs run."""
    nodes = tuple(NodeSpec(name, "node", f"{__name__}:Chatter") for name in NODES)
    runtime = SimRuntime(seed)

    async def live() -> Any:
        spec = ClusterSpec(nodes, {"work": work}, (), seed, 4, 1000, folder)
        cluster = await SimProvider().create(spec, runtime)
        await cluster.start(NODES)
        await runtime.sleep(500)
        try:
            return await scenario(cluster, runtime)
        finally:
            await cluster.down()

    return runtime.run(live(), limit_s=60)


def applied(folder: Path, fault: str, work: str, turn: int, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the nemesis says of one application of the fault's default mix, two seconds long; and the last statuses."""

    async def scenario(cluster: SimCluster, runtime: SimRuntime) -> tuple[dict[str, Any], dict[str, Any]]:
        nemesis = Nemesis(SYSTEM, cluster, FAULTS, runtime)
        await nemesis.baseline()
        await runtime.sleep(500)
        action = FAULTS[fault].choose(FaultSpec(fault), turn, NODES, Random(seed))
        for verb in ("start", "stop"):
            op = await nemesis.invoke(Op("info", NEMESIS, f"{verb}-{fault}", {"application": 0, **action}))
            assert op.error is None
            if verb == "start" and fault == "fds":  # what makes it felt: somebody new
                for client in range(4):
                    for node in NODES * 3:
                        env = cluster.client_env(client, f"c{client}-{node}-{runtime.now()}")
                        cluster._runtime.spawn(_ignore(env.call(node, {}, 100)), "client")
                        await runtime.sleep(5)
            await runtime.sleep(2000)
        assert await nemesis.heal_all() == ()
        assert await nemesis.heal_all() == ()
        (effect,) = nemesis.effects()
        return effect, {node: await cluster.status(node) for node in NODES}

    result: tuple[dict[str, Any], dict[str, Any]] = simulated(folder, scenario, work, seed)
    return result


async def _ignore(call: Awaitable[Any]) -> None:
    try:
        await call
    except CallError:
        return


@pytest.mark.parametrize("fault", NAMES)
@pytest.mark.parametrize("turn", range(4))
def test_it_bites_what_works_and_all_run_again_when_it_is_healed(tmp_path: Path, fault: str, turn: int) -> None:
    effect, statuses = applied(tmp_path, fault, "talk", turn, seed=10 + turn)
    assert effect["bit"], effect
    assert effect["effect"]["absent_outside"]
    assert all(status["serving"] and status["build"] == "old" for status in statuses.values())


@pytest.mark.parametrize("fault", ["upgrade", "memory", "cpu"])
def test_a_fault_that_no_work_meets_did_not_bite(tmp_path: Path, fault: str) -> None:
    effect, _ = applied(tmp_path, fault, "none", 0, seed=1)
    assert effect["applied"]
    assert not effect["bit"], effect


@pytest.mark.parametrize("fault", NAMES)
def test_choices_are_json_that_a_plan_may_have_and_repeat_with_the_seed(fault: str) -> None:
    for turn in range(6):
        first, again = (FAULTS[fault].choose(FaultSpec(fault), turn, NODES, Random(turn)) for _ in range(2))
        assert first == again == json.loads(json.dumps(first))
        check_action(first, NODES)


def test_a_stopped_program_says_so_and_refuses(tmp_path: Path) -> None:
    async def scenario(cluster: SimCluster, runtime: SimRuntime) -> tuple[str, str]:
        await cast(MachineFaults, cluster).stop(["n1", "n1"])
        try:
            await cluster.client_env(0, "c0").call("n1", {}, 500)
        except CallError as error:
            return cluster._nodes["n1"].events[-1]["name"], type(error).__name__
        return "", ""

    assert simulated(tmp_path, scenario) == ("stop", "Refused")


def test_a_machine_that_is_off_refuses_nobody_and_has_only_what_was_synced(tmp_path: Path) -> None:
    async def scenario(cluster: SimCluster, runtime: SimRuntime) -> tuple[set[str], Any]:
        client = cluster.client_env(0, "c0")
        await client.call("n1", {"file": "kept", "sync": True}, 500)
        await client.call("n1", {"file": "lost", "sync": False}, 500)
        before = {node: dict(cluster._nodes[node].env.counters) for node in ("n2", "n3")}  # type: ignore[union-attr]
        await cast(MachineFaults, cluster).power_off(["n1"])
        await runtime.sleep(1000)
        met = set[str]()
        for node, counters in before.items():
            env = cluster._nodes[node].env
            assert env is not None
            met |= {name for name, count in env.counters.items() if count > counters.get(name, 0)}
        await cluster.start(["n1"])
        return met, await cluster.client_env(1, "c1").call("n1", {}, 500)

    met, seen = simulated(tmp_path, scenario)
    assert "Timeout" in met
    assert "net.closed" not in met
    assert seen == {"files": ["kept"], "incarnation": 2}


def test_a_program_out_of_memory_is_killed_in_its_next_work_and_a_new_one_has_the_same_limit(tmp_path: Path) -> None:
    async def scenario(cluster: SimCluster, runtime: SimRuntime) -> tuple[bool, int, bool]:
        limits = cast(ResourceFaults, cluster)
        await limits.limit_memory(["n1"], 100_000)
        running = cluster._nodes["n1"].running
        await runtime.sleep(2000)
        assert not cluster._nodes["n1"].running
        await cluster.start(["n1"])
        await runtime.sleep(2000)
        assert not cluster._nodes["n1"].running
        killed = (await cluster.observe()).met["n1"]["memory"]
        await limits.unlimit(["n1"])
        await cluster.start(["n1"])
        await runtime.sleep(2000)
        return running, killed, cluster._nodes["n1"].running

    assert simulated(tmp_path, scenario) == (True, 2, True)


def test_a_share_of_the_processor_makes_work_and_answers_slow(tmp_path: Path) -> None:
    async def scenario(cluster: SimCluster, runtime: SimRuntime) -> list[int]:
        async def answers() -> int:
            env = cluster._nodes["n1"].env
            assert env is not None
            before = env.counters["net.received"]
            await runtime.sleep(1000)
            return env.counters["net.received"] - before

        limits = cast(ResourceFaults, cluster)
        counts = [await answers()]
        await limits.limit_cpu(["n1"], 0.05)
        counts.append(await answers())
        await limits.unlimit(["n1"])
        await runtime.sleep(200)
        return [*counts, await answers()]

    before, during, after = simulated(tmp_path, scenario)
    assert during < 0.8 * before
    assert after > 1.1 * during


def test_without_descriptors_old_connections_go_on_and_new_ones_hang(tmp_path: Path) -> None:
    async def scenario(cluster: SimCluster, runtime: SimRuntime) -> list[str]:
        limits = cast(ResourceFaults, cluster)
        old = cluster.client_env(0, "old")
        await old.call("n1", {}, 500)
        await limits.limit_fds(["n1"], 1)
        said = []
        for name in ("old", "first", "second"):
            env = old if name == "old" else cluster.client_env(1, name)
            try:
                await env.call("n1", {}, 500)
                said.append("answered")
            except CallError as error:
                said.append(type(error).__name__)
        await limits.unlimit(["n1"])
        await cluster.client_env(2, "third").call("n1", {}, 500)
        return said

    assert simulated(tmp_path, scenario) == ["answered", "answered", "Timeout"]


def test_without_descriptors_a_node_reaches_no_peer_that_was_restarted(tmp_path: Path) -> None:
    async def scenario(cluster: SimCluster, runtime: SimRuntime) -> tuple[int, int]:
        limits = cast(ResourceFaults, cluster)
        await limits.limit_fds(["n1"], 0)
        await cluster.kill(["n2"])
        await cluster.start(["n2"])
        await runtime.sleep(500)
        env = cluster._nodes["n1"].env
        assert env is not None
        refused = env.counters["Refused"]
        await limits.unlimit(["n1"])
        await runtime.sleep(300)
        after = env.counters["Refused"]
        await runtime.sleep(500)
        return refused, env.counters["Refused"] - after

    refused, later = simulated(tmp_path, scenario)
    assert refused > 5
    assert later == 0


def test_a_build_or_a_share_that_there_is_not_is_refused(tmp_path: Path) -> None:
    async def scenario(cluster: SimCluster, runtime: SimRuntime) -> None:
        with pytest.raises(ValueError, match="expected old or new"):
            await cast(MachineFaults, cluster).install(["n1"], "newer")
        with pytest.raises(ValueError, match=f"expected {SHARE_MIN}"):
            await cast(ResourceFaults, cluster).limit_cpu(["n1"], 0.0)

    simulated(tmp_path, scenario)
