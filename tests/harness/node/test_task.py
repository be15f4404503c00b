"""Futures and tasks: many waiters, cancelled waiters, errors that nobody waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from harness.node.task import HostFuture, HostTask


class Spawner:
    """Spawns tasks and keeps what was reported."""

    def __init__(self) -> None:
        self.tasks: set[HostTask[Any]] = set()
        self.reported: list[tuple[str, str]] = []

    def __call__(self, coroutine: Coroutine[Any, Any, Any], name: str = "task") -> HostTask[Any]:
        return HostTask(coroutine, name, self.tasks, lambda name, error: self.reported.append((name, str(error))))


async def failing(after_s: float = 0) -> None:
    await asyncio.sleep(after_s)
    raise ValueError("planted")


async def waiting_for(future: HostFuture[Any]) -> Any:
    return await future


def test_a_cancelled_waiter_leaves_the_future_to_the_others() -> None:
    async def scenario() -> None:
        spawn, future = Spawner(), HostFuture[int](asyncio.get_running_loop())
        first, second = spawn(waiting_for(future)), spawn(waiting_for(future))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        assert not future.done()
        future.set_result(7)
        assert await second == 7
        assert await future == 7
        assert await future == 7

    asyncio.run(scenario())


def test_setting_a_future_twice_is_an_error() -> None:
    async def scenario() -> None:
        future = HostFuture[int](asyncio.get_running_loop())
        future.set_exception(ValueError("planted"))
        with pytest.raises(asyncio.InvalidStateError):
            future.set_result(1)
        for _ in range(2):
            with pytest.raises(ValueError, match="planted"):
                await future

    asyncio.run(scenario())


def test_a_cancelled_waiter_leaves_the_task_running() -> None:
    async def scenario() -> None:
        spawn = Spawner()
        inner = spawn(asyncio.sleep(0.01, result="done"))

        async def wait() -> Any:
            return await inner

        outer = spawn(wait())
        await asyncio.sleep(0)
        outer.cancel()
        assert await inner == "done"
        assert outer.done()

    asyncio.run(scenario())


def test_an_error_that_nobody_awaits_is_reported_at_once() -> None:
    async def scenario() -> None:
        spawn = Spawner()
        task = spawn(failing(), "lonely")
        await asyncio.sleep(0.01)
        assert task.done()
        assert spawn.reported == [("lonely", "planted")]

    asyncio.run(scenario())


def test_an_error_that_somebody_awaits_is_theirs() -> None:
    async def scenario() -> None:
        spawn = Spawner()
        with pytest.raises(ValueError, match="planted"):
            await spawn(failing(0.01))
        assert spawn.reported == []

    asyncio.run(scenario())


def test_an_error_whose_only_waiter_was_cancelled_is_reported() -> None:
    async def scenario() -> None:
        spawn = Spawner()
        inner = spawn(failing(0.01), "left alone")

        async def wait() -> None:
            await inner

        outer = spawn(wait())
        await asyncio.sleep(0)
        outer.cancel()
        await asyncio.sleep(0.03)
        assert spawn.reported == [("left alone", "planted")]

    asyncio.run(scenario())


def test_a_cancelled_task_ends_without_report_and_is_forgotten() -> None:
    async def scenario() -> None:
        spawn = Spawner()
        task = spawn(failing(10))
        assert spawn.tasks == {task}
        task.cancel()
        await asyncio.sleep(0.01)
        assert task.done()
        assert spawn.reported == []
        assert spawn.tasks == set()

    asyncio.run(scenario())
