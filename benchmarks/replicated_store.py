"""A transactional store of several sites: causal consistency, or parallel snapshot isolation."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from benchmarks.transaction_store import Conflict, Running, based_on

SITES: Final = 3


@dataclass(frozen=True, slots=True)
class Version:
    """``stamp`` orders all versions (its first two numbers all commits); of the ``number``-th commit of its site."""

    stamp: tuple[int, int, int]
    site: int
    number: int
    value: Any


@dataclass(slots=True)
class Site:
    """A replica: the versions it knows, how many commits of each site, and its Lamport clock."""

    vector: list[int]
    clock: int = 0
    versions: dict[Any, list[Version]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Commit:
    """On its way to a site: what it depends on must be there before it."""

    target: int
    vector: tuple[int, ...]
    versions: tuple[tuple[Any, Version], ...]


@dataclass(slots=True)
class ReplicatedStore:
    """Sites that send each other their commits in causal order; a session stays at its site and reads what is there.
    Of two writes of a register the later stamp wins; a list is appended to at one site only. Or else (parallel snapshot
    isolation) only who has seen the last version of a key may write the next one."""

    random: Random
    lists: bool
    first_committer_wins: bool = False
    procedures: bool = False
    sites: list[Site] = field(default_factory=lambda: [Site([0] * SITES) for _ in range(SITES)])
    homes: dict[Hashable, int] = field(default_factory=dict)
    latest: dict[Any, Version] = field(default_factory=dict)
    sent: list[Commit] = field(default_factory=list)

    def may_write(self, session: Hashable, key: Any) -> bool:
        return not self.lists or self.first_committer_wins or hash(key) % SITES == self._home(session)

    def _home(self, session: Hashable) -> int:
        return self.homes.setdefault(session, len(self.homes) % SITES)

    def begin(self, session: Hashable, keys: Sequence[Any]) -> Running:
        return Running(session, keys, vector=list(self.sites[self._home(session)].vector))

    def read(self, running: Running, key: Any) -> list[Any]:
        known = self.sites[self._home(running.session)].versions.get(key, ())
        based_on(running, key, 0)
        return [each.value for each in sorted(known, key=lambda each: each.stamp) if _within(running, each)]

    def write(self, running: Running, key: Any, value: Any) -> None:
        running.writes.setdefault(key, []).append(value)

    def commit(self, running: Running) -> None:
        checked = running.writes if self.first_committer_wins else running.based if self.lists else ()
        if any(key in self.latest and not _within(running, self.latest[key]) for key in checked):
            raise Conflict
        if not running.writes:
            return
        home = self._home(running.session)
        site = self.sites[home]
        depends = tuple(site.vector)
        clock = max(each.clock for each in self.sites) if self.first_committer_wins else site.clock
        versions = tuple(
            (key, Version((clock + 1, home, place), home, depends[home] + 1, value))
            for key, values in running.writes.items() for place, value in enumerate(values)
        )  # fmt: skip
        self._apply(Commit(home, depends, versions))
        self.latest |= dict(versions)
        self.sent += [Commit(other, depends, versions) for other in range(SITES) if other != home]

    def _apply(self, commit: Commit) -> None:
        site = self.sites[commit.target]
        for key, version in commit.versions:
            site.versions.setdefault(key, []).append(version)
            site.clock = max(site.clock, version.stamp[0])
            site.vector[version.site] = version.number

    def abort(self, running: Running) -> None:
        pass

    def tick(self) -> None:
        ready = [each for each in self.sent if self._may_arrive(each)]
        if ready:
            commit = self.random.choice(ready)
            self.sent.remove(commit)
            self._apply(commit)

    def _may_arrive(self, commit: Commit) -> bool:
        vector = self.sites[commit.target].vector
        origin = commit.versions[0][1].site
        return vector[origin] == commit.vector[origin] and all(
            here >= needed for here, needed in zip(vector, commit.vector, strict=True)
        )


def _within(running: Running, version: Version) -> bool:
    return version.number <= running.vector[version.site]
