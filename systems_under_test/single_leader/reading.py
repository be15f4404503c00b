"""What a node makes sure of before it answers a session, as ``reads`` says
(Kleppmann, "Designing Data-Intensive Applications", ch. 5, "Problems with Replication Lag").

``confirmed``: a leader asks a majority whether it still leads (``confirmation``). ``monitored``: a follower that is
too far behind refuses. ``position``: a node waits for the entry that the session has seen, and refuses if it does not
come. Writes wait for it as well, so that what a session writes comes after what it has seen, whichever leader takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from harness.node import Message

from systems_under_test.blocks.replicated_log import Position
from systems_under_test.blocks.singular_update_queue import QueueFull, SingularUpdateQueue
from systems_under_test.single_leader.applied import Applied
from systems_under_test.single_leader.confirmation import confirmed
from systems_under_test.single_leader.follower import Follower
from systems_under_test.single_leader.lag_monitor import LagMonitor
from systems_under_test.single_leader.last_write import UNAVAILABLE, LastWrites
from systems_under_test.single_leader.leader import Leader
from systems_under_test.single_leader.replica import Replica

ONLY_LEADER: Final = ("leader", "confirmed")
LOOK_MS: Final = 5
WAIT_MS: Final = 100  # how long a session waits for one node to catch up; then it asks another

BEHIND: Final[Message] = {"error": "behind"}
LOST: Final[Message] = {"error": "lost"}


class Reading:
    """One node's. ``leadership`` gives the node's present leadership, if it leads."""

    def __init__(self, replica: Replica, follower: Follower, leadership: Callable[[], Leader | None],
                 options: Mapping[str, str]) -> None:  # fmt: skip
        self._env, self._leadership = replica.env, leadership
        self._mode, self._recent_ms = options["reads"], float(options["recent-ms"])
        self._applied = Applied(replica, numbered=self._mode != "position-only")
        self._monitor = LagMonitor(replica, follower)
        self._service_ms = float(options["service-ms"])
        self._turns: SingularUpdateQueue[float, None] | None = None
        self._remembers = self._mode in ("position", "position-only")
        self._last_writes = LastWrites(replica.env, follower, leadership)

    def start(self) -> None:
        if self._service_ms > 0:
            self._turns = SingularUpdateQueue(self._env, self._env.work, name="reads")
        if self._mode == "monitored":
            self._env.spawn(self._monitor.watch(), "lag-monitor")

    async def refusal(self, request: Message) -> Message | None:
        """Why this node does not answer now; None if it may, at once. May wait."""
        if request["f"] == "read" and not await self._served():
            return UNAVAILABLE
        leads, read = self._leadership() is not None, request["f"] == "read"
        if self._mode == "confirmed" and read and leads:
            return None if await self._confirmed() else UNAVAILABLE
        if self._mode == "monitored" and read and not leads:
            return BEHIND if self._monitor.lag_ms() > self._recent_ms else None
        if self._remembers and (read or leads):
            return await self._waited(request)
        return None

    async def _served(self) -> bool:
        """Spend the time that a read costs, after those before it; False if too many wait."""
        if self._turns is None:
            return True
        try:
            await self._turns.submit(self._service_ms)
        except QueueFull:
            return False
        return True

    async def _waited(self, request: Message) -> Message | None:
        seen = [Position(*request["position"])] if request.get("position") else []
        if request.get("user") is not None and request["f"] == "read":
            position = await self._last_writes.ask(request["user"])
            if position is None:
                return UNAVAILABLE
            seen.append(position)
        for _ in range(WAIT_MS // LOOK_MS):
            if all(map(self._applied.has, seen)):
                return None
            await self._env.sleep(LOOK_MS)
        return LOST if any(map(self._applied.lost, seen)) else BEHIND

    def stamped(self, request: Message, reply: Message) -> Message:
        """The answer, with the position at which it was made; to be called without an await after that."""
        if not self._remembers or "error" in reply:
            return reply
        position = self._applied.position
        if request["f"] != "read" and request.get("user") is not None:
            self._last_writes.remember(request["user"], position)
        return {**reply, "position": position.as_json()}

    async def _confirmed(self) -> bool:
        leadership = self._leadership()
        return leadership is not None and await confirmed(self._env, leadership.generation)

    def leads(self) -> Message:
        """A leader's answer to a follower's monitor: up to where it has acknowledged."""
        return {"position": self._applied.position.as_json()} if self._leadership() else UNAVAILABLE

    async def last_write(self, request: Message) -> Message:
        """A leader's answer to a node that serves a device of a user."""
        return await self._last_writes.answer(request)
