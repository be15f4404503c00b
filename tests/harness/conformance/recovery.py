"""Statements about the life of a process: what a kill takes, what a restart finds, what the dead cannot do."""

from __future__ import annotations

from tests.harness.conformance.world import World


async def a_restart_is_a_new_incarnation_without_memory(world: World) -> None:
    """After a kill and a start the incarnation is one higher, its memory is empty, and its counters begin again."""
    await world.ask("n1", "note", value="before")
    before = await world.incarnation("n1")
    await world.restart("n1")
    assert await world.incarnation("n1") == before + 1
    assert await world.notes("n1") == []
    observation = await world.cluster.observe()
    assert observation.incarnations["n1"] == before + 1
    assert observation.counters["n1"]["net.received"] < 10
    assert await world.incarnation("n2") == observation.incarnations["n2"], "others are as they were"


async def what_was_written_survives_a_kill(world: World) -> None:
    """A kill takes the process and not the machine: what it wrote is there, synced or not."""
    await world.ask("n1", "write", file="kept/synced", data="1", sync=True, sync_dir=True)
    await world.ask("n1", "write", file="kept/written", data="2")
    await world.restart("n1")
    assert await world.data("n1", "kept/synced") == "1"
    assert await world.data("n1", "kept/written") == "2"


async def the_dead_do_nothing(world: World) -> None:
    """A program that was killed in the middle of something leaves no trace of what would have come next: no message, no
    write, no event."""
    for kind in ("linger", "haunt"):
        task = world.begin(world.outcome("n1", kind, ms=300, to="n2", token=world.token))
        await world.runtime.sleep(100)
        await world.restart("n1")
        assert await task == "Closed"
    await world.runtime.sleep(300)
    await world.settle()
    assert await world.notes("n2") == []
    assert await world.data("n1", "trace") is None
    assert not await _told(world)


async def the_living_go_on(world: World) -> None:
    """The same program, left alone, leaves all of those traces."""
    await world.ask("n1", "linger", ms=50, to="n2", token=world.token)
    await world.eventually(lambda: _noted(world, "n2", "n1"))
    assert await world.data("n1", "trace") == "late"
    assert await _told(world)


async def _told(world: World) -> bool:
    return world.token in [event["fields"].get("token") for event in await world.events("n1")]


async def _noted(world: World, node: str, sender: str) -> bool:
    return await world.notes(node) == [[sender, "late"]]


async def what_waits_for_a_process_dies_with_it(world: World) -> None:
    """Messages that a stopped process has not taken up end with it: the next incarnation never sees them, and whoever
    called learns at once that there will be no reply."""
    world.needs("pause")
    await world.cluster.pause(["n2"])
    await world.ask("n1", "send", to="n2", values=["old"])
    task = world.begin(world.outcome("n2", "note", value="older", timeout_ms=9000))
    await world.runtime.sleep(200)
    began_ns = world.runtime.now()
    await world.restart("n2")
    assert await task == "Closed"
    assert world.since_ms(began_ns) < 4000
    await world.settle()
    assert await world.notes("n2") == []


async def what_was_asked_outlives_who_asked(world: World) -> None:
    """A handler goes on when its caller has died or given up; its reply goes nowhere."""
    asked = {"type": "linger", "ms": 500, "to": "n3", "token": world.token}
    task = world.begin(world.outcome("n1", "call", to="n2", message=asked, within_ms=9000))
    await world.runtime.sleep(100)
    await world.restart("n1")
    assert await task == "Closed"
    await world.eventually(lambda: _noted(world, "n3", "n2"))
    assert await world.data("n2", "trace") == "late"
    assert await world.outcome("n1", "echo") == "reply"


async def a_pause_stops_in_mid_step(world: World) -> None:
    """A paused process does nothing; resumed, it goes on where it was, as the same incarnation, with its memory."""
    world.needs("pause")
    await world.ask("n1", "note", value="before")
    incarnation = await world.incarnation("n1")
    before, began_ns = (await world.ask("n1", "recall"))["ticks"], world.runtime.now()
    await world.cluster.pause(["n1"])
    await world.runtime.sleep(600)
    await world.cluster.resume(["n1"])
    after = (await world.ask("n1", "recall"))["ticks"]
    assert after - before <= (world.since_ms(began_ns) - 600) / 10 + 3
    assert await world.incarnation("n1") == incarnation
    assert await world.values("n1") == ["before"]
    await world.eventually(lambda: _ticks_beyond(world, after))


async def _ticks_beyond(world: World, ticks: int) -> bool:
    told: int = (await world.ask("n1", "recall"))["ticks"]
    return told > ticks


async def verbs_may_be_repeated(world: World) -> None:
    """Starting what runs, and killing, pausing or resuming what does not, changes nothing; a paused process can be
    killed."""
    world.needs("pause")
    cluster = world.cluster
    before = await world.incarnation("n1")
    await cluster.start(["n1"])
    await cluster.resume(["n1"])
    assert await world.incarnation("n1") == before
    for verb in (cluster.pause, cluster.pause, cluster.kill, cluster.kill, cluster.pause, cluster.resume):
        await verb(["n1"])
    assert await cluster.status("n1") is None
    assert "n1" in (await cluster.observe()).unanswered
    await cluster.start(["n1"])
    assert await world.incarnation("n1") == before + 1


async def a_failed_assertion_stops_the_node(world: World) -> None:
    """An assertion that a handler lets through ends its node, told as ``assertion``; its callers get Closed, the others
    go on, and a start brings it back."""
    await _stopped(world, "assertion")


async def an_error_stops_the_node(world: World) -> None:
    """So does any other error, told as ``crash``."""
    await _stopped(world, "crash", otherwise=True)


async def _stopped(world: World, event: str, **fields: bool) -> None:
    incarnation = await world.incarnation("n2")
    assert await world.outcome("n2", "fail", **fields) in ("Closed", "Timeout")
    await world.eventually(lambda: _is_down(world))
    last = (await world.events("n2"))[-1]
    assert (last["name"], last["incarnation"]) == (event, incarnation)
    assert "asked to fail" in last["fields"]["error"]
    assert last["fields"]["where"]
    assert await world.outcome("n1", "echo") == "reply"
    await world.restart("n2")
    assert await world.incarnation("n2") == incarnation + 1


async def _is_down(world: World) -> bool:
    return await world.cluster.status("n2") is None


async def a_task_that_fails_alone_stops_the_node(world: World) -> None:
    """The error of a spawned task goes to whoever awaits it; if nobody does, it ends the node."""
    assert await world.ask("n2", "fail-task", awaited=True) == {"caught": "asked to fail in a task"}
    await world.settle()
    assert await world.outcome("n2", "echo") == "reply"
    assert await world.ask("n2", "fail-task") == {}
    await world.eventually(lambda: _is_down(world))
    assert (await world.events("n2"))[-1]["name"] == "crash"


STATEMENTS = (
    a_restart_is_a_new_incarnation_without_memory,
    what_was_written_survives_a_kill,
    the_dead_do_nothing,
    the_living_go_on,
    what_waits_for_a_process_dies_with_it,
    what_was_asked_outlives_who_asked,
    a_pause_stops_in_mid_step,
    verbs_may_be_repeated,
    a_failed_assertion_stops_the_node,
    an_error_stops_the_node,
    a_task_that_fails_alone_stops_the_node,
)
