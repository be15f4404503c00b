"""``raft`` as real processes: it elects, serves, survives the loss of leaders, and its histories are linearizable."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from checkers.linearizable import check
from harness.history import History
from tests.systems_under_test.raft_cluster import CLIENTS, RaftCluster, raft_cluster


def events(folder: Path, name: str) -> list[dict[str, object]]:
    lines = (line for file in folder.glob("*/events.jsonl") for line in file.read_text().splitlines())
    return [event for event in map(json.loads, lines) if event["name"] == name]


async def caught_up(raft: RaftCluster, nodes: int) -> None:
    """Return when so many nodes have the same log, all committed."""
    async with asyncio.timeout(10):
        while True:
            found = (await raft.statuses()).values()
            positions = {position for status in found for position in (status["commit"], status["last"])}
            if len(found) == nodes and len(positions) == 1:
                return
            await asyncio.sleep(0.02)


def test_five_nodes_elect_and_serve(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with raft_cluster(tmp_path, 5) as raft:
            await raft.leader()
            client = await raft.client(0)
            assert (await raft.ask(client, "read")).value is None
            assert (await raft.ask(client, "write", 3)).type == "ok"
            assert (await raft.ask(client, "cas", [3, 4])).type == "ok"
            missed = await raft.ask(client, "cas", [3, 5])
            assert (missed.type, missed.error) == ("fail", "cas-mismatch")
            assert (await raft.ask(client, "read")).value == 4
            for element in (7, 8, 7):
                assert (await raft.ask(client, "add", element, key="set")).type == "ok"
            assert (await raft.ask(client, "read", key="set")).value == [7, 8]
            await caught_up(raft, 5)

    asyncio.run(scenario())
    assert len(events(tmp_path, "became-leader")) == 1
    assert len(events(tmp_path, "vote-granted")) >= 2


def test_a_killed_leader_is_replaced_and_catches_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with raft_cluster(tmp_path, 5) as raft:
            first = await raft.leader()
            client = await raft.client(0)
            for value in range(100):
                written = await raft.write(client, value)
                assert written.type == "ok", written.error
            await raft.cluster.kill([first])
            second = await raft.leader()
            assert second != first
            assert (await raft.ask(client, "read")).value == 99
            for value in range(100, 200):
                written = await raft.write(client, value)
                assert written.type == "ok", written.error
            await raft.cluster.start([first])
            await caught_up(raft, 5)
            # Everybody dies; what was acknowledged is on the disks.
            await raft.cluster.kill(raft.cluster.nodes)
            await raft.cluster.start(raft.cluster.nodes)
            await raft.leader()
            assert (await raft.ask(client, "read")).value == 199

    asyncio.run(scenario())


def test_a_leader_without_majority_gives_up_and_says_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with raft_cluster(tmp_path, 3) as raft:
            leader = await raft.leader()
            followers = [node for node in raft.cluster.nodes if node != leader]
            await raft.cluster.pause(followers)
            env = raft.cluster.client_env(0, "c0")
            write = {"type": "request", "client": "c0", "sequence": 1, "f": "write", "key": 1, "value": 5}
            read = {"type": "request", "client": "c0", "sequence": 2, "f": "read", "key": 1}
            appended, asked = await asyncio.gather(env.call(leader, write, 5000), env.call(leader, read, 5000))
            assert appended == {"error": "unknown"}, "it may still be committed, by this node or another"
            assert asked == {"error": "not-leader", "leader": None}, "a read has done nothing"
            assert await env.call(leader, {**write, "sequence": 3}, 1000) == {"error": "not-leader", "leader": None}
            await raft.cluster.resume(followers)
            await raft.leader()
            client = await raft.client(1)
            # Unknown means unknown: the old leader, or a follower that has the entry, may be elected, or another.
            assert (await raft.ask(client, "read")).value in (5, None)

    asyncio.run(scenario())
    assert events(tmp_path, "stepped-down")


def test_requests_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with raft_cluster(tmp_path, 1) as raft:
            await raft.leader()
            env = raft.cluster.client_env(0, "c0")
            forged = {"type": "raft", "kind": "RequestVote", "term": 99, "last_index": 99, "last_term": 99}
            write = {"type": "request", "client": "c0", "sequence": 1, "f": "write"}
            malformed = [{**write, "f": ["write"]}, {**write, "client": ["c0"]}, {**write, "sequence": "1"}]
            messages: list[dict[str, object]] = [
                {},
                {"type": "request"},
                {"type": "nonsense"},
                {**write, "f": "drop"},
                *malformed,
                forged,
            ]
            for message in messages:
                assert await env.call("n1", message, 1000) == {"error": "unsupported"}
            assert (await raft.statuses())["n1"]["term"] == 1

    asyncio.run(scenario())


def test_histories_under_killed_and_paused_leaders_are_linearizable(tmp_path: Path) -> None:
    async def scenario() -> History:
        async with raft_cluster(tmp_path, 5) as raft:
            await raft.leader()
            stop = asyncio.Event()
            workers = [asyncio.create_task(raft.work(number, stop)) for number in range(CLIENTS)]
            for verb, undo in ((raft.cluster.kill, raft.cluster.start), (raft.cluster.pause, raft.cluster.resume)) * 2:
                await asyncio.sleep(0.25)
                leader = await raft.leader()
                await verb([leader])
                await raft.leader()
                await asyncio.sleep(0.25)
                await undo([leader])
            await raft.leader()
            await asyncio.sleep(0.4)
            stop.set()
            await asyncio.gather(*workers)
            await caught_up(raft, 5)
            return History(raft.history)

    history = asyncio.run(scenario())
    assert sum(op.type == "ok" for op in history) > 300
    assert len({str(event["fields"]) for event in events(tmp_path, "became-leader")}) >= 5
    result = check(history, model="cas-register", time_limit_s=60)
    assert result.valid is True, result
