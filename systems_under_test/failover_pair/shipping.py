"""What a primary does for its standby: ship the log, which is its heartbeat as well, and notice when it has caught up.

Only what is durable here is shipped: after a power loss the standby must not have more than the primary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from harness.node import CallError, Env

from systems_under_test.blocks.condition import Condition
from systems_under_test.blocks.replicated_log import Position
from systems_under_test.failover_pair.replica import Replica
from systems_under_test.failover_pair.standing import Standing

BEAT_MS: Final = 60
CALL_MS: Final = 150
BATCH_ENTRIES_MAX: Final = 256


class Shipping:
    """To ``other``. ``may`` says whether this node is a primary with current; ``advance`` hears that more is stored
    there. ``stored`` is how far the other is known to have this log, on its disk."""

    def __init__(self, env: Env, other: str, replica: Replica, standing: Standing, may: Callable[[], bool],
                 heard: Callable[[], None], advance: Callable[[], None]) -> None:  # fmt: skip
        self._env, self._other = env, other
        self._replica, self._log, self._standing = replica, replica.log, standing
        self._may, self._heard, self._advance = may, heard, advance
        self._due = Condition(env)
        self._following = 1  # the next entry to send
        self.stored = 0

    def wake(self) -> None:
        """The log has more that is durable."""
        self._due.notify()

    def begin(self) -> None:
        """A new primary: nothing is known of what the other has in common with it."""
        self.stored, self._following = 0, self._log.last + 1

    async def serve(self) -> None:
        """For as long as the node lives: one batch under way at a time; the next holds all that came since."""
        while True:
            await self._due.wait()
            before = 0
            while self._may() and self._following != before:
                before = min(self._following, self._log.durable + 1)
                self._following = await self._ship(before)

    async def _ship(self, first: int) -> int:
        """From where to go on: further, or back towards a common point."""
        generation, cycle, whole = self._standing.generation, self._standing.other, not self._standing.alone
        previous, durable = self._log.position_at(first - 1), self._log.durable
        entries = list(self._log.entries(first, min(BATCH_ENTRIES_MAX, durable + 1 - first)))
        message = {"type": "ship", "generation": generation, "previous": previous.as_json(), "entries": entries,
                   "applied": self._replica.applied, "whole": whole, "cycle": cycle}  # fmt: skip
        try:
            reply = await self._env.call(self._other, message, CALL_MS)
        except CallError:
            return first
        await self._standing.hear(reply["cycle"])
        if not self._may() or self._standing.generation != generation or reply["outcome"] == "refused":
            return first
        self._heard()
        if reply["outcome"] == "mismatch":
            return self._log.common_point(Position(*reply["position"])).index + 1
        self.stored = max(self.stored, previous.index + len(entries))
        await self._join()
        self._advance()
        return previous.index + len(entries) + 1

    async def _join(self) -> None:
        """Once the standby has all of the log, every acknowledgement waits for it; and it may know."""
        if self._standing.alone and self.stored == self._log.last:
            await self._standing.join()
