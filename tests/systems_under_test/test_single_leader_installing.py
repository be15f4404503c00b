"""While a copy is fetched and installed: late messages, other leaders, elections, votes, crashes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any, Final, cast

import pytest

from harness.node import Env, Message, Program
from harness.system import Role
from systems_under_test.blocks.replicated_log import Position
from systems_under_test.single_leader import SYSTEM
from systems_under_test.single_leader.partition import Partitioned
from systems_under_test.single_leader.replica import Replica
from systems_under_test.single_leader.snapshot import Row
from tests.systems_under_test.blocks.bench import ALIVE, Bare
from tests.systems_under_test.blocks.crash_disk import CrashDisk, PowerLost
from tests.systems_under_test.simulated import Scene, play
from tests.systems_under_test.test_single_leader_log import DiskEnv, command, elements

DEFAULTS: Final = {name: option.default for name, option in SYSTEM.options.items()}
OLD: Final = (Position(1, 50), 60, [*range(1, 11)])
NEW: Final = (Position(2, 80), 80, [7])
GONE: Final = (PowerLost, FileNotFoundError)
"""What a process meets whose disk is another's by now."""
REFUSED: Final[Message] = {"agrees": False, "granted": False, "generation": 0, "outcome": "refused"}


def added(values: list[int]) -> list[Row]:
    return [[f"{value:02}", "element", "s", place, value] for place, value in enumerate(values)]


async def recovered(disk: CrashDisk, replication: str = "async") -> Replica:
    env = DiskEnv()
    env.disk = disk
    made = Replica(cast(Env, env), DEFAULTS | {"replication": replication})
    await made.recover()
    return made


def held(of: Replica) -> tuple[Position, int, Any]:
    return of.log.base, of.log.last, elements(of)


async def joined_before(disk: CrashDisk) -> Replica:
    """A node that began with a copy of nothing, up to entry 50, and has stored ten more."""
    made = await recovered(disk)
    await made.clock.advance(2)
    await made.install(Position(1, 50), [])
    for number in range(1, 11):
        made.log.append({"generation": 1, "command": command(number)})
    await made.log.sync()
    made.raise_high_water(60)
    return made


@pytest.mark.parametrize("seed", range(6))
def test_a_crash_while_a_copy_is_installed_leaves_the_old_state_or_the_new_one(seed: int) -> None:
    """At every turn of the event loop: what the node has then, and what its successor's successor finds, the first of
    whom dies in its recovery. With seed 0 only processes die; else the power is lost."""

    def dies(disk: CrashDisk, random: Random) -> CrashDisk:
        return disk.after_crash(random) if seed else disk.after_kill()

    async def run(turns: int) -> bool:
        disk, random = CrashDisk(), Random(f"{seed}/{turns}")
        made = await joined_before(disk)
        assert held(made) == OLD
        installing = asyncio.create_task(made.install(NEW[0], added([7])))
        for _ in range(turns):
            await asyncio.sleep(0)
        assert held(made) in (OLD, NEW)
        done = installing.done()
        left = dies(disk, random)
        recovering = asyncio.create_task(recovered(left))
        for _ in range(random.randint(0, 20)):
            await asyncio.sleep(0)
        again = await recovered(dies(left, random))
        assert held(again) in ((NEW,) if done else (OLD, NEW))
        ended = await asyncio.gather(installing, recovering, return_exceptions=True)
        assert all(not isinstance(each, Exception) or isinstance(each, GONE) for each in ended)
        return done

    turns = 0
    while not asyncio.run(run(turns)):
        turns += 1
    assert turns > 5


@pytest.mark.parametrize("seed", range(6))
def test_what_comes_after_a_copy_stays_behind_it(seed: int) -> None:
    async def run() -> None:
        disk = CrashDisk()
        made = await joined_before(disk)
        await made.install(NEW[0], added([7]))
        made.log.append({"generation": 2, "command": command(8)})
        await made.log.sync()
        again = await recovered(disk.after_crash(Random(seed)))
        assert held(again) == (Position(2, 80), 81, [7, 8])

    asyncio.run(run())


