"""Degraded links on real nodes, seen from inside: by datagrams and connections of a probe that runs on the nodes, and
by what a node program takes up. What the cluster counts must be what the probe saw."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise, permutations
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from harness.cluster import ClusterError, ClusterSpec, NodeSpec
from harness.cluster_faults import CLIENTS, Link
from harness.clusters.local.provider import PROVIDER
from harness.clusters.remote.agent import SshAgent
from harness.clusters.remote.cluster import RemoteCluster
from harness.faults import flap
from harness.node import CallError, Future
from harness.real_runtime import RealRuntime
from tests.harness.clusters.local_clusters import eventually

pytestmark = pytest.mark.cluster

PROGRAM = Path(__file__).parent.parent / "numbers.py"
PROBE = Path(__file__).parent / "packet_probe.py"
ON_NODE = "/opt/splitbrain/packet_probe.py"
NODES = ("n1", "n2", "n3")
ONE: Link = ("n1", "n2")
BOTH: list[Link] = [("n1", "n2"), ("n2", "n1")]
EVERY: list[Link] = list(permutations([CLIENTS, *NODES], 2))
ADDRESS = {"n1": "198.18.0.1", "n2": "198.18.0.2", "n3": "198.18.0.3"}
COUNT = 200


@pytest.fixture(scope="module")
def cluster(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteCluster]:
    """Three nodes with the program ``numbers`` and the probe."""
    folder = tmp_path_factory.mktemp("links")
    nodes = tuple(NodeSpec(name, "server", "numbers:Numbers") for name in NODES)
    spec = ClusterSpec(nodes, {}, (), 1, 2, 1000, folder, modules=(PROGRAM,))

    async def make() -> RemoteCluster:
        made = await PROVIDER.create(spec, RealRuntime(1))
        await made.start(NODES)
        await asyncio.gather(*(made.shell(node).upload(PROBE, ON_NODE) for node in NODES))
        return made

    found = runner.run(make())
    yield found
    runner.run(found.down())


async def probe(cluster: RemoteCluster, node: str, *arguments: str) -> dict[str, Any]:
    done = await cluster.shell(node).run("/usr/bin/python3", "-S", ON_NODE, *arguments, timeout_s=15)
    return dict(json.loads(done.stdout)) if done.stdout else {}


async def with_listener(
    cluster: RemoteCluster, node: str, listening: Sequence[str], speaking: Callable[[], Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the listener on the node and then the speaker printed."""
    sign = f"/run/packet-probe-{listening[1]}"
    await cluster.shell(node).run("rm", "-f", sign)
    listener = asyncio.ensure_future(probe(cluster, node, *listening))

    async def listens() -> bool:
        return (await cluster.shell(node).run("test", "-e", sign, check=False)).status == 0

    await eventually(listens)
    said = await speaking()
    return await listener, said


async def datagrams(
    cluster: RemoteCluster, link: Link = ONE, every_ms: str = "0.2", listen_s: str = "1.5", idle_s: str = "0.25"
) -> list[int]:
    """The numbers that arrive of those that are sent over a link, in the order of arrival."""
    sender, receiver = link
    port = str(9010 + EVERY.index(link))
    heard, _ = await with_listener(
        cluster,
        receiver,
        ("listen", port, listen_s, str(COUNT), idle_s),
        lambda: probe(cluster, sender, "send", ADDRESS[receiver], port, str(COUNT), every_ms, "500"),
    )
    assert heard["other"] == 0, "whatever arrives has the content that was sent"
    return list(heard["numbers"])


async def round_trip_ms(cluster: RemoteCluster, count: int = 7) -> float:
    """The median of the round trips that came back."""
    _, asked = await with_listener(
        cluster,
        "n2",
        ("echo", "9000", "3"),
        lambda: probe(cluster, "n1", "ask", ADDRESS["n2"], "9000", str(count), "2"),
    )
    return median(asked["ms"])


async def moving_ms(cluster: RemoteCluster, size: int) -> float:
    """How long that many bytes take over a connection from n1 to n2."""
    _, moved = await with_listener(
        cluster,
        "n2",
        ("serve", "9002"),
        lambda: probe(cluster, "n1", "move", ADDRESS["n2"], "9002", str(size)),
    )
    return float(moved["ms"])


async def met(cluster: RemoteCluster, node: str, kind: str) -> int:
    return (await cluster.observe()).met[node].get(kind, 0)


