"""Disk faults on real nodes, seen by a program that just opens, writes and reads files in the node's data folder."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

from harness.cluster import ClusterError, ShellError
from harness.clusters.remote.cluster import RemoteCluster
from harness.clusters.remote.disks import PROGRAM_DATA
from harness.clusters.remote.node import DATA_FOLDER
from harness.node import CallError
from tests.harness.clusters.local_clusters import eventually, make

pytestmark = pytest.mark.cluster

T = TypeVar("T")
PROBE: Final = Path(__file__).with_name("disk_probe.py")
THERE: Final = "/tmp/disk_probe.py"
ON_DISK, IN_MEMORY = "n1", "n3"  # the third node has no disk, but memory


class Seen:
    """The cluster, and what is seen from inside its nodes."""

    def __init__(self, cluster: RemoteCluster, runner: asyncio.Runner) -> None:
        self.cluster, self._runner = cluster, runner

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(coroutine)

    async def probe(self, *arguments: str, node: str = ON_DISK, timeout_s: float = 10) -> dict[str, Any]:
        shell = self.cluster.shell(node)
        return dict(json.loads((await shell.run("python3", THERE, *arguments, timeout_s=timeout_s)).stdout))

    async def write(self, file: str, text: str, *, sync: bool = True, node: str = ON_DISK) -> dict[str, Any]:
        return await self.probe("write" if sync else "append", f"{PROGRAM_DATA}/{file}", text, node=node)

    async def read(self, file: str, node: str = ON_DISK) -> str | None:
        return (await self.probe("read", f"{PROGRAM_DATA}/{file}", node=node)).get("text")

    async def names(self, node: str = ON_DISK) -> list[str]:
        return list((await self.probe("names", PROGRAM_DATA, node=node))["names"])

    async def incarnation(self, node: str = ON_DISK) -> int:
        return int((await self.probe("read", f"{DATA_FOLDER}/disk.incarnation", node=node))["text"])


@pytest.fixture(scope="module")
def seen(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    cluster = runner.run(make(tmp_path_factory.mktemp("disks"), nodes=3))

    async def begin() -> None:
        await cluster.start(cluster.nodes)
        for node in (ON_DISK, IN_MEMORY):
            await cluster.shell(node).upload(PROBE, THERE)

    runner.run(begin())
    yield Seen(cluster, runner)
    runner.run(cluster.down())


@pytest.fixture(autouse=True)
def whole(seen: Seen) -> Iterator[None]:
    """All disks work and are empty, and the programs run."""

    async def mend() -> None:
        await seen.cluster.disk_heal([ON_DISK])
        for node in (ON_DISK, IN_MEMORY):
            await seen.cluster.shell(node).run("find", PROGRAM_DATA, "-mindepth", "1", "-delete")
        await seen.cluster.start([ON_DISK, IN_MEMORY])

    yield
    seen.run(mend())


REFUSED = [("disk_full", errno.ENOSPC), ("disk_read_only", errno.EROFS), ("disk_eio", errno.EIO)]


@pytest.mark.parametrize(("verb", "number"), REFUSED)
def test_a_disk_that_fails_refuses_and_then_works_again(seen: Seen, verb: str, number: int) -> None:
    async def live() -> None:
        cluster = seen.cluster
        assert "ms" in await seen.write("f", "before")
        assert await getattr(cluster, verb)([ON_DISK], *([0.3] if verb == "disk_eio" else [])) in (None, 1.0)
        assert await seen.write("g", "x" * 20_000) == {"errno": number}
        await getattr(cluster, verb)([ON_DISK], *([0.3] if verb == "disk_eio" else []))
        assert await seen.write("g", "x" * 20_000) == {"errno": number}, "once more is the same"
        assert "ms" in await seen.write("g", "x", node=IN_MEMORY)
        for _ in range(2):
            await cluster.disk_heal([ON_DISK])
        await cluster.start([ON_DISK])
        assert "ms" in await seen.write("g", "x" * 20_000)
        assert await seen.read("f") == "before"
        assert not [name for name in await _all_names(seen) if "splitbrain" in name]

    seen.run(live())


async def _all_names(seen: Seen) -> Sequence[str]:
    return list((await seen.probe("names", DATA_FOLDER))["names"])


def test_whoever_writes_to_a_stalled_disk_waits_until_it_goes_on(seen: Seen) -> None:
    async def live() -> None:
        await seen.cluster.disk_stall([ON_DISK])
        writing = asyncio.ensure_future(seen.write("f", "x"))
        assert "ms" in await seen.write("f", "x", node=IN_MEMORY)
        await asyncio.sleep(0.7)
        assert not writing.done()
        assert await seen.read("nothing") is None, "reading goes on"
        await seen.cluster.disk_heal([ON_DISK])
        assert (await writing)["ms"] > 500
        assert (await seen.write("f", "x"))["ms"] < 500

    seen.run(live())


def test_a_sync_on_a_slow_disk_takes_longer(seen: Seen) -> None:
    async def live() -> None:
        await seen.cluster.disk_slow([ON_DISK], 900)
        slow = [(await seen.write("f", "x"))["ms"] for _ in range(3)]
        assert max(slow) > 300, slow
        await seen.cluster.disk_slow([ON_DISK], 700)
        await seen.cluster.disk_heal([ON_DISK])
        quick = [(await seen.write("f", "x"))["ms"] for _ in range(3)]
        assert min(quick) < 100, quick
        processes = await seen.cluster.shell(ON_DISK).run("sh", "-c", "cat /proc/[0-9]*/cmdline", check=False)
        assert "harness.agent" not in processes.stdout, "nobody is left to stall it"

    seen.run(live())


@pytest.mark.parametrize("keep", ["none", "some"])
def test_a_power_loss_takes_what_was_not_synced(seen: Seen, keep: str) -> None:
    async def live() -> None:
        await seen.write("f", "synced")
        await seen.cluster.shell(ON_DISK).run("sync", "-f", PROGRAM_DATA)
        before = await seen.incarnation()
        await seen.write("f", " and not", sync=False)
        await seen.write("g", "new", sync=False)
        lost = (await seen.cluster.power_loss([ON_DISK], torn=False, reordered=False, keep=keep))[ON_DISK]
        f, g = await seen.read("f"), await seen.read("g")
        if keep == "none":
            assert (f, g) == ("synced", None)
            assert lost == {"bytes": 11, "writes": 2, "names": 1, "torn": 0}
        assert f in ("synced", "synced and not")
        assert g in (None, "", "new")
        assert lost["bytes"] == len("synced and notnew") - len(f or "") - len(g or "")
        await seen.cluster.start([ON_DISK])
        assert await seen.incarnation() == before + 1

    seen.run(live())


def test_a_torn_write_is_there_in_part(seen: Seen) -> None:
    async def live() -> None:
        text = "0123456789" * 500
        await seen.write("f", "synced")
        await seen.write("f", text, sync=False)
        lost = (await seen.cluster.power_loss([ON_DISK], torn=True, reordered=False))[ON_DISK]
        found = await seen.read("f")
        assert found is not None
        assert f"synced{text}".startswith(found)
        assert len("synced") < len(found) < len("synced") + len(text)
        assert lost["torn"] == 1
        assert lost["bytes"] == len("synced") + len(text) - len(found)

    seen.run(live())


def test_a_node_without_power_is_silent_and_comes_back(seen: Seen) -> None:
    async def live() -> None:
        cluster = seen.cluster
        client = cluster.client_env(0, "c0")
        assert (await client.call(ON_DISK, {}, 1000))["node"] == ON_DISK
        await cluster.power_loss([ON_DISK, IN_MEMORY], torn=False, reordered=False)
        fresh = cluster.client_env(1, "c1")
        begin = asyncio.get_running_loop().time()
        with pytest.raises(CallError) as told:
            await fresh.call(ON_DISK, {}, 300)
        assert asyncio.get_running_loop().time() - begin > 0.25, f"refused at once: {told.value!r}"
        assert await cluster.status(ON_DISK) is None
        assert await seen.names(IN_MEMORY) == [], "memory keeps nothing"
        await cluster.start([ON_DISK, IN_MEMORY])
        await eventually(lambda: _answers(cluster, ON_DISK))

    seen.run(live())


def test_a_power_loss_that_was_interrupted_is_mended_by_the_next_start(
    seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def live() -> None:
        async def broken(*_: object) -> None:
            raise ShellError("interrupted")

        await seen.write("f", "synced")
        with monkeypatch.context() as patch:
            patch.setattr(seen.cluster._nodes[ON_DISK], "kill", broken)
            with pytest.raises(ClusterError, match="interrupted"):
                await seen.cluster.power_loss([ON_DISK], torn=False, reordered=False)
        assert await seen.write("f", "x") == {"errno": errno.EIO}
        await seen.cluster.kill([ON_DISK])
        await seen.cluster.start([ON_DISK])
        assert await seen.read("f") == "synced"
        assert "ms" in await seen.write("f", "x")

    seen.run(live())


async def _answers(cluster: RemoteCluster, node: str) -> bool:
    try:
        return bool((await cluster.client_env(2, "c2").call(node, {}, 500))["node"] == node)
    except CallError:
        return False


def test_a_program_is_stopped_in_mid_write(seen: Seen) -> None:
    async def live() -> None:
        shell, pid_file = seen.cluster.shell(ON_DISK), "/tmp/torrent.pid"
        started = asyncio.ensure_future(
            shell.run("python3", THERE, "torrent", f"{PROGRAM_DATA}/t", pid_file, timeout_s=20, check=False)
        )
        await eventually(lambda: _is_there(seen, pid_file))
        agent = seen.cluster._nodes.agent(ON_DISK)
        told = await agent.run("disk", "stop", DATA_FOLDER, pid_file, "5000", "seed")
        assert told == {"unsynced": True}
        pid = (await shell.run("cat", pid_file)).stdout.split()[0]
        assert (await shell.run("cat", f"/proc/{pid}/stat")).stdout.rpartition(")")[2].split()[0] == "T"
        await shell.run("kill", "-9", pid)
        await started
        assert await agent.run("disk", "stop", DATA_FOLDER, pid_file, "0", "seed") == {"unsynced": None}

    seen.run(live())


async def _is_there(seen: Seen, path: str) -> bool:
    return (await seen.cluster.shell(ON_DISK).run("test", "-s", path, check=False)).status == 0


def test_what_is_stored_is_damaged_where_it_is_said(seen: Seen) -> None:
    async def live() -> None:
        cluster, text = seen.cluster, "".join(chr(32 + place % 90) for place in range(1000))
        await seen.write("f", text)
        await cluster.kill([ON_DISK, IN_MEMORY])
        before = await seen.incarnation()
        expected = bytearray(text.encode())
        for file, offset, bit in (await cluster.disk_flip([ON_DISK], 3))[ON_DISK]["flips"]:
            assert file == "f"
            expected[offset] ^= 1 << bit
        assert (await seen.read("f")) == expected.decode("latin-1") != text
        ((file, cut),) = (await cluster.disk_truncate([ON_DISK], 100))[ON_DISK]["cut"]
        assert 1 <= cut <= 100
        del expected[-cut:]
        ((file, source, target, length),) = (await cluster.disk_copy_chunk([ON_DISK], 64))[ON_DISK]["copied"]
        assert (file, length) == ("f", 64)
        expected[target : target + length] = expected[source : source + length]
        assert (await seen.read("f")) == expected.decode("latin-1")
        assert (await cluster.disk_flip([IN_MEMORY], 1))[IN_MEMORY] == {"flips": []}
        assert await seen.incarnation() == before, "that is not the program's"

    seen.run(live())


def test_damage_is_met_by_who_reads_it(seen: Seen) -> None:
    async def live() -> None:
        async def met() -> int:
            return (await seen.cluster.observe()).met[ON_DISK].get("bit-flip", 0)

        await seen.write("f", "text")
        await seen.cluster.kill([ON_DISK])
        before = await met()
        await seen.cluster.disk_flip([ON_DISK], 1)
        await seen.write("f", "more")
        assert await met() == before, "it was written, not read"
        await seen.read("f")
        assert await met() == before + 1
        assert await met() == before + 1

    seen.run(live())


def test_an_old_state_and_none(seen: Seen) -> None:
    async def live() -> None:
        cluster = seen.cluster
        await seen.write("f", "old")
        await cluster.disk_save([ON_DISK])
        await seen.write("f", " and new")
        await seen.write("g", "new")
        await cluster.kill([ON_DISK])
        assert await cluster.disk_load([ON_DISK]) == {ON_DISK: {"bytes": 6}}
        assert (await seen.read("f"), await seen.names()) == ("old", ["f"])
        assert await cluster.disk_load([ON_DISK]) == {ON_DISK: {"bytes": 0}}
        before = await seen.incarnation()
        assert await cluster.disk_wipe([ON_DISK]) == {ON_DISK: {"bytes": 3, "files": 1}}
        assert await seen.names() == []
        await cluster.start([ON_DISK])
        assert await seen.incarnation() == before + 1

    seen.run(live())


def test_a_strange_node_is_refused(seen: Seen) -> None:
    with pytest.raises(ValueError, match="n9"):
        seen.run(seen.cluster.disk_full(["n9"]))


def test_a_command_that_fails_says_what_failed(seen: Seen) -> None:
    agent = seen.cluster._nodes.agent(ON_DISK)
    with pytest.raises(ShellError, match=r"fill: .*No such file"):
        seen.run(agent.run("disk", "fill", "/nowhere"))
