"""Statements about what else a program is given (clocks, randomness, names, signatures, tasks), and what it tells."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

from harness.cluster_faults import ClockFaults, MachineFaults
from harness.node import Message
from tests.harness.conformance.world import BUGS, NODES, OPTIONS, World

HOUR_MS = 3_600_000.0


async def monotonic_time_never_falls(world: World) -> None:
    """It advances by at least what was slept, and not by much more than what passed."""
    began_ns = world.runtime.now()
    readings = (await world.ask("n1", "time", sleeps_ms=[1, 5, 20, 50]))["readings_ns"]
    passed_ms = world.since_ms(began_ns)
    assert all(a <= b for a, b in pairwise(readings))
    assert 75 <= (readings[-1] - readings[0]) / 1e6 <= passed_ms + 1


async def wall_clocks_agree_within_their_bounds(world: World) -> None:
    """Each node states an interval around its reading; those of honest clocks contain the true time, so a reading taken
    between two of another node's must meet theirs."""
    for node in ("n2", "n3"):
        before, between, after = [await world.ask(name, "clocks") for name in ("n1", node, "n1")]
        assert before["earliest_ns"] <= between["latest_ns"]
        assert between["earliest_ns"] <= after["latest_ns"]
        assert between["earliest_ns"] <= between["wall_ns"] <= between["latest_ns"] + 10**9
        assert between["wall_ns"] > 1_600_000_000 * 10**9, "nanoseconds since 1970"


async def a_bent_clock_lies_and_is_true_again(world: World) -> None:
    """A wall clock can be set off, interval and all, in both directions; monotonic time cannot; false readings are
    counted, and the end of it is at once."""
    world.needs("clock")
    cluster = cast(ClockFaults, world.cluster)
    for offset_ms in (HOUR_MS, -HOUR_MS):
        before = await world.ask("n2", "clocks")
        await cluster.clock_bend(["n2"], "jump", {"offset_ms": offset_ms})
        bent = await world.ask("n2", "clocks")
        assert abs((bent["wall_ns"] - before["wall_ns"]) / 1e6 - offset_ms) < 5000
        assert 0 <= bent["monotonic_ns"] - before["monotonic_ns"] < 5 * 10**9
        assert bent["earliest_ns"] <= bent["wall_ns"]
        assert (await world.cluster.observe()).met["n2"]["clock"] > 0
        await cluster.clock_unbend(["n2"])
        after = await world.ask("n2", "clocks")
        assert 0 <= after["wall_ns"] - before["wall_ns"] < 5 * 10**9
    await wall_clocks_agree_within_their_bounds(world)


async def random_streams_repeat(world: World) -> None:
    """The same stream gives the same draws, from its beginning, however often it is asked for; another stream, another
    node or another incarnation gives others."""
    told = (await world.ask("n1", "draws"))["draws"]
    again = (await world.ask("n1", "draws"))["draws"]
    other = (await world.ask("n2", "draws"))["draws"]
    assert told[0] == told[1]
    assert again == told
    await world.restart("n1")
    reborn = (await world.ask("n1", "draws"))["draws"]
    distinct = [tuple(draws) for draws in (told[0], told[2], other[0], other[2], reborn[0], reborn[2])]
    assert len(set(distinct)) == 6
    assert all(len(set(draws)) == 3 for draws in distinct)


async def a_program_knows_where_it_is(world: World) -> None:
    """Its name and role, all nodes in one fixed order, its peers, the plan's options, and the bugs that are planted."""
    for node in NODES:
        about = await world.ask(node, "about")
        assert about["name"] == node
        assert about["nodes"] == list(NODES)
        assert about["peers"] == [name for name in NODES if name != node]
        assert about["options"] == OPTIONS
        assert about["bugs"] == [name in BUGS for name in ("planted", "other")]
    assert world.cluster.nodes == NODES
    assert world.cluster.roles == dict.fromkeys(NODES, about["role"])


