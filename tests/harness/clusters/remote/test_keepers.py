"""A database that is not ours under a keeper, on real nodes: what strikes the keeper strikes all that it keeps."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cluster import ClusterSpec, NodeSpec
from harness.cluster_faults import CLIENTS, OUT_OF_REACH
from harness.clusters.local.provider import PROVIDER
from harness.clusters.remote.cluster import RemoteCluster
from harness.node import CallError, Refused, Timeout
from harness.real_runtime import RealRuntime
from tests.harness.clusters.kept.kept_store import PORT, ask
from tests.harness.clusters.local_clusters import eventually

KEPT = Path(__file__).resolve().parents[1] / "kept"
KEY = {"f": "read", "key": 1}


@pytest.fixture
def cluster(runner: asyncio.Runner, tmp_path: Path) -> Iterator[RemoteCluster]:
    """Three keepers, which run."""
    spec = ClusterSpec(
        nodes=tuple(NodeSpec(f"n{i}", "store", "kept_store:Keeper") for i in (1, 2, 3)), options={}, bugs=(), seed=1,
        clients=2, client_timeout_ms=1000, folder=tmp_path, modules=(KEPT / "kept_store.py",),
        files=(KEPT / "store_server.py",), keepers=True,
    )  # fmt: skip

    async def make() -> RemoteCluster:
        return await PROVIDER.create(spec, RealRuntime(1))

    cluster = runner.run(make())
    try:
        runner.run(cluster.start(cluster.nodes))
        yield cluster
    finally:
        runner.run(cluster.down())


async def processes(cluster: RemoteCluster, node: str = "n1") -> dict[str, str]:
    """The database's processes: pid -> state. One for each connection is among them, also while it is ending."""
    listed = (await cluster.shell(node).run("ps", "-eo", "pid=,stat=,args=")).stdout.splitlines()
    words = [line.split() for line in listed if "store_server.py" in line]
    return {pid: state for pid, state, *_ in words if not state.startswith("Z")}


async def database(cluster: RemoteCluster, node: str = "n1") -> list[str]:
    """The database's processes: their states."""
    return list((await processes(cluster, node)).values())


async def asked(cluster: RemoteCluster, request: dict[str, Any], node: str = "n1", client: int = 0) -> dict[str, Any]:
    address = await cluster.client_env(client, f"c{client}").dial(node, PORT)
    async with asyncio.timeout(1):
        return await ask(*address, request)


async def write(cluster: RemoteCluster, value: int) -> None:
    assert await asked(cluster, {"f": "write", "key": 1, "value": value}) == {"type": "ok"}


async def status(cluster: RemoteCluster, node: str = "n1") -> dict[str, Any]:
    answer = await cluster.status(node)
    assert answer is not None
    return dict(answer)


def test_it_runs_as_its_user_and_clients_dial_it(runner: asyncio.Runner, cluster: RemoteCluster) -> None:
    async def scenario() -> None:
        await write(cluster, 7)
        assert await asked(cluster, KEY, client=1) == {"type": "ok", "value": 7}
        assert await asked(cluster, KEY, "n2") == {"type": "ok", "value": None}
        told = (await status(cluster))["program"]
        assert told["addresses"] == dict(cluster.client_env(0, "c0").addresses)
        user = await cluster.shell("n1").run("stat", "-c", "%U", f"/proc/{told['pid']}", f"{told['data']}/store")
        assert user.stdout.split() == ["nobody", "nobody"]
        assert len(await database(cluster)) >= 4
        with pytest.raises(Refused):
            await cluster.client_env(0, "c0").dial("n1", PORT + 1)

    runner.run(scenario())


def test_kill_takes_everybody_and_a_start_finds_the_data(runner: asyncio.Runner, cluster: RemoteCluster) -> None:
    async def scenario() -> None:
        await write(cluster, 1)
        await cluster.kill(["n1"])
        assert await database(cluster) == []
        assert len(await database(cluster, "n2")) >= 4
        with pytest.raises(Refused):
            await cluster.client_env(0, "c0").dial("n1", PORT)
        await cluster.start(["n1"])
        assert (await status(cluster))["incarnation"] == 2
        assert await asked(cluster, KEY) == {"type": "ok", "value": 1}

    runner.run(scenario())


