"""Statements about broken networks: what a cut stops and what not, how it heals, what worse links do to messages."""

from __future__ import annotations

from typing import cast

from harness.cluster_faults import LinkFaults
from tests.harness.conformance.world import World

HEALED_MS_MAX = 2000.0
APART = {"n1": ["n2"], "n2": ["n1"]}


async def a_cut_gives_no_reply(world: World) -> None:
    """Between nodes that do not hear each other a call ends in Timeout or Refused, when its time is over, and is never
    answered; others hear them both, and clients reach every node."""
    world.needs("partition")
    before = (await world.cluster.observe()).dropped
    await world.cluster.partition(APART)
    for caller, to in (("n1", "n2"), ("n2", "n1")):
        told = await world.between(caller, to, "echo", timeout_ms=300)
        assert told["error"] in ("Timeout", "Refused")
        assert told["took_ms"] >= 299, "nobody says at once that a message was dropped"
    for caller, to in (("n1", "n3"), ("n3", "n1"), ("n2", "n3"), ("n3", "n2")):
        assert await world.reaches(caller, to)
    after = (await world.cluster.observe()).dropped
    assert after["n1"] > before.get("n1", 0)
    assert after["n2"] > before.get("n2", 0)
    assert after.get("n3", 0) == before.get("n3", 0), "drops are counted where they happen"


async def a_heal_brings_them_back(world: World) -> None:
    """Within 2 s of the heal calls are answered again, over old connections or new ones; and nothing is dropped."""
    world.needs("partition")
    await world.cluster.partition(APART)
    for _ in range(3):
        assert not await world.reaches("n1", "n2")
    await world.cluster.heal()
    await world.eventually(lambda: world.reaches("n1", "n2"), HEALED_MS_MAX)
    await world.eventually(lambda: world.reaches("n2", "n1"), HEALED_MS_MAX)
    before = (await world.cluster.observe()).dropped
    assert await world.reaches("n1", "n2")
    assert (await world.cluster.observe()).dropped == before


async def a_cut_is_directed(world: World) -> None:
    """A node that drops what another sends is still heard by it: what it sends over a connection that stands arrives,
    though no answer comes back."""
    world.needs("partition")
    await world.cluster.partition({"n1": ["n2"]})
    await world.ask("n2", "send", to="n1", values=["unheard"])
    told = await world.between("n1", "n2", "note", timeout_ms=300, value="heard")
    assert told["error"] in ("Timeout", "Refused")
    await world.eventually(lambda: _heard(world))
    assert await world.notes("n1") == []


async def _heard(world: World) -> bool:
    return await world.notes("n2") == [["n1", "heard"]]


async def a_partition_replaces_the_one_before(world: World) -> None:
    """Only the last one is in force; an empty one is none."""
    world.needs("partition")
    await world.cluster.partition(APART)
    await world.cluster.partition({"n3": ["n1"], "n1": ["n3"]})
    await world.eventually(lambda: world.reaches("n1", "n2"), HEALED_MS_MAX)
    assert not await world.reaches("n1", "n3")
    await world.cluster.partition({})
    await world.eventually(lambda: world.reaches("n1", "n3"), HEALED_MS_MAX)


async def clients_can_be_cut_off(world: World) -> None:
    """A node that drops what clients send answers none of them, and goes on hearing the other nodes."""
    world.needs("partition")
    await world.cluster.partition({"n2": ["clients"]})
    for client in (0, 1):
        assert await world.outcome("n2", "echo", timeout_ms=300, client=client) in ("Timeout", "Refused")
    assert await world.reaches("n1", "n2")
    await world.cluster.heal()
    await world.eventually(lambda: _answers(world, "n2"), HEALED_MS_MAX)


async def _answers(world: World, node: str) -> bool:
    return await world.outcome(node, "echo", timeout_ms=400) == "reply"


async def a_delay_holds_messages_up_in_order(world: World) -> None:
    """Messages on a delayed link take that much longer and keep their order, jitter or not; other links are as fast as
    before, and so is this one once it is restored."""
    world.needs("delay")
    cluster = cast(LinkFaults, world.cluster)
    for kind in ("delay", "slow-link"):
        await cluster.degrade(kind, [("n1", "n2")], {"delay_ms": 250, "jitter_ms": 0})
        assert await _took_ms(world, "n1", "n2") >= 249
        assert await _took_ms(world, "n1", "n3") < 200
        await cluster.degrade(kind, [("n1", "n2")], {"delay_ms": 100, "jitter_ms": 90})
        await world.ask("n1", "send", to="n2", values=list(range(50)))
        await world.eventually(lambda: _count(world, 50))
        assert await world.values("n2") == list(range(50))
        await _touched(world, kind, 2)  # a packet may carry several messages
        await cluster.restore(kind)
        assert await _took_ms(world, "n1", "n2") < 200
        await world.ask("n2", "reset")


async def a_loss_loses_messages(world: World) -> None:
    """On a link that loses every message nothing arrives, in its direction; restored, everything does."""
    world.needs("loss")
    cluster = cast(LinkFaults, world.cluster)
    await cluster.degrade("loss", [("n1", "n2")], {"probability": 1.0})
    told = await world.between("n1", "n2", "note", timeout_ms=300, value="lost")
    assert told["error"] in ("Timeout", "Refused")
    assert await world.reaches("n1", "n3")
    assert await world.notes("n2") == []
    await _touched(world, "loss", 1)
    await cluster.restore("loss")
    await world.eventually(lambda: world.reaches("n1", "n2"), HEALED_MS_MAX)