async def checksum_errors(cluster: RemoteCluster, node: str) -> int:
    """Datagrams whose checksum the node's kernel found wrong."""
    lines = (await cluster.shell(node).run("cat", "/proc/net/snmp")).stdout.splitlines()
    names, figures = (line.split() for line in lines if line.startswith("Udp:"))
    return int(dict(zip(names, figures, strict=True))["InCsumErrors"])


async def traces(cluster: RemoteCluster, node: str) -> str:
    """What an engine leaves on a node while it is there: rules, a process, files to talk to it by."""
    script = "iptables-save -t mangle; nft list ruleset; ls /run/splitbrain; cat /proc/[0-9]*/cmdline"
    shown = (await cluster.shell(node).run("sh", "-c", script, check=False)).stdout
    words = ("splitbrain-heard", "splitbrain_links", "NFQUEUE", "links.sock", "links.pid", "import_module")
    return " ".join(word for word in words if word in shown)


def test_a_delay_is_seen_in_both_directions_and_gone_when_healed(
    runner: asyncio.Runner, cluster: RemoteCluster
) -> None:
    async def scenario() -> tuple[float, float, float, list[int], str]:
        before = await round_trip_ms(cluster)
        await cluster.degrade("delay", BOTH, {"delay_ms": 20, "jitter_ms": 0})
        during, counted = (
            await round_trip_ms(cluster),
            [await met(cluster, node, "delay") for node in ("n1", "n2", "n3")],
        )
        await cluster.restore("delay")
        await cluster.restore("delay")
        return before, during, await round_trip_ms(cluster), counted, await traces(cluster, "n2")

    before, during, after, counted, left = runner.run(scenario())
    assert during >= 40
    assert during > before + 30
    assert max(before, after) < 20
    assert counted == [7, 7, 0]
    assert left == "", "nothing remains where nothing is in force"


PACKETS: Mapping[str, tuple[Link, Mapping[str, float]]] = {
    "loss": (("n1", "n2"), {"probability": 0.3}),
    "corrupt": (("n1", "n3"), {"probability": 0.3}),
    "duplicate-packets": (("n2", "n1"), {"probability": 0.3}),
    "reorder-packets": (("n3", "n1"), {"probability": 0.3, "delay_ms": 20}),
}
SOUND: Link = ("n2", "n3")


def test_datagrams_are_lost_spoiled_doubled_and_mixed_up_each_on_its_link(
    runner: asyncio.Runner, cluster: RemoteCluster
) -> None:
    """Each is counted, by its receiver; the sound link between stays sound; and all are when it is healed."""
    links = [link for link, _ in PACKETS.values()]

    async def scenario() -> tuple[list[list[int]], list[int], int, list[list[int]]]:
        errors = await checksum_errors(cluster, "n3")
        await asyncio.gather(*(cluster.degrade(kind, [link], amount) for kind, (link, amount) in PACKETS.items()))
        found = await asyncio.gather(*(datagrams(cluster, link) for link in (*links, SOUND)))
        counts, errors = (await cluster.observe()).met, await checksum_errors(cluster, "n3") - errors
        await asyncio.gather(*(cluster.restore(kind) for kind in PACKETS))
        after = await asyncio.gather(*(datagrams(cluster, link) for link in links))
        return found, [counts[link[1]].get(kind, 0) for kind, (link, _) in PACKETS.items()], errors, after

    (lossy, spoiled, twice, mixed, sound), counted, errors, after = runner.run(scenario())
    whole = list(range(COUNT))
    assert all(0.15 * COUNT < count < 0.45 * COUNT for count in counted), counted
    assert counted[0] == COUNT - len(lossy)
    assert lossy == sorted(set(lossy))
    assert counted[1] == COUNT - len(spoiled) == errors, "the receiver's kernel found them out by their checksum"
    assert counted[2] == len(twice) - COUNT
    assert set(twice) == set(whole)
    assert sorted(mixed) == whole
    assert sum(a > b for a, b in pairwise(mixed)) > 10
    assert sound == whole
    assert after == [whole] * 4


def test_a_narrow_link_passes_no_more_than_its_rate(runner: asyncio.Runner, cluster: RemoteCluster) -> None:
    async def scenario() -> tuple[float, float, float, int]:
        before = await moving_ms(cluster, 60_000)
        await cluster.degrade("bandwidth", [ONE], {"rate_kbit_s": 1000})
        during, counted = await moving_ms(cluster, 60_000), await met(cluster, "n2", "bandwidth")
        await cluster.restore("bandwidth")
        return before, during, await moving_ms(cluster, 60_000), counted

    before, during, after, counted = runner.run(scenario())
    assert during >= 480, "480,000 bits at a million bits per second"
    assert max(before, after) < 400
    assert counted > 40


