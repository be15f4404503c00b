"""What the committed log means: a key-value store, and each client's request applied once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.node import Message

from systems_under_test.blocks.idempotent_receiver import ClientTable
from systems_under_test.blocks.key_value import KeyValue
from systems_under_test.blocks.raft import Entry

READS: Final = frozenset({"read"})
WRITES: Final = frozenset({"write", "cas", "add", "inc", "append"})


class StateMachine:
    """Deterministic: the same commands in the same order give the same state and replies on every server. The client
    table is part of the state, so a request that is in the log twice is applied once everywhere; ``deduplicates`` is
    False only where that is the seeded bug. ``applied`` is the index of the last entry."""

    def __init__(self, *, deduplicates: bool = True) -> None:
        self._deduplicates = deduplicates
        self._store = KeyValue()
        self._clients = ClientTable()
        self.applied = 0

    def apply(self, entry: Entry) -> Message:
        """Execute an entry's command, unless its client's request was executed before; the reply either way."""
        self.applied = entry.index
        if entry.command is None:  # a leader's no-op
            return {}
        return self._once(entry.command) if self._deduplicates else self._store.apply(entry.command)

    def _once(self, command: Mapping[str, Any]) -> Message:
        client, sequence = command["client"], command["sequence"]
        reply = self._clients.answered(client, sequence)
        if reply is None:
            reply = self._store.apply(command)
            self._clients.record(client, sequence, reply)
        return reply

    def read(self, request: Message) -> Message:
        return self._store.apply({"f": "read", "key": request.get("key")})

    def dump(self) -> Message:
        """Everything, as this server has it: for comparing servers, not for clients that want to know the truth."""
        return {"value": {"state": self._store.dump(), "applied": self.applied}}


def is_well_formed(request: Message) -> bool:
    """Whether a request can be applied: what every server would stumble over must not get into the log."""
    f, client, sequence = request.get("f"), request.get("client"), request.get("sequence")
    return isinstance(f, str) and f in READS | WRITES and isinstance(client, str) and isinstance(sequence, int)


def command_of(request: Message) -> dict[str, Any]:
    """What of a well-formed request goes into the log."""
    command = {"client": request["client"], "sequence": request["sequence"], "f": request["f"]}
    return {**command, "key": request.get("key"), "value": request.get("value")}
