"""The way from a library on this machine's loopback to a node: bytes, ends and resets; and nothing that stays."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from harness import relay as relay_module
from harness.client_endpoint import ClientEndpoint
from harness.node import Refused, Timeout
from harness.real_runtime import RealRuntime

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
RESET = struct.pack("ii", 1, 0)


@asynccontextmanager
async def served(serve: Serve, counts: Counter[str] | None = None) -> AsyncIterator[tuple[ClientEndpoint, int]]:
    """A client whose node n1 is a server on this machine; and the server's port."""
    met = Counter[str]() if counts is None else counts
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = ClientEndpoint(
        RealRuntime(1), "c1", {"n1": ("127.0.0.1", 1)}, 500, count=lambda name, by: met.update({name: by})
    )
    try:
        yield client, port
    finally:
        client.close()
        server.close()
        await asyncio.sleep(0.05)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.close()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_bytes_go_both_ways_and_nothing_stays_open() -> None:
    async def scenario() -> None:
        async with served(echo) as (client, port):
            before = descriptors()
            for _ in range(20):
                reader, writer = await asyncio.open_connection(*await client.dial("n1", port))
                sent = os.urandom(3_000_000)
                writer.write(sent)
                writer.write_eof()
                assert await reader.read(-1) == sent  # the end of the one direction, then of the other
                writer.close()
                await writer.wait_closed()
            await asyncio.sleep(0.1)
            assert descriptors() == before

    asyncio.run(scenario())


def test_who_greets_first_is_heard() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\n")
        writer.close()

    async def scenario() -> None:
        async with served(greet) as (client, port):
            address = await client.dial("n1", port)
            await asyncio.sleep(0.1)  # it has spoken, and hung up, before anybody came
            reader, writer = await asyncio.open_connection(*address)
            assert await reader.read() == b"hello\n"
            writer.close()

    asyncio.run(scenario())


def test_a_reset_is_a_reset() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()

    async def scenario() -> None:
        counts = Counter[str]()
        async with served(cut, counts) as (client, port):
            reader, writer = await asyncio.open_connection(*await client.dial("n1", port))
            writer.write(b"x")
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.close()
        assert counts == {"net.closed": 1}

    asyncio.run(scenario())


def test_a_reset_of_the_client_reaches_the_node() -> None:
    seen: list[str] = []

    async def watch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            seen.append(repr(await reader.read()))
        except ConnectionResetError:
            seen.append("reset")
        writer.close()

    async def scenario() -> None:
        async with served(watch) as (client, port):
            _, writer = await asyncio.open_connection(*await client.dial("n1", port))
            await asyncio.sleep(0.05)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()
            await asyncio.sleep(0.1)
        assert seen == ["reset"]

    asyncio.run(scenario())


def test_nobody_listens_and_nobody_answers() -> None:
    async def never(address: str, port: int) -> socket.socket:
        await asyncio.sleep(60)
        raise AssertionError("unreached")

    async def scenario() -> None:
        counts = Counter[str]()
        before = descriptors()
        with socket.create_server(("127.0.0.1", 0)) as gone:
            port = gone.getsockname()[1]
        runtime = RealRuntime(1)
        nodes = {"n1": ("127.0.0.1", 1)}
        refused = ClientEndpoint(runtime, "c1", nodes, 500, count=lambda name, by: counts.update({name: by}))
        silent = ClientEndpoint(runtime, "c1", nodes, 100, never, count=lambda name, by: counts.update({name: by}))
        with pytest.raises(Refused):
            await refused.dial("n1", port)
        with pytest.raises(Timeout):
            await silent.dial("n1", port)
        assert counts == {"net.refused": 1, "net.timeout": 1}
        assert descriptors() == before

    asyncio.run(scenario())


def test_it_leads_for_one_connection_only_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "ACCEPT_S", 0.1)

    async def scenario() -> None:
        async with served(echo) as (client, port):
            before = descriptors()
            address = await client.dial("n1", port)
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"x")
            assert await reader.read(1) == b"x"
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(*address)
            writer.close()
            late = await client.dial("n1", port)
            await asyncio.sleep(0.2)
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(*late)
            await asyncio.sleep(0.1)
            assert descriptors() == before

    asyncio.run(scenario())


def test_all_end_with_their_client_and_a_wait_in_vain_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "SILENT_S", 0.05)

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def scenario() -> None:
        counts = Counter[str]()
        async with served(mute, counts) as (client, port):
            before = descriptors()
            reader, writer = await asyncio.open_connection(*await client.dial("n1", port))
            writer.write(b"are you there?")
            waiting = await client.dial("n1", port)
            await asyncio.sleep(0.2)
            client.close()
            assert await reader.read() == b""
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(*waiting)
            writer.close()
            await asyncio.sleep(0.1)
            assert descriptors() == before
        assert counts == {"net.timeout": 1}

    asyncio.run(scenario())
