"""Small transactional stores, one for each way to keep an isolation level: what they answer is valid at that level.

They share nothing with the checkers. Each keeps the versions of every key in the order of their commits; a list is all
of them, a register the last one. :mod:`benchmarks.transaction_clients` drives them; LEVELS says what each guarantees.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, Literal

from benchmarks.replicated_store import ReplicatedStore
from benchmarks.transaction_store import Conflict, Log, Running, Store, based_on

LAG_MAX: Final = 6  # commits that a snapshot may be behind


@dataclass(slots=True)
class SnapshotStore:
    """Every transaction reads a prefix of the commits: all of them, or an older one, perhaps not older than what its
    session has seen. Where the first committer does not win, only an own append that was read may not be overtaken."""

    random: Random
    lists: bool
    lag: Literal["none", "session", "any"] = "none"
    first_committer_wins: bool = True
    procedures: bool = False
    log: Log = field(default_factory=Log)
    seen: dict[Hashable, int] = field(default_factory=dict)

    def may_write(self, session: Hashable, key: Any) -> bool:
        return True

    def begin(self, session: Hashable, keys: Sequence[Any]) -> Running:
        oldest = {"none": self.log.commits, "session": self.seen.get(session, 0), "any": 0}[self.lag]
        snapshot = max(oldest, self.log.commits - self.random.randint(0, LAG_MAX))
        self.seen[session] = max(self.seen.get(session, 0), snapshot)
        return Running(session, keys, snapshot=snapshot)

    def read(self, running: Running, key: Any) -> list[Any]:
        based_on(running, key, running.snapshot)
        return self.log.until(key, running.snapshot)

    def write(self, running: Running, key: Any, value: Any) -> None:
        running.writes.setdefault(key, []).append(value)

    def commit(self, running: Running) -> None:
        checked = running.writes if self.first_committer_wins else running.based if self.lists else ()
        if any(self.log.last(key) > running.snapshot for key in checked):
            raise Conflict
        if running.writes:
            self.seen[running.session] = self.log.commit(running.writes)

    def abort(self, running: Running) -> None:
        pass

    def tick(self) -> None:
        pass


@dataclass(slots=True)
class LockStore:
    """Who writes a key keeps its lock until the end; nobody waits: who finds a lock aborts. ``reads`` are of what is
    committed now; or stable, of what the reader may then overwrite; or locked, too; or dirty."""

    reads: Literal["committed", "stable", "locked", "dirty"] = "committed"
    procedures: bool = False
    log: Log = field(default_factory=Log)
    writer: dict[Any, Running] = field(default_factory=dict)
    readers: dict[Any, list[Running]] = field(default_factory=dict)

    def may_write(self, session: Hashable, key: Any) -> bool:
        return True

    def begin(self, session: Hashable, keys: Sequence[Any]) -> Running:
        return Running(session, keys)

    def read(self, running: Running, key: Any) -> list[Any]:
        holder = self.writer.get(key, running)
        if self.reads == "locked":
            if holder is not running:
                raise Conflict
            self.readers.setdefault(key, []).append(running)
        if key not in running.writes:
            running.view[key] = min(running.view.get(key, self.log.commits), self.log.last(key))
        dirty = holder.writes.get(key, ()) if self.reads == "dirty" and holder is not running else ()
        return [*self.log.until(key, self.log.commits), *dirty]

    def write(self, running: Running, key: Any, value: Any) -> None:
        others = [each for each in self.readers.get(key, ()) if each is not running]
        stale = self.reads == "stable" and running.view.get(key, self.log.last(key)) != self.log.last(key)
        if others or stale or self.writer.setdefault(key, running) is not running:
            raise Conflict
        running.writes.setdefault(key, []).append(value)

    def commit(self, running: Running) -> None:
        if running.writes:
            self.log.commit(running.writes)
        self.abort(running)

    def abort(self, running: Running) -> None:
        self.writer = {key: each for key, each in self.writer.items() if each is not running}
        for key, several in self.readers.items():
            self.readers[key] = [each for each in several if each is not running]

    def tick(self) -> None:
        pass


@dataclass(slots=True)
class PartitionedStore:
    """Every key is a partition of its own, on which commits arrive at their own time, and with each version stands
    what else its transaction wrote (Bailis et al., RAMP, 2014). The reads of a transaction are made together, each at
    least as new as the others demand (read atomic); or one by one, as new as the earlier ones demand (monotonic)."""

    random: Random
    lists: bool
    together: bool
    procedures: bool = False
    log: Log = field(default_factory=Log)
    arrived: dict[Any, int] = field(default_factory=dict)

    def may_write(self, session: Hashable, key: Any) -> bool:
        return True

    def begin(self, session: Hashable, keys: Sequence[Any]) -> Running:
        running = Running(session, keys)
        if self.together:
            first = {key: self.log.last(key, self.arrived.get(key, 0)) for key in keys}
            for key, commit in first.items():
                running.view[key] = max(running.view.get(key, 0), commit)
                self._demand(running, commit)
        return running

    def _demand(self, running: Running, commit: int) -> None:
        for key in self.log.written[commit]:
            running.view[key] = max(running.view.get(key, 0), commit)

    def read(self, running: Running, key: Any) -> list[Any]:
        newest = running.view.get(key, 0)
        if not self.together:
            newest = max(newest, self.arrived.get(key, 0))
        commit = self.log.last(key, newest)
        if not self.together:
            self._demand(running, commit)
        based_on(running, key, commit)
        return self.log.until(key, commit)

    def write(self, running: Running, key: Any, value: Any) -> None:
        running.writes.setdefault(key, []).append(value)

    def commit(self, running: Running) -> None:
        if self.lists and any(self.log.last(key) != commit for key, commit in running.based.items()):
            raise Conflict
        if running.writes:
            self.log.commit(running.writes)

    def abort(self, running: Running) -> None:
        pass

    def tick(self) -> None:
        behind = [key for key in self.log.versions if self.log.last(key) > self.arrived.get(key, 0)]
        if behind:
            key = self.random.choice(behind)
            self.arrived[key] = min(n for n, _ in self.log.versions[key] if n > self.arrived.get(key, 0))


LEVELS: Final[Mapping[str, tuple[str, ...]]] = {
    "serial": ("strict-serializable",),
    "two-phase locking": ("strict-serializable",),
    "snapshot": ("strong-snapshot-isolation",),
    "session snapshot": ("strong-session-snapshot-isolation",),
    "old snapshot": ("snapshot-isolation",),
    "parallel snapshot": ("strong-session-parallel-snapshot-isolation",),
    "prefix": ("strong-session-prefix",),
    "causal": ("causal",),
    "read atomic": ("read-atomic",),
    "monotonic view": ("monotonic-atomic-view",),
    "stable cursor": ("cursor-stability", "strong-read-committed"),
    "read committed": ("strong-read-committed",),
    "read uncommitted": ("strong-read-uncommitted",),
}
_MADE: Final[Mapping[str, Callable[[Random, bool], Store]]] = {
    "serial": lambda random, lists: SnapshotStore(random, lists, procedures=True),
    "two-phase locking": lambda random, lists: LockStore("locked"),
    "snapshot": SnapshotStore,
    "session snapshot": lambda random, lists: SnapshotStore(random, lists, "session"),
    "old snapshot": lambda random, lists: SnapshotStore(random, lists, "any"),
    "parallel snapshot": lambda random, lists: ReplicatedStore(random, lists, first_committer_wins=True),
    "prefix": lambda random, lists: SnapshotStore(random, lists, "session", first_committer_wins=False),
    "causal": ReplicatedStore,
    "read atomic": lambda random, lists: PartitionedStore(random, lists, together=True),
    "monotonic view": lambda random, lists: PartitionedStore(random, lists, together=False),
    "stable cursor": lambda random, lists: LockStore("stable"),
    "read committed": lambda random, lists: LockStore("committed"),
    "read uncommitted": lambda random, lists: LockStore("dirty"),
}


def store(name: str, random: Random, *, lists: bool) -> Store:
    """A new store of that name (one of LEVELS), of lists or of registers."""
    return _MADE[name](random, lists)
