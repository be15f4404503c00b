"""The client of ``replication-log``: one leader, always the same, who is asked until it has answered.

A statement is sent again under the same sequence number, and executed once. What an error says, and what it does not
after a try whose outcome is unknown, is as for the key-value systems (``blocks.key_value_client``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from harness.history import DUMP, Op
from harness.node import Message
from harness.system import ClientEnv

from systems_under_test.blocks.key_value_client import ERRORS, RETRIED, UNDECIDED
from systems_under_test.blocks.request_try import Tries

PAUSE_MS: Final = 20
TRY_MS_MIN: Final = 1.0


class RowsClient:
    """:class:`harness.system.Client`. Reads and statements go to the first node, a ``dump``, once, to its own."""

    def __init__(self, env: ClientEnv, options: Mapping[str, str]) -> None:
        self._env, self._tries = env, Tries(env)
        self._leader = env.nodes[0]
        self._sequence = 0

    async def open(self, node: str) -> None:
        """Whichever node that is: there is one leader."""

    async def close(self) -> None:
        """Nothing is held."""

    async def invoke(self, op: Op) -> Op:
        """The completion of ``op``: an insert's value has the row's "id" besides, an update's and a delete's the
        "count" of rows; a read's is the table's rows."""
        self._sequence += 1
        node = op.node or self._leader if op.f == DUMP else self._leader
        request = {"type": "request", "client": self._env.name, "sequence": self._sequence, "f": op.f, "key": op.key,
                   "value": op.value}  # fmt: skip
        once = op.f == DUMP
        reply = await (self._tries.ask(node, request, self._env.timeout_ms) if once else self._ask(request))
        if "value" in reply:
            return replace(op, type="ok", value=reply["value"], node=node)
        code = str(reply.get("error", "malformed"))
        return replace(op, type=ERRORS.get(code, "info"), error=code, node=node)

    async def _ask(self, request: Message) -> Message:
        """Until the leader has answered, or the time is over."""
        deadline_ns = self._env.now() + int(self._env.timeout_ms * 1e6)
        undecided: Message | None = None
        while True:
            left_ms = (deadline_ns - self._env.now()) / 1e6
            patience_ms = max(min(left_ms, self._env.timeout_ms / 4), TRY_MS_MIN)
            reply = await self._tries.ask(self._leader, request, patience_ms)
            if reply.get("error") in UNDECIDED:
                undecided = reply
            elif reply.get("error") not in RETRIED:
                return reply if undecided is None or "value" in reply else undecided
            left_ms = (deadline_ns - self._env.now()) / 1e6
            if left_ms < PAUSE_MS + TRY_MS_MIN:
                return undecided or reply
            await self._env.sleep(PAUSE_MS)
