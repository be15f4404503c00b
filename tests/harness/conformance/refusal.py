"""Statements about calls that bring no reply: what a caller may conclude, and when it is told."""

from __future__ import annotations

from tests.harness.conformance.world import World


async def a_node_that_is_down_refuses(world: World) -> None:
    """Callers of a dead process learn it at once, and soon with certainty (Refused); they never wait in vain."""
    before = await world.counter("n1", "net.refused")
    await world.cluster.kill(["n2"])

    async def refused_by_client() -> bool:
        return _certain(await world.outcome("n2", "echo"))

    async def refused_by_node() -> bool:
        told = await world.between("n1", "n2", "echo", timeout_ms=5000)
        assert told["took_ms"] < 2000
        return _certain(told.get("error", "reply"))

    await world.eventually(refused_by_client, 2000)
    await world.eventually(refused_by_node, 2000)
    for _ in range(3):
        assert await refused_by_client()
        assert await refused_by_node()
    assert await world.counter("n1", "net.refused") >= before + 3, "refusals are counted where they are met"


def _certain(outcome: str) -> bool:
    assert outcome in ("Refused", "Closed"), f"a dead process gave {outcome}"
    return outcome == "Refused"


async def a_node_that_is_killed_while_it_handles_closes(world: World) -> None:
    """Whoever waits for its reply learns at once that none will come, and not whether it was handled (Closed)."""
    by_client = world.begin(world.outcome("n2", "sleep", ms=8000, timeout_ms=9000))
    by_node = world.begin(world.between("n1", "n2", "sleep", ms=8000, timeout_ms=9000))
    await world.runtime.sleep(200)
    began_ns = world.runtime.now()
    await world.cluster.kill(["n2"])
    assert await by_client == "Closed"
    assert (await by_node)["error"] == "Closed"
    assert world.since_ms(began_ns) < 4000


async def silence_is_a_timeout(world: World) -> None:
    """A handler that returns None sends no reply: the caller gets Timeout, when its time is over and not before."""
    before, began_ns = await world.counter("n1", "net.timeout"), world.runtime.now()
    assert await world.outcome("n1", "silence", timeout_ms=300) == "Timeout"
    assert 299 <= world.since_ms(began_ns) < 300 + world.slack_ms
    told = await world.between("n1", "n2", "silence", timeout_ms=300)
    assert told["error"] == "Timeout"
    assert 299 <= told["took_ms"] < 300 + world.slack_ms
    assert await world.counter("n1", "net.timeout") == before + 1


async def a_paused_node_is_silent_and_handles_later(world: World) -> None:
    """A stopped process refuses nothing: its callers run into their timeouts. What they sent it handles when it goes
    on, in the order of sending; nobody waits for those replies any more."""
    world.needs("pause")
    await world.cluster.pause(["n2"])
    assert await world.outcome("n2", "note", timeout_ms=300, value="client") == "Timeout"
    told = await world.between("n1", "n2", "note", timeout_ms=300, value="node")
    assert told["error"] == "Timeout"
    assert await world.cluster.status("n2", timeout_ms=200) is None
    await world.ask("n1", "send", to="n2", values=list(range(50)))
    await world.cluster.resume(["n2"])
    await world.eventually(lambda: _all_noted(world))
    notes = await world.notes("n2")
    assert [note for note in notes if note[0] == "n1"] == [["n1", value] for value in ("node", *range(50))]
    assert ["c0", "client"] in notes


async def _all_noted(world: World) -> bool:
    return len(await world.notes("n2")) == 52


async def a_late_reply_goes_nowhere(world: World) -> None:
    """A reply that comes after its caller's timeout is dropped, and never taken for the reply of another call."""
    assert await world.outcome("n1", "sleep", ms=250, timeout_ms=100) == "Timeout"
    began_ns = world.runtime.now()
    number = 0
    while world.since_ms(began_ns) < 500:
        assert (await world.ask("n1", "echo", number=number))["echo"]["number"] == number
        await world.runtime.sleep(10)
        number += 1


async def a_clients_timeout_is_its_own(world: World) -> None:
    """Each call ends by its own timeout, many at once, however long the others wait."""
    began_ns = world.runtime.now()
    long = world.begin(world.outcome("n1", "sleep", ms=900, timeout_ms=5000))
    short = [world.begin(world.outcome("n1", "silence", timeout_ms=ms)) for ms in (300, 100, 200)]
    assert [await task for task in short] == ["Timeout"] * 3
    assert world.since_ms(began_ns) < 300 + world.slack_ms
    assert await long == "reply"


async def a_quorum_yields_replies_as_they_come(world: World) -> None:
    """``quorum`` asks all at once and gives replies and errors as they come; who is satisfied stops, and is not held up
    by the slowest, whose call goes on without it."""
    world.needs("pause")
    await world.cluster.pause(["n3"])
    began_ns = world.runtime.now()
    asked = {"type": "note", "value": "quorum"}
    told = await world.ask("n1", "quorum", peers=["n3", "n2", "n1"], message=asked, within_ms=4000, needed=2)
    assert sorted(told["replies"]) == [["n1", "reply"], ["n2", "reply"]]
    assert world.since_ms(began_ns) < 2000
    await world.cluster.resume(["n3"])
    await world.eventually(lambda: _noted(world, "n3"))


async def _noted(world: World, node: str) -> bool:
    return await world.notes(node) == [["n1", "quorum"]]


async def a_quorum_yields_errors_too(world: World) -> None:
    """Every peer asked gives one entry, reply or error, also when some are down or silent; none asked, none given."""
    await world.cluster.kill(["n3"])
    await world.eventually(lambda: _refused(world))
    told = await world.ask("n1", "quorum", peers=["n3", "n2"], message={"type": "echo"}, within_ms=1000, needed=9)
    assert sorted(told["replies"]) == [["n2", "reply"], ["n3", "Refused"]]
    told = await world.ask("n1", "quorum", peers=["n2", "n2"], message={"type": "silence"}, within_ms=200, needed=9)
    assert told["replies"] == [["n2", "Timeout"]] * 2
    told = await world.ask("n1", "quorum", peers=[], message={"type": "echo"}, within_ms=1000, needed=9)
    assert told["replies"] == []


async def _refused(world: World) -> bool:
    return (await world.between("n1", "n3", "echo")).get("error") == "Refused"


STATEMENTS = (
    a_node_that_is_down_refuses,
    a_node_that_is_killed_while_it_handles_closes,
    silence_is_a_timeout,
    a_paused_node_is_silent_and_handles_later,
    a_late_reply_goes_nowhere,
    a_clients_timeout_is_its_own,
    a_quorum_yields_replies_as_they_come,
    a_quorum_yields_errors_too,
)
