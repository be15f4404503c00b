"""``chain`` in the simulated world: failures everywhere in the chain, the fence around an old tail, each seeded bug
beside its twin."""

from __future__ import annotations

import pytest

from systems_under_test.chain import SYSTEM
from systems_under_test.chain.bug import DIRTY_VERSION_WITHOUT_ASKING_TAIL, HEAD_ANSWERS_READS, REPAIR_DOES_NOT_RESEND
from systems_under_test.chain.claims import HEAD_MIDDLE_TAIL, HEAD_MIDDLE_TAIL_S
from tests.systems_under_test.simulated import Scene, play

HONEST = ""
REMOVED_MS = 900  # long enough to be missed, taken out, and for the others to hear of it
MASTERS = ("n6", "n7", "n8")


async def whole(scene: Scene) -> list[str]:
    """The chain, once all five are in it and serve."""
    statuses = await scene.until(lambda statuses: SYSTEM.ready(statuses) and len(chain_of(statuses)) == 5)
    return chain_of(statuses)


def chain_of(statuses: dict[str, dict[str, object]] | object) -> list[str]:
    assert isinstance(statuses, dict)
    newest = max((status for node, status in statuses.items() if node not in MASTERS), key=lambda s: s["term"])
    return list(newest["chain"])


async def agree(scene: Scene) -> object:
    """What all five hold, when all is quiet."""
    await whole(scene)
    await scene.runtime.sleep(1000)
    held = await scene.dumps()
    assert len(held) == 5
    assert len({str(value) for value in held.values()}) == 1, held
    return next(iter(held.values()))


def test_updates_at_the_head_queries_at_the_tail() -> None:
    async def scenario(scene: Scene) -> None:
        assert await scene.leader() == "n1"
        assert [(await scene.ask(f, value)).type for f, value in (("write", 5), ("inc", 2))] == ["ok", "ok"]
        read = await scene.ask("read")
        assert (read.value, read.node) == (7, "n5")
        assert await scene.call("n3", "write", 1) == {"error": "not-leader", "leader": "n1"}
        assert await scene.call("n3", "read") == {"error": "not-leader", "leader": "n5"}
        assert await scene.call("n6", "read") == {"error": "not-leader", "leader": "n5"}, "a master knows, too"
        assert await scene.call("n6", "write", 1) == {"error": "not-leader", "leader": "n1"}
        assert await agree(scene) == 7

    play(SYSTEM, scenario)


def test_a_request_sent_twice_is_executed_once_whoever_is_the_head() -> None:
    async def scenario(scene: Scene) -> None:
        assert await scene.call("n1", "inc", 3, sequence=1) == {"value": None}
        assert await scene.call("n1", "inc", 3, sequence=1) == {"value": None}
        await scene.cluster.kill(["n1"])
        assert await scene.leader("n1") == "n2"
        assert await scene.call("n2", "inc", 3, sequence=1) == {"value": None}
        assert (await scene.ask("read")).value == 3

    play(SYSTEM, scenario)


@pytest.mark.parametrize(
    ("victim", "place", "chain"),
    [("n1", "head", "n2 n3 n4 n5"), ("n3", "middle", "n1 n2 n4 n5"), ("n5", "tail", "n1 n2 n3 n4")],
)
def test_one_is_killed_and_comes_back_behind_the_tail(victim: str, place: str, chain: str) -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.cluster.kill([victim])
        await scene.runtime.sleep(REMOVED_MS)
        assert [fields["removed"] for _, fields in scene.events("reconfigured")] == [{victim: place}]
        assert chain_of(await scene.statuses()) == chain.split()
        assert (await scene.ask("read")).value == 1
        assert (await scene.ask("write", 2)).type == "ok"
        await scene.cluster.start([victim])
        assert await whole(scene) == [*chain.split(), victim]
        read = await scene.ask("read")
        assert (read.value, read.node) == (2, victim), "it has caught up, and answers as the tail"
        assert await agree(scene) == 2

    play(SYSTEM, scenario)


PLACES = ("head", "middle", "tail")


def test_the_kills_of_the_claim_meet_head_middle_and_tail() -> None:
    async def scenario(scene: Scene) -> None:
        victims = [item.removeprefix("kill=") for item in HEAD_MIDDLE_TAIL.split(", ")]
        began_ns = scene.runtime.now()
        for victim, (start_s, stop_s) in zip(victims, HEAD_MIDDLE_TAIL_S, strict=True):
            await scene.runtime.sleep(start_s * 1000 - (scene.runtime.now() - began_ns) / 1e6)
            await scene.cluster.kill([victim])
            await scene.runtime.sleep((stop_s - start_s) * 1000)
            await scene.cluster.start([victim])
        await whole(scene)
        removed = [fields["removed"] for _, fields in scene.events("reconfigured") if fields["removed"]]
        assert removed == [{"n1": "head"}, {"n4": "middle"}, {"n4": "tail"}]
        told = [[fields["removed"] for _, fields in scene.events(f"{place}-removed")] for place in PLACES]
        assert told == [["n1"], ["n4"], ["n4"]]

    play(SYSTEM, scenario)