def test_several_kinds_on_one_link_combine_and_end_one_by_one(runner: asyncio.Runner, cluster: RemoteCluster) -> None:
    async def scenario() -> tuple[float, int, float, list[int]]:
        await cluster.degrade("delay", BOTH, {"delay_ms": 15, "jitter_ms": 0})
        await cluster.degrade("slow-link", [ONE], {"delay_ms": 20, "jitter_ms": 0})
        await cluster.degrade_each("distance", {ONE: {"delay_ms": 10, "jitter_ms": 0}})
        await cluster.degrade("loss", [("n1", "n3")], {"probability": 1.0})
        together, lost = await round_trip_ms(cluster), len(await datagrams(cluster, ("n1", "n3")))
        await cluster.restore("slow-link")
        await cluster.restore("distance")
        await cluster.restore("loss")
        remaining = await round_trip_ms(cluster)
        await cluster.restore("delay")
        return together, lost, remaining, await datagrams(cluster, ("n1", "n3"))

    together, lost, remaining, after = runner.run(scenario())
    assert together >= 60
    assert 30 <= remaining < together
    assert lost == 0
    assert after == list(range(COUNT))


@pytest.mark.parametrize("link", [(CLIENTS, "n1"), ("n1", CLIENTS)])
def test_clients_are_an_end_of_links_in_either_direction(
    runner: asyncio.Runner, cluster: RemoteCluster, link: Link
) -> None:
    async def call_ms(node: str) -> float:
        times = []
        for _ in range(3):
            begin = time.monotonic()
            await cluster.client_env(0, "c0").call(node, {"type": "nothing"}, 3000)
            times.append((time.monotonic() - begin) * 1000)
        return min(times)

    async def scenario() -> tuple[float, float, float, int, int]:
        before = await met(cluster, "n1", "delay")
        await cluster.degrade("delay", [link], {"delay_ms": 60, "jitter_ms": 0})
        slow, sound, counted = await call_ms("n1"), await call_ms("n2"), await met(cluster, "n1", "delay") - before
        await cluster.restore("delay")
        return slow, sound, await call_ms("n1"), counted, await met(cluster, "n2", "delay")

    slow, sound, after, counted, _ = runner.run(scenario())
    assert slow >= 60
    assert sound < 60
    assert after < 60
    assert counted > 0


def test_where_the_engine_is_killed_packets_pass_and_its_counts_stay(
    runner: asyncio.Runner, cluster: RemoteCluster
) -> None:
    async def scenario() -> tuple[int, list[int], int, str, int]:
        await cluster.degrade("loss", [ONE], {"probability": 0.5})
        await datagrams(cluster)
        counted = await met(cluster, "n2", "loss")
        shell = cluster.shell("n2")
        pid = (await shell.run("cat", "/run/splitbrain/links.pid")).stdout.split()[0]
        await shell.run("kill", "-9", pid)
        found = await datagrams(cluster)
        still = await met(cluster, "n2", "loss")
        await cluster.restore("loss")
        left = await traces(cluster, "n2")
        await cluster.degrade("loss", [ONE], {"probability": 1.0})
        await datagrams(cluster)
        again = await met(cluster, "n2", "loss")
        await cluster.restore("loss")
        return counted, found, still, left, again

    counted, found, still, left, again = runner.run(scenario())
    assert found == list(range(COUNT))
    assert still == counted > 0
    assert left == "", "its rules are gone with the heal"
    assert again == counted + COUNT, "a new engine counts on"


def test_ssh_survives_when_every_link_loses_everything(runner: asyncio.Runner, cluster: RemoteCluster) -> None:
    async def scenario() -> tuple[str, list[int], list[int]]:
        await cluster.degrade("loss", EVERY, {"probability": 1.0})
        said = (await cluster.shell("n2").run("hostname")).stdout
        with pytest.raises(CallError):
            await cluster.client_env(1, "c1").call("n1", {"type": "nothing"}, 300)
        nothing = await datagrams(cluster)
        await cluster.restore("loss")
        return said, nothing, await datagrams(cluster)

    said, nothing, after = runner.run(scenario())
    assert said == "n2\n"
    assert nothing == []
    assert after == list(range(COUNT))


async def numbers(cluster: RemoteCluster, count: int = 100, settle_s: float = 0.15) -> list[int]:
    """The messages from n1 that the program of n2 takes up, in its order."""
    client = cluster.client_env(0, "c0")
    await client.call("n2", {"type": "forget"}, 2000)
    await client.call("n1", {"type": "send", "to": "n2", "count": count}, 5000)
    await asyncio.sleep(settle_s)
    status = await cluster.status("n2")
    assert status is not None
    return list(status["program"]["taken"].get("n1", []))


