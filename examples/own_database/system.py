"""The key-value server of this folder as a system under test: how a node runs it, and how a client asks it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.history import Op
from harness.node import Message, Refused, Timeout
from harness.node.machine import MachineEnv
from harness.system import ClientEnv, External, Role, System

PORT = 6380


class Keeper:
    """Runs on the node, and the server beside it: killed with it, paused with it, on the same disk."""

    def __init__(self, env: MachineEnv, options: Mapping[str, str]) -> None:
        self.env = env

    async def start(self) -> None:
        machine = self.env.machine
        server = (sys.executable, "/opt/splitbrain/files/server.py")
        machine.folder(f"{machine.data}/store")
        await machine.spawn("server", *server, machine.address, str(PORT), f"{machine.data}/store/log")
        while not await self.answers():
            await self.env.sleep(20)

    async def answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(self.env.machine.address, PORT)
        except OSError:
            return False
        writer.close()
        return True

    async def handle(self, source: str, message: Message) -> None:
        """Nobody asks the keeper: clients talk to the server."""

    def status(self) -> Message:
        return {"leader": self.env.name}


class KeyValueClient:
    """One process's connection. What it says of an operation must be true: "fail" only if it certainly did not happen,
    "info" where nobody knows."""

    def __init__(self, env: ClientEnv, options: Mapping[str, str]) -> None:
        self.env = env
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self, node: str) -> None:
        self.node = node

    async def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None

    async def invoke(self, op: Op) -> Op:
        try:
            if self.streams is None:
                self.streams = await asyncio.open_connection(*await self.env.dial(self.node, PORT))
        except (Refused, Timeout, OSError):
            return replace(op, type="fail", error="no-connection")  # nothing was sent
        try:
            async with asyncio.timeout(self.env.timeout_ms / 1000):
                return replace(op, type="ok", value=await self.asked(op, *self.streams))
        except (OSError, ValueError) as error:  # no answer, or none that makes sense: it may have happened
            await self.close()
            return replace(op, type="info", error="timeout" if isinstance(error, TimeoutError) else "closed")

    async def asked(self, op: Op, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Any:
        """``add`` of an element sets a key of that name, and ``read`` wants all of them."""
        writer.write(b"KEYS\n" if op.f == "read" else f"SET {op.value} 1\n".encode())
        answer = (await reader.readline()).decode().split()
        match op.f, answer:
            case "read", ["VALUE", *elements]:
                return [int(element) for element in elements]
            case "add", ["OK"]:
                return op.value
        raise ValueError(f"read {answer}; expected an answer to {op.f}")


SYSTEM = System(
    name="own-database",
    summary="a key-value server of one's own",
    operations=frozenset({"add", "read"}),
    roles={"server": Role("system:Keeper", count=1)},
    client=KeyValueClient,
    workloads=("set",),
    ready=lambda statuses: len(statuses) == 1,
    leader=lambda statuses: next(iter(statuses), None),
    errors={"no-connection": "fail", "timeout": "info", "closed": "info"},
    external=External(files=("server.py",)),
)