def test_everything_survives_the_death_of_everyone() -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.cluster.power_loss(scene.cluster.nodes, torn=False, reordered=False, keep="none")
        await scene.cluster.start(scene.cluster.nodes)
        assert (await agree(scene), (await scene.ask("read")).value) == (1, 1)

    play(SYSTEM, scenario)


@pytest.mark.parametrize(("tail_reads", "value"), [("lease", None), ("any-epoch", 1)])
def test_a_tail_that_was_cut_off(tail_reads: str, value: int | None) -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.cluster.partition(scene.apart("n5"))
        await scene.runtime.sleep(REMOVED_MS)
        assert await scene.call("n1", "write", 2) == {"value": None}
        assert await scene.call("n4", "read") == {"value": 2}
        stale = {"error": "unavailable"} if value is None else {"value": value}
        assert await scene.call("n5", "read") == stale
        await scene.cluster.heal()
        assert await agree(scene) == 2

    play(SYSTEM, scenario, **{"tail-reads": tail_reads})


def test_the_lease_ends_before_another_tail_begins() -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.cluster.partition(scene.apart("n5"))
        for _ in range(60):
            old, new = await scene.call("n5", "read"), await scene.call("n4", "read")
            assert "value" not in old or "value" not in new
            await scene.runtime.sleep(20)
        assert await scene.call("n4", "read") == {"value": 1}

    play(SYSTEM, scenario)


def test_a_head_comes_back_with_updates_that_nobody_else_has() -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.cluster.partition(scene.apart("n1"))
        write = scene.runtime.spawn(scene.call("n1", "write", 2), "write")
        assert await write == {"error": "silent"}
        assert await scene.call("n2", "inc", 10) == {"value": None}
        await scene.cluster.heal()
        assert await agree(scene) == 11
        assert [node for node, _ in scene.events("truncated")] == ["n1"]

    play(SYSTEM, scenario)


def test_what_a_head_lost_when_it_came_back_does_not_come_back_with_the_power() -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.cluster.partition(scene.apart("n1"))
        assert await scene.call("n1", "write", 2) == {"error": "silent"}
        await scene.runtime.sleep(REMOVED_MS)
        await scene.cluster.heal()
        await whole(scene)
        assert [node for node, _ in scene.events("truncated")] == ["n1"]
        await scene.cluster.power_loss(scene.cluster.nodes, torn=False, reordered=False, keep="none")
        await scene.cluster.start(scene.cluster.nodes)
        assert await agree(scene) == 1

    play(SYSTEM, scenario)


def test_one_that_is_alone_and_restarted_while_another_joins_has_not_forgotten() -> None:
    async def scenario(scene: Scene) -> None:
        for victim in ("n1", "n2", "n3", "n4"):
            await scene.cluster.kill([victim])
            await scene.runtime.sleep(REMOVED_MS)
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.cluster.partition({"n1": ["n5"], "n5": ["n1"]})
        await scene.cluster.start(["n1"])
        await scene.until(lambda statuses: statuses["n1"]["role"] == "joining")
        await scene.cluster.kill(["n5"])
        await scene.cluster.start(["n5"])
        answers = []
        for _ in range(80):
            answers.append(await scene.call("n5", "read"))
            await scene.runtime.sleep(20)
        assert {"value": 1} in answers
        assert {"value": None} not in answers, "it does not know yet that its update was committed"

    play(SYSTEM, scenario)


def test_a_replica_whom_the_masters_hear_and_its_predecessor_does_not_reach() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.cluster.partition({"n2": ["n3"], "n3": ["n2"]})
        await scene.runtime.sleep(2 * REMOVED_MS)
        assert (await scene.ask("write", 1)).type == "ok"
        assert scene.events("reconfigured")[0][1]["removed"] == {"n3": "middle"}
        await scene.cluster.heal()
        assert await agree(scene) == 1

    play(SYSTEM, scenario)


