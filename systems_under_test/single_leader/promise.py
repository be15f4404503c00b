"""What a set of options promises, in workloads whose runs are never invalid: the claims, read the other way round."""

from __future__ import annotations

from collections.abc import Mapping

LINEARIZABLE = frozenset({"set", "set-full", "register", "counter", "unique-ids", "sessions", "consistent-prefix"})
"""What holds where there is one order of everything, and reads are of its end. (Devices are told apart, too.)"""


def promises(options: Mapping[str, str]) -> frozenset[str]:
    """Without generations two nodes lead at a time, and files copied while clients write are no state at all: nothing
    can be said of either."""
    if options["generation"] == "off" or options["joining"] == "file-copy":
        return frozenset()
    promised = _by_position(options)
    if _keeps(options):
        promised |= _of_what_is_kept(options)
    return promised


def _keeps(options: Mapping[str, str]) -> bool:
    """Whether what was acknowledged is never lost: because the leader stays the same, or its successor has it."""
    pair = (options["replication"], options["promotion"]) == ("semi-sync", "recorded")
    return options["failover"] == "none" or pair or options["replication"] in ("majority", "sync")


def _of_what_is_kept(options: Mapping[str, str]) -> frozenset[str]:
    """Numbers are given out by the leader, once; elements may be added twice; all else needs current reads, and a
    request that is sent again must not be executed again."""
    promised = frozenset({"unique-ids"})
    if options["reads"] in ("leader", "confirmed"):
        promised |= {"set", "set-full"}
    if options["deduplication"] == "on" and _current(options):
        promised |= {*LINEARIZABLE, "devices"}
    return promised


def _current(options: Mapping[str, str]) -> bool:
    """Whether a read shows every write before it. A leader that asks nobody must know that it has no successor: there
    is none, or one whose first entry this node must have, too."""
    alone = options["failover"] == "none" or options["replication"] == "sync"
    return options["reads"] == "confirmed" or (options["reads"] == "leader" and alone)


def _by_position(options: Mapping[str, str]) -> frozenset[str]:
    """A session that remembers the last entry it saw is told that it is lost rather than shown anything older; a user's
    devices are where they know of each other's writes, which travellers' do not."""
    if (options["reads"], options["deduplication"]) != ("position", "on"):
        return frozenset()
    promised = frozenset({"sessions"})
    shared = (options["shared-position"], options["travel"]) == ("on", "off")
    return promised | {"devices"} if shared else promised
