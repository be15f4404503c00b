"""Locks on keys and on ranges of keys, shared or exclusive, held until the end of a transaction; deadlocks are found.

Kleppmann, "Designing Data-Intensive Applications", ch. 7, "Two-Phase Locking": a lock on a range is a predicate lock;
it covers keys that do not exist yet, and so keeps phantoms out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harness.node import Env, Future

Key = str | int | float


class Deadlock(Exception):
    """Waiting would close a cycle of transactions, each waiting for the next."""


class Withdrawn(Exception):
    """The owner's locks were released while it waited for one more."""


class Range(NamedTuple):
    """All keys from ``first`` to ``last``, inclusive, existing or not. Numbers come before texts."""

    first: Key
    last: Key

    def overlaps(self, other: Range) -> bool:
        return rank(self.first) <= rank(other.last) and rank(other.first) <= rank(self.last)

    def covers(self, other: Range) -> bool:
        return rank(self.first) <= rank(other.first) and rank(other.last) <= rank(self.last)


def rank(key: Key) -> tuple[bool, Key]:
    """By which keys are ordered."""
    return isinstance(key, str), key


@dataclass(frozen=True, slots=True, eq=False)
class _Lock:
    """A lock that is held or asked for; ``granted`` is awaited by who asked."""

    owner: str
    range: Range
    exclusive: bool
    granted: Future[None]

    def conflicts(self, other: _Lock) -> bool:
        return self.owner != other.owner and (self.exclusive or other.exclusive) and self.range.overlaps(other.range)


class LockTable:
    """An owner is a transaction's name, used once. Who asks waits behind those who asked before, unless one of them
    waits for a lock of its own: else a transaction that wants more than it has would wait for itself."""

    def __init__(self, env: Env) -> None:
        self._env = env
        self._held: list[_Lock] = []
        self._waiting: list[_Lock] = []

    async def acquire(self, owner: str, range_: Range, *, exclusive: bool) -> None:
        """Wait for the lock, and hold it until ``release``. Raises Deadlock (the owner should give up: the others can
        go on), or Withdrawn."""
        if self._has(owner, range_, exclusive):
            return
        asked = _Lock(owner, range_, exclusive, self._env.future())
        if not self._blockers(asked, self._waiting):
            self._held.append(asked)
            return
        self._waiting.append(asked)
        if self._waits_for_itself(owner):
            self._waiting.remove(asked)
            raise Deadlock(f"{owner} would wait for a transaction that waits for it")
        await asked.granted
        if asked not in self._held:  # granted and released again before its owner could go on
            raise Withdrawn

    def release(self, owner: str) -> None:
        """Give up all locks of ``owner``, and what it waits for."""
        withdrawn = [lock for lock in self._waiting if lock.owner == owner]
        self._held = [lock for lock in self._held if lock.owner != owner]
        self._waiting = [lock for lock in self._waiting if lock.owner != owner]
        for lock in withdrawn:
            lock.granted.set_exception(Withdrawn())
        self._grant()

    def _grant(self) -> None:
        ahead: list[_Lock] = []
        for lock in self._waiting:
            if self._blockers(lock, ahead):
                ahead.append(lock)
            else:
                self._held.append(lock)
                lock.granted.set_result(None)
        self._waiting = ahead

    def _has(self, owner: str, range_: Range, exclusive: bool) -> bool:
        mine = (lock for lock in self._held if lock.owner == owner)
        return any(lock.range.covers(range_) and lock.exclusive >= exclusive for lock in mine)

    def _blockers(self, asked: _Lock, ahead: Sequence[_Lock]) -> list[str]:
        """The owners for whom that request must wait: of locks that are held, and of requests ahead of it."""
        mine = [lock for lock in self._held if lock.owner == asked.owner]
        holders = [lock.owner for lock in self._held if lock.conflicts(asked)]
        first = [lock.owner for lock in ahead if lock.conflicts(asked) and not any(map(lock.conflicts, mine))]
        return [*holders, *first]

    def _waits_for_itself(self, owner: str) -> bool:
        """Whether the graph of who waits for whom has a cycle through ``owner``."""
        waits_for: dict[str, list[str]] = {}
        for place, lock in enumerate(self._waiting):
            waits_for.setdefault(lock.owner, []).extend(self._blockers(lock, self._waiting[:place]))
        seen: dict[str, None] = {}
        unseen = list(waits_for[owner])
        while unseen:
            other = unseen.pop()
            if other not in seen:
                seen[other] = None
                unseen.extend(waits_for.get(other, ()))
        return owner in seen
