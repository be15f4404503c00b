"""A local cluster's life: two at once, failures while it is made, removal in every state, kill -9 of the harness."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harness.cluster import ClusterError, NodeSpec, Provider, ShellError
from harness.clusters.local import addresses, cgroup, leftovers
from harness.clusters.local.provider import PROVIDER
from harness.node import CallError
from harness.real_runtime import RealRuntime
from tests.harness.clusters.local_clusters import make, processes_of, root_network, run_folders, spec, traces_of

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("local_provider")]

ROOT = Path(__file__).resolve().parents[4]


def newest_run() -> str:
    return max(run_folders(os.getpid()), key=lambda folder: int(folder.name.rpartition("-")[2])).name


def test_it_is_a_provider() -> None:
    provider: Provider = PROVIDER
    assert provider.name == "local"


def test_two_clusters_at_once_do_not_meet(tmp_path: Path) -> None:
    async def both() -> tuple[Any, ...]:
        first, second = await asyncio.gather(make(tmp_path / "a", 2), make(tmp_path / "b", 2))
        try:
            await asyncio.gather(first.start(first.nodes), second.start(["n1"]))
            await first.partition({"n1": ["clients"]})
            await first.shell("n1").write("/var/lib/node/mine", b"first")
            replies = [await _reply(first, "n1"), await _reply(second, "n1"), await _reply(second, "n2")]
            seen = await second.shell("n1").run("ls", "/var/lib/node/mine", check=False)
            await first.down()
            return *replies, seen.status, await _reply(second, "n1")
        finally:
            await asyncio.gather(first.down(), second.down())

    cut, reached, not_started, seen, after = asyncio.run(both())
    assert (cut, reached, not_started, after) == (None, "n1", None, "n1")
    assert seen != 0


async def _reply(cluster: Any, node: str) -> str | None:
    try:
        return str((await cluster.client_env(0, "c0").call(node, {}, 500))["node"])
    except CallError:
        return None


def test_down_leaves_nothing_and_may_be_called_again(tmp_path: Path) -> None:
    network, threads = root_network(), len(os.listdir("/proc/self/task"))
    descriptors = len(os.listdir("/proc/self/fd"))

    async def live() -> tuple[str, int, float]:
        cluster = await make(tmp_path)
        run = newest_run()
        await cluster.start(cluster.nodes)
        await cluster.pause(["n2"])
        await cluster.partition({"n1": ["n2"]})
        assert root_network() == network, "nothing of it is in the root namespace"
        seen = len(processes_of(run))
        begin = time.monotonic()
        await cluster.down()
        seconds = time.monotonic() - begin
        assert traces_of(run) == {}
        assert not (Path("/run/splitbrain") / run).exists()
        await cluster.down()
        cluster.down_now()
        with pytest.raises(ClusterError, match="removed"):
            await cluster.start(["n1"])
        assert await cluster.status("n1") is None
        return run, seen, seconds

    _, seen, seconds = asyncio.run(live())
    assert seen >= 10, "the search for leftovers does find a living cluster's processes"
    assert seconds < 0.5
    assert root_network() == network
    gc.collect()
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline and len(os.listdir("/proc/self/task")) > threads:
        time.sleep(0.01)
    assert len(os.listdir("/proc/self/task")) <= threads
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 1


def test_down_while_commands_are_under_way_ends_them(tmp_path: Path) -> None:
    async def live() -> float:
        cluster = await make(tmp_path, 2)
        running = [asyncio.create_task(cluster.shell(node).run("sleep", "30", timeout_s=40)) for node in cluster.nodes]
        await asyncio.sleep(0.1)
        begin = time.monotonic()
        await cluster.down()
        for task in running:
            with pytest.raises(ShellError):
                await task
        return time.monotonic() - begin

    assert asyncio.run(live()) < 1.0


def test_removal_from_a_signal_handler(tmp_path: Path) -> None:
    """The second Ctrl-C: in the main thread, between any two instructions of an event loop at work."""

    async def live() -> str:
        cluster = await make(tmp_path, 2)
        run = newest_run()
        previous = signal.signal(signal.SIGUSR1, lambda *_: cluster.down_now())
        try:
            busy = asyncio.create_task(_observe_for_ever(cluster))
            asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGUSR1)
            await asyncio.wait_for(busy, 5)
            return run
        finally:
            signal.signal(signal.SIGUSR1, previous)
            await cluster.down()

    assert traces_of(asyncio.run(live())) == {}


async def _observe_for_ever(cluster: Any) -> None:
    while True:
        try:
            await cluster.shell("n1").run("true")
        except ShellError:
            return


def test_a_cluster_that_cannot_be_built_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    nodes = (NodeSpec("n1", "server", "relay:Relay"), NodeSpec("n1", "server", "relay:Relay"))
    before = run_folders(os.getpid())

    async def create() -> None:
        bad = spec(tmp_path)
        await PROVIDER.create(type(bad)(nodes, {}, (), 1, 1, 1000, tmp_path), RealRuntime(1))

    with pytest.raises(ClusterError, match=r"could not be built: .*n1"):
        asyncio.run(create())
    assert run_folders(os.getpid()) == before


def test_more_nodes_than_there_are_addresses_is_an_error() -> None:
    many = tuple(NodeSpec(f"n{i}", "server", "relay:Relay") for i in range(addresses.NODES_MAX + 1))

    async def create() -> None:
        bad = spec(Path("/nonexistent"))
        await PROVIDER.create(type(bad)(many, {}, (), 1, 1, 1000, Path("/nonexistent")), RealRuntime(1))

    with pytest.raises(ClusterError, match="read 201 nodes; expected at most 200"):
        asyncio.run(create())


@pytest.mark.parametrize("after_s", [0.0, 0.03, 0.1, 0.2])
def test_cancelled_while_it_is_made(tmp_path: Path, after_s: float) -> None:
    before = run_folders(os.getpid())

    async def cancel() -> None:
        making = asyncio.create_task(make(tmp_path))
        await asyncio.sleep(after_s)
        making.cancel()
        try:
            cluster = await making
        except asyncio.CancelledError:
            return
        await cluster.down()

    asyncio.run(cancel())
    assert run_folders(os.getpid()) == before
    assert traces_of(f"{os.getpid()}-") == {}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of runs, for harnesses that are killed; other tests at the same time must not tidy up there."""
    monkeypatch.setattr(leftovers, "RUNS", tmp_path / "runs")
    return tmp_path / "runs"


