"""Where a session reads: from the leader, from any follower, or always from the same one
(Kleppmann, "Designing Data-Intensive Applications", ch. 5, "Problems with Replication Lag").

A policy belongs to one session and may remember what the session did. Guarantees that need the nodes' help speak to
them by fields of the request (``demand``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from harness.history import Op
from harness.node import Message
from harness.system import ClientEnv


class Place(Protocol):
    """Where a session is: the nodes that are near, and its draws. A :class:`harness.system.ClientEnv` is one."""

    @property
    def nodes(self) -> tuple[str, ...]: ...
    def random(self, stream: str) -> Any: ...


class ReadPolicy(Protocol):
    """One session's choice of nodes. The client does one operation after the other."""

    def demand(self, op: Op) -> Message:
        """What the request says beyond the operation; asked once per operation, before its first try."""

    def node(self, leader: str) -> str:
        """Whom to ask the present read, ``leader`` being believed to lead; asked before each try."""

    def refused(self, node: str) -> None:
        """``node`` certainly did not do the present read: it is gone, or cannot serve it."""

    def answered(self, op: Op, reply: Message) -> None:
        """The operation succeeded, with this reply."""


class FromLeader:
    """All reads go to the leader (:class:`ReadPolicy`)."""

    def demand(self, op: Op) -> Message:
        return {}

    def node(self, leader: str) -> str:
        return leader

    def refused(self, node: str) -> None:
        """The client itself looks for a leader."""

    def answered(self, op: Op, reply: Message) -> None:
        """Nothing is remembered."""


class AnyFollower:
    """Each read goes to a follower drawn anew (:class:`ReadPolicy`). One that refused is not asked again for the same
    read; when all have, the leader is."""

    def __init__(self, place: Place) -> None:
        self._place, self._random = place, place.random("reads")
        self._refused: set[str] = set()

    def demand(self, op: Op) -> Message:
        self._refused = set()
        return {}

    def node(self, leader: str) -> str:
        nodes = self._place.nodes
        willing = [node for node in nodes if node not in self._refused] or list(nodes)
        chosen: str = self._random.choice([node for node in willing if node != leader] or willing)
        return chosen

    def refused(self, node: str) -> None:
        self._refused.add(node)

    def answered(self, op: Op, reply: Message) -> None:
        """Nothing is remembered."""


class StickyFollower:
    """All reads go to one follower, until it is gone; then to another node (:class:`ReadPolicy`)."""

    def __init__(self, env: ClientEnv) -> None:
        self._nodes, self._random = env.nodes, env.random("reads")
        self._chosen: str | None = None

    def demand(self, op: Op) -> Message:
        return {}

    def node(self, leader: str) -> str:
        if self._chosen is None:
            self._chosen = self._other_than(leader)
        return self._chosen

    def refused(self, node: str) -> None:
        if node == self._chosen:
            self._chosen = self._other_than(node)

    def answered(self, op: Op, reply: Message) -> None:
        """Nothing is remembered: a session that moves does not know how far it had seen."""

    def _other_than(self, node: str) -> str:
        return self._random.choice([other for other in self._nodes if other != node] or list(self._nodes))


def read_policy(env: ClientEnv, options: Mapping[str, str]) -> ReadPolicy:
    """As ``options["reads"]`` says: "leader" (the default), "any" or "sticky"."""
    match options.get("reads", "leader"):
        case "any":
            return AnyFollower(env)
        case "sticky":
            return StickyFollower(env)
    return FromLeader()