class StandIn(Bare):
    """A node of whom the test says what it answers, and how late: {type: (ms, reply)}. Where the reply is a copy it is
    not ``done`` before the type of a message is met that ``done_after`` names."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        super().__init__(env, options)
        self.replies: dict[str, tuple[float, Message]] = {}
        self.done_after = "copy"
        self.met: set[str] = set()

    async def handle(self, source: str, message: Message) -> Message | None:
        kind = message["type"]
        self.met.add(kind)
        pause_ms, reply = self.replies.get(kind, (1, REFUSED))
        await self.env.sleep(pause_ms)
        return {**reply, "done": self.done_after in self.met} if kind == "copy" else reply

    def copied(self, position: list[int], pause_ms: float = 1) -> None:
        self.replies["copy"] = pause_ms, {"position": position, "rows": []}

    def elects(self, pause_ms: float = 1, *, granted: bool = True) -> None:
        self.replies["canvass"] = pause_ms, {"agrees": True}
        self.replies["vote"] = 1, {"granted": granted, "generation": 0}

    async def ship(self, generation: int, previous: list[int], entries: int = 0, base: int = 0) -> Message:
        """As a leader does that has applied all of its log; all entries are of its own generation."""
        made = [{"generation": generation, "command": None}] * entries
        head = {"type": "ship", "generation": generation, "high_water": previous[1] + entries}
        return await self.env.call("n3", {**head, "previous": previous, "base": base, "entries": made}, 5000)


def program(env: Env, options: Mapping[str, str]) -> Program:
    """n1 and n2 stand in for leaders and voters; n3 is a node of the system, who joins."""
    return Partitioned(env, options) if env.name == "n3" else StandIn(env, options)


BENCH: Final = replace(SYSTEM, roles={"node": Role(f"{__name__}:program")}, ready=lambda statuses: "n3" in statuses)


def leaders() -> tuple[StandIn, StandIn]:
    return ALIVE["n1"], ALIVE["n2"]


async def until_told(scene: Scene, event: str) -> None:
    for _ in range(1000):
        if scene.events(event):
            return
        await scene.runtime.sleep(5)
    raise AssertionError(f"{event} is not told")


async def last(scene: Scene) -> list[int]:
    return cast(list[int], (await scene.statuses())["n3"]["last"])


def joins(scenario: Any, replication: str = "majority") -> Scene:
    return play(BENCH, scenario, nodes=3, replication=replication, joining="snapshot")


def test_a_late_message_does_not_make_a_follower_join_once_more() -> None:
    """The leader's first entry is 36; n3 joins with a copy of 40, and stores what is behind that."""

    async def scenario(scene: Scene) -> None:
        leader, _ = leaders()
        leader.copied([2, 40])
        assert await leader.ship(2, [1, 35], 5) == {"outcome": "joining"}
        await until_told(scene, "copied")
        for entries in (0, 5):
            assert await leader.ship(2, [1, 35], 5) == {"outcome": "mismatch", "position": [2, 40]}
            assert await leader.ship(2, [2, 40], entries) == {"outcome": "stored"}
        await scene.cluster.kill(["n3"])
        await scene.cluster.start(["n3"])
        assert await leader.ship(2, [1, 35], 10) == {"outcome": "mismatch", "position": [2, 40]}
        assert (await last(scene), len(scene.events("copy-begun"))) == ([2, 45], 1)

    joins(scenario)


@pytest.mark.parametrize("place", [39, 40])
def test_a_follower_whose_copy_is_of_entries_that_were_lost_joins_once_more(place: int) -> None:
    async def scenario(scene: Scene) -> None:
        lost, leader = leaders()
        lost.copied([2, 40])
        await lost.ship(2, [1, 35], 5)
        await until_told(scene, "copied")
        leader.copied([1, 100])
        assert await leader.ship(3, [1, 100]) == {"outcome": "mismatch", "position": [2, 40]}
        assert await leader.ship(3, [1, place]) == {"outcome": "joining"}
        await scene.runtime.sleep(500)
        assert await last(scene) == [1, 100]

    joins(scenario, "async")


