"""The client of etcd: registers, sets, counters and transactions on its keys, and what is known of each outcome.

It stays at the node that it was opened on. Whatever goes wrong before something was asked to change has certainly
changed nothing, and neither has a transaction whose comparisons failed, which is tried again while there is time. All
else is unknown: that etcd answers with an error does not say that it will not happen ("request timed out" is what it
says of what stands in its log, and "database space exceeded" of what it has done).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any, Final

from harness.history import DUMP, Op
from harness.node import Refused, Timeout
from harness.system import ClientEnv, Outcome

from systems_under_test.blocks.procedures import PROCEDURES
from systems_under_test.blocks.transaction import GivenUp, Procedure
from systems_under_test.blocks.transaction import Transaction as Interactive
from systems_under_test.external.etcd.connection import Connection, Unanswered
from systems_under_test.external.etcd.transaction import Span, Transaction, key_of, text_of

ERRORS: Final[Mapping[str, Outcome]] = {
    # certainly not done
    "refused": "fail",  # nobody listens: nothing was sent
    "unreachable": "fail",  # there was no connection in time: nothing was sent
    "no-answer": "fail",  # and nothing was asked that changes anything, or etcd has said that it was not done
    "cas-mismatch": "fail",
    "unsupported": "fail",
    # nobody knows
    "timeout": "info",
    "unavailable": "info",  # the connection ended, or the member has no leader
    "unknown": "info",
}
"""Every error code, and what it says about the operation. Procedures that give up have codes of their own: all say
"fail"."""

ANSWERS: Final = frozenset({"cas-mismatch", "unsupported"})

READS: Final = "reads"
ISOLATION: Final = "isolation"
THINK_MS: Final = "think-ms"

BACKOFF_MS_MAX: Final = 10.0
"""Before a transaction that met another is tried again: a random part of this."""

SET: Final = "set/"
EVERYTHING: Final = Span(b"\0", b"\0")  # from the first key on, without an end


async def _increment(transaction: Interactive, op: Op) -> Any:
    await transaction.update(op.key, "inc", op.value)
    return op.value


async def _append(transaction: Interactive, op: Op) -> Any:
    await transaction.update(op.key, "append", op.value)
    return op.value


async def _next_id(transaction: Interactive, op: Op) -> Any:
    await transaction.update(op.key, "inc", 1)
    return await transaction.read(op.key)


_READ: Final = "read"  # of bank accounts, which are a list; other reads are requests of their own
TRANSACTIONS: Final[Mapping[str, Procedure]] = {
    **PROCEDURES, "inc": _increment, "append": _append, "generate": _next_id
}  # fmt: skip
"""Operations that are made as transactions."""

OPERATIONS: Final = frozenset({*TRANSACTIONS, "write", "cas", "add", DUMP})


class EtcdClient:
    """One process's client (:class:`harness.system.Client`); every operation has an outcome in ``env.timeout_ms``."""

    def __init__(self, env: ClientEnv, options: Mapping[str, str]) -> None:
        self._env = env
        self._is_local = options[READS] == "serializable"
        self._isolation = options[ISOLATION]
        self._think_ms = float(options[THINK_MS])
        self._random: Random = env.random("etcd")
        self._node = env.nodes[0]
        self._connection: Connection | None = None
        self._is_in_doubt = False

    async def open(self, node: str) -> None:
        import aetcd  # noqa: F401 (where it is not installed, that is said here, before anything is asked)

        self._node = node

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def invoke(self, op: Op) -> Op:
        """The completion of ``op``; the error codes and what they mean are :data:`ERRORS`."""
        node = op.node or self._node if op.f == DUMP else self._node
        self._is_in_doubt = False
        try:
            async with asyncio.timeout(self._env.timeout_ms / 1000):
                value = await (self._dump(node) if op.f == DUMP else self._do(op))
            return replace(op, type="ok", value=value, node=node)
        except GivenUp as error:
            return replace(op, type="fail", error=str(error), node=node)
        except Refused:
            code = "refused"
        except Timeout:
            code = "unreachable"
        except (Unanswered, TimeoutError) as error:
            code = self._code("timeout" if isinstance(error, TimeoutError) else str(error))
            await self.close()  # what comes next begins with a new connection
        return replace(op, type=ERRORS[code], error=code, node=node)

    def _code(self, code: str) -> str:
        """Of what went wrong at that point: where nothing was asked to change, there is no doubt."""
        return code if self._is_in_doubt else "no-answer"

    async def _do(self, op: Op) -> Any:
        if self._connection is None:
            self._connection = await Connection.open(self._env, self._node, is_local=self._is_local)
        if op.f == _READ and not isinstance(op.value, list):
            return await self._read(self._connection, op.key)
        if op.f in TRANSACTIONS:
            return await self._transact(self._connection, TRANSACTIONS[op.f], op)
        await self._write(self._connection, op)
        return op.value

    async def _read(self, connection: Connection, key: Any) -> Any:
        """A register, a counter, a list; or the set that has no key."""
        if key is None:
            elements, _ = await connection.read(Span(SET.encode(), SET.encode() + b"\xff"))
            return [json.loads(each) for each in elements.values()]
        found, _ = await connection.read(Span(key_of(key)))
        return json.loads(found[key_of(key)]) if found else None

    async def _write(self, connection: Connection, op: Op) -> None:
        """An operation that is one request. Raises GivenUp where etcd has certainly not done it."""
        self._is_in_doubt = True
        if op.f == "write":
            await connection.put(key_of(op.key), text_of(op.value))
        elif op.f == "add" and op.key is None:
            await connection.put(f"{SET}{op.value}".encode(), text_of(op.value))
        elif op.f == "cas":
            if not await connection.exchange(key_of(op.key), *map(text_of, op.value)):
                raise GivenUp("cas-mismatch")
        else:
            raise GivenUp("unsupported")

    async def _transact(self, connection: Connection, procedure: Procedure, op: Op) -> Any:
        """One transaction, tried until nobody came in between; its value is that of the try that was committed."""
        while True:
            transaction = Transaction(connection, self._isolation, self._think)
            value = await procedure(transaction, op)
            commit = transaction.commit
            if commit is None:
                return value
            self._is_in_doubt = True
            if await connection.commit(commit):
                return value
            self._is_in_doubt = False
            await self._env.sleep(max(1.0, self._random.uniform(0, BACKOFF_MS_MAX)))

    async def _think(self) -> None:
        if self._think_ms > 0:
            await self._env.sleep(max(1.0, self._random.uniform(0, 2 * self._think_ms)))

    async def _dump(self, node: str) -> Any:
        """All that one member has, by itself, each key with its value; and the revision that it has come to."""
        connection = await Connection.open(self._env, node, is_local=True)
        try:
            found, revision = await connection.read(EVERYTHING)
        finally:
            await connection.close()
        return {"state": {key.decode(): json.loads(text) for key, text in found.items()}, "applied": revision}
