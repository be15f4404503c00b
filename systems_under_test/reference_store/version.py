"""Several committed versions of each key, of which a reader sees the newest that belongs to its snapshot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, NamedTuple, TypeVar

from systems_under_test.blocks.lock_table import Key, Range
from systems_under_test.reference_store.isolation import Aborted, Rows, updated, within

StampT = TypeVar("StampT")

VERSIONS_MAX: Final = 1000


class Version(NamedTuple, Generic[StampT]):
    """What a transaction committed; ``stamp`` says which one."""

    stamp: StampT
    value: Any


class Versions(Generic[StampT]):
    """The versions of all keys, each key's from old to new. The oldest are forgotten."""

    def __init__(self) -> None:
        self._kept: dict[Key, list[Version[StampT]]] = {}

    def newest(self, key: Key) -> Version[StampT] | None:
        return self._kept[key][-1] if key in self._kept else None

    def add(self, key: Key, version: Version[StampT]) -> None:
        kept = self._kept.setdefault(key, [])
        kept.append(version)
        if len(kept) > VERSIONS_MAX:
            del kept[0]

    def visible(self, key: Key, sees: Callable[[StampT], bool]) -> Any:
        """The value of the newest version that the snapshot has; None if it has none. Raises Aborted where what it had
        is forgotten."""
        kept = self._kept.get(key, [])
        for version in reversed(kept):
            if sees(version.stamp):
                return version.value
        if len(kept) == VERSIONS_MAX:
            raise Aborted("snapshot-too-old")
        return None

    def within(self, range_: Range) -> list[Key]:
        return within(range_, self._kept)


class Snapshot(Generic[StampT]):
    """A consistent view of the versions, and what its transaction wrote itself."""

    def __init__(self, versions: Versions[StampT], sees: Callable[[StampT], bool]) -> None:
        self._versions, self._sees = versions, sees
        self.written: dict[Key, Any] = {}

    def read(self, key: Key) -> Any:
        return self.written[key] if key in self.written else self._versions.visible(key, self._sees)

    def update(self, key: Key, f: str, value: Any) -> None:
        self.written[key] = updated(self.read(key), f, value)

    def select(self, range_: Range) -> Rows:
        keys = dict.fromkeys([*self._versions.within(range_), *self.written])
        return {key: self.read(key) for key in within(range_, keys)}

    def commit(self, stamp: StampT) -> None:
        """What was written becomes the newest version, unless somebody else has committed one since that the snapshot
        does not have: the first committer wins, and this one is aborted."""
        for key in self.written:
            newest = self._versions.newest(key)
            if newest is not None and not self._sees(newest.stamp):
                raise Aborted("write-conflict")
        for key, value in self.written.items():
            self._versions.add(key, Version(stamp, value))
