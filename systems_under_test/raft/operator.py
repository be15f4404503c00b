"""What an operator's order to change the members comes to: it is passed on to the leader, and repeated for a while."""

from __future__ import annotations

from typing import Final

from harness.node import CallError, Env, Message

from systems_under_test.blocks.raft.pending import UNAVAILABLE
from systems_under_test.blocks.raft.replica import Replica

AGAIN_MS: Final = 100.0
CALL_MS: Final = 1000.0


async def change_members(env: Env, replica: Replica, order: Message) -> Message:
    """The reply to {"type": "members", "members": [...], "patience_ms": ...}: {"value": members} when it is done, or
    the last error after so long. An order that another node passed on is not passed on again."""
    deadline_ns = env.clock.monotonic() + round(order["patience_ms"] * 1e6)
    while True:
        reply = await replica.change_members(order["members"])
        leader = reply.get("leader")
        if leader not in (None, env.name) and "passed_on" not in order:
            reply = await _pass_on(env, leader, order)
        done = set(reply.get("value", ())) == set(order["members"])
        if done or "passed_on" in order or env.clock.monotonic() >= deadline_ns:
            return reply
        await env.sleep(AGAIN_MS)


async def _pass_on(env: Env, leader: str, order: Message) -> Message:
    try:
        return await env.call(leader, {**order, "passed_on": True}, CALL_MS)
    except CallError:
        return UNAVAILABLE