def test_the_masters_change_their_leader() -> None:
    async def scenario(scene: Scene) -> None:
        statuses = await scene.statuses()
        leader = statuses["n6"]["raft"]["leader"]
        await scene.cluster.kill([leader])
        await scene.runtime.sleep(1500)
        assert (await scene.ask("write", 1)).type == "ok"
        assert scene.events("reconfigured") == [], "nobody is taken out for it"
        await scene.cluster.kill(["n5"])
        await scene.runtime.sleep(REMOVED_MS)
        assert (await scene.ask("read")).node == "n4"

    play(SYSTEM, scenario)


def test_the_last_one_is_waited_for() -> None:
    async def scenario(scene: Scene) -> None:
        for victim in ("n1", "n2", "n3", "n4"):
            await scene.cluster.kill([victim])
            await scene.runtime.sleep(REMOVED_MS)
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.cluster.kill(["n5"])
        await scene.cluster.start(["n1", "n2", "n3", "n4"])
        await scene.runtime.sleep(REMOVED_MS)
        assert (await scene.ask("read")).type == "fail", "nobody else has what it acknowledged"
        await scene.cluster.start(["n5"])
        assert (await whole(scene))[0] == "n5"
        assert await agree(scene) == 1

    play(SYSTEM, scenario)


def test_a_replica_whose_disk_is_corrupt_takes_no_part() -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.cluster.kill(["n3"])
        assert (await scene.cluster.disk_flip(["n3"], 1, "wal"))["n3"]["flips"]
        await scene.cluster.start(["n3"])
        await scene.runtime.sleep(REMOVED_MS)
        assert (await scene.statuses())["n3"]["role"] == "corrupt"
        assert await scene.call("n3", "read") == {"error": "unavailable"}
        assert (await scene.ask("write", 2)).type == "ok"
        assert chain_of(await scene.statuses()) == ["n1", "n2", "n4", "n5"]

    play(SYSTEM, scenario)


@pytest.mark.parametrize(("bug", "found"), [(HONEST, 1), (REPAIR_DOES_NOT_RESEND, None)])
def test_one_in_the_middle_fails_with_an_update_in_flight(bug: str, found: int | None) -> None:
    async def scenario(scene: Scene) -> None:
        assert await scene.call("n1", "inc", 1) == {"value": None}
        assert await scene.call("n1", "inc", -1) == {"value": None}
        await scene.cluster.kill(["n3"])
        assert await scene.call("n1", "write", 1) == {"value": None}, "acknowledged, when the chain is repaired"
        assert (await scene.ask("read")).value == (found or 0)

    play(SYSTEM, scenario, bug)


@pytest.mark.parametrize(
    ("bug", "reply"), [(HONEST, {"error": "not-leader", "leader": "n5"}), (HEAD_ANSWERS_READS, {"value": 2})]
)
def test_a_read_at_the_head_of_an_update_that_the_tail_has_not(bug: str, reply: dict[str, object]) -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.cluster.partition(scene.apart("n3"))
        scene.runtime.spawn(scene.call("n1", "write", 2), "write")
        await scene.runtime.sleep(100)
        assert await scene.call("n1", "read") == reply
        assert await scene.call("n5", "read") == {"value": 1}
        await scene.runtime.sleep(1000)

    play(SYSTEM, scenario, bug)


@pytest.mark.parametrize(("bug", "seen"), [(HONEST, 1), (DIRTY_VERSION_WITHOUT_ASKING_TAIL, 2)])
def test_an_apportioned_read_of_a_dirty_object(bug: str, seen: int) -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.runtime.sleep(500)
        assert [await scene.call(node, "read") for node in ("n1", "n3", "n5")] == [{"value": 1}] * 3, "it is clean"
        await scene.cluster.partition({"n3": ["n4"], "n4": ["n3"]})
        scene.runtime.spawn(scene.call("n1", "write", 2), "write")
        await scene.runtime.sleep(100)
        assert await scene.call("n2", "read") == {"value": seen}
        assert await scene.call("n4", "read") == {"value": 1}
        await scene.runtime.sleep(1000)

    play(SYSTEM, scenario, bug, reads="apportioned")


def test_the_words_for_the_harness() -> None:
    assert SYSTEM.leader({}) is None
    assert not SYSTEM.ready({})
    head = {"role": "head", "term": 2, "chain": ["n1", "n2"], "serving": True}
    tail = {**head, "role": "tail"}
    assert SYSTEM.leader({"n1": head, "n2": tail, "n3": {**head, "term": 1}}) == "n1"
    assert SYSTEM.ready({"n1": head, "n2": tail, "n6": {"role": "master", "term": 2}})
    assert not SYSTEM.ready({"n1": head, "n2": {**tail, "serving": False}})
    assert not SYSTEM.ready({"n1": head})
