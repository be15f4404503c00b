"""What the committed log means: a key-value store, and each client's request applied once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from harness.node import Message

from systems_under_test.blocks.client_session import ClientSessions
from systems_under_test.blocks.key_value import KeyValue
from systems_under_test.blocks.raft.bug import NONE
from systems_under_test.raft.bug import APPLY_READS_CLOCK, NO_CLIENT_DEDUPLICATION, SNAPSHOT_OMITS_CLIENT_TABLE

READS: Final = frozenset({"read"})
WRITES: Final = frozenset({"write", "cas", "add", "inc", "append", "register"})
SESSIONS_MAX: Final = 10_000


class StateMachine:
    """Deterministic: the same commands in the same order give the same state and replies on every server. The client
    table is part of the state, so a request that is in the log twice is applied once everywhere, also by a server that
    began with a snapshot. ``bugs`` are the seeded ones that are switched on; only one of them looks at ``now_ns``."""

    def __init__(
        self, bugs: frozenset[str] = NONE, now_ns: Callable[[], int] = lambda: 0, sessions_max: int = SESSIONS_MAX
    ) -> None:
        self._bugs, self._now_ns, self._sessions_max = bugs, now_ns, sessions_max
        self._store = KeyValue()
        self._clients = ClientSessions(sessions_max)

    def apply(self, command: Mapping[str, Any]) -> Message:
        """Execute a command, unless its client's request was executed before; the reply either way."""
        if APPLY_READS_CLOCK in self._bugs and command["deadline_ns"] < self._now_ns():
            return {"error": "unavailable"}
        if NO_CLIENT_DEDUPLICATION in self._bugs:
            return self._store.apply(command)
        return self._clients.once(command, self._store.apply)

    def read(self, request: Message) -> Message:
        return self._store.apply({"f": "read", "key": request.get("key")})

    def snapshot(self) -> dict[str, Any]:
        omits = SNAPSHOT_OMITS_CLIENT_TABLE in self._bugs
        clients = ClientSessions(self._sessions_max) if omits else self._clients
        return {"store": self._store.snapshot(), "clients": clients.snapshot()}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        self._store.restore(snapshot["store"])
        self._clients.restore(snapshot["clients"])

    def dump(self) -> dict[str, Any]:
        """Everything, as this server has it: for comparing servers, not for clients that want to know the truth."""
        return self._store.dump()


def is_well_formed(request: Message) -> bool:
    """Whether a request can be applied: what every server would stumble over must not get into the log."""
    f, client, sequence = request.get("f"), request.get("client"), request.get("sequence")
    return isinstance(f, str) and f in READS | WRITES and isinstance(client, str) and isinstance(sequence, int)


def command_of(request: Message) -> dict[str, Any]:
    """What of a well-formed request goes into the log."""
    command = {"client": request["client"], "sequence": request["sequence"], "f": request["f"]}
    return {**command, "key": request.get("key"), "value": request.get("value")}
