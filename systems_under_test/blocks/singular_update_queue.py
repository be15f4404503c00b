"""Singular update queue: work is done one item at a time, in order of arrival, however many ask at once
(*Patterns of Distributed Systems*, "Singular Update Queue").

Handlers interleave at every await; what goes through this queue does not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from harness.node import Env, Future

from systems_under_test.blocks.condition import Condition

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class QueueFull(Exception):
    """The bound is reached: the caller must refuse its own caller."""


class SingularUpdateQueue(Generic[ItemT, ResultT]):
    """``submit`` waits for its turn and returns what ``process`` made of the item, or raises what it raised."""

    def __init__(
        self, env: Env, process: Callable[[ItemT], Awaitable[ResultT]], bound: int = 10_000, name: str = "queue"
    ) -> None:
        self._env, self._process, self._bound = env, process, bound
        self._waiting: deque[tuple[ItemT, Future[ResultT]]] = deque()
        self._arrived = Condition(env)
        env.spawn(self._work(), name)

    def __len__(self) -> int:
        return len(self._waiting)

    async def submit(self, item: ItemT) -> ResultT:
        """The result, after everything submitted before. Raises QueueFull at once when too many wait."""
        if len(self._waiting) >= self._bound:
            raise QueueFull(f"{self._bound} items wait")
        done: Future[ResultT] = self._env.future()
        self._waiting.append((item, done))
        self._arrived.notify()
        return await done

    async def _work(self) -> None:
        while True:
            if not self._waiting:
                await self._arrived.wait()
            item, done = self._waiting.popleft()
            try:
                result = await self._process(item)
            except Exception as error:  # noqa: BLE001 - handed to whoever submitted the item
                done.set_exception(error)
            else:
                done.set_result(result)