def test_pause_stops_everybody_and_what_waited_is_told(runner: asyncio.Runner, cluster: RemoteCluster) -> None:
    async def scenario() -> None:
        await write(cluster, 1)
        await cluster.pause(["n1"])
        assert {state[0] for state in await database(cluster)} == {"T"}
        with pytest.raises(TimeoutError):
            await asked(cluster, KEY)
        before = await cluster.observe()
        await cluster.resume(["n1"])
        assert "T" not in {state[0] for state in await database(cluster)}
        after = await cluster.observe()
        assert before.met["n1"].get("pause", 0) < after.met["n1"]["pause"]
        assert await asked(cluster, KEY) == {"type": "ok", "value": 1}
        assert after.counters[CLIENTS]["net.timeout"] >= 1

    runner.run(scenario())


def test_stop_lets_the_keeper_end_its_database(runner: asyncio.Runner, cluster: RemoteCluster, tmp_path: Path) -> None:
    async def scenario() -> None:
        await cluster.stop(["n1"])
        assert await database(cluster) == []
        await cluster.fetch_logs(tmp_path / "logs")
        assert "the database was stopped: 0" in (tmp_path / "logs/n1/node.log").read_text()
        assert json.loads(last_line(tmp_path / "logs/n1/events.jsonl"))["name"] == "stop"
        assert (tmp_path / "logs/n1/store.log").read_text() == "ready\n"
        await cluster.start(["n1"])
        assert len(await database(cluster)) >= 4

    runner.run(scenario())


def test_a_database_that_ends_by_itself_takes_its_node_along(
    runner: asyncio.Runner, cluster: RemoteCluster, tmp_path: Path
) -> None:
    async def scenario() -> None:
        told = (await status(cluster))["program"]
        await cluster.shell("n1").run("kill", "-KILL", str(told["pid"]))
        await eventually(lambda: gone(cluster))
        assert await database(cluster) == []
        await cluster.fetch_logs(tmp_path / "logs")
        event = json.loads(last_line(tmp_path / "logs/n1/events.jsonl"))
        assert event["name"] == "exit"
        assert (event["fields"]["process"], event["fields"]["status"]) == ("store", -9)
        await cluster.start(["n1"])
        assert await asked(cluster, KEY) == {"type": "ok", "value": None}

    runner.run(scenario())


def test_whom_a_dead_keeper_leaves_behind_is_gone_before_the_next(
    runner: asyncio.Runner, cluster: RemoteCluster
) -> None:
    """The keeper alone is killed, as for want of memory: its child goes with it, and that one's children stay."""

    async def scenario() -> None:
        await cluster.shell("n1").run("kill", "-KILL", str((await status(cluster))["pid"]))
        await eventually(lambda: gone(cluster))
        old = await processes(cluster)
        assert old, "nobody was left behind, and the test says nothing"
        await cluster.start(["n1"])
        assert await asked(cluster, KEY) == {"type": "ok", "value": None}
        new = await processes(cluster)
        assert len(new) >= 4
        assert not old.keys() & new.keys()

    runner.run(scenario())


def test_power_loss_loses_what_was_not_synced_and_no_more(runner: asyncio.Runner, cluster: RemoteCluster) -> None:
    async def scenario() -> None:
        await write(cluster, 5)
        shell = cluster.shell("n1")
        folder = f"{(await status(cluster))['program']['data']}/store"
        await shell.run("sh", "-c", 'echo unsynced > "$1/unsynced"', "sh", folder)
        lost = await cluster.power_loss(["n1"], torn=False, reordered=False, keep="none")
        assert lost["n1"]["names"] >= 1
        assert await database(cluster) == []
        with pytest.raises(Timeout):
            await cluster.client_env(0, "c0").dial("n1", PORT)
        await cluster.start(["n1"])
        assert await asked(cluster, KEY) == {"type": "ok", "value": 5}
        assert (await shell.run("ls", folder)).stdout.split() == ["values.json"]

    runner.run(scenario())


