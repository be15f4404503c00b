"""How a leader ships its log: each follower gets what it lacks, from the last point that both logs have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from harness.node import CallError

from systems_under_test.blocks.condition import Condition
from systems_under_test.blocks.replicated_log import Position
from systems_under_test.single_leader.replica import Replica

CALL_MS: Final = 400
RETRY_MS: Final = 40
CHECK_MS: Final = 400  # a follower that has everything is asked this often whether it still has
BATCH_ENTRIES_MAX: Final = 256


class Shipping:
    """Of one leadership, whose first entry is ``first``, until it has ``ended``.

    ``grown`` is notified when the log has new entries, or time has passed; ``head`` makes the head of a message of a
    kind; ``matched`` hears up to where a follower's log is the leader's, ``deposed_by`` of a newer generation.
    """

    def __init__(self, replica: Replica, first: int, grown: Condition, ended: Callable[[], bool],
                 head: Callable[[str], dict[str, Any]], matched: Callable[[str, int], None],
                 deposed_by: Callable[[int], Awaitable[None]]) -> None:  # fmt: skip
        self._env, self._log = replica.env, replica.log
        self._first, self._grown, self._ended = first, grown, ended
        self._head, self._matched, self._deposed_by = head, matched, deposed_by

    async def serve(self, peer: str) -> None:
        """Keep one follower's log equal to ours: one batch under way at a time, the next holds all that came since."""
        following, checked_ns = self._first, 0
        while not self._ended():
            age_ms = (self._env.clock.monotonic() - checked_ns) / 1e6
            if following > self._log.last and age_ms < CHECK_MS:
                await self._grown.wait()
                continue
            before = following
            following = await self._ship(peer, following)
            if following >= before:
                checked_ns = self._env.clock.monotonic()

    async def _ship(self, peer: str, first: int) -> int:
        """Ship the entries from ``first`` on; returns from where to go on: further, or back towards a common point."""
        limit = 1 if self._env.sometimes("one-entry-batch") else BATCH_ENTRIES_MAX
        entries, previous = self._log.entries(first, limit), self._log.position_at(first - 1)
        message = {**self._head("ship"), "previous": previous.as_json(), "base": self._log.base.index,
                   "entries": list(entries)}  # fmt: skip
        try:
            reply = await self._env.call(peer, message, CALL_MS)
        except CallError:
            await self._env.sleep(RETRY_MS)
            return first
        if self._ended():
            return first
        match reply["outcome"]:
            case "stored":
                self._matched(peer, previous.index + len(entries))
                return previous.index + len(entries) + 1
            case "mismatch":
                await self._env.sleep(1)
                return self._log.common_point(Position(*reply["position"])).index + 1
            case "newer-generation":
                await self._deposed_by(reply["generation"])
            case "joining":  # it copies; then it will be asked from the end of the log backwards, as in the beginning
                await self._env.sleep(RETRY_MS)
                return self._log.last + 1
            case _:  # the peer believes to lead as well, and there are no generations to decide
                await self._env.sleep(CHECK_MS)
        return first
