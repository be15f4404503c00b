"""Statements about messages: what arrives, from whom, in which order, and what is no message."""

from __future__ import annotations

from typing import Any

from harness.node.wire import BODY_BYTES_MAX
from tests.harness.conformance.world import World

ODD = {"bytes": "TypeError", "set": "TypeError", "object": "TypeError", "not a number": "ValueError",
       "list": "TypeError"}  # fmt: skip


async def a_call_brings_the_reply_and_names_its_source(world: World) -> None:
    """A call's reply is what ``handle`` returned; the source is the caller's own name, node or client, and a node may
    call itself."""
    asked = {"type": "echo", "n": 1}
    assert (await world.ask("n1", "echo", n=1)) == {"source": "c0", "echo": asked}
    assert (await world.ask("n1", "echo", client=2, n=1)) == {"source": "c2", "echo": asked}
    for caller in ("n1", "n3"):
        told = await world.between(caller, "n3", "echo", n=1)
        assert told["reply"] == {"source": caller, "echo": asked}


async def a_send_arrives_once_and_brings_no_reply(world: World) -> None:
    """A datagram reaches ``handle`` under the sender's name; what ``handle`` returns is dropped."""
    await world.ask("n1", "send", to="n2", values=["x"])
    await world.eventually(lambda: _has(world, "n2", 1))
    await world.settle()
    assert await world.notes("n2") == [["n1", "x"]]
    assert await world.notes("n1") == []


async def two_nodes_keep_their_order(world: World) -> None:
    """While nothing is broken, what one node sends to another arrives, complete and in the order of sending."""
    for batch in range(3):
        await world.ask("n1", "send", to="n2", values=list(range(100 * batch, 100 * batch + 100)))
    await world.eventually(lambda: _has(world, "n2", 300))
    assert await world.values("n2") == list(range(300))


async def handlers_may_overtake(world: World) -> None:
    """Handlers begin in the order of delivery; one that waits holds up no other, and replies may overtake."""
    slow = world.begin(world.ask("n1", "sleep", ms=900))
    await world.runtime.sleep(50)
    began_ns = world.runtime.now()
    await world.ask("n1", "echo")
    assert world.since_ms(began_ns) < 700
    assert not slow.done()
    assert await slow == {"slept": 900}


async def what_json_holds_survives(world: World) -> None:
    """Whatever JSON holds arrives equal: fields that nobody knows, nesting, Unicode, large numbers, nothing at all."""
    message: dict[str, Any] = {
        "unknown": {"a": [1, -2.5, 1e300, None, True, {"": []}], "ä\n\u2028☃": "𝄞"},
        "big": 2**70,
        "no": "",
    }
    assert (await world.ask("n1", "echo", **message))["echo"] == {"type": "echo", **message}
    told = await world.between("n1", "n2", "echo", **message)
    assert told["reply"]["echo"] == {"type": "echo", **message}


async def tuples_become_lists(world: World) -> None:
    """A message is JSON: a tuple arrives as a list, in a call and in a reply."""
    told = await world.ask("n1", "tuple", to="n2")
    assert told["reply"] == {"pair": [1, [2, 3]], "kinds": ["list", "list", "list"]}


async def what_is_no_json_is_refused(world: World) -> None:
    """Sending or calling with what JSON does not hold raises TypeError (ValueError for what is no number), at once, and
    so does a node that is none; nothing is sent."""
    told = await world.ask("n1", "odd", to="n2")
    assert told["send"] == ODD
    assert told["call"] == ODD
    assert told["nobody"] == ["ValueError", "ValueError"]
    await world.settle()
    assert await world.notes("n2") == []


async def what_is_too_large_is_not_sent(world: World) -> None:
    """Past the bound a call is Refused, and a datagram dropped and counted; the sender goes on."""
    before = await world.counter("n1", "net.dropped_size")
    told = await world.ask("n1", "large", to="n2", bytes=BODY_BYTES_MAX)
    assert told["error"] == "Refused"
    assert await world.counter("n1", "net.dropped_size") == before + 1
    assert await world.outcome("n1", "note", value="x" * BODY_BYTES_MAX) == "Refused"
    await world.settle()
    assert await world.notes("n2") == []


async def a_reply_that_is_too_large_ends_the_call(world: World) -> None:
    """Its caller gets Closed, soon: the message was handled, and no answer will come."""
    began_ns = world.runtime.now()
    assert await world.outcome("n1", "large-reply", bytes=BODY_BYTES_MAX) == "Closed"
    assert world.since_ms(began_ns) < 4000
    assert await world.outcome("n1", "echo") == "reply"


async def a_reply_that_is_no_json_stops_the_node(world: World) -> None:
    """It is an error of the program, and ends it like any other."""
    assert await world.outcome("n1", "odd-reply") in ("Closed", "Timeout")
    await world.eventually(lambda: _is_down(world, "n1"))
    assert (await world.events("n1"))[-1]["name"] == "crash"


async def _is_down(world: World, node: str) -> bool:
    return await world.cluster.status(node) is None


async def _has(world: World, node: str, count: int) -> bool:
    return len(await world.notes(node)) >= count


STATEMENTS = (
    a_call_brings_the_reply_and_names_its_source,
    a_send_arrives_once_and_brings_no_reply,
    two_nodes_keep_their_order,
    handlers_may_overtake,
    what_json_holds_survives,
    tuples_become_lists,
    what_is_no_json_is_refused,
    what_is_too_large_is_not_sent,
    a_reply_that_is_too_large_ends_the_call,
    a_reply_that_is_no_json_stops_the_node,
)
