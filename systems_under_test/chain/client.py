"""The client of the chain: updates go to the head, queries to the tail, or, apportioned, to any replica."""

from __future__ import annotations

from collections.abc import Mapping

from harness.history import Op
from harness.system import ClientEnv

from systems_under_test.blocks.key_value_client import DUMP, KeyValueClient
from systems_under_test.blocks.request_try import Tries


class ChainClient:
    """Two clients in one, because each stays on the replica that answers it: one looks for the head, one for the tail.
    Both begin with the node that the process is attached to, which serves apportioned reads itself."""

    def __init__(self, env: ClientEnv, options: Mapping[str, str]) -> None:
        tries = Tries(env)
        self._updates, self._queries = (KeyValueClient(env, {}, tries=tries) for _ in range(2))

    async def open(self, node: str) -> None:
        await self._updates.open(node)
        await self._queries.open(node)

    async def close(self) -> None:
        """Nothing is held."""

    async def invoke(self, op: Op) -> Op:
        """As :meth:`KeyValueClient.invoke`. Only updates are numbered by one client and so executed once; a query may
        be asked again."""
        return await (self._queries if op.f in ("read", DUMP) else self._updates).invoke(op)