async def a_corrupted_message_does_not_arrive(world: World) -> None:
    """On a link that spoils every message nothing arrives, in its direction, and nothing is taken for another message;
    restored, everything does."""
    world.needs("corrupt")
    cluster = cast(LinkFaults, world.cluster)
    await cluster.degrade("corrupt", [("n1", "n2")], {"probability": 1.0})
    told = await world.between("n1", "n2", "note", timeout_ms=300, value="spoiled")
    assert told["error"] in ("Timeout", "Refused")
    assert await world.reaches("n1", "n3")
    assert await world.notes("n2") == []
    await _touched(world, "corrupt", 1)
    await cluster.restore("corrupt")
    await world.eventually(lambda: world.reaches("n1", "n2"), HEALED_MS_MAX)


async def messages_wait_before_a_narrow_link(world: World) -> None:
    """And in order; other links are as wide as before, and so is this one once it is restored."""
    world.needs("bandwidth")
    cluster = cast(LinkFaults, world.cluster)
    await cluster.degrade("bandwidth", [("n1", "n2")], {"rate_kbit_s": 16})
    assert await _took_ms(world, "n1", "n2") >= 40, "a hundred bytes, with what TCP and IP add to them"
    assert await _took_ms(world, "n1", "n3") < 200
    await world.ask("n1", "send", to="n2", values=list(range(5)))
    await world.eventually(lambda: _count(world, 5))
    assert await world.values("n2") == list(range(5))
    await _touched(world, "bandwidth", 2)
    await cluster.restore("bandwidth")
    await world.eventually(lambda: _is_fast(world), HEALED_MS_MAX)


async def _is_fast(world: World) -> bool:
    return await _took_ms(world, "n1", "n2") < 40


async def a_duplicate_arrives_twice(world: World) -> None:
    """On a link that doubles every message each arrives, and, unless the transport hides it, more than once; a call
    still has one reply."""
    world.needs("duplicate")
    cluster = cast(LinkFaults, world.cluster)
    await cluster.degrade("duplicate", [("n1", "n2"), ("n2", "n1")], {"probability": 1.0})
    await world.ask("n1", "send", to="n2", values=list(range(20)))
    told = await world.between("n1", "n2", "echo", n=1)
    assert told["reply"]["echo"]["n"] == 1
    await world.eventually(lambda: _count(world, 20))
    await world.settle()
    values = await world.values("n2")
    assert sorted(set(values)) == list(range(20))
    assert len(values) == (20 if "duplicate" in world.absorbed else 40)
    await _touched(world, "duplicate", 21)


async def a_call_ends_with_the_process_though_a_copy_of_it_was_dropped(world: World) -> None:
    """The caller waits for the other copy, and is told at once when that can have no answer any more."""
    world.needs("duplicate")
    cluster = cast(LinkFaults, world.cluster)
    await cluster.degrade("duplicate", [("n1", "n2")], {"probability": 1.0})
    under_way = world.begin(world.between("n1", "n2", "once", sleep_ms=60_000, timeout_ms=30_000))
    await world.settle()
    await world.cluster.kill(["n2"])
    assert (await under_way)["error"] == "Closed"
    await world.cluster.start(["n2"])


async def a_reordered_message_is_overtaken(world: World) -> None:
    """On a link that holds messages back all arrive, and, unless the transport hides it, not in their order."""
    world.needs("reorder")
    cluster = cast(LinkFaults, world.cluster)
    await cluster.degrade("reorder", [("n1", "n2")], {"probability": 0.5, "delay_ms": 100})
    await world.ask("n1", "send", to="n2", values=list(range(50)))
    await world.eventually(lambda: _count(world, 50))
    values = await world.values("n2")
    assert sorted(values) == list(range(50))
    assert (values == sorted(values)) is ("reorder" in world.absorbed)
    await _touched(world, "reorder", 10)


async def a_slow_node_answers_late(world: World) -> None:
    """Each message waits before a slow node takes it up, whoever sent it, and none overtakes another; others are as
    fast as before, and so is the node once it is no longer slow."""
    world.needs("slow-node")
    cluster = cast(LinkFaults, world.cluster)
    await cluster.slow(["n2"], 2.0, 250)
    assert await _took_ms(world, "n1", "n2") >= 249
    assert await _took_ms(world, "n1", "n3") < 200
    began_ns = world.runtime.now()
    await world.ask("n2", "echo")
    assert world.since_ms(began_ns) >= 249
    await world.ask("n1", "send", to="n2", values=list(range(50)))
    await world.eventually(lambda: _count(world, 50))
    assert await world.values("n2") == list(range(50))
    await _touched(world, "slow-node", 52)
    await cluster.unslow()
    assert await _took_ms(world, "n1", "n2") < 200


async def _took_ms(world: World, caller: str, to: str) -> float:
    told = await world.between(caller, to, "echo", n=1)
    assert "reply" in told
    took_ms: float = told["took_ms"]
    return took_ms


async def _touched(world: World, fault: str, times: int) -> None:
    """n2's work met the fault so often at least, by our own count."""
    assert (await world.cluster.observe()).met["n2"][fault] >= times


async def _count(world: World, count: int) -> bool:
    return len(await world.notes("n2")) >= count


STATEMENTS = (
    a_cut_gives_no_reply,
    a_heal_brings_them_back,
    a_cut_is_directed,
    a_partition_replaces_the_one_before,
    clients_can_be_cut_off,
    a_delay_holds_messages_up_in_order,
    a_loss_loses_messages,
    a_corrupted_message_does_not_arrive,
    messages_wait_before_a_narrow_link,
    a_duplicate_arrives_twice,
    a_call_ends_with_the_process_though_a_copy_of_it_was_dropped,
    a_reordered_message_is_overtaken,
    a_slow_node_answers_late,
)
