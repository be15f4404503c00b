"""Who may be promoted to leader: what a candidate says of itself, and what a voter makes of it.

``freshest``: whoever has at least what the voter has, judged by log position. That is enough where a majority has what
was acknowledged. Where only the leader and one follower have it, a majority without those two elects a leader that
lacks it. ``recorded`` closes that hole: only these two may be promoted, and every majority knows them (see
``configuration``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from harness.node import Message

from systems_under_test.blocks.replicated_log import Position, ReplicatedLog
from systems_under_test.single_leader.bug import FRESHNESS_BY_WALL_CLOCK, PROMOTE_ANY_BACKUP
from systems_under_test.single_leader.configuration import Configuration, ConfigurationRecord


class Promotion(Protocol):
    """One rule, on one node: as a candidate and as a voter."""

    def credentials(self) -> Mapping[str, Any]:
        """What this node says of itself when it asks for votes."""

    def electable(self, candidate: str, message: Message) -> bool:
        """Whether this node would have that candidate, by its credentials in ``message``."""


class Freshest:
    """The vote restriction: no vote for a log that lacks what this one has."""

    def __init__(self, log: ReplicatedLog) -> None:
        self._log = log

    def credentials(self) -> Mapping[str, Any]:
        return {"position": self._log.position.as_json()}

    def electable(self, candidate: str, message: Message) -> bool:
        return Position(*message["position"]) >= self._log.position


class Recorded:
    """Only the leader and the synchronous follower of the newest configuration that voter or candidate knows.

    Before there was one, nothing was acknowledged, and anybody may lead. The pair's logs are not compared: each of the
    two has everything acknowledged, and what else anybody has was promised to nobody.
    """

    def __init__(self, record: ConfigurationRecord) -> None:
        self._record = record

    def credentials(self) -> Mapping[str, Any]:
        newest = self._record.newest
        return {"configuration": None if newest is None else newest.as_json()}

    def electable(self, candidate: str, message: Message) -> bool:
        known = [self._record.newest, Configuration.from_json(message["configuration"])]
        newest = max((each for each in known if each is not None), default=None)
        return newest is None or candidate in newest.pair


class Anybody:
    """A seeded bug: any node that asks."""

    def credentials(self) -> Mapping[str, Any]:
        return {}

    def electable(self, candidate: str, message: Message) -> bool:
        return True


class LatestByClock:
    """A seeded bug: whose last entry was written latest, by the wall clock of the leader that wrote it."""

    def __init__(self, log: ReplicatedLog) -> None:
        self._log = log

    def _written_ns(self) -> int:
        return int(self._log.entry(self._log.last)["written_ns"]) if self._log.last else 0

    def credentials(self) -> Mapping[str, Any]:
        return {"written_ns": self._written_ns()}

    def electable(self, candidate: str, message: Message) -> bool:
        return bool(message["written_ns"] >= self._written_ns())


def promotion(
    options: Mapping[str, str], log: ReplicatedLog, record: ConfigurationRecord, bugs: frozenset[str]
) -> Promotion:
    """The rule that the options ask for, or the mistake in its place. A pair is on record where replication is
    semi-synchronous; elsewhere no two nodes have everything, and the freshest is asked for in any case."""
    if PROMOTE_ANY_BACKUP in bugs:
        return Anybody()
    if FRESHNESS_BY_WALL_CLOCK in bugs:
        return LatestByClock(log)
    recorded = (options["replication"], options["promotion"]) == ("semi-sync", "recorded")
    return Recorded(record) if recorded else Freshest(log)
