"""Who must have an entry before it is acknowledged: the leader alone, every node, a majority, or one chosen follower.

The figures are log indices: ``own`` is how far the leader's own log is durable, ``followers`` how far each follower has
said that its log is the leader's, and durable. What all policies have in common is that the leader counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from systems_under_test.blocks.high_water_mark import high_water_mark
from systems_under_test.blocks.quorum import majority


class Acknowledgement(Protocol):
    """One policy."""

    def replicated(self, own: int, followers: Mapping[str, int]) -> int:
        """Up to which index entries may be acknowledged."""


@dataclass(frozen=True, slots=True)
class Counted:
    """As soon as ``needed`` nodes have it, whichever they are: 1 is asynchronous, all of them synchronous."""

    needed: int

    def replicated(self, own: int, followers: Mapping[str, int]) -> int:
        return min(own, high_water_mark([own, *followers.values()], self.needed))


@dataclass(frozen=True, slots=True)
class OneFollower:
    """As soon as the synchronous follower has it (semi-synchronous); while there is none, nothing is acknowledged.

    With ``alone`` (a seeded bug) the leader is content with itself instead, and nobody is told.
    """

    synchronous: Callable[[], str | None]
    alone: bool = False

    def replicated(self, own: int, followers: Mapping[str, int]) -> int:
        chosen = self.synchronous()
        if chosen is None:
            return own if self.alone else 0
        return min(own, followers[chosen])


def counted(replication: str, nodes: int) -> Counted:
    """The policy of ``replication=async``, ``majority`` or ``sync`` among so many nodes."""
    return Counted({"async": 1, "majority": majority(nodes), "sync": nodes}[replication])
