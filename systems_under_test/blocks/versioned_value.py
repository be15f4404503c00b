"""Versioned value: every update is kept under its timestamp, and a reader sees the state as of the time it asks for
(*Patterns of Distributed Systems*, "Versioned Value"; Kleppmann, "Designing Data-Intensive Applications", ch. 7,
"Snapshot Isolation and Repeatable Read").

A removal is a version, too: a tombstone, by which a reader of a later time knows that the key was there and is gone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Any, Generic, NamedTuple, TypeVar

TimestampT = TypeVar("TimestampT", int, tuple[int, int], tuple[int, str])


class Version(NamedTuple, Generic[TimestampT]):
    """``removed``: a tombstone, whose value means nothing."""

    timestamp: TimestampT
    value: Any
    removed: bool = False


class TooOld(Exception):
    """What was there at that time is collected."""


class VersionedStore(Generic[TimestampT]):
    """Keys with their versions, each key's from old to new. Timestamps may arrive in any order."""

    def __init__(self) -> None:
        self._versions: dict[str, list[Version[TimestampT]]] = {}
        self._horizon: TimestampT | None = None

    def put(self, key: str, timestamp: TimestampT, value: Any) -> None:
        """A new version. Raises TooOld below the horizon, where nobody would ever see it."""
        self._insert(key, Version(timestamp, value))

    def remove(self, key: str, timestamp: TimestampT) -> None:
        """The key is gone from ``timestamp`` on. Raises TooOld."""
        self._insert(key, Version(timestamp, None, removed=True))

    def get(self, key: str, as_of: TimestampT) -> Version[TimestampT] | None:
        """The newest version not after ``as_of``; None if there is none, or it is a tombstone. Raises TooOld."""
        if self._horizon is not None and as_of < self._horizon:
            raise TooOld(f"read as of {as_of}; kept is what was there from {self._horizon} on")
        kept = self._versions.get(key, [])
        at = bisect_right(kept, as_of, key=_timestamp)
        return None if at == 0 or kept[at - 1].removed else kept[at - 1]

    def latest(self, key: str) -> Version[TimestampT] | None:
        """The newest version of all, tombstones included."""
        kept = self._versions.get(key)
        return kept[-1] if kept else None

    def scan(self, first: str, last: str, as_of: TimestampT) -> Iterator[tuple[str, Version[TimestampT]]]:
        """The keys from ``first`` to ``last``, inclusive, that were there at ``as_of``, in order. Raises TooOld."""
        for key in sorted(key for key in self._versions if first <= key <= last):
            version = self.get(key, as_of)
            if version is not None:
                yield key, version

    def collect(self, horizon: TimestampT) -> int:
        """Forget what no reader as of ``horizon`` or later can see; returns how many versions that were."""
        if self._horizon is not None and horizon <= self._horizon:
            return 0
        self._horizon = horizon
        before = len(self)
        self._versions = {key: kept for key in self._versions if (kept := self._seen_from(key, horizon))}
        return before - len(self)

    def __len__(self) -> int:
        """How many versions are kept."""
        return sum(map(len, self._versions.values()))

    def _seen_from(self, key: str, horizon: TimestampT) -> list[Version[TimestampT]]:
        kept = self._versions[key]
        newest = max(bisect_right(kept, horizon, key=_timestamp) - 1, 0)  # the one that a reader at the horizon sees
        begin = newest + (kept[newest].removed and kept[newest].timestamp <= horizon)  # of a tombstone it sees nothing
        return kept[begin:]

    def _insert(self, key: str, version: Version[TimestampT]) -> None:
        if self._horizon is not None and version.timestamp < self._horizon:
            raise TooOld(f"written at {version.timestamp}; kept is what was there from {self._horizon} on")
        kept = self._versions.setdefault(key, [])
        at = bisect_left(kept, version.timestamp, key=_timestamp)
        if at < len(kept) and kept[at].timestamp == version.timestamp:
            assert kept[at] == version, f"two versions of {key!r} at {version.timestamp}"
            return
        kept.insert(at, version)


def _timestamp(version: Version[TimestampT]) -> TimestampT:
    return version.timestamp