@pytest.mark.parametrize(
    ("kind", "amount", "fits"),
    [
        ("duplicate", {"probability": 0.4}, lambda found, count: len(found) == 100 + count and len(set(found)) == 100),
        (
            "reorder",
            {"probability": 0.4, "delay_ms": 60},
            lambda found, count: sorted(found) == list(range(100)) != found,
        ),
        ("loss-messages", {"probability": 0.4}, lambda found, count: len(found) == 100 - count),
    ],
)
def test_whole_messages_reach_the_program_twice_or_late_or_never(
    runner: asyncio.Runner,
    cluster: RemoteCluster,
    kind: str,
    amount: Mapping[str, float],
    fits: Callable[[list[int], int], bool],
) -> None:
    async def scenario() -> tuple[list[int], int, list[int], int]:
        await cluster.degrade(kind, [ONE], amount)
        found, counted = await numbers(cluster), await met(cluster, "n2", kind)
        await cluster.restore(kind)
        return found, counted, await numbers(cluster), await met(cluster, "n2", kind)

    found, counted, after, later = runner.run(scenario())
    assert 20 <= counted <= 60
    assert fits(found, counted), (found, counted)
    assert after == list(range(100))
    assert later == counted


def test_a_slow_node_takes_up_its_messages_late_and_works_slowly(
    runner: asyncio.Runner, cluster: RemoteCluster
) -> None:
    async def work() -> tuple[float, float]:
        begin = time.monotonic()
        reply = await cluster.client_env(0, "c0").call("n3", {"type": "work", "ms": 20}, 3000)
        return (time.monotonic() - begin) * 1000, reply["ms"]

    async def scenario() -> tuple[Any, ...]:
        before = await work()
        await cluster.slow(["n3"], 5.0, 100.0)
        during, counted = await work(), await met(cluster, "n3", "slow-node")
        await cluster.unslow()
        return before, during, await work(), counted, await met(cluster, "n3", "slow-node")

    before, during, after, counted, later = runner.run(scenario())
    assert during[1] >= 100, "five times as long as asked for"
    assert during[0] >= 200, "and taken up 100 ms late"
    for whole, own in (before, after):
        assert own < 100
        assert whole < 200
    assert later == counted >= 2


def test_a_program_that_is_started_again_meets_what_is_in_force(runner: asyncio.Runner, cluster: RemoteCluster) -> None:
    async def scenario() -> tuple[int, int, list[int]]:
        await cluster.degrade("loss-messages", [ONE], {"probability": 1.0})
        assert await numbers(cluster, 20) == []
        first = await met(cluster, "n2", "loss-messages")
        await cluster.kill(["n2"])
        await cluster.start(["n2"])
        assert await numbers(cluster, 20) == []
        second = await met(cluster, "n2", "loss-messages")
        await cluster.restore("loss-messages")
        return first, second, await numbers(cluster, 20)

    first, second, after = runner.run(scenario())
    assert second >= first + 15, "what the first incarnation counted is not lost"
    assert after == list(range(20))


def test_what_is_healed_while_a_node_is_paused_is_gone_when_it_resumes(
    runner: asyncio.Runner, cluster: RemoteCluster
) -> None:
    async def scenario() -> list[int]:
        await cluster.degrade("loss-messages", [ONE], {"probability": 1.0})
        await cluster.pause(["n2"])
        await cluster.restore("loss-messages")
        await cluster.resume(["n2"])
        await cluster.observe()
        return await numbers(cluster, 20)

    assert runner.run(scenario()) == list(range(20))


