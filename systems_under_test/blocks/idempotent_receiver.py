"""Idempotent receiver: a client's request, asked again, is answered from memory and not executed twice
(*Patterns of Distributed Systems*, "Idempotent Receiver").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ClientTable:
    """The reply to each client's latest request. Part of the replicated state: it changes only as the log is applied.

    One reply per client is enough because a client asks for one thing at a time, under rising sequence numbers.
    """

    def __init__(self) -> None:
        self._latest: dict[str, tuple[int, Mapping[str, Any]]] = {}

    def answered(self, client: str, sequence: int) -> Mapping[str, Any] | None:
        """The reply if this request was executed before; None if it is new.

        An older request than the latest is a stray copy which nobody waits for; its reply is gone, but it must not be
        executed either: {"error": "superseded"}.
        """
        latest, reply = self._latest.get(client, (0, {}))
        if sequence > latest:
            return None
        return reply if sequence == latest else {"error": "superseded"}

    def record(self, client: str, sequence: int, reply: Mapping[str, Any]) -> None:
        """Remember the reply to a request that was just executed."""
        assert self.answered(client, sequence) is None, f"{client}'s request {sequence} was executed twice"
        self._latest[client] = (sequence, reply)

    def snapshot(self) -> dict[str, Any]:
        """The whole table as JSON."""
        return {client: [sequence, dict(reply)] for client, (sequence, reply) in self._latest.items()}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Replace the table by a snapshot's."""
        self._latest = {client: (sequence, reply) for client, (sequence, reply) in snapshot.items()}
