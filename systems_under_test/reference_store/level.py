"""The isolation levels of the reference store, and the module that has each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from harness.node import Env

from systems_under_test.reference_store.isolation import Isolation
from systems_under_test.reference_store.parallel_snapshot_isolation import ParallelSnapshotIsolation
from systems_under_test.reference_store.read_committed import ReadCommitted
from systems_under_test.reference_store.read_uncommitted import ReadUncommitted
from systems_under_test.reference_store.snapshot_isolation import SnapshotIsolation
from systems_under_test.reference_store.two_phase_locking import TwoPhaseLocking

Options = Mapping[str, str]

REPLICATION_MS: Final = "replication-ms"

LEVELS: Final[Mapping[str, Callable[[Env, Options], Isolation]]] = {
    "serializable": lambda env, options: TwoPhaseLocking(env, predicate_locks=True),
    "repeatable-read": lambda env, options: TwoPhaseLocking(env, predicate_locks=False),
    "snapshot-isolation": lambda env, options: SnapshotIsolation(),
    "parallel-snapshot-isolation": lambda env, options: ParallelSnapshotIsolation(env, float(options[REPLICATION_MS])),
    "read-committed": lambda env, options: ReadCommitted(env),
    "read-uncommitted": lambda env, options: ReadUncommitted(),
}
"""Level -> the way of isolation that keeps it."""

KEPT: Final[Mapping[str, str]] = {
    "serializable": "strict-serializable",
    "repeatable-read": "strong-repeatable-read",
    "snapshot-isolation": "strong-snapshot-isolation",
    "parallel-snapshot-isolation": "strong-session-parallel-snapshot-isolation",
    "read-committed": "strong-read-committed",
}
"""Level -> what holds of every history, by the names of ``splitbrain check --expect``. One node commits in the order of
real time, so all but the level of several sites have the strong form. Of read uncommitted nothing holds: Adya's
PL-1, which is called so, forbids the dirty writes that are possible here."""


def isolation(env: Env, options: Options) -> Isolation:
    """The way of isolation that the options ask for."""
    return LEVELS[options["isolation"]](env, options)
