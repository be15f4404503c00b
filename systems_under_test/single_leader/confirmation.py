"""Whether a node still leads: it asks a majority, after the read arrived
(Kleppmann, "Designing Data-Intensive Applications", ch. 9, "Implementing linearizable storage using total order
broadcast").

A later leader's majority would have a member in common with it, who knows better.
"""

from __future__ import annotations

from typing import Final

from harness.node import CallError, Env

from systems_under_test.blocks.quorum import Tally

CONFIRM_MS: Final = 300


async def confirmed(env: Env, generation: int) -> bool:
    """Whether a majority of the nodes follows this node in that generation, asked from now on."""
    tally = Tally(env.nodes)
    if tally.add(env.name):
        return True
    async for peer, reply in env.quorum(env.peers, {"type": "confirm", "generation": generation}, CONFIRM_MS):
        if not isinstance(reply, CallError) and reply["follows"] and tally.add(peer):
            return True
    return False
