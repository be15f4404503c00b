"""A system that is not ours, for tests: ``store_server.py`` under a keeper. All clients work on the first node."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.history import Op
from harness.node import CallError, Message
from harness.node.machine import CommandError, MachineEnv
from harness.system import ClientEnv, External, Option, Role, System

PORT = 6000


class Keeper:
    """Starts the database, and asks it how it is."""

    def __init__(self, env: MachineEnv, options: Mapping[str, str]) -> None:
        self._env, self._options = env, options
        self._answered = 0

    async def start(self) -> None:
        machine = self._env.machine
        folder = f"{machine.data}/store"
        machine.folder(folder, user="nobody")
        script = "/opt/splitbrain/files/store_server.py"
        self._database = await machine.spawn(
            "store", "/usr/bin/python3", "-S", script, machine.address, str(PORT), folder, user="nobody"
        )
        while not await self._ask():
            await self._env.sleep(20)
        self._env.spawn(self._look(), "look at the database")

    async def stop(self) -> None:
        self._env.log(f"the database was stopped: {await self._database.terminate(2000)}")

    async def handle(self, source: str, message: Message) -> Message | None:
        """What a test has it do on its machine."""
        machine = self._env.machine
        try:
            done = await machine.run(*message["run"], user=message.get("user"), input_text=message.get("input"),
                                     check=message.get("check", True), timeout_ms=2000)  # fmt: skip
        except CommandError as error:
            return {"error": str(error)}
        return {"status": done.status, "stdout": done.stdout, "stderr": done.stderr}

    def status(self) -> Message:
        machine = self._env.machine
        return {"leader": self._env.nodes[0], "answered": self._answered, "pid": self._database.pid,
                "addresses": dict(machine.addresses), "data": machine.data}  # fmt: skip

    async def _look(self) -> None:
        while True:
            self._answered += await self._ask()
            await self._env.sleep(100)

    async def _ask(self) -> bool:
        try:
            return (await ask(self._env.machine.address, PORT, {"f": "read", "key": 0}))["type"] == "ok"
        except (OSError, ValueError):
            return False


class StoreClient:
    """One connection to the first node, opened when it is needed."""

    def __init__(self, env: ClientEnv, options: Mapping[str, str]) -> None:
        self._env = env

    async def open(self, node: str) -> None:
        """Connects with each operation."""

    async def close(self) -> None:
        """Nothing stays open."""

    async def invoke(self, op: Op) -> Op:
        try:
            address = await self._env.dial(self._env.nodes[0], PORT)
        except CallError as error:
            return replace(op, type="fail", error=f"unreachable: {error}")
        try:
            async with asyncio.timeout(self._env.timeout_ms / 1000 * 0.8):
                reply = await ask(*address, {"f": op.f, "key": op.key, "value": op.value})
        except (OSError, TimeoutError, ValueError) as error:
            return replace(op, type="info", error=repr(error))
        value = reply["value"] if op.f == "read" and reply["type"] == "ok" else op.value
        return replace(op, type=reply["type"], value=value, error=reply.get("error"))


async def ask(address: str, port: int, request: Mapping[str, Any]) -> dict[str, Any]:
    reader, writer = await asyncio.open_connection(address, port)
    try:
        writer.write(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await reader.readline())
        return answer
    finally:
        writer.close()


SYSTEM = System(
    name="kept-store",
    summary="a store that is not ours, for tests",
    operations=frozenset({"read", "write", "cas"}),
    roles={"store": Role("kept_store:Keeper")},
    client=StoreClient,
    workloads=("register",),
    ready=lambda statuses: len(statuses) > 0 and all(status["answered"] for status in statuses.values()),
    leader=lambda statuses: "n1",
    options={"unused": Option("no", ("no",), "nothing")},
    errors={"unreachable": "fail"},
    answers=frozenset({"differs"}),
    external=External(files=("store_server.py",), versions={"python": ("/usr/bin/python3", "--version")}),
)
