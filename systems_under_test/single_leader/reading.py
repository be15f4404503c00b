"""What a node makes sure of before it answers a session, as ``reads`` says
(Kleppmann, "Designing Data-Intensive Applications", ch. 5, "Problems with Replication Lag", and ch. 9, "Implementing
linearizable storage using total order broadcast").

``confirmed``: a leader asks a majority whether it still leads, after the read arrived; a later leader's majority would
have a member in common, who knows better. ``monitored``: a follower that is too far behind refuses. ``position``: a
node waits for the entry that the session has seen, and refuses if it does not come. Writes wait for it as well, so that
what a session writes comes after what it has seen, whichever leader takes it.

With ``shared-position`` the leader remembers where each user's last write is, so that all devices of a user know. It
need not survive the leader: the next one takes its own first entry for the place of all writes before. It says so only
when a majority confirmed that it leads, or else there might be writes that it has not heard of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from harness.node import CallError, Env, Message

from systems_under_test.blocks.quorum import Tally
from systems_under_test.blocks.replicated_log import Position
from systems_under_test.blocks.singular_update_queue import QueueFull, SingularUpdateQueue
from systems_under_test.single_leader.applied import Applied
from systems_under_test.single_leader.follower import Follower
from systems_under_test.single_leader.lag_monitor import LagMonitor
from systems_under_test.single_leader.leader import Leader
from systems_under_test.single_leader.replica import Replica

ONLY_LEADER: Final = ("leader", "confirmed")
CONFIRM_MS: Final = 300
LOOK_MS: Final = 5
USERS_MAX: Final = 10_000
WAIT_MS: Final = 100  # how long a session waits for one node to catch up; then it asks another

BEHIND: Final[Message] = {"error": "behind"}
LOST: Final[Message] = {"error": "lost"}
UNAVAILABLE: Final[Message] = {"error": "unavailable"}


async def confirmed(env: Env, generation: int) -> bool:
    """Whether a majority of the nodes follows this node in that generation, asked from now on."""
    tally = Tally(env.nodes)
    if tally.add(env.name):
        return True
    async for peer, reply in env.quorum(env.peers, {"type": "confirm", "generation": generation}, CONFIRM_MS):
        if not isinstance(reply, CallError) and reply["follows"] and tally.add(peer):
            return True
    return False


class Reading:
    """One node's. ``leadership`` gives the node's present leadership, if it leads."""

    def __init__(self, replica: Replica, follower: Follower, leadership: Callable[[], Leader | None],
                 options: Mapping[str, str]) -> None:  # fmt: skip
        self._env, self._follower, self._leadership = replica.env, follower, leadership
        self._mode, self._recent_ms = options["reads"], float(options["recent-ms"])
        self._applied = Applied(replica, numbered=self._mode != "position-only")
        self._monitor = LagMonitor(replica, follower)
        self._service_ms = float(options["service-ms"])
        self._turns: SingularUpdateQueue[float, None] | None = None
        self._remembers = self._mode in ("position", "position-only")
        self._last_writes: dict[str, Position] = {}
        self._forgotten = Position(0, 0)

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
            position = await self._last_write(request["user"])
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
            self._remember(request["user"], position)
        return {**reply, "position": position.as_json()}

    def _remember(self, user: str, position: Position) -> None:
        """The users come in the order of their last writes: what is forgotten is before all that is not."""
        self._last_writes.pop(user, None)
        self._last_writes[user] = position
        if len(self._last_writes) > USERS_MAX:
            self._forgotten = self._last_writes.pop(next(iter(self._last_writes)))

    async def _confirmed(self) -> bool:
        leadership = self._leadership()
        return leadership is not None and await confirmed(self._env, leadership.generation)

    def leads(self) -> Message:
        """A leader's answer to a follower's monitor: up to where it has acknowledged."""
        return {"position": self._applied.position.as_json()} if self._leadership() else UNAVAILABLE

    async def last_write(self, request: Message) -> Message:
        """The leader's answer to a node that serves a device of ``request["user"]``."""
        if not await self._confirmed() or (leadership := self._leadership()) is None:
            return UNAVAILABLE
        before = max(Position(leadership.generation, leadership.first), self._forgotten)
        return {"position": max(before, self._last_writes.get(request["user"], before)).as_json()}

    async def _last_write(self, user: str) -> Position | None:
        message = {"type": "last-write", "user": user}
        if self._leadership() is not None:
            reply: Message = await self.last_write(message)
        elif self._follower.leader is None:
            return None
        else:
            try:
                reply = await self._env.call(self._follower.leader, message, 2 * CONFIRM_MS)
            except CallError:
                return None
        return Position(*reply["position"]) if "position" in reply else None
