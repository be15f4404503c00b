"""Client sessions: a request that is asked again is answered from memory, and not executed twice; replies are kept for
a bounded number of clients, and expire for all servers alike (Ongaro's dissertation, 6.3; *Patterns of Distributed
Systems*, "Idempotent Receiver").

One reply per client is enough because a client asks for one thing at a time, under rising sequence numbers.

A client table that forgets must not execute again what it has forgotten. So whoever is unknown once anything has been
forgotten is refused, and must register first: a session has a new name, under which nothing can ever have been
executed. Until then clients need not register, and have sessions under their own names.

The new name is numbered, and it is the client's. Where a failover may lose what was answered, the count goes back, and
a number that one client was given is given out once more: to another client that must not be the same name.

Which session expires is decided by the log: the one that was used least recently, by position and not by any clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

SESSIONS_MAX: Final = 10_000
SESSION_MARK: Final = "-session-"
"""Between a client's name and the number of its session."""

REGISTER: Final = "register"
"""What a client asks for that needs a new session."""

EXPIRED: Final[Mapping[str, Any]] = {"error": "session-expired"}


class ClientSessions:
    """The reply to the latest request of each session, of which there are at most ``sessions_max``. Part of the
    replicated state: it changes only as the log is applied. ``expired`` hears the name of each that expires."""

    def __init__(self, sessions_max: int = SESSIONS_MAX, expired: Callable[[str], None] = lambda client: None) -> None:
        assert sessions_max > 0, "somebody must be served"
        self._sessions_max, self._expired = sessions_max, expired
        self._latest: dict[str, tuple[int, Mapping[str, Any]]] = {}  # the least recently used first
        self._registered = 0
        self._forgets = False

    def register(self, client: str) -> str:
        """A new session of a client, who asks under its own name or an older session's; its name, to be used in place
        of that. Sequence numbers of its requests go on."""
        self._registered += 1
        name = f"{client.partition(SESSION_MARK)[0]}{SESSION_MARK}{self._registered}"
        self.record(name, 0, {})
        return name

    def once(
        self, command: Mapping[str, Any], execute: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """The reply to a request in the log, {"client", "sequence", "f", ...}, which is executed the first time."""
        if command["f"] == REGISTER:
            return {"value": self.register(command["client"])}
        client, sequence = command["client"], command["sequence"]
        reply = self.answered(client, sequence)
        if reply is None:
            reply = execute(command)
            self.record(client, sequence, reply)
        return reply

    def answered(self, client: str, sequence: int) -> Mapping[str, Any] | None:
        """None if this request is new, and must be executed and recorded; otherwise the reply to give.

        That is the one of the first time; or {"error": "superseded"} for a stray copy of an older request, which nobody
        waits for; or {"error": "session-expired"}, if nobody can tell whether it was executed.
        """
        if client not in self._latest:
            return EXPIRED if self._forgets else None
        latest, reply = self._latest[client]
        self._latest[client] = self._latest.pop(client)
        if sequence > latest:
            return None
        return reply if sequence == latest else {"error": "superseded"}

    def record(self, client: str, sequence: int, reply: Mapping[str, Any]) -> None:
        """Remember the reply to a request that was just executed; one session too many expires."""
        self._latest.pop(client, None)
        self._latest[client] = (sequence, reply)
        if len(self._latest) > self._sessions_max:
            self._forgets = True
            expired = next(iter(self._latest))
            del self._latest[expired]
            self._expired(expired)

    def snapshot(self) -> dict[str, Any]:
        """All of it as JSON."""
        latest = [[client, sequence, dict(reply)] for client, (sequence, reply) in self._latest.items()]
        return {"latest": latest, "registered": self._registered, "forgets": self._forgets}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Replace it by a snapshot's."""
        self._latest = {client: (sequence, reply) for client, sequence, reply in snapshot["latest"]}
        self._registered, self._forgets = snapshot["registered"], snapshot["forgets"]
