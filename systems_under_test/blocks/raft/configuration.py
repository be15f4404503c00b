"""Who the servers are: configurations of the cluster, kept as entries of the log (section 6; dissertation, chapter 4).

A server uses the latest configuration in its log, committed or not, from the moment it has stored it; so when a log is
cut, an earlier configuration counts again. Before any entry changes it, it is the one that all servers were given.
Every majority that Raft speaks of is a majority of the configuration in use. While two of them are joined, there must
be a majority of each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from systems_under_test.blocks.high_water_mark import high_water_mark
from systems_under_test.blocks.quorum import majority
from systems_under_test.blocks.raft.log import Entry

KEY: Final = "raft-configuration"
"""A command with this key is Raft's own; the state machine never sees it."""


class Configuration(NamedTuple):
    """``voters`` decide. In the joint phase (C_old,new) they are C_new, and ``old_voters`` are C_old; else nobody."""

    voters: tuple[str, ...]
    old_voters: tuple[str, ...] = ()

    @property
    def is_joint(self) -> bool:
        return bool(self.old_voters)

    @property
    def members(self) -> tuple[str, ...]:
        """All servers that have a say."""
        return (*self.voters, *(server for server in self.old_voters if server not in self.voters))

    def agree(self, servers: Collection[str]) -> bool:
        """Whether these servers can decide. Strangers among them do not count."""
        return all(sum(voter in servers for voter in group) >= majority(len(group)) for group in self._groups)

    def agreed(self, figures: Mapping[str, int]) -> int:
        """The greatest figure that as many as can decide have reached; who has none is at 0."""
        return min(
            high_water_mark((figures.get(voter, 0) for voter in group), majority(len(group))) for group in self._groups
        )

    @property
    def _groups(self) -> tuple[tuple[str, ...], ...]:
        return (self.voters, self.old_voters) if self.old_voters else (self.voters,)


@dataclass(frozen=True, slots=True)
class Placed:
    """A configuration, and the index of the entry that it came with; 0 for the first one."""

    index: int
    configuration: Configuration


def command_of(configuration: Configuration) -> Mapping[str, Any]:
    """The command of an entry that changes the configuration."""
    return {KEY: {"voters": list(configuration.voters), "old_voters": list(configuration.old_voters)}}


def is_configuration(entry: Entry) -> bool:
    return entry.command is not None and KEY in entry.command


def from_json(data: Mapping[str, Any]) -> Configuration:
    return Configuration(tuple(data["voters"]), tuple(data["old_voters"]))


def placed_in(entries: Iterable[Entry]) -> tuple[Placed, ...]:
    """The configurations among the entries, in their order."""
    return tuple(
        Placed(entry.index, from_json(entry.command[KEY]))
        for entry in entries
        if entry.command is not None and KEY in entry.command
    )
