"""One node's copy of the data: the log, on disk, and the state that its acknowledged part has made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.node import Env, Message

from systems_under_test.blocks.applied_log import AppliedLog
from systems_under_test.blocks.replicated_log import Entry, Position, merge


class Replica:
    """With ``keeps`` nothing that was acknowledged is ever dropped; asynchronous replication cannot promise it."""

    def __init__(self, env: Env, *, keeps: bool) -> None:
        self._keeps, self._copy = keeps, AppliedLog(env)
        self.log = self._copy.log

    @property
    def applied(self) -> int:
        """Up to where the log is acknowledged, as far as this node knows."""
        return self._copy.applied

    def apply(self, to: int) -> list[tuple[int, Message]]:
        """Apply up to there; (index, reply) of each entry that was new."""
        return self._copy.apply(to)

    def read(self, key: Any) -> Message:
        return self._copy.read(key)

    def dump(self) -> Message:
        return self._copy.dump()

    async def store(self, previous: Position, entries: Sequence[Entry]) -> int | None:
        """Take in the primary's entries behind ``previous``: up to where the log is now the primary's, and durable.
        None if ``previous`` is not in this log."""
        if not self.log.agrees(previous):
            return None
        end = previous.index + len(entries)
        merge(self.log, previous.index, entries, self._cut)
        if self.log.durable < end:
            await self.log.sync()
        return end

    def _cut(self, index: int) -> None:
        """Drop what this node took in as a primary and did not hand on."""
        self._copy.truncate_from(index, keeps=self._keeps)
