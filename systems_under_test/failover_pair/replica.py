"""One node's copy of the data: the log, on disk, and the state that its acknowledged part has made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.node import Env, Message

from systems_under_test.blocks.idempotent_receiver import ClientTable
from systems_under_test.blocks.key_value import KeyValue
from systems_under_test.blocks.replicated_log import Entry, Position, ReplicatedLog


class Replica:
    """``applied`` is up to where the log is acknowledged, as far as this node knows; never past its durable end.
    With ``keeps`` none of that is ever dropped; asynchronous replication cannot promise it."""

    def __init__(self, env: Env, *, keeps: bool) -> None:
        self._env, self._keeps = env, keeps
        self.log = ReplicatedLog(env.disk)
        self.applied = 0
        self._state, self._clients = KeyValue(), ClientTable()

    def apply(self, to: int) -> list[tuple[int, Message]]:
        """Apply up to there; (index, reply) of each entry that was new."""
        assert to <= self.log.durable, f"entry {to} is acknowledged, and only {self.log.durable} are stored here"
        applied = []
        while self.applied < to:
            self.applied += 1
            command = self.log.entry(self.applied)["command"]
            applied.append((self.applied, {} if command is None else self._execute(command)))
        return applied

    def _execute(self, command: Mapping[str, Any]) -> Message:
        """Once, on both nodes alike, however often the request was sent."""
        client, sequence = command["client"], command["sequence"]
        reply = self._clients.answered(client, sequence)
        if reply is None:
            reply = self._state.apply(command)
            self._clients.record(client, sequence, reply)
        return reply

    def read(self, key: Any) -> Message:
        return self._state.apply({"f": "read", "key": key})

    def dump(self) -> Message:
        return {"value": {"state": self._state.dump(), "applied": self.applied}}

    async def store(self, previous: Position, entries: Sequence[Entry]) -> int | None:
        """Take in the primary's entries behind ``previous``: up to where the log is now the primary's, and durable.
        None if ``previous`` is not in this log."""
        if not self.log.agrees(previous):
            return None
        end = previous.index + len(entries)
        for index, entry in enumerate(entries, previous.index + 1):
            if index <= self.log.last:
                if self.log.entry(index) == entry:
                    continue
                self._truncate_from(index)
            self.log.append(entry)
        if self.log.durable < end:
            await self.log.sync()
        return end

    def _truncate_from(self, index: int) -> None:
        """What this node took as a primary and could not hand on."""
        assert index > self.applied or not self._keeps, f"entry {index} was acknowledged (up to {self.applied})"
        dropped = self.log.truncate_from(index)
        self._env.event("truncated", **{"from": index, "count": dropped})
        if index <= self.applied:
            self.applied, self._state, self._clients = 0, KeyValue(), ClientTable()
            self.apply(index - 1)
