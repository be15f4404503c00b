"""The real client: its own name, address and connections."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from harness.client_endpoint import ClientEndpoint
from harness.node import Closed, Refused
from harness.real_runtime import RealRuntime
from harness.system import ClientEnv
from tests.harness.node.cluster import data_address, echo_cluster


def test_the_client_comes_from_its_own_address(tmp_path: Path) -> None:
    seen = []

    async def connect_from(address: str, port: int) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        sock.bind(("127.0.0.77", 0))
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
        seen.append(sock.getsockname()[0])
        return sock

    async def scenario() -> None:
        async with echo_cluster(tmp_path):
            nodes = {"n1": data_address(tmp_path, "n1")}
            runtime = RealRuntime(1)
            client = ClientEndpoint(runtime, "c9", nodes, 500, connect_from)
            typed: ClientEnv = client
            assert (await typed.call("n1", {"v": 1}, 1000)) == {"source": "c9", "echo": {"v": 1}}
            assert seen == ["127.0.0.77"]
            assert (typed.name, typed.nodes, typed.timeout_ms) == ("c9", ("n1",), 500)
            assert typed.random("x").random() == ClientEndpoint(runtime, "c9", nodes, 1).random("x").random()
            assert typed.random("x").random() != ClientEndpoint(runtime, "c8", nodes, 1).random("x").random()
            started = typed.now()
            await typed.sleep(5)
            assert typed.now() - started >= 5_000_000
            client.close()
            with pytest.raises((Refused, Closed)):
                await typed.call("n1", {}, 1000)

    asyncio.run(scenario())
