"""etcd's JSON gateway, as far as nodes need it: a request and its answer over a connection of its own.

Nodes have the standard library only, and what a keeper or a holder of a lock asks is little. HTTP/1.0, because its
answer ends where the connection does; whoever gives up waiting closes it, and etcd then withdraws the request where it
can. (Clients use a library of etcd's: ``client``.)
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

CLIENT_PORT: Final = 2379


class GatewayError(Exception):
    """There is no answer, or it is an error: nobody knows whether the request was carried out. The text says why."""


async def ask(address: str, path: str, request: Mapping[str, Any], timeout_ms: float) -> Mapping[str, Any]:
    """POST ``request`` to ``/v3/PATH`` of the etcd at ``address``. Numbers of 64 bits are texts in its answers, keys
    and values are in base64 (``packed``). Raises GatewayError."""
    try:
        async with asyncio.timeout(timeout_ms / 1000):
            return _answer(await _exchange(address, path, json.dumps(request).encode()))
    except (OSError, TimeoutError, ValueError) as error:
        raise GatewayError(f"{path}: {str(error) or type(error).__name__}") from error


async def _exchange(address: str, path: str, body: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(address, CLIENT_PORT)
    try:
        writer.write(f"POST /v3/{path} HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        return await reader.read(-1)
    finally:
        with suppress(OSError):
            writer.close()


def _answer(response: bytes) -> Mapping[str, Any]:
    """Raises GatewayError for what etcd refuses, ValueError for what is no answer of the gateway (one cut short)."""
    head, separator, body = response.partition(b"\r\n\r\n")
    answer = json.loads(body) if separator else None
    if not isinstance(answer, dict):
        raise ValueError(f"read {response[:200]!r}; expected an HTTP response with a JSON object")
    if head.split(b" ", 2)[1:2] != [b"200"]:
        raise GatewayError(str(answer.get("error", "an error without a text")))
    return answer


def packed(text: str) -> str:
    """A key or a value, as the gateway wants it."""
    return b64encode(text.encode()).decode()
