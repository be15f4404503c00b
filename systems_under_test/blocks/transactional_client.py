"""The client of transactional systems: runs a procedure inside an interactive transaction, and says what became of it.

Nothing of a transaction is done for good before its commit is asked for. So whatever ends it earlier is a certain
failure, a request that nobody answered included; and after that, an answer that does not come leaves it unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from harness.history import Op
from harness.node import Closed, Message, Refused, Timeout
from harness.system import ClientEnv, Outcome

from systems_under_test.blocks.procedures import PROCEDURES
from systems_under_test.blocks.transaction import GivenUp

ERRORS: Final[Mapping[str, Outcome]] = {
    # certainly not committed
    "refused": "fail",  # no connection: the request never left
    "no-answer": "fail",  # to a request before the commit, which then was never asked for
    "unavailable": "fail",
    "unsupported": "fail",
    "wrong-type": "fail",
    "deadlock": "fail",  # the system's choice of whom to abort
    "write-conflict": "fail",  # somebody else committed a write of the same key first
    "snapshot-too-old": "fail",
    "no-transaction": "fail",  # the system has ended it, because it lasted too long
    # nobody knows: the commit was asked for
    "timeout": "info",
    "closed": "info",
    "malformed": "info",
}
"""Every error code of the transactional systems, and what it says about the operation. Procedures that give up have
codes of their own: all say "fail"."""

TRY_MS_MIN: Final = 1.0  # with less time left a try is pointless
THINK_MS: Final = "think-ms"


class _Ended(Exception):
    """The transaction is over; the text is the error code."""


class TransactionalClient:
    """One process's client (:class:`harness.system.Client`); what it can do is PROCEDURES.

    An operation is one transaction at the node that the client was opened on, is never repeated, and has an outcome
    within ``env.timeout_ms``. ``options["think-ms"]`` is the mean pause of ``Transaction.think``.
    """

    def __init__(self, env: ClientEnv, options: Mapping[str, str]) -> None:
        self._env = env
        self._node = env.nodes[0]
        self._think_ms = float(options.get(THINK_MS, "0"))
        self._sequence = 0
        self._random = env.random("think")

    async def open(self, node: str) -> None:
        self._node = node

    async def close(self) -> None:
        """Nothing is held: a transaction that is open ends in its time."""

    async def invoke(self, op: Op) -> Op:
        """The completion of ``op``; the error codes and what they mean are :data:`ERRORS`."""
        if op.f not in PROCEDURES:
            return replace(op, type="fail", error="unsupported", node=self._node)
        self._deadline_ns = self._env.now() + int(self._env.timeout_ms * 1e6)
        try:
            await self._ask("begin", patience_ms=self._env.timeout_ms)
            value = await PROCEDURES[op.f](self, op)
        except _Ended as error:
            return replace(op, type="fail", error=str(error), node=self._node)
        except GivenUp as error:
            await self._abort()
            return replace(op, type="fail", error=str(error), node=self._node)
        code = await self._commit()
        if code is None:
            return replace(op, type="ok", value=value, node=self._node)
        return replace(op, type=ERRORS.get(code, "info"), error=code, node=self._node)

    async def read(self, key: Any) -> Any:
        """See :class:`systems_under_test.blocks.transaction.Transaction`, as for the others."""
        return (await self._ask("read", key=key))["value"]

    async def write(self, key: Any, value: Any) -> None:
        await self.update(key, "w", value)

    async def update(self, key: Any, f: str, value: Any) -> None:
        await self._ask("update", key=key, f=f, value=value)

    async def select(self, first: Any, last: Any) -> Mapping[Any, Any]:
        return dict((await self._ask("select", first=first, last=last))["value"])

    async def think(self) -> None:
        if self._think_ms > 0:
            await self._env.sleep(max(1.0, self._random.uniform(0, 2 * self._think_ms)))

    async def _ask(self, type_: str, **fields: Any) -> Message:
        """One request before the commit. Raises _Ended, and then the commit is never asked for."""
        try:
            reply = await self._call(type_, **fields)
        except Refused:
            raise _Ended("refused") from None
        except (Timeout, Closed):
            raise _Ended("no-answer") from None
        if "value" not in reply:
            raise _Ended(str(reply.get("error", "malformed")))
        return reply

    async def _commit(self) -> str | None:
        """The error code; None if it is committed."""
        try:
            reply = await self._call("commit")
        except Refused:
            return "refused"
        except Timeout:
            return "timeout"
        except Closed:
            return "closed"
        return None if "value" in reply else str(reply.get("error", "malformed"))

    async def _abort(self) -> None:
        """Whether or not it hears of it, the system keeps nothing of what is not committed."""
        try:
            await self._call("abort")
        except (Refused, Timeout, Closed):
            return

    async def _call(self, type_: str, **fields: Any) -> Message:
        self._sequence += 1
        left_ms = (self._deadline_ns - self._env.now()) / 1e6
        if left_ms < TRY_MS_MIN:
            raise Refused("no time is left")
        request = {"type": type_, "client": self._env.name, "sequence": self._sequence, **fields}
        return await self._env.call(self._node, request, left_ms)
