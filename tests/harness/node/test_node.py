"""Real node processes: what they do, how they fail, how they end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import struct
import time
from pathlib import Path
from typing import Any

import pytest

from harness.cluster import ClusterError
from harness.clusters.loopback import LoopbackCluster
from harness.node import Closed, Message, Refused, Timeout
from harness.node.wire import BODY_BYTES_MAX, Decoder, encode_body, frame, quote
from harness.real_runtime import RealRuntime
from tests.harness.node.cluster import ROOT, data_address, echo_cluster, events, spec, until


def forward(to: str, timeout_ms: float, **message: Any) -> Message:
    return {"type": "forward", "to": to, "timeout_ms": timeout_ms, "message": message}


async def until_ended(cluster: LoopbackCluster, node: str) -> int | None:
    await until(lambda: cluster.exit_status(node) is not None)
    return cluster.exit_status(node)


async def counters(cluster: LoopbackCluster, node: str) -> dict[str, int]:
    status = await cluster.status(node)
    assert status is not None
    return dict(status["counters"])


def test_what_a_program_learns_about_itself(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with echo_cluster(tmp_path, 3) as cluster:
            client = cluster.client_env(0, "c0")
            about = [await client.call(node, {"type": "about"}, 1000) for node in cluster.nodes]
            assert [a["name"] for a in about] == ["n1", "n2", "n3"]
            assert about[1]["nodes"] == ["n1", "n2", "n3"]
            assert about[1]["peers"] == ["n1", "n3"]
            assert about[1]["bug"] is True
            assert about[1]["incarnation"] == 1
            assert [a["hmac"].index(True) for a in about] == [0, 1, 2]
            assert [sum(a["hmac"]) for a in about] == [1, 1, 1], "a code is valid for its author only"

    asyncio.run(scenario())


def test_random_streams_depend_on_seed_node_incarnation_and_name_only(tmp_path: Path) -> None:
    async def draws(folder: Path) -> list[list[float]]:
        async with echo_cluster(folder, 2) as cluster:
            found = []
            for _ in range(2):
                about = [await cluster.client_env(0, "c").call(node, {"type": "about"}, 1000) for node in cluster.nodes]
                assert all(a["random"] == a["again"] for a in about)
                found += [[a["random"], a["other"]] for a in about]
                await cluster.kill(cluster.nodes)
                await cluster.start(cluster.nodes)
            return found

    first, second = asyncio.run(draws(tmp_path / "first")), asyncio.run(draws(tmp_path / "second"))
    assert first == second
    assert len({number for numbers in first for number in numbers}) == 8


def test_kill_and_restart_keep_the_disk_and_count_the_incarnation(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with echo_cluster(tmp_path) as cluster:
            client = cluster.client_env(0, "c0")
            append = {"type": "disk_append", "file": "log/1", "data": "kept"}
            assert await client.call("n1", append, 1000) == {"size": 4}
            await cluster.kill(["n1"])
            with pytest.raises((Refused, Closed)):
                await client.call("n1", {}, 1000)
            with pytest.raises(Refused):
                await client.call("n1", {}, 1000)
            assert await cluster.status("n1") is None
            await cluster.start(["n1"])
            assert await client.call("n1", {"type": "disk_read", "file": "log/1"}, 1000) == {"data": "kept"}
            assert (await client.call("n1", {"type": "about"}, 1000))["incarnation"] == 2
            assert [(e["name"], e["incarnation"]) for e in events(tmp_path, "n1")] == [("start", 1), ("start", 2)]

    asyncio.run(scenario())


def test_a_killed_peer_is_closed_for_calls_under_way_then_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with echo_cluster(tmp_path, 2) as cluster:
            client = cluster.client_env(0, "c0")
            under_way = asyncio.ensure_future(client.call("n1", forward("n2", 3000, type="silence"), 4000))
            await asyncio.sleep(0.1)
            await cluster.kill(["n2"])
            assert (await under_way)["error"] == "Closed"
            assert (await client.call("n1", forward("n2", 3000), 4000))["error"] == "Refused"
            await cluster.start(["n2"])
            assert "reply" in await client.call("n1", forward("n2", 3000), 4000)
            counted = await counters(cluster, "n1")
            assert (counted["net.closed"], counted["net.refused"]) == (1, 1)

    asyncio.run(scenario())


def test_a_stopped_peer_is_a_timeout_and_works_again_afterwards(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with echo_cluster(tmp_path, 2) as cluster:
            client = cluster.client_env(0, "c0")
            await client.call("n1", forward("n2", 1000), 2000)
            await cluster.pause(["n2"])
            assert await cluster.status("n2", timeout_ms=50) is None
            assert (await client.call("n1", forward("n2", 100), 2000))["error"] == "Timeout"
            with pytest.raises(Timeout):
                await client.call("n2", {}, 100)
            await cluster.resume(["n2"])
            assert "reply" in await client.call("n1", forward("n2", 1000), 2000)
            assert await client.call("n2", {}, 1000)
            assert (await counters(cluster, "n1"))["net.timeout"] == 1

    asyncio.run(scenario())


def test_a_quorum_comes_as_it_comes_and_the_rest_goes_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with echo_cluster(tmp_path, 5) as cluster:
            client = cluster.client_env(0, "c0")
            await cluster.kill(["n5"])
            await cluster.pause(["n4"])
            ask: dict[str, Any] = {"type": "quorum", "peers": ["n2", "n3", "n4", "n5"], "timeout_ms": 200}
            every = await client.call("n1", {**ask, "message": {}, "needed": 4}, 1000)
            replies = dict(every["replies"])
            assert (replies["n4"], replies["n5"]) == ("Timeout", "Refused")
            assert every["replies"][-1][0] == "n4", "the slowest is the last"
            assert {type(replies[n]) for n in ("n2", "n3")} == {dict}
            await cluster.resume(["n4"])
            await client.call("n1", {**ask, "message": {"type": "note", "value": 7}, "needed": 0}, 1000)
            asked = {"type": "quorum", "peers": ["n2", "n3", "n4"], "timeout_ms": 100, "needed": 1,
                     "message": {"type": "note", "value": 8}}  # fmt: skip
            first = await client.call("n1", asked, 1000)
            assert len(first["replies"]) == 1
            for node in ("n2", "n3", "n4"):
                notes = await client.call(node, {"type": "notes"}, 1000)
                assert ["n1", 8] in notes["notes"]

    asyncio.run(scenario())


def test_sends_arrive_in_order_and_their_replies_are_dropped(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with echo_cluster(tmp_path, 2) as cluster:
            client = cluster.client_env(0, "c0")
            await client.call("n1", {"type": "send", "to": "n2", "from": 0, "count": 500}, 1000)
            await client.call("n1", forward("n2", 1000), 1000)  # the same connection: behind them all
            notes = await client.call("n2", {"type": "notes"}, 1000)
            assert notes["notes"] == [["n1", value] for value in range(500)]

    asyncio.run(scenario())


def test_messages_up_to_the_bound_pass_and_larger_ones_harm_nobody(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with echo_cluster(tmp_path, 2) as cluster:
            client = cluster.client_env(0, "c0")
            largest = BODY_BYTES_MAX - len('{"data":""}')
            assert len((await client.call("n1", {"type": "large", "bytes": largest}, 5000))["data"]) == largest
            with pytest.raises(Closed, match="expected at most"):
                await client.call("n1", {"type": "large", "bytes": largest + 1}, 5000)
            with pytest.raises(Refused, match="expected at most"):
                await client.call("n1", {"data": "x" * (largest + 1)}, 5000)
            too_large = await client.call("n1", forward("n2", 2000, type="large", bytes=BODY_BYTES_MAX), 5000)
            assert too_large["error"] == "Closed"
            assert await client.call("n1", {}, 1000)

    asyncio.run(scenario())


@pytest.mark.parametrize("stream", [
    struct.pack(">I", 1 << 31), struct.pack(">I", 3) + b"{}}", b"GET / HTTP/1.1\r\n\r\n",
    frame("reply", 1, quote("c1"), b"{}"), frame("call", 1, quote("c1"), b"[]"),
])  # fmt: skip
def test_rubbish_ends_its_own_connection_only(tmp_path: Path, stream: bytes) -> None:
    async def scenario() -> None:
        async with echo_cluster(tmp_path) as cluster:
            client = cluster.client_env(0, "c0")
            await client.call("n1", {}, 1000)
            reader, writer = await asyncio.open_connection(*data_address(tmp_path, "n1"))
            writer.write(frame("call", 9, quote("c1"), encode_body({"type": "silence"})) + stream)
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await asyncio.wait_for(reader.readexactly(1), 2)
            writer.close()
            assert await client.call("n1", {}, 1000)
            assert "a connection ended: read " in (tmp_path / "n1/node.log").read_text()

    asyncio.run(scenario())


@pytest.mark.parametrize(("asked", "event", "error"), [
    ({"type": "fail"}, "assertion", "asked to fail"),
    ({"type": "fail", "value": 1}, "crash", "asked to fail otherwise"),
    ({"type": "fail_task"}, "assertion", "asked to fail"),
    ({"type": "unheard_of"}, "crash", "_unheard_of"),
])  # fmt: skip
def test_an_error_in_the_program_stops_the_node_and_is_told(
    tmp_path: Path, asked: Message, event: str, error: str
) -> None:
    async def scenario() -> None:
        async with echo_cluster(tmp_path) as cluster:
            client = cluster.client_env(0, "c0")
            waiting = asyncio.ensure_future(client.call("n1", {"type": "silence"}, 2000))
            await asyncio.gather(client.call("n1", asked, 2000), return_exceptions=True)
            with pytest.raises(Closed):
                await waiting
            assert await until_ended(cluster, "n1") == 70
        last = events(tmp_path, "n1")[-1]
        assert (last["name"], last["node"], last["incarnation"]) == (event, "n1", 1)
        assert error in last["fields"]["error"]
        assert "Traceback" in last["fields"]["trace"]

    asyncio.run(scenario())


def test_an_error_at_the_start_is_told_with_its_words(tmp_path: Path) -> None:
    async def scenario() -> None:
        cluster = LoopbackCluster(spec(tmp_path, 1, {"fail_start": "yes"}), RealRuntime(1), [ROOT])
        with pytest.raises(ClusterError, match=r"(?s)exit status 70.*asked to fail at the start"):
            await cluster.start(["n1"])
        await cluster.down()

    asyncio.run(scenario())


def test_events_counters_and_gauges_reach_the_harness(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with echo_cluster(tmp_path) as cluster:
            before = time.time_ns(), time.monotonic_ns()
            for value in (1, 2):
                await cluster.client_env(0, "c0").call("n1", {"type": "announce", "value": value}, 1000)
            status = await cluster.status("n1")
            assert status is not None
            assert status["counters"]["announced"] == 2
            assert status["counters"]["sometimes.announced"] == 2
            assert status["gauges"] == {"value": 2}
            assert status["pid"] != os.getpid()
            assert (status["name"], status["role"], status["serving"]) == ("n1", "server", True)
            assert status["program"] == {"leader": None, "received": 0}
            written = events(tmp_path, "n1")
            assert [(e["name"], e["fields"]) for e in written[1:]] == [
                ("announced", {"value": 1}), ("announced", {"value": 2}),
            ]  # fmt: skip
            assert before[0] < written[1]["time_wall_ns"] < time.time_ns()
            assert before[1] < written[1]["time_monotonic_ns"] < time.monotonic_ns()

    asyncio.run(scenario())


def test_sigterm_stops_a_node_cleanly(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with echo_cluster(tmp_path) as cluster:
            status = await cluster.status("n1")
            assert status is not None
            os.kill(status["pid"], signal.SIGTERM)
            assert await until_ended(cluster, "n1") == 0
        assert [e["name"] for e in events(tmp_path, "n1")] == ["start", "stop"]
        assert (tmp_path / "n1/output.log").read_text() == ""

    asyncio.run(scenario())


def test_the_control_port_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with echo_cluster(tmp_path):
            config = json.loads((tmp_path / "n1/config.json").read_text())
            reader, writer = await asyncio.open_connection(config["control"]["address"], config["control"]["port"])
            for body in ({"type": "reboot"}, {"type": ["status"]}, {}):
                writer.write(frame("call", 1, quote("harness"), encode_body(body)))
                (answer,) = Decoder().feed(await asyncio.wait_for(reader.read(1 << 16), 2))
                assert answer.kind == "error"
                assert "expected one of status" in answer.body["reason"]
            writer.close()

    asyncio.run(scenario())
