"""One question to a Redis or a sentinel, in its own protocol (RESP 2); nodes have no library for it."""

from __future__ import annotations

import asyncio
from typing import Any

Reply = str | int | None | list[Any]


class RespError(Exception):
    """The server answered with an error, or not at all, or not in this protocol."""


async def ask(address: str, port: int, *words: str, timeout_ms: float) -> Reply:
    """The reply to a command, over a connection of its own. Raises RespError."""
    try:
        async with asyncio.timeout(timeout_ms / 1000):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                writer.write(_command(words))
                return await _reply(reader)
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError, EOFError) as error:
        raise RespError(f"no reply of {address}:{port} to {' '.join(words)}: {error!r}") from error


def _command(words: tuple[str, ...]) -> bytes:
    texts = [word.encode() for word in words]
    return b"*%d\r\n" % len(texts) + b"".join(b"$%d\r\n%s\r\n" % (len(text), text) for text in texts)


async def _reply(reader: asyncio.StreamReader) -> Reply:
    line = (await reader.readuntil(b"\r\n"))[:-2]
    kind, rest = line[:1], line[1:].decode()
    match kind:
        case b"+":
            return rest
        case b":":
            return int(rest)
        case b"$":
            return None if rest == "-1" else (await reader.readexactly(int(rest) + 2))[:-2].decode()
        case b"*":
            return None if rest == "-1" else [await _reply(reader) for _ in range(int(rest))]
        case b"-":
            raise RespError(rest)
    raise ValueError(f"read {line[:80]!r}; expected a reply in RESP 2")
