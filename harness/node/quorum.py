"""The replies of many calls, in the order in which they come; whoever collects them may stop at any time."""

from __future__ import annotations

import asyncio

from harness.node.env import CallError, Message

Reply = tuple[str, Message | CallError]


class Replies:
    """An asynchronous iterator that ends after ``expected`` replies. See :meth:`harness.node.Env.quorum`."""

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._arrived: asyncio.Queue[Reply] = asyncio.Queue()

    def add(self, peer: str, reply: Message | CallError) -> None:
        self._arrived.put_nowait((peer, reply))

    def __aiter__(self) -> Replies:
        return self

    async def __anext__(self) -> Reply:
        if not self._expected:
            raise StopAsyncIteration
        self._expected -= 1
        return await self._arrived.get()
