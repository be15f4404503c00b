"""The node program of the reference store: whose transaction a request belongs to, and how long one may last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.node import Env, Message

from systems_under_test.blocks.lock_table import Key, Range
from systems_under_test.reference_store.isolation import Aborted, Transaction
from systems_under_test.reference_store.level import isolation

EXPIRY_MS: Final = 50.0
PATIENCE_MS_MAX: Final = 600_000.0


@dataclass(slots=True)
class _Session:
    """One client: the number of its latest request, the reply to it (None while it is under way), and its transaction,
    which ends at ``deadline_ns``."""

    sequence: int = 0
    reply: Message | None = None
    transaction: Transaction | None = None
    deadline_ns: int = 0


class Store:
    """:class:`harness.node.Program`; the options are those of ``SYSTEM``.

    A client has one transaction at a time, and numbers its requests: a copy of one, or one that was overtaken, is not
    executed again. Its transaction ends when the client has no more patience, which it tells as it begins.

    Everything is in memory. A node that was started again has forgotten what was committed, and knows that: it answers
    nobody, for to answer as an empty store would be a lie.
    """

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env = env
        self._isolation = isolation(env, options)
        self._sessions: dict[str, _Session] = {}
        self._forgot = env.incarnation > 1

    async def start(self) -> None:
        if self._forgot:
            self._env.event("data-lost", incarnation=self._env.incarnation)
        self._env.spawn(self._expire(), "expiry")

    def status(self) -> Message:
        open_ = [each for each in self._sessions.values() if each.transaction is not None]
        return {"leader": None if self._forgot else self._env.name, "serving": not self._forgot, "open": len(open_)}

    async def handle(self, source: str, message: Message) -> Message | None:
        if self._forgot:
            return {"error": "unavailable"}
        session = self._sessions.setdefault(message["client"], _Session())
        sequence = message["sequence"]
        if sequence <= session.sequence:
            return session.reply if sequence == session.sequence else None
        session.sequence, session.reply = sequence, None
        transaction = session.transaction
        try:
            reply: Message = {"value": await self._step(session, message)}
        except Aborted as error:
            if transaction is not None and session.transaction is transaction:
                self._end(session)
            reply = {"error": str(error)}
        if session.sequence == sequence:
            session.reply = reply
        return reply

    async def _step(self, session: _Session, message: Message) -> Any:
        """One request. Raises Aborted."""
        if message["type"] == "begin":
            return self._begin(session, message)
        transaction = session.transaction
        if transaction is None:
            raise Aborted("no-transaction")
        match message["type"]:
            case "read":
                return await transaction.read(_key(message["key"]))
            case "update":
                return await transaction.update(_key(message["key"]), message["f"], message["value"])
            case "select":
                rows = await transaction.select(Range(_key(message["first"]), _key(message["last"])))
                return [[key, value] for key, value in rows.items() if value is not None]
            case "commit":
                transaction.commit()
                session.transaction = None
                return None
            case "abort":
                self._end(session)
                return None
        raise Aborted("unsupported")

    def _begin(self, session: _Session, message: Message) -> None:
        """A transaction that its client has left behind, without a word, is over now."""
        self._end(session)
        patience_ms = min(float(message["patience_ms"]), PATIENCE_MS_MAX)
        session.transaction = self._isolation.begin(message["client"])
        session.deadline_ns = self._env.clock.monotonic() + int(patience_ms * 1e6)

    def _end(self, session: _Session) -> None:
        transaction, session.transaction = session.transaction, None
        if transaction is not None:
            transaction.abort()

    async def _expire(self) -> None:
        """Transactions whose clients have vanished keep their locks until then, and no longer."""
        while True:
            await self._env.sleep(EXPIRY_MS)
            now = self._env.clock.monotonic()
            for session in self._sessions.values():
                if session.transaction is not None and session.deadline_ns <= now:
                    self._end(session)
                    self._env.count("expired")


def _key(value: Any) -> Key:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Aborted("unsupported")
    return value
