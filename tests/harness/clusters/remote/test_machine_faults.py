"""Machine, resource and clock faults on real nodes: the nemesis drives them, a program on the node sees them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from harness import catalog
from harness.cluster import ClusterSpec, NodeSpec, Provider, ShellError
from harness.clusters.local.provider import PROVIDER
from harness.clusters.remote import node as remote_node
from harness.clusters.remote.cluster import RemoteCluster
from harness.fault import Fault
from harness.faults.nemesis import Nemesis
from harness.history import NEMESIS, Op
from harness.node import CallError, Timeout
from harness.real_runtime import RealRuntime
from harness.system import System
from tests.harness.clusters.local_clusters import eventually

pytestmark = pytest.mark.cluster

PROBER = Path(__file__).parents[1] / "prober.py"
NODES = ("n1", "n2", "n3")
NAMES = ("stop", "power-off", "crash-loop", "upgrade", "memory", "cpu", "fds", "clock")
FAULTS: dict[str, Fault] = {name: catalog.fault(name) for name in NAMES}
SYSTEM = System("probes", "", frozenset(), {}, cast(Any, None), (), ready=bool,
                leader=lambda statuses: next((status["leader"] for status in statuses.values()), None))  # fmt: skip
ON_N1: dict[str, Any] = {"shape": "one", "nodes": ["n1"]}
TIMEOUT_MS = 2000
Seen = Mapping[str, Any]


@pytest.fixture(scope="module")
def probed(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteCluster]:
    yield from probed_nodes(PROVIDER, runner, tmp_path_factory.mktemp("probed"))


def probed_nodes(provider: Provider, runner: asyncio.Runner, folder: Path) -> Iterator[RemoteCluster]:
    """Three nodes with the program ``prober``, on which all of these faults are possible."""
    nodes = tuple(NodeSpec(name, "node", "prober:Prober") for name in NODES)
    needs = frozenset[str]().union(*(fault.needs for fault in FAULTS.values()))
    spec = ClusterSpec(nodes, {}, (), 1, 4, 1000, folder, (PROBER,), needs)

    async def create() -> RemoteCluster:
        return cast(RemoteCluster, await provider.create(spec, RealRuntime(1)))

    cluster = runner.run(create())
    if missing := needs - cluster.capabilities:
        runner.run(cluster.down())
        pytest.skip(f"the provider {provider.name} cannot do here: {', '.join(sorted(missing))}")
    yield cluster
    runner.run(cluster.down())


async def ask(
    cluster: RemoteCluster, node: str, client: int = 0, timeout_ms: int = TIMEOUT_MS, **question: Any
) -> Seen:
    """What the program answers over a new connection; what is known if it does not, under "error"."""
    env = cluster.client_env(client, f"c{client}")
    try:
        return await env.call(node, question, timeout_ms)
    except CallError as error:
        return {"error": type(error).__name__}
    finally:
        env.close()


class Episode:
    """One application of a fault by the nemesis: before, in force, healed."""

    def __init__(self, cluster: RemoteCluster, name: str, amount: Mapping[str, Any]) -> None:
        self.cluster, self.name, self._runtime = cluster, name, RealRuntime(1)
        self._value = {"application": 0, **ON_N1, **amount}
        self._nemesis = Nemesis(SYSTEM, cluster, FAULTS, self._runtime)

    async def begin(self) -> None:
        await self.cluster.start(NODES)
        await self._runtime.sleep(200)
        await self._nemesis.baseline()
        await self._runtime.sleep(300)
        op = await self._nemesis.invoke(Op("info", NEMESIS, f"start-{self.name}", self._value))
        assert op.error is None

    async def end(self) -> dict[str, Any]:
        """The line of faults.jsonl."""
        op = await self._nemesis.invoke(Op("info", NEMESIS, f"stop-{self.name}", self._value))
        assert op.error is None
        await self._runtime.sleep(300)
        assert await self._nemesis.heal_all() == ()
        assert (await self.cluster.observe()).unanswered == ()
        (effect,) = self._nemesis.effects()
        return effect


Probe = Callable[[RemoteCluster], Awaitable[Any]]


def bitten(
    runner: asyncio.Runner, cluster: RemoteCluster, name: str, amount: Mapping[str, Any], probe: Probe
) -> tuple[Any, Any, Any, dict[str, Any]]:
    """What the probe sees before, during and after the fault, and its line of faults.jsonl. It bit."""

    async def run() -> tuple[Any, Any, Any, dict[str, Any]]:
        await cluster.start(NODES)
        before = await probe(cluster)
        episode = Episode(cluster, name, amount)
        await episode.begin()
        during = await probe(cluster)
        effect = await episode.end()
        return before, during, await probe(cluster), effect

    before, during, after, effect = runner.run(run())
    assert effect["bit"], str(effect)
    assert effect["errors"] == []
    return before, during, after, effect


async def life(cluster: RemoteCluster) -> tuple[int | None, int | None]:
    """The program's process id and incarnation, as it says itself."""
    seen = await ask(cluster, "n1", timeout_ms=1000)
    return seen.get("pid"), seen.get("incarnation")


