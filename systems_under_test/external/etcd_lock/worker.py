"""A worker: adds an element to a list in the storage, under the lock of that list.

It reads the list, works for a while, and replaces it. That is all that one can do with a lock alone: between any two of
its steps it may be stopped, and to check the lock just before the write would not help, for it may be stopped after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.node import CallError, Message, Refused
from harness.node.machine import MachineEnv

from systems_under_test.external.etcd.gateway import GatewayError
from systems_under_test.external.etcd_lock.layout import LISTS, servers, storage
from systems_under_test.external.etcd_lock.lock import Held, Lock
from systems_under_test.external.etcd_lock.storage import FENCED

STORAGE_MS: Final = 1000


class Worker:
    """Serves ``add``. The reply is {"value": element}, or {"error": code} (``client.ERRORS``)."""

    def __init__(self, env: MachineEnv, options: Mapping[str, str]) -> None:
        self._env = env
        self._work_ms = float(options["work-ms"])
        self._servers = servers(env.nodes)
        self._server = env.random("server").randrange(len(self._servers))

    async def start(self) -> None:
        """It has nothing of its own."""

    async def handle(self, source: str, message: Message) -> Message:
        if message["f"] != "add":
            return {"error": "unsupported"}
        name = f"list-{int(message['value']) % LISTS}"
        lock = Lock(self._env, self._env.machine.addresses[self._servers[self._server]], name)
        try:
            held = await lock.acquire()
        except GatewayError as error:
            self._server = (self._server + 1) % len(self._servers)
            self._env.log(f"{name}: no lock: {error}")
            return {"error": "no-lock"}
        reply = await self._add(name, held, message["value"])
        await lock.release(held)
        return reply

    async def _add(self, name: str, held: Held, element: Any) -> Message:
        """What the lock protects."""
        before = await self._storage({"f": "get", "list": name, "token": held.token})
        if "value" not in before:  # nothing has been changed yet, whatever went wrong
            return {"error": FENCED if before["error"] == FENCED else "no-storage"}
        await self._env.work(self._work_ms)
        value = [*before["value"], element]
        after = await self._storage({"f": "put", "list": name, "token": held.token, "value": value})
        return after if "error" in after else {"value": element}

    async def _storage(self, request: Mapping[str, Any]) -> Message:
        try:
            return await self._env.call(storage(self._env.nodes), request, STORAGE_MS)
        except Refused:
            return {"error": "no-storage"}
        except CallError:
            return {"error": "unknown"}

    def status(self) -> Message:
        return {"role": "worker", "leader": None, "term": 0}
