"""The client of PostgreSQL: an operation is one transaction, asked once.

Nothing is committed before COMMIT was sent, so whatever ends a transaction earlier is a certain failure: a refused
statement, a connection that ends, the client's own patience. After that only two answers are certain: COMMIT, and an
error by which the server says that it has refused it. Everything else is unknown: the connection ended, time was up, or
the server gave up waiting for its replicas, when it has committed and may yet lose it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from harness.history import Op
from harness.node import Refused, Timeout
from harness.system import ClientEnv, Outcome

from systems_under_test.blocks.procedures import PROCEDURES
from systems_under_test.blocks.transaction import GivenUp
from systems_under_test.external.postgres.server import DATABASE, PORT, USER
from systems_under_test.external.postgres.session import Session

THINK_MS: Final = "think-ms"
THINK_MS_MIN: Final = 1.0
TRIES_MAX: Final = 3
"""How many nodes may be asked, one after another, within an operation's time: of each it has its share."""

ERRORS: Final[Mapping[str, Outcome]] = {
    # certainly not committed
    "refused": "fail",  # no connection, or none to a primary: no statement ever left
    "no-answer": "fail",  # to a statement before the COMMIT, which then was never sent
    "serialization-failure": "fail",
    "deadlock": "fail",
    "read-only": "fail",  # the server is no primary any more
    "unavailable": "fail",  # it is starting, or ending
    "aborted": "fail",  # another error before the COMMIT
    "unsupported": "fail",
    "cas-mismatch": "fail",
    # nobody knows: the COMMIT was sent
    "timeout": "info",
    "closed": "info",
    "not-replicated": "info",  # the server did not wait for its replicas
    "unknown": "info",
}
"""Every error code, and what it says about the operation. Procedures that give up have codes of their own: all say
"fail"."""
ANSWERS: Final = frozenset({"cas-mismatch", "unsupported"})

_STATES: Final[Mapping[str, str]] = {
    "40001": "serialization-failure",
    "40P01": "deadlock",
    "25006": "read-only",
    "57P01": "unavailable",
    "57P02": "unavailable",
    "57P03": "unavailable",
}
REFUSED_COMMIT: Final = frozenset({"40001", "40P01"})
"""What the server says of a COMMIT that it has not executed."""

READS: Final = frozenset({"read", "roster", "bookings"})
_CONNECTION: Final = f"user={USER} dbname={DATABASE} sslmode=disable gssencmode=disable"


async def _read(session: Session, op: Op) -> Any:
    """Of a list of accounts, or of one key: the register, the counter or the elements of the set."""
    return await (PROCEDURES["read"](session, op) if isinstance(op.value, list) else session.read(op.key))


async def _write(session: Session, op: Op) -> Any:
    await session.write(op.key, op.value)
    return op.value


async def _update(session: Session, op: Op) -> Any:
    await session.update(op.key, op.f, op.value)
    return op.value


async def _compare_and_set(session: Session, op: Op) -> Any:
    if not await session.compare_and_set(op.key, *op.value):
        raise GivenUp("cas-mismatch")
    return op.value


OPERATIONS: Final[Mapping[str, Callable[[Session, Op], Awaitable[Any]]]] = {
    **PROCEDURES,
    "read": _read,
    "write": _write,
    "cas": _compare_and_set,
    "add": _update,
    "inc": _update,
}


