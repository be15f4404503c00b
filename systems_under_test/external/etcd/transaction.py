"""A transaction on etcd, optimistic as etcd's own STM: read at one revision, and commit if nothing has changed since.

etcd has no interactive transactions; it has one request with comparisons, and what to do if all of them are true. So
what a procedure reads is asked for at once, at the revision that the first read has found, and what it writes is kept
until the end. Then one request compares: nothing that was read is newer than that revision (or, for mere snapshot
isolation, nothing that is to be written), and writes. Nothing is locked, and before that nothing is done.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from systems_under_test.blocks.transaction import GivenUp

SERIALIZABLE: Final = "serializable"
SNAPSHOT: Final = "snapshot"
OBJECT: Final = "object/"
_AFTER: Final = b"\0"  # key + _AFTER is the next key that there can be


class Span(NamedTuple):
    """The keys from ``first`` up to but without ``end``; where that is empty, ``first`` alone."""

    first: bytes
    end: bytes = b""


class Commit(NamedTuple):
    """If nothing in ``unchanged`` was written after ``revision``, the ``puts`` are done, and else nothing."""

    revision: int
    unchanged: tuple[Span, ...]
    puts: Mapping[bytes, bytes]


class Store(Protocol):
    """etcd, to read from. Whatever goes wrong is raised."""

    async def read(self, span: Span, revision: int | None = None) -> tuple[Mapping[bytes, bytes], int]:
        """What stands there, in the order of the keys, and the store's revision; at ``revision``, if one is given."""


def key_of(key: Any) -> bytes:
    """Where an object is; texts are in their own order."""
    return f"{OBJECT}{key}".encode()


def text_of(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


class Transaction:
    """See :class:`systems_under_test.blocks.transaction.Transaction`. Nothing is done until the ``commit`` is sent."""

    def __init__(self, store: Store, isolation: str, pause: Callable[[], Awaitable[None]]) -> None:
        self._store, self._isolation, self._pause = store, isolation, pause
        self._revision: int | None = None
        self._seen: dict[Span, Mapping[bytes, bytes]] = {}
        self._written: dict[bytes, Any] = {}

    async def read(self, key: Any) -> Any:
        name = key_of(key)
        if name in self._written:
            return self._written[name]
        found = await self._look(Span(name))
        return json.loads(found[name]) if name in found else None

    async def write(self, key: Any, value: Any) -> None:
        self._written[key_of(key)] = value

    async def update(self, key: Any, f: str, value: Any) -> None:
        before = await self.read(key)
        if f == "inc":
            await self.write(key, (before or 0) + value)
        elif f == "append":
            await self.write(key, [*(before or ()), value])
        else:
            raise GivenUp("unsupported")

    async def select(self, first: Any, last: Any) -> Mapping[Any, Any]:
        span = Span(key_of(first), key_of(last) + _AFTER)
        rows = {key: json.loads(text) for key, text in (await self._look(span)).items()}
        rows |= {key: value for key, value in self._written.items() if span.first <= key < span.end}
        return {key.decode().removeprefix(OBJECT): value for key, value in sorted(rows.items())}

    async def think(self) -> None:
        await self._pause()

    async def _look(self, span: Span) -> Mapping[bytes, bytes]:
        if span not in self._seen:
            self._seen[span], revision = await self._store.read(span, self._revision)
            self._revision = self._revision or revision
        return self._seen[span]

    @property
    def commit(self) -> Commit | None:
        """What to ask of etcd in the end; None where nothing was written: what was read is of one revision."""
        if not self._written:
            return None
        puts = {key: text_of(value) for key, value in self._written.items()}
        compared: Iterable[Span] = self._seen if self._isolation == SERIALIZABLE else map(Span, puts)
        return Commit(self._revision or 0, tuple(compared) if self._revision else (), puts)
