"""``failover-pair`` in the simulated world: who is shot, who serves, who comes back, and what people do."""

from __future__ import annotations

import pytest

from harness.node import Message
from systems_under_test.failover_pair import SYSTEM
from tests.systems_under_test.simulated import Scene, Statuses, play

CUT = {"n1": ["n2"], "n2": ["n1"]}
OVER_MS = 1200  # long enough to be missed, to order, and to be obeyed
NOBODY = {"operator-ms": "0"}


def switched(scene: Scene) -> list[object]:
    """Who was switched off, and by whom, in order."""
    return [(fields["switched"], fields["source"]) for _, fields in scene.events("switched-off")]


def on(statuses: Statuses) -> list[str]:
    return list(statuses["n3"]["on"])


async def given(scene: Scene, node: str, message: Message) -> Message:
    """What the switch answers a person."""
    return await scene.cluster.client_env(0, "p").call(node, message, 1000)


async def ordered(scene: Scene, order: Message) -> Message:
    """What the switch answers a person who has just looked."""
    return await given(scene, "n3", {**order, "seen": await numbers(scene)})


async def numbers(scene: Scene) -> Message:
    sockets = (await given(scene, "n3", {"type": "look"}))["sockets"]
    return {node: socket["number"] for node, socket in sockets.items()}


def test_the_primary_serves_and_the_standby_has_everything() -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.ask("write", 5)).node == "n1"
        assert await scene.call("n2", "read") == {"error": "not-leader", "leader": "n1"}
        assert [await scene.call(node, "read") for node in ("n3", "n4")] == [{"error": "no-leader", "leader": None}] * 2
        await scene.runtime.sleep(200)
        assert await scene.dumps() == {"n1": 5, "n2": 5}

    play(SYSTEM, scenario)


def test_a_dead_primary_is_shot_and_stays_off_when_it_is_restarted() -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.cluster.kill(["n1"])
        await scene.runtime.sleep(OVER_MS)
        assert (await scene.ask("read")).node == "n2"
        await scene.cluster.start(["n1"])
        await scene.runtime.sleep(OVER_MS)
        statuses = await scene.statuses()
        assert (statuses["n1"]["role"], on(statuses)) == ("off", ["n2"])
        assert await scene.call("n1", "write", 2) == {"error": "unavailable"}

    assert switched(play(SYSTEM, scenario, **NOBODY)) == [("n1", "n2")]


def test_off_is_off_though_the_switch_is_restarted_too() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.cluster.partition(CUT)
        await scene.runtime.sleep(OVER_MS)
        before = on(await scene.statuses())
        await scene.cluster.kill(["n3"])
        await scene.cluster.start(["n3"])
        await scene.cluster.heal()
        await scene.runtime.sleep(OVER_MS)
        assert on(await scene.statuses()) == before
        assert len(before) == 1

    play(SYSTEM, scenario, **NOBODY)


@pytest.mark.parametrize("seed", range(1, 7))
@pytest.mark.parametrize(("switch", "left"), [("arbiter", 1), ("obedient", 0)])
def test_two_that_do_not_hear_each_other(switch: str, left: int, seed: int) -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.cluster.partition(CUT)
        await scene.runtime.sleep(OVER_MS)
        await scene.cluster.heal()
        await scene.runtime.sleep(OVER_MS)
        assert len(on(await scene.statuses())) == left
        assert (await scene.ask("read")).type == ("ok" if left else "fail")

    scene = play(SYSTEM, scenario, seed=seed, switch=switch, **NOBODY)
    assert len(switched(scene)) == 2 - left
    assert {node for node, _ in scene.events("ordered-off")} == {"n1", "n2"}, "both wanted to"
    assert bool(scene.events("order-refused")) == (switch == "arbiter")


def test_a_switch_that_is_stuck_leaves_two_primaries() -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.cluster.partition(CUT)
        await scene.runtime.sleep(OVER_MS)
        await scene.cluster.heal()
        assert await scene.call("n1", "write", 2) == await scene.call("n2", "write", 3) == {"value": None}
        assert await scene.dumps() == {"n1": 2, "n2": 3}

    assert not switched(play(SYSTEM, scenario, switch="stuck"))


