"""What a set of options promises, in workloads whose runs are never invalid: the claims, read the other way round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

EVERYTHING: Final = frozenset(
    {"set", "set-full", "register", "counter", "unique-ids", "sessions", "devices", "consistent-prefix"}
)


def promises(options: Mapping[str, str]) -> frozenset[str]:
    """Without generations two nodes lead at a time, and files copied while clients write are no state at all: nothing
    can be said of either."""
    if options["generation"] == "off" or options["joining"] == "file-copy":
        return frozenset()
    if not _keeps(options):
        return _by_position(options)
    if options["deduplication"] == "on" and _current(options):
        return EVERYTHING
    return _kept(options) | _by_position(options)


def _keeps(options: Mapping[str, str]) -> bool:
    """Whether what was acknowledged is never lost: because the leader stays the same, or its successor has it."""
    pair = (options["replication"], options["promotion"]) == ("semi-sync", "recorded")
    return options["failover"] == "none" or pair or options["replication"] in ("majority", "sync")


def _current(options: Mapping[str, str]) -> bool:
    """Whether a read shows every write before it. A leader that asks nobody must know that it has no successor: there
    is none, or one whose first entry this node must have, too."""
    alone = options["failover"] == "none" or options["replication"] == "sync"
    return options["reads"] == "confirmed" or (options["reads"] == "leader" and alone)


def _kept(options: Mapping[str, str]) -> frozenset[str]:
    """What a late read, and a request that is executed twice, do no harm to."""
    promised = {"set", "unique-ids"}
    if _shows_what_is_kept(options):
        promised.add("set-full")
        if options["partitions"] == "1" and "sessions" in _by_position(options):
            promised.add("consistent-prefix")
    return frozenset(promised)


def _shows_what_is_kept(options: Mapping[str, str]) -> bool:
    """Whether nothing is read that may be lost: from leaders never; from followers if they wait for others, too."""
    waiting = options["apply"] == "high-water" and options["replication"] != "async"
    return waiting or options["reads"] in ("leader", "confirmed")


def _by_position(options: Mapping[str, str]) -> frozenset[str]:
    """A session that remembers the last entry it saw is told that it is lost rather than shown anything older. A user's
    devices are where they know of each other's writes, which travellers' do not, and where none of these is lost: one
    device remembers nothing of what another has seen, and the next leader nothing of what was lost."""
    if (options["reads"], options["deduplication"]) != ("position", "on"):
        return frozenset()
    shared = (options["shared-position"], options["travel"]) == ("on", "off")
    return frozenset({"sessions", "devices"} if shared and _keeps(options) else {"sessions"})
