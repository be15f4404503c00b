"""What one replica knows of the updates: their log, on disk, and the state that the committed ones have made.

The paper's Hist: along the chain each replica's log is a prefix of its predecessor's (the Update Propagation
Invariant), so what the tail has, all have. That is *committed*, and only that is applied. An object that later updates
touch is *dirty* here: which of its versions is the committed one, only the tail knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.node import Env, Message

from systems_under_test.blocks.idempotent_receiver import ClientTable
from systems_under_test.blocks.key_value import KeyValue, canonical
from systems_under_test.blocks.replicated_log import ReplicatedLog


class History:
    """``committed`` is the last update that is known to be stored by the whole chain; it never passes the durable end
    of the log. ``lossy`` is whether a seeded mistake loses updates: the assertions that it breaks are off."""

    def __init__(self, env: Env, *, lossy: bool = False) -> None:
        self._env, self._lossy = env, lossy
        self.log = ReplicatedLog(env.disk)
        self.committed = 0
        self._state, self._clients = KeyValue(), ClientTable()

    async def recover(self) -> None:
        """After a restart: everything stored is dirty until the chain says what is committed. Raises Corruption."""
        await self.log.open()

    def commit(self, to: int) -> list[tuple[int, Message]]:
        """Apply the updates up to ``to``; returns (index, reply) of each that was new."""
        assert to <= self.log.durable, f"update {to} is committed, and only {self.log.durable} are stored here"
        applied = []
        while self.committed < to:
            self.committed += 1
            command = self.log.entry(self.committed)["command"]
            applied.append((self.committed, {} if command is None else self._execute(command)))
        return applied

    def _execute(self, command: Mapping[str, Any]) -> Message:
        """Once: a request that was sent again is in the log again, and is recognised here, on every replica alike."""
        client, sequence = command["client"], command["sequence"]
        reply = self._clients.answered(client, sequence)
        if reply is None:
            reply = self._state.apply(command)
            self._clients.record(client, sequence, reply)
        return reply

    def is_dirty(self, key: Any) -> bool:
        """Whether an update of that object is stored here and not known to be committed."""
        return any(canonical(command.get("key")) == canonical(key) for command in self._pending())

    def read(self, key: Any) -> Message:
        """The committed version of an object, as far as this replica knows."""
        return self._state.apply({"f": "read", "key": key})

    def read_dirty(self, key: Any) -> Message:
        """The newest version of an object, which may never be committed."""
        newest = KeyValue()
        newest.restore(self._state.snapshot())
        for command in self._pending():
            newest.apply(command)
        return newest.apply({"f": "read", "key": key})

    def _pending(self) -> list[Mapping[str, Any]]:
        entries = self.log.entries(self.committed + 1, self.log.last)
        return [entry["command"] for entry in entries if entry["command"] is not None]

    def truncate_from(self, index: int) -> None:
        """Drop a suffix that the chain does not have; it was never committed."""
        assert index > self.committed or self._lossy, f"update {index} was committed (up to {self.committed})"
        dropped = self.log.truncate_from(index)
        self._env.event("truncated", **{"from": index, "count": dropped})
        if index <= self.committed:
            self.committed, self._state, self._clients = 0, KeyValue(), ClientTable()
            self.commit(index - 1)

    def dump(self) -> Message:
        """Everything that is committed here: for comparing replicas, not for clients that want to know the truth."""
        return {"value": {"state": self._state.dump(), "applied": self.committed}}