def test_an_obedient_switch_does_not_take_an_order_from_an_earlier_life() -> None:
    """Long under way, it would leave one that lacks something alone, when who gave it has been off and on since."""

    async def scenario(scene: Scene) -> None:
        order = {"type": "off", "node": "n1", "cycle": (await scene.statuses())["n3"]["term"]}
        standby = scene.cluster.client_env(0, "n2")
        assert (await ordered(scene, {"type": "off", "node": "n2"}))["done"]
        assert await ordered(scene, {"type": "on", "node": "n2", "part": "standby"}) == {"done": True}
        assert await standby.call("n3", order, 1000) == {"done": False}
        await scene.runtime.sleep(OVER_MS)
        assert on(await scene.statuses()) == ["n1", "n2"]
        now = {**order, "cycle": (await scene.statuses())["n3"]["term"]}
        assert (await standby.call("n3", now, 1000))["done"]

    play(SYSTEM, scenario, switch="obedient", **NOBODY)


def test_an_operator_turns_on_first_whoever_was_shot_last() -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.cluster.partition(CUT)
        await scene.runtime.sleep(OVER_MS)
        assert on(await scene.statuses()) == []
        await scene.cluster.heal()
        await scene.until(lambda statuses: SYSTEM.ready(statuses) and len(on(statuses)) == 2)
        assert (await scene.ask("read")).value == 1
        assert (await scene.ask("write", 2)).type == "ok"
        await scene.runtime.sleep(200)
        assert await scene.dumps() == {"n1": 2, "n2": 2}

    scene = play(SYSTEM, scenario, switch="obedient")
    parts = [(fields["switched"], fields["part"]) for _, fields in scene.events("switched-on")]
    last, _ = switched(scene)[-1]  # type: ignore[misc]
    assert parts == [(last, "primary"), ("n1" if last == "n2" else "n2", "standby")]


def test_a_paused_primary_that_comes_to_has_no_current() -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.cluster.pause(["n1"])
        await scene.runtime.sleep(OVER_MS)
        assert await scene.call("n2", "write", 2) == {"value": None}
        await scene.cluster.resume(["n1"])
        assert await scene.call("n1", "read") == {"error": "unavailable"}

    play(SYSTEM, scenario, **NOBODY)


def test_nobody_is_shot_by_hand_before_somebody_comes() -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.cluster.kill(["n1"])
        await scene.runtime.sleep(OVER_MS)
        assert switched(scene) == []
        assert (await scene.ask("read")).type == "fail"
        await scene.until(lambda statuses: SYSTEM.leader(statuses) == "n2")
        assert (await scene.ask("read")).value == 1

    scene = play(SYSTEM, scenario, failover="manual", **{"operator-ms": "3000"})
    assert switched(scene) == [("n1", "n4")]
    assert scene.events("ordered-off") == []


def test_a_node_that_lacks_something_takes_over_nothing() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.cluster.kill(["n2"])
        await scene.runtime.sleep(OVER_MS)
        assert (await scene.ask("write", 7)).node == "n1", "alone"
        await scene.cluster.partition(CUT)
        await scene.cluster.start(["n2"])
        assert await ordered(scene, {"type": "on", "node": "n2", "part": "standby"}) == {"done": True}
        await scene.runtime.sleep(OVER_MS)
        assert await given(scene, "n2", {"type": "promote", "generation": 99}) == {"promoted": False}
        await scene.cluster.kill(["n1"])
        await scene.runtime.sleep(OVER_MS)
        assert on(await scene.statuses()) == ["n1", "n2"], "it orders nobody off"
        await scene.cluster.heal()
        await scene.cluster.start(["n1"])
        await scene.ready()
        assert (await scene.ask("read")).value == 7

    play(SYSTEM, scenario, **NOBODY)


def test_the_switch_makes_nobody_a_second_primary() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.cluster.kill(["n2"])
        await scene.runtime.sleep(OVER_MS)
        assert await ordered(scene, {"type": "on", "node": "n2", "part": "primary"}) == {"done": False}
        assert await ordered(scene, {"type": "on", "node": "n1", "part": "standby"}) == {"done": False}, "it is on"

    play(SYSTEM, scenario, **NOBODY)


@pytest.mark.parametrize("seed", [3, 5])
def test_what_was_under_way_to_a_node_before_it_was_off_does_not_make_it_whole(seed: int) -> None:
    """The primary hears no answer in time and has the standby shot; what it sent before arrives at one that is on
    again, and lacks what the primary acknowledges alone."""

    async def scenario(scene: Scene) -> None:
        await scene.cluster.degrade("slow-link", [("n1", "n2")], {"delay_ms": 300})
        await scene.until(lambda statuses: bool(statuses["n1"]["alone"]))
        await scene.until(lambda statuses: len(on(statuses)) == 2)
        for number in range(20):
            assert await scene.call("n1", "write", number) == {"value": None}
            await scene.runtime.sleep(50)
            statuses = await scene.statuses()
            assert (statuses["n1"]["alone"], statuses["n2"]["whole"]) == (True, False)
        await scene.cluster.kill(["n1"])
        await scene.runtime.sleep(OVER_MS)
        assert "error" in await scene.call("n2", "read")

    play(SYSTEM, scenario, seed=seed)


