"""The loopback cluster: its verbs, and that nothing outlives the harness."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.cluster import Cluster, ClusterError, Provider
from harness.clusters.loopback import LoopbackProvider, free_ports
from harness.node import Closed, Refused
from harness.real_runtime import RealRuntime
from tests.harness.node.cluster import ECHO, ROOT, echo_cluster, spec


async def pids(cluster: Cluster) -> list[int]:
    statuses = [await cluster.status(node) for node in cluster.nodes]
    return [status["pid"] for status in statuses if status is not None]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def test_verbs_are_idempotent_and_down_leaves_nothing_running(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with echo_cluster(tmp_path, 2) as cluster:
            typed: Cluster = cluster
            assert typed.nodes == ("n1", "n2")
            assert typed.roles == {"n1": "server", "n2": "server"}
            assert typed.capabilities == {"kill", "pause", "events", "membership"}
            before = await pids(typed)
            await typed.start(["n1", "n2"])
            assert await pids(typed) == before
            for verb in (typed.pause, typed.pause, typed.kill, typed.kill, typed.pause, typed.resume):
                await verb(["n1"])
            assert await typed.status("n1") is None
            await typed.start(["n1"])
            await typed.pause(["n2"])
            after = await pids(typed)
            await typed.down()
            await typed.down()
            assert not [pid for pid in {*before, *after} if alive(pid)]

    asyncio.run(scenario())


def test_an_observation_has_what_answered_and_what_did_not(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with echo_cluster(tmp_path, 3) as cluster:
            await cluster.kill(["n1"])
            await cluster.start(["n1"])
            await cluster.kill(["n2"])
            await cluster.client_env(0, "c0").call("n3", {"type": "announce", "value": 1}, 1000)
            seen = await cluster.observe()
            assert seen.incarnations == {"n1": 2, "n3": 1}
            assert seen.counters["n3"]["announced"] == 1
            assert seen.unanswered == ("n2",)
            assert seen.dropped == {}
            assert seen.time_ns > 0

    asyncio.run(scenario())


def test_partitions_are_refused_in_words(tmp_path: Path) -> None:
    async def scenario() -> None:
        provider: Provider = LoopbackProvider()
        cluster = await provider.create(spec(tmp_path, 2), RealRuntime(1))
        with pytest.raises(ClusterError, match="cannot cut its network"):
            await cluster.partition({"n1": ["n2"]})
        await cluster.partition({})
        await cluster.heal()
        assert provider.remove_leftovers() == ()
        assert all(finding.present for finding in provider.examine())

    asyncio.run(scenario())


def test_a_new_client_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with echo_cluster(tmp_path) as cluster:
            old = cluster.client_env(0, "c0")
            await old.call("n1", {}, 1000)
            new = cluster.client_env(0, "c3")
            assert (await new.call("n1", {}, 1000))["source"] == "c3"
            with pytest.raises((Closed, Refused)):
                await old.call("n1", {}, 1000)

    asyncio.run(scenario())


def test_logs_are_fetched_per_node(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with echo_cluster(tmp_path / "run", 2) as cluster:
            fetched = await cluster.fetch_logs(tmp_path / "logs")
        assert set(fetched) == {"n1", "n2"}
        for node, files in fetched.items():
            assert {file.name for file in files} == {"node.log", "events.jsonl", "output.log"}
            assert all(file.parent == tmp_path / "logs" / node for file in files)
            assert "serving" in (tmp_path / "logs" / node / "node.log").read_text()

    asyncio.run(scenario())


def test_clusters_at_the_same_time_do_not_meet() -> None:
    addresses = {free_ports(10)[0] for _ in range(20)}
    assert len(addresses) == 20
    address, ports = free_ports(50)
    assert address.startswith("127.")
    assert len(set(ports)) == 50
    assert all(10_000 <= port < 30_000 for port in ports)


HARNESS = f"""
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from tests.harness.node.cluster import echo_cluster
async def main():
    async with echo_cluster(Path(sys.argv[1]), 3) as cluster:
        print(*[(await cluster.status(node))["pid"] for node in cluster.nodes], flush=True)
        await cluster.pause(["n2"])
        print("ready", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


def test_nodes_die_with_a_killed_harness_even_stopped_ones(tmp_path: Path) -> None:
    assert ECHO.startswith("tests."), "the nodes of this test are found by python_path"
    harness = subprocess.Popen([sys.executable, "-c", HARNESS, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert harness.stdout is not None
        nodes = [int(pid) for pid in harness.stdout.readline().split()]
        assert len(nodes) == 3
        assert harness.stdout.readline() == "ready\n"
        assert all(map(alive, nodes))
        os.kill(harness.pid, signal.SIGKILL)
        deadline = time.monotonic() + 5
        while any(map(alive, nodes)) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not [pid for pid in nodes if alive(pid)]
    finally:
        harness.kill()
        harness.communicate()
