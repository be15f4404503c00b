"""The cluster verbs on five real nodes: SSH, two networks, partitions, kills, pauses, logs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.cluster import Cluster, ClusterError
from harness.clusters.remote import node as remote_node
from harness.clusters.remote.cluster import RemoteCluster
from harness.node import CallError
from tests.harness.clusters.local_clusters import eventually, make

pytestmark = pytest.mark.cluster

ALL = ("n1", "n2", "n3", "n4", "n5")
Verdict = dict[tuple[str, str], bool]


@pytest.fixture
def up(runner: asyncio.Runner, five: RemoteCluster) -> RemoteCluster:
    """All programs running, nothing cut, and connections that were cut by the test before in use again."""

    async def restore() -> None:
        await five.heal()
        await five.resume(ALL)
        await five.start(ALL)
        await eventually(lambda: _whole(five))

    runner.run(restore())
    return five


async def _whole(cluster: RemoteCluster) -> bool:
    return all((await links(cluster, ALL)).values())


async def ask(cluster: RemoteCluster, node: str, message: dict[str, Any], client: int = 0) -> dict[str, Any] | None:
    """What the node replies to a client, or None."""
    try:
        return dict(await cluster.client_env(client, f"c{client}").call(node, message, 800))
    except CallError:
        return None


async def programs(cluster: RemoteCluster, node: str) -> int:
    """How many processes of the node program there are on a node."""
    lines = await cluster.shell(node).run("sh", "-c", "cat /proc/[0-9]*/cmdline", check=False)
    return lines.stdout.count("/opt/splitbrain/node.pyz")


async def links(cluster: RemoteCluster, nodes: Sequence[str]) -> Verdict:
    """(from, to) -> whether a call from one node reaches the other and its reply comes back."""
    env = cluster.client_env(1, "c1")

    async def call(sender: str, receiver: str) -> bool:
        try:
            return "node" in await env.call(sender, {"to": receiver, "timeout_ms": 300}, 1000)
        except CallError:
            return False

    pairs = [(a, b) for a in nodes for b in nodes if a != b]
    return dict(zip(pairs, await asyncio.gather(*(call(a, b) for a, b in pairs)), strict=True))


def test_every_node_runs_commands_under_its_own_name_as_root(runner: asyncio.Runner, five: RemoteCluster) -> None:
    async def names() -> list[str]:
        results = await asyncio.gather(*(five.shell(node).run("sh", "-c", "hostname; id -u") for node in five.nodes))
        return [result.stdout for result in results]

    assert runner.run(names()) == [f"n{i}\n0\n" for i in range(1, 6)]


def test_nodes_reach_each_other_by_name_over_the_data_network(runner: asyncio.Runner, up: RemoteCluster) -> None:
    code = "import socket; print(socket.create_connection(('n4', 7000), 2).getsockname()[0])"
    result = runner.run(up.shell("n2").run("/usr/bin/python3", "-c", code))
    assert result.stdout == "198.18.0.2\n"


def test_all_pairs_of_nodes_talk(runner: asyncio.Runner, up: RemoteCluster) -> None:
    verdict = runner.run(links(up, ALL))
    assert len(verdict) == 20
    assert all(verdict.values())


def test_a_client_comes_from_its_own_address(runner: asyncio.Runner, up: RemoteCluster) -> None:
    async def peers() -> str:
        await ask(up, "n1", {}, client=3)
        return (await up.shell("n1").run("cat", "/proc/net/tcp")).stdout

    assert "040112C6" in runner.run(peers())  # 198.18.1.4, as the kernel prints it


def test_ssh_is_not_served_on_the_data_network(runner: asyncio.Runner, up: RemoteCluster) -> None:
    code = "import socket; socket.create_connection(('n4', 22), 2)"
    result = runner.run(up.shell("n2").run("/usr/bin/python3", "-c", code, check=False))
    assert "ConnectionRefusedError" in result.stderr


def test_sshd_lets_in_by_key_only(runner: asyncio.Runner, five: RemoteCluster) -> None:
    in_force = runner.run(five.shell("n2").run("/usr/sbin/sshd", "-T", "-f", "/etc/splitbrain/sshd_config")).stdout
    assert {
        "passwordauthentication no", "kbdinteractiveauthentication no", "permitrootlogin without-password",
        "usepam no", "listenaddress 198.19.0.2:22", "allowtcpforwarding local", "allowagentforwarding no",
    } <= set(in_force.splitlines())  # fmt: skip


def test_a_partition_in_halves_cuts_exactly_the_links_between_them(runner: asyncio.Runner, up: RemoteCluster) -> None:
    left, right = ("n1", "n2"), ("n3", "n4", "n5")

    async def cut() -> tuple[Verdict, list[Any], dict[str, int], dict[str, int]]:
        before = await up.observe()
        await up.partition({node: right if node in left else left for node in ALL})
        verdict = await links(up, ALL)
        clients = [await ask(up, node, {}) for node in ALL]
        return verdict, clients, dict(before.dropped), dict((await up.observe()).dropped)

    verdict, clients, before, after = runner.run(cut())
    assert verdict == {(a, b): (a in left) == (b in left) for a, b in verdict}
    assert [reply and reply["node"] for reply in clients] == list(ALL), "clients reach both sides"
    assert all(after[node] > before[node] for node in ALL)


def test_a_one_way_partition_drops_at_the_receiver_only(runner: asyncio.Runner, up: RemoteCluster) -> None:
    async def cut() -> tuple[Verdict, dict[str, int]]:
        before = (await up.observe()).dropped
        await up.partition({"n2": ["n1"]})
        verdict = await links(up, ALL)
        after = (await up.observe()).dropped
        return verdict, {node: after[node] - before[node] for node in ALL}

    verdict, dropped = runner.run(cut())
    # Calls need both directions, so both between n1 and n2 fail; but only n2 throws packets away.
    assert {pair for pair, works in verdict.items() if not works} == {("n1", "n2"), ("n2", "n1")}
    assert {node for node, packets in dropped.items() if packets} == {"n2"}


def test_an_isolated_node_is_still_reached_by_clients(runner: asyncio.Runner, up: RemoteCluster) -> None:
    async def cut() -> tuple[Any, Any, Any]:
        others = [node for node in ALL if node != "n1"]
        await up.partition({"n1": others, **{other: ["n1"] for other in others}})
        return (
            await ask(up, "n1", {}),
            await ask(up, "n1", {"to": "n2", "timeout_ms": 300}),
            await ask(up, "n3", {"to": "n2"}),
        )

    alone, outward, others = runner.run(cut())
    assert alone["node"] == "n1"
    assert outward["error"] in ("Timeout", "Closed", "Refused")
    assert others["node"] == "n2"


def test_clients_can_be_cut_from_one_node_alone(runner: asyncio.Runner, up: RemoteCluster) -> None:
    async def cut() -> tuple[Any, Any, Any, int]:
        before = (await up.observe()).dropped["n1"]
        await up.partition({"n1": ["clients"]})
        replies = await ask(up, "n1", {}), await ask(up, "n2", {}), await ask(up, "n2", {"to": "n1"})
        return *replies, (await up.observe()).dropped["n1"] - before

    cut_off, reached, between, dropped = runner.run(cut())
    assert cut_off is None
    assert reached["node"] == "n2"
    assert between["node"] == "n1", "nodes among themselves are not cut"
    assert dropped > 0


def test_a_partition_replaces_the_one_before_and_heal_ends_it_soon(runner: asyncio.Runner, up: RemoteCluster) -> None:
    async def change() -> tuple[Verdict, float, int, int]:
        await up.partition({"n1": ["n2"], "n2": ["n1"]})
        assert not (await links(up, ("n1", "n2")))["n1", "n2"]
        await up.partition({"n3": ["n4"], "n4": ["n3"]})
        await eventually(lambda: _reaches(up, "n1", "n2"))
        second = await links(up, ("n3", "n4"))
        before_heal = (await up.observe()).dropped["n3"]
        await up.heal()
        seconds = await eventually(lambda: _reaches(up, "n3", "n4"))
        return second, seconds, before_heal, (await up.observe()).dropped["n3"]

    second, seconds, before_heal, after_heal = runner.run(change())
    assert not any(second.values())
    assert seconds < 2.5
    assert after_heal >= before_heal > 0, "the counter is cumulative over the run"


async def _reaches(cluster: RemoteCluster, sender: str, receiver: str) -> bool:
    reply = await ask(cluster, sender, {"to": receiver, "timeout_ms": 300}, client=2)
    return reply is not None and "node" in reply


@pytest.mark.parametrize("drops", [{"n9": ["n1"]}, {"n1": ["n9"]}, {"clients": ["n9"]}])
def test_a_partition_of_an_unknown_node_is_refused(
    runner: asyncio.Runner, five: RemoteCluster, drops: dict[str, list[str]]
) -> None:
    with pytest.raises(ValueError, match="expected one of n1, n2, n3, n4, n5"):
        runner.run(five.partition(drops))


def test_a_killed_node_is_gone_and_starts_again_with_its_disk(runner: asyncio.Runner, up: RemoteCluster) -> None:
    async def kill_and_start() -> tuple[int, Any, tuple[str, ...], int]:
        before = (await up.observe()).incarnations["n1"]
        assert await programs(up, "n1") == 1
        await up.kill(["n1"])
        assert await programs(up, "n1") == 0
        unreached, unanswered = await ask(up, "n1", {}), (await up.observe()).unanswered
        assert await up.status("n1") is None
        await up.kill(["n1"])  # idempotent
        await up.start(["n1"])
        await up.start(["n1"])
        return before, unreached, unanswered, (await up.observe()).incarnations["n1"]

    before, unreached, unanswered, after = runner.run(kill_and_start())
    assert unreached is None
    assert unanswered == ("n1",)
    assert after == before + 1


def test_a_paused_node_hangs_and_goes_on_where_it_was(runner: asyncio.Runner, up: RemoteCluster) -> None:
    async def pause_and_resume() -> tuple[list[Any], float, tuple[str, ...], Any]:
        before = (await up.observe()).incarnations["n3"]
        await up.pause(["n3", "n4"])
        await up.pause(["n3"])  # idempotent
        hung = [await ask(up, "n3", {}), await ask(up, "n4", {})]
        begin = time.monotonic()
        observed = await up.observe()
        seconds = time.monotonic() - begin
        await up.kill(["n4"])  # a stopped process dies too
        await up.resume(["n3", "n4"])
        assert await up.status("n4") is None
        return hung, seconds, observed.unanswered, (before, await ask(up, "n3", {}))

    hung, seconds, unanswered, (before, reply) = runner.run(pause_and_resume())
    assert hung == [None, None]
    assert unanswered == ("n3", "n4")
    assert seconds < 0.5
    assert reply["incarnation"] == before


def test_status_is_the_programs_own_and_needs_no_data_network(runner: asyncio.Runner, up: RemoteCluster) -> None:
    async def cut_all() -> Any:
        await up.partition({"n1": [*ALL[1:], "clients"]})
        return await up.status("n1")

    status = runner.run(cut_all())
    assert status["program"] == {"leader": "n1", "options": {}}
    assert status["serving"] is True


def test_logs_and_events_are_fetched(runner: asyncio.Runner, up: RemoteCluster, tmp_path: Path) -> None:
    fetched = runner.run(up.fetch_logs(tmp_path / "nodes"))
    assert set(fetched) == set(ALL)
    for node in ALL:
        files = {path.name: path for path in fetched[node]}
        assert {"node.log", "events.jsonl", "output.log"} <= set(files)
        assert files["events.jsonl"] == tmp_path / "nodes" / node / "events.jsonl"
        assert f'"node":"{node}"' in files["events.jsonl"].read_text()


def test_of_a_long_log_the_end_is_fetched(
    runner: asyncio.Runner, five: RemoteCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_node, "LOG_BYTES_MAX", 1000)
    runner.run(five.shell("n5").write("/var/log/node/long.log", b"a" * 5000 + b"z" * 999 + b"\n"))
    runner.run(five.fetch_logs(tmp_path))
    assert (tmp_path / "n5" / "long.log").read_bytes() == b"z" * 999 + b"\n"


def test_a_node_whose_logs_cannot_be_fetched_has_a_note_that_says_why(runner: asyncio.Runner, tmp_path: Path) -> None:
    async def fetch() -> Mapping[str, Sequence[Path]]:
        cluster = await make(tmp_path, nodes=2)
        try:
            await cluster.start(cluster.nodes)
            cluster.shell("n2").connection.close()
            return await cluster.fetch_logs(tmp_path / "nodes")
        finally:
            await cluster.down()

    fetched = runner.run(fetch())
    assert "node.log" in [path.name for path in fetched["n1"]]
    (note,) = fetched["n2"]
    assert "node n2 (198.19.0.2): fetch of /var/log/node" in note.read_text()


def test_what_fails_on_one_node_is_done_on_the_others_and_told(runner: asyncio.Runner, tmp_path: Path) -> None:
    async def kill() -> list[int]:
        cluster = await make(tmp_path, nodes=3)
        typed: Cluster = cluster
        try:
            await typed.start(typed.nodes)
            cluster.shell("n2").connection.close()
            with pytest.raises(ClusterError, match=r"^node n2 [^;]*command sh -c '# kill the program'\.\.\. [^;]*$"):
                await typed.kill(typed.nodes)
            return [await programs(cluster, node) for node in ("n1", "n3")]
        finally:
            await typed.down()

    assert runner.run(kill()) == [0, 0]


def test_node_data_has_a_file_system_of_its_own(runner: asyncio.Runner, five: RemoteCluster) -> None:
    command = ("stat", "--file-system", "--format", "%T", "/var/lib/node")
    kinds = [runner.run(five.shell(node).run(*command)).stdout.strip() for node in ("n1", "n3")]
    assert kinds == ["ext2/ext3", "tmpfs"]  # n3 was asked for without a disk


def test_a_node_sees_nothing_of_the_hosts_home_and_cannot_change_the_host(
    runner: asyncio.Runner, five: RemoteCluster
) -> None:
    script = "ls -A /root; echo x > /etc/splitbrain-was-here; echo x > /usr/bin/splitbrain-was-here"
    assert runner.run(five.shell("n1").run("sh", "-c", script)).stdout == ""
    assert not Path("/etc/splitbrain-was-here").exists()
    assert not Path("/usr/bin/splitbrain-was-here").exists()


def test_a_program_that_fails_as_it_starts_is_told_with_its_words(runner: asyncio.Runner, tmp_path: Path) -> None:
    async def start() -> None:
        cluster = await make(tmp_path, nodes=2, options={"fail": "n2"})
        try:
            await cluster.start(["n1"])
            await cluster.start(["n1", "n2"])
        finally:
            await cluster.down()

    with pytest.raises(ClusterError, match=r"node n2: its program ended as it started: [\s\S]*told to fail"):
        runner.run(start())


def test_the_command_to_enter_a_node_enters_it(runner: asyncio.Runner, five: RemoteCluster) -> None:
    import subprocess

    command = [*five.entry("n4").split(), "hostname"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "n4\n"
