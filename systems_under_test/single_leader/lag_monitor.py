"""How far a follower is behind its leader, in time, watched so that one that is too far behind answers no reads
(Kleppmann, "Designing Data-Intensive Applications", ch. 5, "Reading Your Own Writes").

The follower asks the leader, again and again, how far its log is. It is as fresh as the moment at which it asked the
latest question whose answer it has since caught up with: everything acknowledged before that moment is there. So the
lag is measured on one clock, and what the network adds is in it.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from harness.node import CallError

from systems_under_test.blocks.replicated_log import Position
from systems_under_test.single_leader.applied import Applied
from systems_under_test.single_leader.follower import Follower
from systems_under_test.single_leader.replica import Replica

ASK_MS: Final = 20
CALL_MS: Final = 1000
OPEN_MAX: Final = 1000


class LagMonitor:
    """One follower's. ``_open`` are questions whose answers, positions, were not applied here when last looked."""

    def __init__(self, replica: Replica, follower: Follower) -> None:
        self._env, self._applied, self._follower = replica.env, Applied(replica), follower
        self._open: deque[tuple[int, Position]] = deque(maxlen=OPEN_MAX)
        self._fresh_ns: int | None = None

    async def watch(self) -> None:
        """For as long as the node lives. A slow answer does not hold up the next question."""
        while True:
            if self._follower.leader is not None:
                self._env.spawn(self._ask(self._follower.leader), "lag-question")
            await self._env.sleep(ASK_MS)

    async def _ask(self, leader: str) -> None:
        asked_ns = self._env.clock.monotonic()
        try:
            reply = await self._env.call(leader, {"type": "position"}, CALL_MS)
        except CallError:
            return
        if "position" in reply:
            self._open.append((asked_ns, Position(*reply["position"])))

    def lag_ms(self) -> float:
        """Milliseconds since this node surely had all that was acknowledged; infinite if it never had."""
        for asked_ns, position in list(self._open):
            if self._applied.has(position):
                self._fresh_ns = max(asked_ns, self._fresh_ns or asked_ns)
                self._open.remove((asked_ns, position))
        if self._fresh_ns is None:
            return float("inf")
        return (self._env.clock.monotonic() - self._fresh_ns) / 1e6
