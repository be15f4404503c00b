"""Towards the head: take in what the predecessor sends, so that this log is a prefix of the predecessor's."""

from __future__ import annotations

from collections.abc import Sequence

from harness.node import Env, Message

from systems_under_test.blocks.replicated_log import Entry, Position, merge
from systems_under_test.chain.history import History


class Upstream:
    """One replica's link from its predecessor, begun anew in each epoch.

    ``in_step``: in this epoch the predecessor has sent all that it had when it entered the epoch. So it has entered it,
    and whoever was the tail before is not any more; only then may this replica speak as the tail. ``lossy`` is the
    seeded bug: what the predecessor does not resend is not missed.
    """

    def __init__(self, env: Env, history: History, *, lossy: bool) -> None:
        self._env, self._log, self._history, self._lossy = env, history.log, history, lossy
        self._linked = self.in_step = False
        self._epoch = 0

    def begin(self, epoch: int, *, first: bool) -> None:
        """A new epoch; ``first`` says that there is no predecessor to wait for."""
        self._epoch, self._linked, self.in_step = epoch, False, first

    def position(self) -> Message:
        """The answer to a predecessor that makes a link: how far this log goes."""
        return {"outcome": "linked", "incarnation": self._env.incarnation, "position": self._log.position.as_json()}

    async def store(self, message: Message, *, joining: bool) -> int | None:
        """Take in updates; the last index up to which this log is the predecessor's, and durable. None if they do not
        fit: ``mismatch`` says where they might."""
        epoch, previous, entries = self._epoch, Position(*message["previous"]), message["entries"]
        if self._lossy:
            self._pad(previous)
        elif not self._log.agrees(previous):
            return None
        end = previous.index + len(entries)
        self._merge(previous.index, entries)
        if joining and not self._linked and end < self._log.last:
            self._history.truncate_from(end + 1)  # what it took in before it was cut off, and nobody else did
        self._linked = True
        await self._make_durable(end)
        self.in_step = self.in_step or (epoch == self._epoch and end >= message["goal"])
        return end

    def mismatch(self, message: Message) -> Message:
        """Where this log and the predecessor's may still be the same."""
        point = self._log.common_point(Position(*message["previous"]))
        return {"outcome": "mismatch", "position": point.as_json()}

    async def _make_durable(self, end: int) -> None:
        """Before it is forwarded, or this replica is in step: after a power loss here the successor must not have more
        than this replica, nor this one what the predecessor has not."""
        if not self._log.is_durable(end):
            await self._env.failpoint("before-sync")
            await self._log.sync()
            await self._env.failpoint("after-sync")

    def _merge(self, after: int, entries: Sequence[Entry]) -> None:
        kept = max(self._log.last - after, 0) if self._lossy else 0
        merge(self._log, after + kept, entries[kept:], self._history.truncate_from)

    def _pad(self, previous: Position) -> None:
        while self._log.last < previous.index:
            self._log.append({"generation": previous.generation, "command": None})
