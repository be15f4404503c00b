"""The mistakes that ``--bug`` seeds into ``single-leader``: what each is, what exposes it, how it shows.

Each names options under which the system without it loses nothing and, with ``replication=sync``, is linearizable.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.system import Bug

ACKNOWLEDGE_BEFORE_BACKUP: Final = "acknowledge-before-backup"
NO_GENERATION: Final = "no-generation"
STALE_BACKUP_READS: Final = "stale-backup-reads"
DIRTY_READ: Final = "dirty-read"
KEEP_DIVERGENT_SUFFIX: Final = "keep-divergent-suffix"
ACKNOWLEDGE_BEFORE_FSYNC: Final = "acknowledge-before-fsync"

ACKNOWLEDGED_ENTRIES_VANISH: Final = frozenset(
    {ACKNOWLEDGE_BEFORE_BACKUP, KEEP_DIVERGENT_SUFFIX, ACKNOWLEDGE_BEFORE_FSYNC}
)
"""What these break is asserted, too; the assertion is off, or nobody but the node would see the damage."""

BUGS: Final[Mapping[str, Bug]] = {
    ACKNOWLEDGE_BEFORE_BACKUP: Bug(
        row=1,
        summary="the leader acknowledges a write before any backup has it",
        faults="partition=isolate-leader, kill=leader",
        workloads=("set", "register"),
        shows_as=("SET", "LIN", "CNT"),
        options={"replication": "sync"},
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
    ACKNOWLEDGE_BEFORE_FSYNC: Bug(
        row=9,
        summary="a backup says that it has an entry which it has written but not yet synced",
        faults="power-loss=all",
        workloads=("set", "register"),
        shows_as=("SET", "LIN", "DIV"),
        options={"replication": "sync"},
    ),
}
