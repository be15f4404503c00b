"""A new follower: the whole log, a snapshot with its position, or files copied while clients write to them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems_under_test.blocks.client_session import ClientSessions
from systems_under_test.blocks.key_value import KeyValue
from systems_under_test.blocks.replicated_log import Position, ReplicatedLog
from systems_under_test.single_leader import SYSTEM
from systems_under_test.single_leader.joining import PIECE_ROWS, Copies
from systems_under_test.single_leader.replica import Replica
from systems_under_test.single_leader.snapshot import Row, piece, restore, rows_of
from tests.systems_under_test.blocks.crash_disk import CrashDisk
from tests.systems_under_test.simulated import Scene, play

commands = st.fixed_dictionaries({
    "f": st.sampled_from(["write", "add", "inc", "append"]), "key": st.sampled_from(["x", 1, None]),
    "value": st.integers(-3, 30)})  # fmt: skip


def applied(asked: list[dict[str, Any]]) -> tuple[KeyValue, ClientSessions]:
    state, clients = KeyValue(), ClientSessions(2)
    for number, command in enumerate(asked):
        clients.record(f"c{number % 3}", 1 + number, state.apply(command))
    return state, clients


@given(st.lists(commands, max_size=30), st.integers(1, 7))
def test_pieces_make_up_the_whole(asked: list[dict[str, Any]], count: int) -> None:
    state, clients = applied(asked)
    rows = rows_of(state, clients)
    copied: list[Any] = []
    while not (part := piece(rows, copied[-1][0] if copied else None, count))["done"]:
        assert len(part["rows"]) == count
        copied += part["rows"]
    again, table = KeyValue(), ClientSessions(2)
    restore(again, table, [*copied, *part["rows"]])
    assert (again.dump(), again.snapshot()["registers"]) == (state.dump(), _sorted(state))
    assert table.snapshot() == clients.snapshot()


def _sorted(state: KeyValue) -> list[Any]:
    registers = state.snapshot()["registers"]
    return sorted(registers, key=lambda register: str(rows_of(_one(register), ClientSessions())[0][0]))


def _one(register: list[Any]) -> KeyValue:
    state = KeyValue()
    state.restore({"registers": [register], "sets": []})
    return state


def test_a_log_that_begins_behind_a_copy() -> None:
    async def run() -> None:
        disk = CrashDisk()
        log = ReplicatedLog(disk)
        await log.open(Position(0, 0))
        log.append({"generation": 1, "command": None})
        await log.sync()
        log.begin_at(Position(2, 10))
        assert (log.last, log.durable, log.position) == (10, 10, Position(2, 10))
        assert [log.append({"generation": 3, "command": None}) for _ in range(3)] == [11, 12, 13]
        assert log.truncate_from(13) == 1
        await log.sync()
        assert [log.agrees(Position(*place)) for place in ((2, 10), (1, 10), (3, 12), (1, 4), (3, 13))] == [
            True, False, True, True, False]  # fmt: skip
        assert log.common_point(Position(1, 12)) == log.common_point(Position(2, 5)) == Position(2, 10)
        again = ReplicatedLog(disk)
        await again.open(Position(2, 10))
        assert (again.last, again.durable, again.position) == (12, 12, Position(3, 12))
        assert [entry["generation"] for entry in again.entries(11, 9)] == [3, 3]

    asyncio.run(run())


async def load(scene: Scene, count: int) -> None:
    for _ in range(count):
        assert (await scene.ask("add", scene.asked)).type == "ok"


@pytest.mark.parametrize(("joining", "copies", "agree"), [
    ("log", 0, True), ("snapshot", 1, True), ("file-copy", 1, False)])  # fmt: skip
def test_a_node_with_an_empty_disk_joins_while_clients_write(joining: str, copies: int, agree: bool) -> None:
    async def scenario(scene: Scene) -> None:
        await load(scene, 100)
        leader = await scene.leader()
        new = next(node for node in scene.cluster.nodes if node != leader)
        await scene.cluster.kill([new])
        await scene.cluster.disk_wipe([new])
        await scene.cluster.start([new])
        await load(scene, 100)
        await scene.runtime.sleep(3000)
        assert len(scene.events("copied")) == copies
        dumps = await scene.dumps()
        assert (sorted(dumps[new]) == sorted(dumps[leader])) == agree
        await scene.cluster.kill([new])
        await scene.cluster.start([new])
        await load(scene, 1)
        await scene.runtime.sleep(1000)
        again = await scene.dumps()
        assert len(again[new]) == len(dumps[new]) + 1, "the copy and the log behind it are on the disk"

    play(SYSTEM, scenario, replication="async", joining=joining)


async def emptied(scene: Scene, node: str) -> None:
    await scene.cluster.kill([node])
    await scene.cluster.disk_wipe([node])
    await scene.cluster.start([node])
    await scene.runtime.sleep(1500)


def test_a_leader_whose_own_log_begins_behind_a_copy() -> None:
    async def scenario(scene: Scene) -> None:
        old = await scene.leader()
        new, behind = (node for node in scene.cluster.nodes if node != old)
        await load(scene, 50)
        await scene.cluster.kill([behind])
        await load(scene, 100)
        await emptied(scene, new)
        await scene.cluster.kill([old])
        await scene.cluster.start([behind])
        assert await scene.leader(old, behind) == new
        await load(scene, 1)
        await emptied(scene, old)
        assert [node for node, _ in scene.events("copied")] == [new, behind, old]
        held = [sorted(each) for each in (await scene.dumps()).values()]
        assert held[0] == held[1] == held[2]
        assert len(held[0]) == 151

    play(SYSTEM, scenario, nodes=3, replication="async", joining="snapshot")


@pytest.mark.parametrize(("base", "copies"), [(False, 0), (True, 3)])
def test_a_node_that_was_emptied_while_all_nodes_were_down_joins_though_nothing_is_applied_yet(
    base: bool, copies: int
) -> None:
    """With ``base`` the leader's own log begins behind a copy: where it ends, that is all that it has applied."""

    async def scenario(scene: Scene) -> None:
        await load(scene, 45)
        nodes = scene.cluster.nodes
        wiped = nodes[0]
        if base:
            for node in nodes[1:]:
                await emptied(scene, node)
        await load(scene, 15)
        await scene.cluster.kill(nodes)
        await scene.cluster.disk_wipe([wiped])
        await scene.cluster.start(nodes)
        await scene.ready()
        await load(scene, 1)
        await scene.runtime.sleep(1000)
        assert len(scene.events("copied")) == copies
        assert {len(elements) for elements in (await scene.dumps()).values()} == {61}

    play(SYSTEM, scenario, nodes=3, replication="sync", joining="snapshot")