class PostgresClient:
    """One process's client (:class:`harness.system.Client`). It keeps a connection to the primary, which it looks for
    among the nodes; with ``reads=replica``, another to the node that it was opened on, for what only reads."""

    def __init__(self, env: ClientEnv, options: Mapping[str, str]) -> None:
        self._env = env
        self._nodes = env.nodes[:1] if options["replication"] == "none" else env.nodes[:-1]  # the last one controls
        self._level = options["isolation"].replace("-", " ").upper()
        self._reads_anywhere = options["reads"] == "replica"
        self._think_ms = float(options[THINK_MS])
        self._random = env.random("client")
        self._own = self._primary = self._nodes[0]
        self._sessions: dict[bool, Session] = {}  # whether it is for reads at one's own node
        self._session: Session | None = None  # of the operation that is under way
        self._committing = False

    async def open(self, node: str) -> None:
        import psycopg  # noqa: F401 (missing, it is missed here, and not by every operation)

        self._own = node if node in self._nodes else self._nodes[0]

    async def close(self) -> None:
        for session in self._sessions.values():
            session.cut()
            await session.close()

    async def invoke(self, op: Op) -> Op:
        """The completion of ``op``; the error codes and what they mean are :data:`ERRORS`."""
        if op.f not in OPERATIONS:
            return replace(op, type="fail", error="unsupported")
        self._session, self._committing = None, False
        task = asyncio.ensure_future(self._perform(op))
        done, _ = await asyncio.wait({task}, timeout=self._env.timeout_ms / 1000)
        if done:
            return task.result()
        sent = self._committing
        if self._session is not None:
            self._session.cut()
        else:
            task.cancel()
        with suppress(asyncio.CancelledError):
            late = await task
            return replace(late, error="timeout") if sent and late.type == "info" else late
        return replace(op, type="fail", error="refused")

    async def _perform(self, op: Op) -> Op:
        from psycopg import Error

        reads = self._reads_anywhere and _only_reads(op)
        try:
            session = self._session = await self._connected(reads=reads)
        except Refused:
            return replace(op, type="fail", error="refused")
        op = replace(op, node=session.node)
        try:
            # A standby has no serializable transactions; there is nothing that it could refuse them for.
            await session.begin("REPEATABLE READ" if reads else self._level)
            value = await OPERATIONS[op.f](session, op)
            self._committing = True
            replicated = await session.commit()
        except GivenUp as error:
            await self._rolled_back(session)
            return replace(op, type="fail", error=str(error))
        except Error as error:
            code = _code(error.sqlstate, committing=self._committing)
            await self._rolled_back(session)
            return replace(op, type=ERRORS[code], error=code)
        return replace(op, type="ok", value=value) if replicated else replace(op, type="info", error="not-replicated")

    async def _rolled_back(self, session: Session) -> None:
        """Its connection is used again if the server says that the transaction is over."""
        from psycopg import Error

        try:
            await session.rollback()
        except Error:
            await session.close()

    async def _connected(self, *, reads: bool) -> Session:
        """A session with the primary, or with one's own node. Raises Refused."""
        session = self._sessions.get(reads)
        if session is None or not session.is_open:
            session = self._sessions[reads] = await self._connect([self._own] if reads else self._order(), reads)
        return session

    def _order(self) -> Sequence[str]:
        """Who may be the primary: the one that was it, then others at random."""
        others = [node for node in self._nodes if node != self._primary]
        return [self._primary, *self._random.sample(others, len(others))][:TRIES_MAX]

    async def _connect(self, nodes: Sequence[str], reads: bool) -> Session:
        from psycopg import AsyncConnection, OperationalError

        patience_s = self._env.timeout_ms / 1000 / len(nodes)
        whom = "any" if reads else "primary"
        for node in nodes:
            with suppress(OperationalError, Refused, Timeout, TimeoutError):
                async with asyncio.timeout(patience_s):
                    host, port = await self._env.dial(node, PORT)
                    where = f"host={host} port={port} {_CONNECTION} target_session_attrs={whom}"
                    connection = await AsyncConnection.connect(where, autocommit=True, prepare_threshold=None)
                if not reads:
                    self._primary = node
                return Session(node, connection, self._think)
        if not reads:
            self._primary = self._random.choice(self._nodes)
        raise Refused(f"no primary among {', '.join(nodes)}")

    async def _think(self) -> None:
        if self._think_ms > 0:
            await self._env.sleep(max(THINK_MS_MIN, self._random.uniform(0, 2 * self._think_ms)))


def _only_reads(op: Op) -> bool:
    return op.f in READS or (op.f == "txn" and all(f == "r" for f, _, _ in op.value))


def _code(state: str | None, *, committing: bool) -> str:
    """The error code of what psycopg raised; ``state`` is its SQLSTATE, None where the connection ended."""
    if committing and state not in REFUSED_COMMIT:
        return "closed" if state is None else "unknown"
    if state is None:
        return "no-answer"
    return _STATES.get(state, "aborted")
