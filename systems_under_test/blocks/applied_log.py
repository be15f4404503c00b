"""A replicated log and the state that its applied part has made: the state machine approach, for a key-value store
(Schneider 1990; *Patterns of Distributed Systems*, "Replicated Log").

What may be applied, and whether what was applied may ever be undone, is each protocol's own matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from harness.node import Env, Message

from systems_under_test.blocks.client_session import SESSIONS_MAX, ClientSessions
from systems_under_test.blocks.key_value import KeyValue
from systems_under_test.blocks.replicated_log import ReplicatedLog

Beginning = Callable[[KeyValue, ClientSessions], None]
"""Puts into an empty state what was there before the log's first entry."""


def _empty(state: KeyValue, sessions: ClientSessions) -> None:
    """Nothing was."""


class AppliedLog:
    """``applied`` is the last entry that is applied; it never passes the durable end of the log.

    ``begin`` is for a log that goes on from a copy of the state. Without ``deduplicates`` a request that is in the log
    twice is executed twice.
    """

    def __init__(
        self, env: Env, log: ReplicatedLog | None = None, *, begin: Beginning = _empty,
        sessions_max: int = SESSIONS_MAX, deduplicates: bool = True,
    ) -> None:  # fmt: skip
        self._env, self._begin = env, begin
        self._sessions_max, self._deduplicates = sessions_max, deduplicates
        self.log = ReplicatedLog(env.disk) if log is None else log
        self.reset()

    def reset(self) -> None:
        """Back to where the log begins."""
        self.state, self.sessions = KeyValue(), ClientSessions(self._sessions_max, self._expired)
        self._begin(self.state, self.sessions)
        self.applied = self.log.base.index

    def _expired(self, session: str) -> None:
        self._env.event("session-expired", session=session)

    def apply(self, to: int) -> list[tuple[int, Message]]:
        """Apply up to there; (index, reply) of each entry that was new."""
        assert to <= self.log.durable, f"entry {to} is to be applied, and only {self.log.durable} are stored here"
        applied = []
        while self.applied < to:
            self.applied += 1
            command = self.log.entry(self.applied)["command"]
            applied.append((self.applied, {} if command is None else self._execute(command)))
        return applied

    def _execute(self, command: Mapping[str, Any]) -> Message:
        """Once: a request that was sent again is in the log again, and is recognised here, on every replica alike."""
        return self.sessions.once(command, self.state.apply) if self._deduplicates else self.state.apply(command)

    def pending(self) -> Iterator[Mapping[str, Any]]:
        """The commands that are in the log and not applied."""
        entries = self.log.entries(self.applied + 1, self.log.last)
        return (entry["command"] for entry in entries if entry["command"] is not None)

    def read(self, key: Any) -> Message:
        """From the applied state."""
        return self.state.apply({"f": "read", "key": key})

    def read_ahead(self, key: Any) -> Message:
        """As if all that is pending were applied already: what it sees may still be lost."""
        ahead = KeyValue()
        ahead.restore(self.state.snapshot())
        for command in self.pending():
            ahead.apply(command)
        return ahead.apply({"f": "read", "key": key})

    def dump(self) -> Message:
        """Everything that is applied here: for comparing replicas, not for clients that want to know the truth."""
        return {"value": {"state": self.state.dump(), "applied": self.applied}}

    def truncate_from(self, index: int, *, keeps: bool) -> None:
        """Drop a suffix that others do not have. With ``keeps`` none of it may have been applied; otherwise what was is
        undone, by applying the rest anew."""
        assert index > self.applied or not keeps, f"entry {index} was applied (up to {self.applied}) and must stay"
        dropped = self.log.truncate_from(index)
        self._env.event("truncated", **{"from": index, "count": dropped})
        self._env.count("truncated", dropped)
        if index <= self.applied:
            self.reset()
            self.apply(index - 1)
