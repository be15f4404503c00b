"""What a state machine is: it gives the log that Raft replicates its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from harness.node import Message


class Machine(Protocol):
    """What the committed log means. Deterministic: the same commands in the same order give the same state and the same
    replies on every server. It lives in memory; the log rebuilds it after a restart."""

    def apply(self, command: Mapping[str, Any]) -> Message:
        """Execute a committed command; the reply to whoever asked for it."""

    def read(self, request: Message) -> Message:
        """Answer from the state as it is."""

    def snapshot(self) -> Mapping[str, Any]:
        """The whole state as JSON: all that makes it answer as it does, replies to repeated requests included."""

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Replace the state by a snapshot's."""
