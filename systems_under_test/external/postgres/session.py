"""One connection of a client to a PostgreSQL server, and the transaction that is open on it.

Values are kept as JSON. Every statement is one round trip; nothing is repeated, and nothing is committed before
:meth:`Session.commit` has sent its COMMIT.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg.errors import Diagnostic

NOT_REPLICATED: Final = "canceling wait for synchronous replication"

_READ: Final = """\
SELECT coalesce((SELECT value FROM entries WHERE key = %(key)s),
                (SELECT jsonb_agg(element) FROM elements WHERE key = %(key)s))"""
_SELECT: Final = "SELECT key, value FROM entries WHERE key BETWEEN %(first)s AND %(last)s"
_COMPARE_AND_SET: Final = "UPDATE entries SET value = %(new)s WHERE key = %(key)s AND value = %(old)s"
_PUT: Final = "INSERT INTO entries VALUES (%(key)s, {}) ON CONFLICT (key) DO UPDATE SET value = {}"
_UPDATES: Final[Mapping[str, str]] = {
    "w": _PUT.format("%(value)s", "excluded.value"),
    "append": _PUT.format("jsonb_build_array(%(value)s::jsonb)", "entries.value || excluded.value"),
    "inc": _PUT.format("%(value)s", "to_jsonb(entries.value::bigint + excluded.value::bigint)"),
    "add": "INSERT INTO elements VALUES (%(key)s, %(value)s) ON CONFLICT DO NOTHING",
}


class Session:
    """See :class:`systems_under_test.blocks.transaction.Transaction`; ``think`` is the pause between two steps. What
    the server refuses, or a connection that ends, is raised as psycopg.Error."""

    def __init__(self, node: str, connection: AsyncConnection[Any], think: Callable[[], Awaitable[None]]) -> None:
        self.node, self._connection, self._think = node, connection, think
        self._replicated = True
        connection.add_notice_handler(self._noticed)

    @property
    def is_open(self) -> bool:
        return not self._connection.closed

    async def begin(self, level: str) -> None:
        await self._execute(f"BEGIN ISOLATION LEVEL {level}")

    async def commit(self) -> bool:
        """Whether it is committed, and confirmed by whoever has to; False where that was not waited for."""
        self._replicated = True
        status = (await self._execute("COMMIT")).statusmessage
        assert status == "COMMIT", f"read {status!r}; expected COMMIT: a statement failed, and nobody noticed"
        return self._replicated

    async def rollback(self) -> None:
        await self._execute("ROLLBACK")

    def cut(self) -> None:
        """End the connection now: what is under way fails. Cancelling it would have psycopg ask the server, over
        another connection, to give up; and a commit that is given up while it waits for replicas is acknowledged."""
        from psycopg import Error

        with suppress(Error, OSError), socket.socket(fileno=os.dup(self._connection.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)

    async def close(self) -> None:
        await self._connection.close()

    async def read(self, key: Any) -> Any:
        (value,) = await (await self._execute(_READ, key=_text(key))).fetchone()
        return value

    async def write(self, key: Any, value: Any) -> None:
        await self.update(key, "w", value)

    async def update(self, key: Any, f: str, value: Any) -> None:
        await self._execute(_UPDATES[f], key=_text(key), value=json.dumps(value))

    async def compare_and_set(self, key: Any, old: Any, new: Any) -> bool:
        """Whether there was ``old``, and now is ``new``."""
        done = await self._execute(_COMPARE_AND_SET, key=_text(key), old=json.dumps(old), new=json.dumps(new))
        return bool(done.rowcount)

    async def select(self, first: Any, last: Any) -> Mapping[Any, Any]:
        return dict(await (await self._execute(_SELECT, first=first, last=last)).fetchall())

    async def think(self) -> None:
        await self._think()

    async def _execute(self, sql: str, **parameters: Any) -> Any:
        return await self._connection.execute(sql, parameters or None)

    def _noticed(self, notice: Diagnostic) -> None:
        if (notice.message_primary or "").startswith(NOT_REPLICATED):
            self._replicated = False


def _text(key: Any) -> str:
    """Keys are texts, in the order of their bytes; procedures make theirs so."""
    return key if isinstance(key, str) else json.dumps(key)
