"""The client of the pair: of its database, and of the cache beside it, in the way that applications use the two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from harness.history import Op
from harness.node import CallError
from harness.system import ClientEnv

from systems_under_test.blocks.key_value_client import ERRORS, KeyValueClient

CACHE: Final = 4  # the place of the cache among the nodes


class PairClient:
    """:class:`harness.system.Client`. A ``generate`` with a row inserts it: the next id of its table, and the row under
    table and id. A ``look-up`` of [id, row] gives [id, what the cache has]. All else goes to the database."""

    def __init__(self, env: ClientEnv, options: Mapping[str, str]) -> None:
        self._env, self._database = env, KeyValueClient(env, options)

    async def open(self, node: str) -> None:
        await self._database.open(node)

    async def close(self) -> None:
        """Nothing is held."""

    async def invoke(self, op: Op) -> Op:
        if op.f == "look-up":
            return await self._look_up(op)
        if op.f == "generate" and op.value is not None:
            return await self._insert(op)
        return await self._database.invoke(op)

    async def _insert(self, op: Op) -> Op:
        """An id that was given out without its row is of unknown outcome: it is used up, and nobody saw it."""
        numbered = await self._database.invoke(replace(op, value=None))
        if numbered.type != "ok":
            return replace(numbered, value=op.value)
        written = await self._database.invoke(replace(op, f="write", key=[op.key, numbered.value]))
        return numbered if written.type == "ok" else replace(op, type="info", error=written.error, node=written.node)

    async def _look_up(self, op: Op) -> Op:
        cache, (number, _) = self._env.nodes[CACHE], op.value
        request = {"type": "request", "f": "look-up", "key": [op.key, number]}
        try:
            reply = await self._env.call(cache, request, self._env.timeout_ms)
        except CallError:
            return replace(op, type="fail", error="unavailable", node=cache)
        if "value" not in reply:
            code = str(reply.get("error", "malformed"))
            return replace(op, type=ERRORS.get(code, "info"), error=code, node=cache)
        return replace(op, type="ok", value=[number, reply["value"]], node=cache)