def test_an_order_to_take_over_that_was_long_under_way_is_too_late() -> None:
    async def scenario(scene: Scene) -> None:
        off = await ordered(scene, {"type": "off", "node": "n2"})
        assert await ordered(scene, {"type": "on", "node": "n2", "part": "standby"}) == {"done": True}
        await scene.runtime.sleep(500)
        assert (await scene.statuses())["n2"]["whole"]
        for _ in range(2):
            late = {"type": "promote", "generation": off["number"]}
            assert await given(scene, "n1", late) == {"promoted": False}, "the other one is on again"
            await scene.cluster.kill(["n1"])
            await scene.cluster.start(["n1"])
            await scene.until(lambda statuses: bool(statuses["n1"]["serving"]))

    play(SYSTEM, scenario, failover="manual", **NOBODY)


def test_an_order_of_a_person_that_was_long_under_way_is_too_late() -> None:
    async def scenario(scene: Scene) -> None:
        seen = await numbers(scene)
        for node in ("n2", "n1"):
            assert (await ordered(scene, {"type": "off", "node": node}))["done"]
        both_off = await numbers(scene)
        assert await ordered(scene, {"type": "on", "node": "n1", "part": "primary"}) == {"done": True}
        assert await ordered(scene, {"type": "on", "node": "n2", "part": "standby"}) == {"done": True}
        assert await given(scene, "n3", {"type": "off", "node": "n1", "seen": seen}) == {"done": False}
        for node in ("n2", "n1"):
            assert (await ordered(scene, {"type": "off", "node": node}))["done"]
        late = {"type": "on", "node": "n2", "part": "primary", "seen": both_off}
        assert await given(scene, "n3", late) == {"done": False}, "n1 has been alone since"

    play(SYSTEM, scenario, failover="manual", **NOBODY)


@pytest.mark.parametrize("failover", ["automatic", "manual"])
def test_who_takes_over_serves_when_what_the_other_acknowledged_is_applied(failover: str) -> None:
    """The standby has it, but was not told that it is acknowledged; and it takes a while to save that it takes over."""

    async def scenario(scene: Scene) -> None:
        assert await scene.call("n1", "write", 1) == {"value": None}
        await scene.runtime.sleep(500)
        writing = scene.runtime.spawn(scene.call("n1", "write", 2), "write")
        while (await scene.statuses())["n2"]["last"] < 3:
            await scene.runtime.sleep(1)
        await scene.cluster.partition({"n2": ["n1"]})
        assert await writing == {"value": None}
        await scene.cluster.kill(["n1"])
        await scene.cluster.disk_slow(["n2"], 60)
        while (read := await scene.call("n2", "read")) != {"value": 2}:
            assert "error" in read
            await scene.runtime.sleep(1)

    play(SYSTEM, scenario, failover=failover, **({} if failover == "manual" else NOBODY))


@pytest.mark.parametrize("slow_ms", [300, 700])
def test_who_shoots_the_other_one_still_knows_after_a_restart_that_it_has_everything(slow_ms: float) -> None:
    """It was told so just before the other one died, and its disk is slow."""

    async def scenario(scene: Scene) -> None:
        await scene.cluster.kill(["n2"])
        await scene.until(lambda statuses: bool(statuses["n1"]["alone"]))
        assert await scene.call("n1", "write", 1) == {"value": None}
        await scene.cluster.start(["n2"])
        await scene.cluster.disk_slow(["n2"], slow_ms)
        await scene.until(lambda statuses: "n2" in on(statuses))
        await scene.until(lambda statuses: not statuses["n1"]["alone"])
        await scene.cluster.kill(["n1"])
        await scene.until(lambda statuses: "n1" not in on(statuses))
        await scene.cluster.power_loss(["n2"], torn=False, reordered=False, keep="none")
        await scene.cluster.disk_slow(["n2"], 0)
        await scene.cluster.start(["n1", "n2"])
        await scene.ready()
        assert (await scene.ask("read")).value == 1

    play(SYSTEM, scenario)