class Growing:
    """Stands in for a replica with 50 rows, which is one entry further each time it is copied; counts the copies."""

    def __init__(self) -> None:
        self.copies = 0

    def copy(self) -> tuple[Position, Sequence[Row]]:
        self.copies += 1
        return Position(1, 100 + self.copies), [[f"{row:02}", "register", row, self.copies] for row in range(50)]


def asked(after: str | None = None, position: list[int] | None = None) -> dict[str, Any]:
    return {"type": "copy", "after": after, "position": position}


def test_a_repeated_request_gets_the_same_snapshot_and_no_piece_of_another() -> None:
    replica = Growing()
    copies = Copies(cast(Replica, replica), "snapshot")
    first = copies.piece("n2", asked())
    last_name = first["rows"][-1][0]
    assert copies.piece("n2", asked()) == first, "a duplicate of the first request"
    assert copies.piece("n3", asked())["position"] == [1, 102], "each has its own"
    assert copies.piece("n2", asked(last_name, [1, 102])) == {"error": "unavailable"}
    second = copies.piece("n2", asked(last_name, first["position"]))
    assert {row[-1] for row in [*first["rows"], *second["rows"]]} == {1}


def test_a_copy_is_kept_until_its_last_piece_or_until_the_leadership_ends() -> None:
    replica = Growing()
    copies = Copies(cast(Replica, replica), "snapshot")
    first, after = copies.piece("n2", asked()), f"{2 * PIECE_ROWS - 1:02}"
    assert copies.piece("n2", asked(after, first["position"]))["done"]
    assert copies.piece("n2", asked(after, first["position"])) == {"error": "unavailable"}
    again = copies.piece("n2", asked())
    assert again["position"] == [1, 102]
    copies.forget()
    assert copies.piece("n2", asked(after, again["position"])) == {"error": "unavailable"}


def test_files_are_copied_as_they_are_now() -> None:
    copies = Copies(cast(Replica, Growing()), "file-copy")
    first = copies.piece("n2", asked())
    second = copies.piece("n2", asked(first["rows"][-1][0], first["position"]))
    assert (first["position"], second["position"]) == ([1, 101], [1, 102])


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_snapshot_is_of_one_position_though_messages_come_twice(seed: int) -> None:
    async def scenario(scene: Scene) -> None:
        await load(scene, 100)
        leader = await scene.leader()
        new = next(node for node in scene.cluster.nodes if node != leader)
        await scene.cluster.degrade("duplicate", [(new, leader)], {"probability": 1.0})
        await scene.cluster.kill([new])
        await scene.cluster.disk_wipe([new])
        await scene.cluster.start([new])
        await load(scene, 60)
        await scene.cluster.restore("duplicate")
        await load(scene, 1)
        await scene.runtime.sleep(2000)
        assert scene.events("copied")
        held = await scene.dumps()
        assert sorted(held[new]) == sorted(held[leader])

    play(SYSTEM, scenario, replication="async", joining="snapshot", deduplication="off", seed=seed)