def start_a_harness(folder: Path, say: str) -> subprocess.Popen[str]:
    """A harness in a process of its own, that has just said a word."""
    command = [sys.executable, "-m", "tests.harness.clusters.local.harness_process", str(folder), str(leftovers.RUNS)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while (line := process.stdout.readline().strip()) != say:
        assert line, f"the harness ended before it said {say}"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def kill_a_harness(folder: Path, say: str, delay_s: float) -> tuple[str, float]:
    """Kill -9 a harness ``delay_s`` after it said a word; returns how its run's name begins and the seconds until
    nothing is left of it but its folder."""
    process = start_a_harness(folder, say)
    time.sleep(delay_s)
    kill(process)
    begin = time.monotonic()
    while traces_of(f"{process.pid}-") and time.monotonic() < begin + 5:
        time.sleep(0.01)
    return f"{process.pid}-", time.monotonic() - begin


def groups_of(run: str) -> list[Path]:
    """The control groups of a run."""
    return [folder for controller in cgroup.usable() for folder in controller.root.glob(f"{cgroup.PREFIX}{run}*")]


def test_after_kill_9_of_the_harness_only_a_folder_is_left_and_the_next_start_removes_it(
    tmp_path: Path, runs: Path
) -> None:
    network = root_network()
    moments = [("begin", random.Random(n).uniform(0, 0.4)) for n in range(4)] + [("running", 0.0)]
    for number, (say, delay_s) in enumerate(moments):
        run, seconds = kill_a_harness(tmp_path / str(number), say, delay_s)
        assert traces_of(run) == {}, f"killed {delay_s:.3f} s after {say}"
        assert seconds < 2
        assert root_network() == network
    left = [folder.name for folder in runs.iterdir()]
    assert groups_of(run), "a limit was in force"
    assert [name for name in left if name.startswith(run)], "it was running: its folder must be there"

    async def next_start() -> list[Path]:
        cluster = await make(tmp_path / "next", 1)
        present = [*leftovers.RUNS.glob("*")]
        await cluster.down()
        return present

    (own,) = asyncio.run(next_start())
    assert own.name not in left
    assert groups_of(run) == [], "the next start removes them too"
    assert list(runs.iterdir()) == []


def test_a_stopped_supervisor_is_found_by_the_next_start(tmp_path: Path, runs: Path) -> None:
    """Nothing of ours stops it; but were it stopped, it could not see the harness die."""
    process = start_a_harness(tmp_path, "running")
    (folder,) = runs.iterdir()
    outer = int((folder / "supervisor").read_text().split()[0])
    (inner,) = map(int, Path(f"/proc/{outer}/task/{outer}/children").read_text().split())
    os.kill(inner, signal.SIGSTOP)
    kill(process)
    time.sleep(0.1)
    assert traces_of(folder.name)["processes"], "it is stuck, and everything below it lives on"
    said, *_ = PROVIDER.remove_leftovers()
    assert f"{folder}, left by process {process.pid} (and its supervisor, killed)" == said
    deadline = time.monotonic() + 2
    while traces_of(folder.name) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert traces_of(folder.name) == {}