def test_a_stopped_program_ends_in_good_order(runner: asyncio.Runner, probed: RemoteCluster) -> None:
    async def probe(cluster: RemoteCluster) -> tuple[Any, str]:
        events = await cluster.shell("n1").run("tail", "-n", "1", "/var/log/node/events.jsonl")
        return (await life(cluster))[1], events.stdout

    before, during, after, _ = bitten(runner, probed, "stop", {}, probe)
    assert during[0] is None
    assert '"name":"stop"' in during[1]
    assert '"name":"stop"' not in before[1]
    assert after[0] == before[0] + 1


def test_a_program_that_does_not_stop_is_killed(
    runner: asyncio.Runner, probed: RemoteCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_node, "STOP_S", 0.3)

    async def stop() -> tuple[str, float]:
        await probed.start(NODES)
        await probed.pause(["n2"])  # it cannot take the signal
        begin = time.monotonic()
        await probed.stop(["n2"])
        seconds = time.monotonic() - begin
        state = await probed._nodes["n2"].state()
        await probed.start(NODES)
        return state, seconds

    state, seconds = runner.run(stop())
    assert state == "gone"
    assert seconds > 0.3


def address_of(cluster: RemoteCluster, node: str) -> str:
    return cluster._nodes.places[node].data


def test_a_machine_that_is_off_answers_nobody_and_refuses_nobody(runner: asyncio.Runner, probed: RemoteCluster) -> None:
    """Its own kernel would refuse at once; and a connection that was there would be closed."""

    async def probe(cluster: RemoteCluster) -> tuple[Any, Any, float]:
        begin = time.monotonic()
        direct = await ask(cluster, "n2", 2, type="dial", to=address_of(cluster, "n1"), limit_ms=400)
        return direct, (await ask(cluster, "n1", timeout_ms=700)).get("incarnation"), time.monotonic() - begin

    before, during, after, effect = bitten(runner, probed, "power-off", {}, probe)
    assert before[0]["dialed"] == after[0]["dialed"] == "connected"
    assert during[0]["dialed"] == "silence"
    assert during[1] is None
    assert after[1] == before[1] + 1
    assert effect["effect"]["measured"]["nodes_off"] == 1


def test_power_off_takes_every_process_and_what_was_not_synced(runner: asyncio.Runner, probed: RemoteCluster) -> None:
    async def cycle() -> dict[str, Any]:
        await probed.start(NODES)
        await ask(probed, "n1", type="write", file="kept", text="synced", sync=True)
        await ask(probed, "n1", type="write", file="lost", text="buffered", sync=False)
        await probed.shell("n1").run(
            "sh", "-c", "echo x > /run/gone; echo x > /opt/stays; setsid sleep 1000 >/dev/null 2>&1 </dev/null &"
        )
        held = probed.client_env(3, "c3")
        await held.call("n1", {}, TIMEOUT_MS)  # a connection that is there, and is not to be ended
        await probed.power_off(["n1"])
        await probed.power_off(["n1"])  # idempotent
        with pytest.raises(Timeout):
            await held.call("n1", {}, 400)
        begin = time.monotonic()
        with pytest.raises(ShellError, match="the machine is off"):
            await probed.shell("n1").run("true")
        failed_s = time.monotonic() - begin
        await probed.partition({"n1": ["n2"]})  # while it is off; in force once it is on
        await probed.start(["n1"])
        ran = await probed.shell("n1").run("sh", "-c", "ls /run/gone /opt/stays 2>/dev/null; cat /proc/[0-9]*/comm",
                                           check=False)  # fmt: skip
        heard = await ask(probed, "n2", type="relay", to="n1", limit_ms=400)
        await probed.heal()
        files = {name: (await ask(probed, "n1", type="read", file=name))["text"] for name in ("kept", "lost")}
        return {"failed_s": failed_s, "ran": ran.stdout.split(), "heard": heard, "files": files}

    seen = runner.run(cycle())
    assert seen["failed_s"] < 1
    assert "/opt/stays" in seen["ran"]
    assert "/run/gone" not in seen["ran"]
    assert "sleep" not in seen["ran"]
    assert seen["heard"]["error"] in ("Timeout", "Refused"), "a partition holds for a machine that comes back"
    assert seen["files"] == {"kept": "synced", "lost": None}