async def a_program_knows_its_build(world: World) -> None:
    """Every node begins with the old build; after an exchange the program is told the one that its status says, and no
    other node's has changed; and so on the way back."""
    world.needs("upgrade")
    machines = cast(MachineFaults, world.cluster)
    for build, others in (("new", "old"), ("old", "old")):
        await machines.stop(["n2"])
        await machines.install(["n2"], build)
        await world.cluster.start(["n2"])
        assert (await world.ask("n2", "about"))["build"] == build
        status = await world.cluster.status("n2")
        assert status is not None
        assert status["build"] == build
        assert [(await world.ask(node, "about"))["build"] for node in ("n1", "n3")] == [others, others]


async def signatures_are_a_nodes_own(world: World) -> None:
    """Every node can verify a signature, and only for the node and the message it was made by and for."""
    code = (await world.ask("n2", "sign", text="message"))["code"]
    for node in NODES:
        assert (await world.ask(node, "verify", text="message", code=code))["valid"] == ["n2"]
        assert (await world.ask(node, "verify", text="massage", code=code))["valid"] == []
    await world.restart("n2")
    assert (await world.ask("n2", "sign", text="message"))["code"] == code


async def cancelling_one_waiter_leaves_the_other(world: World) -> None:
    """Two tasks wait for one future: cancelling one ends it where it stands, and the other still gets the value. What
    is done can be awaited again."""
    told = await world.ask("n1", "wait")
    assert told == {"got": 7, "again": [7, 7], "trail": ["first ends", "second ends"], "done": True}


async def what_a_program_tells_is_fetched(world: World) -> None:
    """Events carry name, node, incarnation, both clocks and fields, in the order told, through restarts; the log has
    its lines."""
    first = await world.incarnation("n1")
    await world.ask("n1", "tell", value=1, token=world.token)
    await world.restart("n1")
    await world.ask("n1", "tell", value=2, token=world.token)
    events = [event for event in await world.events("n1") if event["name"] in ("start", "told")][-4:]
    events = events[1:] if events[0]["name"] == "start" else events[-3:]
    assert [(event["name"], event["incarnation"]) for event in events] == [
        ("told", first), ("start", first + 1), ("told", first + 1),
    ]  # fmt: skip
    assert [event["fields"]["value"] for event in (events[0], events[2])] == [1, 2]
    assert all(event["node"] == "n1" for event in events)
    assert events[0]["time_wall_ns"] < events[2]["time_wall_ns"]
    assert events[1]["time_monotonic_ns"] <= events[2]["time_monotonic_ns"]
    assert "told 2" in (world.folder / "n1" / "node.log").read_text()


async def counters_and_gauges_are_read_at_any_time(world: World) -> None:
    """``count`` and failpoints add up within an incarnation, ``gauge`` has the last value; ``status`` is the program's
    own."""
    before = await world.counter("n1", "told"), await world.counter("n1", "failpoint.telling")
    for value in (1, 7.5):
        await world.ask("n1", "tell", value=value)
    assert await world.counter("n1", "told") == before[0] + 4
    assert await world.counter("n1", "failpoint.telling") == before[1] + 2
    status = await _status(world, "n1")
    assert status["gauges"]["value"] == 7.5
    assert status["serving"]
    assert set(status["program"]) == {"leader", "notes", "ticks"}
    await world.restart("n1")
    assert await world.counter("n1", "told") == 0


async def _status(world: World, node: str) -> Message:
    status = await world.cluster.status(node)
    assert status is not None
    return status


STATEMENTS = (
    monotonic_time_never_falls,
    wall_clocks_agree_within_their_bounds,
    a_bent_clock_lies_and_is_true_again,
    random_streams_repeat,
    a_program_knows_where_it_is,
    a_program_knows_its_build,
    signatures_are_a_nodes_own,
    cancelling_one_waiter_leaves_the_other,
    what_a_program_tells_is_fetched,
    counters_and_gauges_are_read_at_any_time,
)
