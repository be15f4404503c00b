"""Parallel snapshot isolation: as snapshot isolation at each of several sites, which learn of each other's commits only
later (Sovran, Power, Aguilera, Li, "Transactional storage for geo-replicated systems", SOSP 2011, section 3).

A client has a home site. A transaction reads from what its home site had when it began; it may commit if nobody has
committed, at any site, a version of what it writes that it did not have. A commit is there at its own site at once, and
at another after a while, never before what its transaction had seen. So two sites may see two commits in opposite
orders: a long fork. Lost updates stay impossible.

The sites are three in one node's memory: what is played is the order in which commits become visible, and that is all
that a client of the real thing would see of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from harness.node import Env

from systems_under_test.blocks.lock_table import Key, Range
from systems_under_test.reference_store.isolation import Rows
from systems_under_test.reference_store.version import Snapshot, Versions

SITES: Final = 3


class Stamp(NamedTuple):
    """The ``number``-th commit (1, 2, ...) of a site."""

    site: int
    number: int


@dataclass(frozen=True, slots=True)
class _Commit:
    """``seen``: how many commits of each site its transaction had when it began; ``due_ns``: when each site gets it."""

    seen: Sequence[int]
    due_ns: Sequence[int]


@dataclass(slots=True)
class _Site:
    """``commits`` are its own; ``seen``: how many of each site it has, its own among them."""

    commits: list[_Commit] = field(default_factory=list)
    seen: list[int] = field(default_factory=lambda: [0] * SITES)


class ParallelSnapshotIsolation:
    """See :class:`systems_under_test.reference_store.isolation.Isolation`. ``replication_ms`` is the mean time that a
    commit takes to another site."""

    def __init__(self, env: Env, replication_ms: float) -> None:
        self._env, self._replication_ms = env, replication_ms
        self._random = env.random("replication")
        self._sites = [_Site() for _ in range(SITES)]
        self._homes: dict[str, int] = {}
        self.versions: Versions[Stamp] = Versions()

    def begin(self, client: str) -> _Transaction:
        home = self._homes.setdefault(client, len(self._homes) % SITES)
        self._catch_up(home)
        return _Transaction(self, home, tuple(self._sites[home].seen))

    def next_stamp(self, home: int) -> Stamp:
        return Stamp(home, len(self._sites[home].commits) + 1)

    def committed(self, home: int, seen: Sequence[int]) -> None:
        """Another commit of that site, whose transaction had seen that much when it began, is on its way to the
        others."""
        site, now_ns = self._sites[home], self._env.clock.monotonic()
        delays_ms = [self._random.uniform(0, 2 * self._replication_ms) for _ in range(SITES)]
        site.commits.append(_Commit(seen, [now_ns + int(delay_ms * 1e6) for delay_ms in delays_ms]))
        site.seen[home] += 1

    def _catch_up(self, place: int) -> None:
        """Take what has arrived at the site since: each site's commits in their order, and each after all that its
        transaction had seen."""
        site, now_ns = self._sites[place], self._env.clock.monotonic()
        behind = True
        while behind:
            behind = False
            for origin, other in enumerate(self._sites):
                if site.seen[origin] == len(other.commits):
                    continue
                commit = other.commits[site.seen[origin]]
                if commit.due_ns[place] <= now_ns and all(a >= b for a, b in zip(site.seen, commit.seen, strict=True)):
                    site.seen[origin] += 1
                    behind = True


class _Transaction:
    def __init__(self, store: ParallelSnapshotIsolation, home: int, seen: Sequence[int]) -> None:
        self._store, self._home, self._seen = store, home, seen
        self._snapshot = Snapshot(store.versions, lambda stamp: stamp.number <= seen[stamp.site])

    async def read(self, key: Key) -> Any:
        return self._snapshot.read(key)

    async def update(self, key: Key, f: str, value: Any) -> None:
        self._snapshot.update(key, f, value)

    async def select(self, range_: Range) -> Rows:
        return self._snapshot.select(range_)

    def commit(self) -> None:
        self._snapshot.commit(self._store.next_stamp(self._home))
        self._store.committed(self._home, self._seen)

    def abort(self) -> None:
        """What was written is in the snapshot only."""