def test_a_crash_loop_gives_lives_and_takes_them(runner: asyncio.Runner, probed: RemoteCluster) -> None:
    async def lived(incarnation: int) -> bool:
        return ((await life(probed))[1] or 0) >= incarnation

    async def run() -> tuple[int, int, dict[str, Any]]:
        await probed.start(NODES)
        before = (await life(probed))[1]
        episode = Episode(probed, "crash-loop", {"amount": {"up_ms": 50, "down_ms": 20}})
        await episode.begin()
        await eventually(lambda: lived(3 + (before or 0)), 20)
        effect = await episode.end()
        return before or 0, (await life(probed))[1] or 0, effect

    before, after, effect = runner.run(run())
    assert effect["bit"], str(effect)
    assert after - before == effect["effect"]["measured"]["crashes"] >= 2


def test_an_upgrade_runs_another_build_and_comes_back(runner: asyncio.Runner, probed: RemoteCluster) -> None:
    async def probe(cluster: RemoteCluster) -> Any:
        listing = "import zipfile; print(zipfile.ZipFile('/opt/splitbrain/node.pyz').read('__main__.py').decode())"
        main = await cluster.shell("n1").run("/usr/bin/python3", "-c", listing)
        return (await cluster.status("n1") or {})["build"], "'new'" in main.stdout, (await life(cluster))[1]

    before, during, after, _ = bitten(runner, probed, "upgrade", {"amount": {"pause_ms": 20}}, probe)
    assert before[:2] == after[:2] == ("old", False)
    assert during[:2] == ("new", True)
    assert (during[2], after[2]) == (before[2] + 1, before[2] + 2)


def test_a_program_that_takes_more_memory_is_killed(runner: asyncio.Runner, probed: RemoteCluster) -> None:
    async def probe(cluster: RemoteCluster) -> tuple[Any, Any, str]:
        before = (await life(cluster))[0]
        answer = await ask(cluster, "n1", type="hoard", bytes=24 << 20)
        return answer.get("pid") == before, before, (await cluster.shell("n1").run("echo", "reached")).stdout

    before, during, after, effect = bitten(runner, probed, "memory", {"amount": {"limit_bytes": 1 << 20}}, probe)
    assert before[0]
    assert not during[0]
    assert after[0], "what was killed is there again, and may take as much as it likes"
    assert before[2] == during[2] == after[2] == "reached\n", "SSH survives"
    assert effect["effect"]["measured"]["programs_killed_for_want_of_memory"] >= 1


def test_a_small_share_of_the_processor_makes_work_slow(runner: asyncio.Runner, probed: RemoteCluster) -> None:
    async def probe(cluster: RemoteCluster) -> float:
        begin = time.monotonic()
        await cluster.client_env(0, "c0").call("n1", {"type": "burn", "ms": 30}, 5000)
        return time.monotonic() - begin

    before, during, after, _ = bitten(runner, probed, "cpu", {"amount": {"share": 0.1}}, probe)
    assert during > 0.2, "30 ms of work at a tenth of a processor"
    assert min(before, after) < during


def test_a_limit_holds_for_the_next_program_too(runner: asyncio.Runner, probed: RemoteCluster) -> None:
    async def burn_s() -> float:
        begin = time.monotonic()
        await probed.client_env(0, "c0").call("n3", {"type": "burn", "ms": 30}, 5000)
        return time.monotonic() - begin

    async def restart() -> tuple[float, float]:
        await probed.start(NODES)
        await probed.limit_cpu(["n3"], 0.1)
        await probed.kill(["n3"])
        await probed.start(["n3"])
        limited = await burn_s()
        await probed.unlimit(["n3"])
        await probed.unlimit(["n3"])  # idempotent
        return limited, await burn_s()

    limited, free = runner.run(restart())
    assert limited > 0.2
    assert free < limited