def test_a_crash_of_the_switch_takes_nothing_back_that_it_told() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.cluster.disk_slow(["n3"], 300)
        await scene.cluster.partition(CUT)
        await scene.until(lambda statuses: len(on(statuses)) == 1)
        told = await given(scene, "n3", {"type": "look"})
        await scene.cluster.kill(["n3"])
        await scene.cluster.start(["n3"])
        await scene.runtime.sleep(20)
        assert await given(scene, "n3", {"type": "look"}) == told

    play(SYSTEM, scenario, **NOBODY)


def test_nothing_is_acknowledged_alone_before_a_restart_would_know_about_it() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.cluster.disk_slow(["n1"], 100)
        await scene.cluster.kill(["n2"])
        assert await scene.call("n1", "write", 1) == {"value": None}
        assert [node for node, _ in scene.events("became-leader")] == ["n1", "n1"]

    play(SYSTEM, scenario, **NOBODY)


@pytest.mark.parametrize(("replication", "given", "shown"), [("sync", 2, "B"), ("async", 1, "A")])
def test_a_cache_outlives_an_id(replication: str, given: int, shown: str) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.cluster.partition(CUT)
        if replication == "async":
            assert (await scene.ask("generate", "A")).value == 1
            assert (await scene.ask("look-up", [1, "A"])).value == [1, "A"]
        await scene.cluster.kill(["n1"])
        await scene.runtime.sleep(OVER_MS)
        if replication == "sync":
            assert (await scene.ask("generate", "A")).value == 1
            assert (await scene.ask("look-up", [1, "A"])).value == [1, "A"]
        row = await scene.ask("generate", "B")
        assert (row.value, row.node) == (given, "n2")
        assert (await scene.ask("look-up", [given, "B"])).value == [given, shown]

    play(SYSTEM, scenario, replication=replication, **NOBODY)


def test_what_was_acknowledged_alone_is_undone_when_an_asynchronous_primary_comes_back() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.cluster.partition(CUT)
        assert await scene.call("n1", "write", 1) == {"value": None}
        await scene.cluster.pause(["n1"])
        await scene.runtime.sleep(OVER_MS)
        assert await scene.call("n2", "inc", 5) == {"value": None}
        await scene.cluster.heal()
        await scene.cluster.resume(["n1"])
        await scene.until(lambda statuses: SYSTEM.ready(statuses) and len(on(statuses)) == 2)
        await scene.runtime.sleep(200)
        assert await scene.dumps() == {"n1": 5, "n2": 5}

    scene = play(SYSTEM, scenario, replication="async")
    assert [node for node, _ in scene.events("truncated")] == ["n1"]


def test_a_row_that_is_not_there_and_a_cache_that_is_not_there() -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.ask("look-up", [9, "A"])).value == [9, None]
        assert await scene.call("n5", "read") == {"error": "no-leader"}
        await scene.cluster.kill(["n5"])
        assert (await scene.ask("look-up", [9, "A"])).type == "fail"
        await scene.cluster.start(["n5"])
        await scene.cluster.kill(["n3"])
        await scene.runtime.sleep(OVER_MS)
        lost = await scene.ask("look-up", [9, "A"])
        assert (lost.type, lost.error) == ("fail", "unavailable"), "nobody has current"

    play(SYSTEM, scenario)


def test_a_corrupt_node_takes_no_part() -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.cluster.kill(["n1"])
        assert (await scene.cluster.disk_flip(["n1"], 1, "wal"))["n1"]["flips"]
        await scene.cluster.start(["n1"])
        await scene.runtime.sleep(OVER_MS)
        assert (await scene.statuses())["n1"]["role"] == "corrupt"
        assert (await scene.ask("read")).node == "n2"

    play(SYSTEM, scenario, **NOBODY)


def test_the_words_for_the_harness() -> None:
    primary = {"role": "primary", "serving": True, "whole": True}
    standby = {"role": "standby", "serving": False, "whole": True}
    lacking = {**standby, "whole": False}
    both: Message = {"role": "switch", "on": ["n1", "n2"]}
    assert SYSTEM.leader({"n1": standby, "n2": primary}) == "n2"
    assert SYSTEM.leader({"n1": standby}) is None
    assert SYSTEM.ready({"n1": primary, "n2": standby, "n3": both})
    assert SYSTEM.ready({"n1": primary, "n2": lacking, "n3": {**both, "on": ["n1"]}})
    assert not SYSTEM.ready({"n1": primary, "n2": lacking, "n3": both})
    assert not SYSTEM.ready({"n1": standby, "n2": standby, "n3": both})
    assert not SYSTEM.ready({"n1": primary, "n3": both}), "who knows about the other"
    assert not SYSTEM.ready({"n1": primary, "n2": standby}), "nor whether they are on"