def test_a_heal_that_could_not_be_done_is_done_by_the_next(
    runner: asyncio.Runner, cluster: RemoteCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> tuple[list[int], list[int]]:
        await cluster.degrade("loss", [ONE], {"probability": 1.0})
        with monkeypatch.context() as broken:
            broken.setattr(cluster._nodes, "agent", lambda name: SshAgent(cluster.shell(name), "/bin/false", ""))
            with pytest.raises(ClusterError, match="n2"):
                await cluster.restore("loss")
        still = await datagrams(cluster)
        await cluster.restore("loss")
        return still, await datagrams(cluster)

    assert runner.run(scenario()) == ([], list(range(COUNT)))


def test_a_program_that_has_ended_takes_its_faults_with_it(runner: asyncio.Runner, cluster: RemoteCluster) -> None:
    async def scenario() -> list[int]:
        await cluster.degrade("loss-messages", [ONE], {"probability": 1.0})
        status = await cluster.status("n2")
        assert status is not None
        await cluster.shell("n2").run("kill", "-9", str(status["pid"]))
        await cluster.restore("loss-messages")
        await cluster.start(["n2"])
        return await numbers(cluster, 20)

    assert runner.run(scenario()) == list(range(20))


def test_a_machine_that_was_off_meets_what_is_in_force_and_nothing_that_was_healed_meanwhile(
    runner: asyncio.Runner, cluster: RemoteCluster
) -> None:
    async def scenario() -> tuple[list[int], list[int], list[int], list[int], str]:
        await cluster.degrade("loss", [ONE], {"probability": 1.0})
        await cluster.degrade("loss-messages", [ONE], {"probability": 1.0})
        await cluster.power_off(["n2"])
        await cluster.start(["n2"])
        found = await datagrams(cluster), await numbers(cluster, 20)
        await cluster.power_off(["n2"])
        await asyncio.gather(cluster.restore("loss"), cluster.restore("loss-messages"))
        await cluster.start(["n2"])
        return *found, await datagrams(cluster), await numbers(cluster, 20), await traces(cluster, "n2")

    lost, unheard, arrived, heard, left = runner.run(scenario())
    assert (lost, unheard) == ([], [])
    assert (arrived, heard) == (list(range(COUNT)), list(range(20)))
    assert left == ""


def test_an_engine_that_hangs_is_replaced(runner: asyncio.Runner, cluster: RemoteCluster) -> None:
    async def scenario() -> tuple[list[int], list[int]]:
        await cluster.degrade("delay", [ONE], {"delay_ms": 1, "jitter_ms": 0})
        script = 'read -r pid started < /run/splitbrain/links.pid && kill -STOP "$pid"'
        await cluster.shell("n2").run("sh", "-c", script)
        await cluster.degrade("delay", [ONE], {"delay_ms": 2, "jitter_ms": 0})
        found = await datagrams(cluster)
        await cluster.restore("delay")
        return found, await datagrams(cluster)

    assert runner.run(scenario()) == (list(range(COUNT)), list(range(COUNT)))


def test_only_root_can_give_the_engine_orders(runner: asyncio.Runner, cluster: RemoteCluster) -> None:
    async def scenario() -> str:
        await cluster.degrade("delay", [ONE], {"delay_ms": 1, "jitter_ms": 0})
        shown = (await cluster.shell("n2").run("stat", "-c", "%a %U", "/run/splitbrain/links.sock")).stdout
        await cluster.restore("delay")
        return shown

    assert runner.run(scenario()) == "600 root\n"


def test_a_flapping_link_comes_and_goes(runner: asyncio.Runner, cluster: RemoteCluster) -> None:
    action = {"shape": "one", "drops": {"n2": ["n1"]}, "period_ms": 600.0}

    async def scenario() -> tuple[list[int], list[int]]:
        runtime = RealRuntime(1)
        over: Future[None] = runtime.future()
        heard = asyncio.ensure_future(datagrams(cluster, ONE, every_ms="10", listen_s="10", idle_s="1.5"))
        await asyncio.sleep(0.5)
        await flap.FAULT.apply(cluster, action)
        acting = asyncio.ensure_future(flap.FAULT.during(cluster, action, runtime, over))
        found = await heard
        over.set_result(None)
        await acting
        await flap.FAULT.heal(cluster, action)
        return found, await datagrams(cluster)

    found, after = runner.run(scenario())
    gaps = [later - earlier for earlier, later in pairwise(found) if later - earlier > 5]
    assert len(gaps) >= 2, found
    assert after == list(range(COUNT))


def test_what_nodes_tell_clients_can_be_dropped_alone(runner: asyncio.Runner, cluster: RemoteCluster) -> None:
    async def answers(node: str) -> bool:
        try:
            await cluster.client_env(0, "c0").call(node, {"type": "nothing"}, 400)
        except CallError:
            return False
        return True

    async def scenario() -> tuple[bool, bool, int, float]:
        before = (await cluster.observe()).dropped["n1"]
        await cluster.partition({CLIENTS: ["n1"]})
        cut, other = await answers("n1"), await answers("n2")
        dropped = (await cluster.observe()).dropped["n1"] - before
        await cluster.heal()
        return cut, other, dropped, await eventually(lambda: answers("n1"))

    cut, other, dropped, _ = runner.run(scenario())
    assert (cut, other) == (False, True)
    assert dropped > 0