def test_without_descriptors_only_connections_that_are_there_go_on(
    runner: asyncio.Runner, probed: RemoteCluster
) -> None:
    async def probe(cluster: RemoteCluster) -> tuple[int, str, bool]:
        status = await cluster.status("n1")  # over its own way in
        new = await ask(cluster, "n1", timeout_ms=1000)
        return new.get("descriptors", 0), new.get("error", ""), status is not None

    before, during, after, effect = bitten(runner, probed, "fds", {"amount": {"spare": 0}}, probe)
    assert before[0] == after[0] > 1000
    assert during[1] in ("Timeout", "Closed", "Refused")
    assert (before[2], during[2], after[2]) == (True, True, True)
    assert effect["effect"]["measured"]["calls_refused_for_want_of_a_descriptor"] >= 1


def test_a_limit_of_descriptors_counts_what_is_free(runner: asyncio.Runner, probed: RemoteCluster) -> None:
    async def limit() -> tuple[Seen, Seen]:
        await probed.start(NODES)
        client = probed.client_env(0, "c0")
        await client.call("n2", {}, TIMEOUT_MS)  # the connection is there
        await probed.limit_fds(["n2"], 3)
        during = await client.call("n2", {"type": "open"}, TIMEOUT_MS)
        await probed.unlimit(["n2"])
        return during, await client.call("n2", {"type": "open"}, TIMEOUT_MS)

    during, after = runner.run(limit())
    assert during["opened"] == 3
    assert after["opened"] == 100


async def offsets_ms(cluster: RemoteCluster, enough: Callable[[float], bool]) -> list[float]:
    """By how much the program's wall clock is off, until that is enough, for 3 s at most; its monotonic clock must be
    this machine's."""
    found, begin = list[float](), time.monotonic()
    while time.monotonic() < begin + 3:
        earliest_ns = time.monotonic_ns()
        seen = await ask(cluster, "n1")
        assert earliest_ns < seen["monotonic_ns"] < time.monotonic_ns()
        found.append((seen["wall_s"] - time.time()) * 1000)
        if enough(found[-1]):
            break
        await asyncio.sleep(0.017)
    return found


@pytest.mark.parametrize(
    ("kind", "amount", "low_ms", "high_ms"),
    [
        ("jump", {"offset_ms": -3_600_000.0}, -3_601_000, -3_599_000),
        ("strobe", {"offset_ms": 5_000.0, "period_ms": 20.0}, 4_000, 6_000),
        ("rate", {"factor": 1.5}, 50, 5_000),
    ],
)
def test_a_bent_clock_is_seen_by_the_program_and_its_monotonic_one_is_true(
    runner: asyncio.Runner, probed: RemoteCluster, kind: str, amount: dict[str, float], low_ms: float, high_ms: float
) -> None:
    def is_off(offset: float) -> bool:
        return low_ms < offset < high_ms

    async def run() -> tuple[list[float], list[float], list[float], dict[str, Any]]:
        await probed.start(NODES)
        before = await offsets_ms(probed, lambda _: True)
        episode = Episode(probed, "clock", {"kind": kind, "amount": amount})
        await episode.begin()
        during = await offsets_ms(probed, is_off)
        effect = await episode.end()
        return before, during, await offsets_ms(probed, lambda _: True), effect

    before, during, after, effect = runner.run(run())
    assert is_off(during[-1]), during
    assert abs(before[0]) < 1000
    assert abs(after[0]) < 1000
    assert effect["bit"], str(effect)
    assert abs(effect["healed"]["offsets_ms"]["n1"]) < 1000
    assert effect["effect"]["measured"]["false_readings"] >= 1
    if kind == "jump":
        assert is_off(effect["done"]["offsets_ms"]["n1"])
        assert is_off(effect["healed"]["bent_ms"]["n1"])


def test_a_restarted_program_has_the_clock_that_is_in_force(runner: asyncio.Runner, probed: RemoteCluster) -> None:
    async def restart() -> tuple[float, float, Any]:
        await probed.start(NODES)
        await probed.clock_bend(["n2"], "jump", {"offset_ms": 60_000.0})
        await probed.clock_bend(["n2"], "jump", {"offset_ms": 60_000.0})
        await probed.kill(["n2"])
        assert "n2" not in await probed.clock_offsets(NODES)
        await probed.start(["n2"])
        bent = (await probed.clock_offsets(["n2"]))["n2"]
        await probed.clock_unbend(NODES)
        return bent, (await probed.clock_offsets(["n2"]))["n2"], (await probed.observe()).met["n2"]["clock"]

    bent, true, met = runner.run(restart())
    assert 119_000 < bent < 121_000, "jumps add up"
    assert abs(true) < 1000
    assert met > 0
