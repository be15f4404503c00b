"""etcd's lock, as its clients use it: a lease that is kept alive, and a key under it that says who is next.

The lock service puts a key for each that wants the lock, bound to its lease, and answers when no older one is left. The
revision at which that key was made rises from holder to holder: it is the fencing token. Who is stopped for longer than
the lease lasts loses the key and is not told; when it goes on, it goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from harness.node import Task
from harness.node.machine import MachineEnv

from systems_under_test.external.etcd.gateway import GatewayError, ask, packed

TTL_S: Final = 2
"""The shortest that etcd grants with its own election timeout (``etcd.keeper``)."""

PATIENCE_MS: Final = 1000
WAIT_MS: Final = 4000
"""How long to stand in line for the lock: as long as a lease that nobody keeps alive any more, and then some."""


class Held(NamedTuple):
    """A lock that was granted."""

    lease: str
    token: int
    renewing: Task[None]


class Lock:
    """The lock ``name``, by way of the member of etcd at ``address``."""

    def __init__(self, env: MachineEnv, address: str, name: str) -> None:
        self._env, self._address, self._name = env, address, name

    async def acquire(self) -> Held:
        """Raises GatewayError; what was granted all the same is given back, or runs out."""
        lease: str = (await self._ask("lease/grant", {"TTL": TTL_S}))["ID"]
        renewing = self._env.spawn(self._renew(lease), "renew")
        try:
            granted = await self._ask("lock/lock", {"name": packed(self._name), "lease": lease}, WAIT_MS)
            keys = (await self._ask("kv/range", {"key": granted["key"]})).get("kvs", [])
        except GatewayError:
            await self._give_back(lease, renewing)
            raise
        if not keys:
            await self._give_back(lease, renewing)
            raise GatewayError("the lock was lost before it was used")
        return Held(lease, int(keys[0]["create_revision"]), renewing)

    async def release(self, held: Held) -> None:
        """As well as can be: what cannot be given back runs out."""
        await self._give_back(held.lease, held.renewing)

    async def _give_back(self, lease: str, renewing: Task[None]) -> None:
        renewing.cancel()
        try:
            await self._ask("lease/revoke", {"ID": lease})
        except GatewayError:
            return

    async def _renew(self, lease: str) -> None:
        while True:
            await self._env.sleep(TTL_S * 1000 / 3)
            try:
                await self._ask("lease/keepalive", {"ID": lease})
            except GatewayError:
                continue

    async def _ask(self, path: str, request: Mapping[str, Any], timeout_ms: float = PATIENCE_MS) -> Mapping[str, Any]:
        return await ask(self._address, path, request, timeout_ms)
