"""The mistakes that ``--bug`` seeds into ``single-leader``: what each is, what exposes it, how it shows.

Each names options under which the system without it loses nothing and, with ``replication=sync``, is linearizable.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.system import Bug

ACKNOWLEDGE_BEFORE_BACKUP: Final = "acknowledge-before-backup"
PROMOTE_ANY_BACKUP: Final = "promote-any-backup"
NO_GENERATION: Final = "no-generation"
STALE_BACKUP_READS: Final = "stale-backup-reads"
DIRTY_READ: Final = "dirty-read"
KEEP_DIVERGENT_SUFFIX: Final = "keep-divergent-suffix"
FRESHNESS_BY_WALL_CLOCK: Final = "freshness-by-wall-clock"
SEMI_SYNC_BECOMES_ASYNC: Final = "semi-sync-becomes-async"
ACKNOWLEDGE_BEFORE_FSYNC: Final = "acknowledge-before-fsync"

ACKNOWLEDGED_ENTRIES_VANISH: Final = frozenset(
    {
        ACKNOWLEDGE_BEFORE_BACKUP,
        PROMOTE_ANY_BACKUP,
        KEEP_DIVERGENT_SUFFIX,
        FRESHNESS_BY_WALL_CLOCK,
        SEMI_SYNC_BECOMES_ASYNC,
        ACKNOWLEDGE_BEFORE_FSYNC,
    }
)
"""What these break is asserted, too; the assertion is off, or nobody but the node would see the damage."""

STALE_AND_LATE: Final = (
    "after 40th operation add: partition=isolate-followers:2, after 48th operation add: clock=leader, "
    "after 60th operation add: kill=leader"
)
"""Two followers fall behind, the leader's clock is set back, and they come back as the leader dies: the last entry that
they have has a later time than any that they lack."""

SEMI_SYNC: Final = {"replication": "semi-sync", "promotion": "recorded"}

BUGS: Final[Mapping[str, Bug]] = {
    ACKNOWLEDGE_BEFORE_BACKUP: Bug(
        row=1,
        summary="the leader acknowledges a write before any backup has it",
        faults="partition=isolate-leader, kill=leader",
        workloads=("set", "register"),
        shows_as=("SET", "LIN", "CNT"),
        options={"replication": "sync"},
    ),
    PROMOTE_ANY_BACKUP: Bug(
        row=2,
        summary="any backup is promoted, not one that has everything that was acknowledged",
        faults="partition=isolate-leader:2, kill=leader",
        workloads=("set",),
        shows_as=("SET", "DIV"),
        options=SEMI_SYNC,
    ),
    NO_GENERATION: Bug(
        row=3,
        summary="leaders carry no generation: a deposed one goes on writing",
        faults="partition=isolate-leader",
        workloads=("set",),
        shows_as=("SET", "DIV", "EV", "LIN"),
        options={"replication": "majority"},
    ),
    STALE_BACKUP_READS: Bug(
        row=4,
        summary="a backup serves reads as if it were current",
        faults="delay, partition",
        workloads=("register",),
        shows_as=("LIN",),
        options={"replication": "sync"},
    ),
    DIRTY_READ: Bug(
        row=5,
        summary="a read sees a write that is not replicated yet, and may be lost",
        faults="after any operation write: partition=isolate-leader, after any operation cas: partition=isolate-leader",
        workloads=("register",),
        shows_as=("LIN",),
        options={"replication": "sync"},
    ),
    KEEP_DIVERGENT_SUFFIX: Bug(
        row=6,
        summary="a node that rejoins keeps entries that the new leader does not have",
        faults="partition=isolate-leader",
        workloads=("set", "register"),
        shows_as=("DIV", "SET", "LIN"),
        options={"replication": "sync"},
    ),
    FRESHNESS_BY_WALL_CLOCK: Bug(
        row=7,
        summary="the log whose last entry has the latest wall-clock time is taken for the freshest",
        faults=STALE_AND_LATE,
        workloads=("set",),
        shows_as=("SET", "DIV"),
        options={"replication": "majority"},
    ),
    SEMI_SYNC_BECOMES_ASYNC: Bug(
        row=8,
        summary="when the synchronous follower is silent, the leader acknowledges alone, and nobody is told",
        faults="partition=isolate-leader, kill=leader",
        workloads=("set",),
        shows_as=("SET", "DIV"),
        options=SEMI_SYNC,
    ),
    ACKNOWLEDGE_BEFORE_FSYNC: Bug(
        row=9,
        summary="a backup says that it has an entry which it has written but not yet synced",
        faults="power-loss=all",
        workloads=("set", "register"),
        shows_as=("SET", "LIN", "DIV"),
        options={"replication": "sync"},
    ),
}
