"""What a small transactional store is to its clients, and the log of commits that most of them keep."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class Conflict(Exception):
    """The store aborts the transaction: it certainly did not happen."""


@dataclass(slots=True, eq=False)
class Running:
    """A transaction that has begun. ``keys`` are all that it will read; ``based``: of each key whose own write it read,
    the oldest commit that it saw beneath; ``view``: of each key it read, the newest commits that it may not miss."""

    session: Hashable
    keys: Sequence[Any]
    writes: dict[Any, list[Any]] = field(default_factory=dict)
    based: dict[Any, int] = field(default_factory=dict)
    view: dict[Any, int] = field(default_factory=dict)
    snapshot: int = 0
    vector: list[int] = field(default_factory=list)


class Store(Protocol):
    """``read`` shows the versions of others, oldest first; the client adds the transaction's own. ``read``, ``write``
    and ``commit`` raise :class:`Conflict`; ``abort`` follows. ``tick`` is what the store does by itself."""

    procedures: bool  # whether a transaction is one step, and not a dialogue

    def may_write(self, session: Hashable, key: Any) -> bool: ...
    def begin(self, session: Hashable, keys: Sequence[Any]) -> Running: ...
    def read(self, running: Running, key: Any) -> list[Any]: ...
    def write(self, running: Running, key: Any, value: Any) -> None: ...
    def commit(self, running: Running) -> None: ...
    def abort(self, running: Running) -> None: ...
    def tick(self) -> None: ...


@dataclass(slots=True)
class Log:
    """The committed versions of each key, each with the number of its commit; and the keys of each commit."""

    versions: dict[Any, list[tuple[int, Any]]] = field(default_factory=dict)
    written: list[tuple[Any, ...]] = field(default_factory=lambda: [()])

    @property
    def commits(self) -> int:
        return len(self.written) - 1

    def commit(self, writes: Mapping[Any, Sequence[Any]]) -> int:
        """The commit's number; the first is 1."""
        self.written.append(tuple(writes))
        for key, values in writes.items():
            self.versions.setdefault(key, []).extend((self.commits, value) for value in values)
        return self.commits

    def until(self, key: Any, commit: int) -> list[Any]:
        return [value for number, value in self.versions.get(key, ()) if number <= commit]

    def last(self, key: Any, commit: int | None = None) -> int:
        """The commit of the key's last version (up to that commit), 0 if it has none."""
        bound = self.commits if commit is None else commit
        return max((number for number, _ in self.versions.get(key, ()) if number <= bound), default=0)


def based_on(running: Running, key: Any, commit: int) -> None:
    """Its own write, which it reads now, is the next after that commit's."""
    if key in running.writes:
        running.based[key] = min(running.based.get(key, commit), commit)