def test_no_copy_is_installed_of_a_leader_who_is_not_followed_any_more() -> None:
    async def scenario(scene: Scene) -> None:
        old, new = leaders()
        old.copied([2, 40], pause_ms=200)
        assert await old.ship(2, [2, 40]) == {"outcome": "joining"}
        new.env.send("n3", {"type": "heartbeat", "generation": 3, "high_water": 0, "last": 0})
        await scene.runtime.sleep(1000)
        assert await new.ship(3, [0, 0], 2) == {"outcome": "stored"}
        assert (await last(scene), scene.events("copied")) == ([3, 2], [])

    joins(scenario)


def test_no_copy_is_installed_once_the_node_has_voted_for_itself() -> None:
    async def scenario(scene: Scene) -> None:
        leader, other = leaders()
        leader.copied([2, 40], pause_ms=20)
        leader.done_after = "vote"
        leader.elects(granted=False)
        other.elects(granted=False)
        assert await leader.ship(2, [2, 40]) == {"outcome": "joining"}
        await until_told(scene, "election-started")
        await scene.runtime.sleep(500)
        assert (await last(scene), scene.events("copied")) == ([0, 0], [])

    joins(scenario)


def test_no_copy_is_installed_of_a_later_leadership_than_the_one_that_is_joined() -> None:
    async def scenario(scene: Scene) -> None:
        leader, _ = leaders()
        leader.copied([5, 40])
        assert await leader.ship(2, [2, 40]) == {"outcome": "joining"}
        await scene.runtime.sleep(200)
        assert (await last(scene), scene.events("copied")) == ([0, 0], [])
        await scene.cluster.kill(["n3"])
        await scene.cluster.start(["n3"])
        await scene.ready()

    joins(scenario)


@pytest.mark.parametrize("done_after", ["copy", "canvass"])
def test_nobody_begins_to_lead_while_a_copy_is_installed(done_after: str) -> None:
    """On a slow disk, before the election began and while the canvass is under way."""

    async def scenario(scene: Scene) -> None:
        leader, other = leaders()
        leader.copied([2, 40], pause_ms=20)
        leader.done_after = done_after
        for each in (leader, other):
            each.elects(pause_ms=100)
        assert await leader.ship(2, [2, 40]) == {"outcome": "joining"}
        await scene.cluster.disk_slow(["n3"], 400)
        await until_told(scene, "became-leader")
        await scene.cluster.disk_heal(["n3"])
        told = [event.name for event in scene.told if event.name in ("copied", "election-started", "became-leader")]
        assert told == ["copied", "election-started", "became-leader"]
        assert scene.events("became-leader")[0][1]["last_index"] == 40
        await scene.runtime.sleep(500)
        await scene.cluster.kill(["n3"])
        await scene.cluster.start(["n3"])
        await scene.ready()
        assert (await last(scene))[1] > 40, "what it appended as leader is still there"

    joins(scenario)


def test_a_node_votes_by_what_it_has_while_a_copy_is_installed() -> None:
    async def scenario(scene: Scene) -> None:
        leader, candidate = leaders()
        assert await leader.ship(1, [0, 0], 10) == {"outcome": "stored"}
        leader.copied([2, 60], pause_ms=100)
        assert await leader.ship(2, [2, 60], base=60) == {"outcome": "joining"}, "it has no log before its copy"
        await scene.cluster.disk_slow(["n3"], 400)
        await scene.runtime.sleep(150)
        asked = 0
        while not scene.events("copied"):
            asked += 1
            vote = {"type": "vote", "generation": 2 + asked, "position": [1, 9]}
            assert not (await candidate.env.call("n3", vote, 10_000))["granted"]
        assert asked > 1

    joins(scenario)
