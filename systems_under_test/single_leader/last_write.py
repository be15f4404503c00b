"""Where each user's last write is, so that all devices of a user know: ``shared-position``
(Kleppmann, "Designing Data-Intensive Applications", ch. 5, "Reading Your Own Writes": "This metadata will need to be
centralized").

The leader remembers it. It need not survive the leader: the next one takes its own first entry for the place of all
writes before. That is right of those that a failover keeps. Of one that it loses the device that wrote is told, which
remembers the place itself; the others are not, for nobody is left who knows that there was a write. The leader answers
only when a majority confirmed that it leads, or else there might be writes that it has not heard of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from harness.node import CallError, Env, Message

from systems_under_test.blocks.replicated_log import Position
from systems_under_test.single_leader.confirmation import CONFIRM_MS, confirmed
from systems_under_test.single_leader.follower import Follower
from systems_under_test.single_leader.leader import Leader

USERS_MAX: Final = 10_000
UNAVAILABLE: Final[Message] = {"error": "unavailable"}


class LastWrites:
    """One node's memory of its users, and its way to the leader's."""

    def __init__(self, env: Env, follower: Follower, leadership: Callable[[], Leader | None]) -> None:
        self._env, self._follower, self._leadership = env, follower, leadership
        self._positions: dict[str, Position] = {}
        self._forgotten = Position(0, 0)

    def remember(self, user: str, position: Position) -> None:
        """The users come in the order of their last writes: what is forgotten is before all that is not."""
        self._positions.pop(user, None)
        self._positions[user] = position
        if len(self._positions) > USERS_MAX:
            self._forgotten = self._positions.pop(next(iter(self._positions)))

    async def answer(self, request: Message) -> Message:
        """The leader's answer to a node that serves a device of ``request["user"]``."""
        leadership = self._leadership()
        if leadership is None or not await confirmed(self._env, leadership.generation):
            return UNAVAILABLE
        if self._leadership() is not leadership:
            return UNAVAILABLE
        before = max(Position(leadership.generation, leadership.first), self._forgotten)
        return {"position": max(before, self._positions.get(request["user"], before)).as_json()}

    async def ask(self, user: str) -> Position | None:
        """From the leader, who may be this node; None if nobody says it."""
        message = {"type": "last-write", "user": user}
        if self._leadership() is not None:
            reply: Message = await self.answer(message)
        elif self._follower.leader is None:
            return None
        else:
            try:
                reply = await self._env.call(self._follower.leader, message, 2 * CONFIRM_MS)
            except CallError:
                return None
        return Position(*reply["position"]) if "position" in reply else None