def test_clients_are_cut_off_from_the_database(runner: asyncio.Runner, cluster: RemoteCluster) -> None:
    async def scenario() -> None:
        await write(cluster, 1)
        before = await cluster.observe()
        await cluster.partition({"n1": [CLIENTS]})
        began = time.monotonic()
        with pytest.raises(Timeout):
            await cluster.client_env(0, "c0").dial("n1", PORT)
        assert time.monotonic() - began < 2
        assert await asked(cluster, KEY, "n2") == {"type": "ok", "value": None}
        await cluster.heal()
        assert await asked(cluster, KEY) == {"type": "ok", "value": 1}
        after = await cluster.observe()
        assert after.dropped["n1"] > before.dropped["n1"]
        assert after.counters[CLIENTS]["net.timeout"] > before.counters[CLIENTS].get("net.timeout", 0)

    runner.run(scenario())


def test_the_disk_that_the_database_meets_is_counted(
    runner: asyncio.Runner, cluster: RemoteCluster, tmp_path: Path
) -> None:
    async def scenario() -> None:
        await cluster.disk_stall(["n1"])
        with pytest.raises(TimeoutError):
            await asked(cluster, {"f": "write", "key": 1, "value": 2})
        await cluster.disk_heal(["n1"])
        assert (await cluster.observe()).met["n1"]["disk-stall"] >= 1
        await cluster.disk_full(["n1"])
        with contextlib.suppress(OSError, ValueError, CallError):
            for value in range(40):
                await asked(cluster, {"f": "write", "key": 1, "value": value})
        await eventually(lambda: gone(cluster))
        await cluster.disk_heal(["n1"])
        assert (await cluster.observe()).met["n1"]["disk-full"] >= 1
        await cluster.start(["n1"])
        assert (await asked(cluster, KEY))["type"] == "ok"

    runner.run(scenario())


def test_commands_of_a_keeper(runner: asyncio.Runner, cluster: RemoteCluster) -> None:
    async def command(*argv: str, **more: Any) -> dict[str, Any]:
        answer = await cluster.ask("n1", {"run": argv, **more}, 5000)
        assert answer is not None
        return dict(answer)

    async def scenario() -> None:
        cat = await command("cat", input="some text", user="nobody")
        assert cat == {"status": 0, "stdout": "some text", "stderr": ""}
        assert (await command("id", "-un", user="nobody"))["stdout"] == "nobody\n"
        assert "status 1" in (await command("false"))["error"]
        assert (await command("false", check=False))["status"] == 1
        assert "not done after 2000 ms" in (await command("sh", "-c", "sleep 60 & sleep 60"))["error"]
        assert "is its package installed?" in (await command("true", user="nobody-at-all"))["error"]
        assert "no-such-program" in (await command("no-such-program"))["error"]
        left = await cluster.shell("n1").run("ps", "-eo", "args=")
        assert "sleep 60" not in left.stdout.splitlines()

    runner.run(scenario())


def test_what_cannot_be_done_to_it_is_not_offered(runner: asyncio.Runner, cluster: RemoteCluster) -> None:
    assert not cluster.capabilities & OUT_OF_REACH.keys()
    assert {"kill", "pause", "stop", "partition", "power-loss", "disk-full", "delay"} <= cluster.capabilities


def test_dialling_leaves_no_descriptor(runner: asyncio.Runner, cluster: RemoteCluster) -> None:
    async def scenario() -> None:
        await asked(cluster, KEY)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(30):
            await asked(cluster, KEY)
        await asyncio.sleep(0.2)
        assert len(os.listdir("/proc/self/fd")) <= before + 1

    runner.run(scenario())


async def gone(cluster: RemoteCluster) -> bool:
    return await cluster._nodes["n1"].state() == "gone"


def last_line(path: Path) -> str:
    return path.read_text().splitlines()[-1]
