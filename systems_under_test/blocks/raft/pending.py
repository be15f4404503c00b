"""Requests that the leader has taken on and not yet answered."""

from __future__ import annotations

from typing import Final

from harness.node import Future, Message

from systems_under_test.blocks.raft.log import Entry
from systems_under_test.blocks.raft.state import Read, Role, State

UNAVAILABLE: Final[Message] = {"error": "unavailable"}
"""Nothing was done, and nothing will be."""

UNKNOWN: Final[Message] = {"error": "unknown"}
FAILED: Final[Message] = {"error": "failed"}
"""What nobody may say of an entry that is in a log."""


def not_leader(state: State) -> Message:
    """Nothing was done; ``leader`` is whom to ask, or None."""
    return {"error": "not-leader", "leader": state.transfer.target if state.transfer else state.leader_hint}


class Pending:
    """Writes by the index of their log entry, reads by their token; all of one term of leadership. ``unknown`` is what
    they are told of whom nobody knows what becomes."""

    def __init__(self, unknown: Message = UNKNOWN) -> None:
        self._unknown = unknown
        self._term = 0
        self._writes: dict[int, Future[Message]] = {}
        self._reads: dict[int, tuple[Message, Future[Message]]] = {}
        self._token = 0

    def __len__(self) -> int:
        return len(self._writes) + len(self._reads)

    def add_write(self, term: int, index: int, reply: Future[Message]) -> None:
        assert not self._writes or self._term == term, "writes of an earlier leadership were left unanswered"
        self._term = term
        self._writes[index] = reply

    def add_read(self, request: Message, reply: Future[Message]) -> int:
        """The token that names the read."""
        self._token += 1
        self._reads[self._token] = (request, reply)
        return self._token

    def applied(self, entry: Entry, reply: Message) -> None:
        """Answer whoever waits for this entry. If another leader's entry took its index, its fate is not for us to
        tell."""
        waiting = self._writes.pop(entry.index, None)
        if waiting is not None:
            waiting.set_result(reply if entry.term == self._term else self._unknown)

    def confirmed(self, read: Read) -> tuple[Message, Future[Message]] | None:
        """The request of a read that may be answered now, and where to put the answer."""
        return self._reads.pop(read.token, None)

    def turn_away(self, state: State) -> None:
        """A server that no longer leads answers everybody: what is in the log may still be committed by the next
        leader, and nobody knows; a read has done nothing."""
        if state.role is Role.LEADER:
            return
        writes, self._writes = self._writes, {}
        reads, self._reads = self._reads, {}
        for reply in writes.values():
            reply.set_result(self._unknown)
        for _, reply in reads.values():
            reply.set_result(not_leader(state))
