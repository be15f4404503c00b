"""One at a time, in order, bounded; and an error reaches whoever asked, not the next one."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from harness.node import Env
from harness.real_runtime import RealRuntime
from systems_under_test.blocks.condition import Condition
from systems_under_test.blocks.singular_update_queue import QueueFull, SingularUpdateQueue


def environment() -> Env:
    """The real runtime's tasks, futures and sleep: all that these blocks use of an Env."""
    return cast(Env, RealRuntime(seed=1))


def test_items_are_processed_one_at_a_time_in_order_of_arrival() -> None:
    async def run() -> None:
        running, order = 0, []

        async def process(item: int) -> int:
            nonlocal running
            running += 1
            assert running == 1
            await asyncio.sleep(0.002 if item % 2 else 0)
            order.append(item)
            running -= 1
            return item * item

        queue = SingularUpdateQueue(environment(), process)
        results = await asyncio.gather(*(queue.submit(item) for item in range(20)))
        assert results == [item * item for item in range(20)]
        assert order == list(range(20))
        assert await queue.submit(20) == 400
        assert len(queue) == 0

    asyncio.run(run())


def test_an_error_goes_to_whoever_submitted_and_the_work_goes_on() -> None:
    async def run() -> None:
        async def process(item: int) -> int:
            return 12 // item

        queue = SingularUpdateQueue(environment(), process)
        results = await asyncio.gather(queue.submit(3), queue.submit(0), queue.submit(4), return_exceptions=True)
        assert (results[0], type(results[1]), results[2]) == (4, ZeroDivisionError, 3)

    asyncio.run(run())


def test_a_full_queue_refuses_at_once() -> None:
    async def run() -> None:
        gate = asyncio.Event()

        async def process(item: int) -> int:
            await gate.wait()
            return item

        queue = SingularUpdateQueue(environment(), process, bound=2)
        first = asyncio.create_task(queue.submit(0))
        await asyncio.sleep(0.01)  # under way: it does not wait any more
        waiting = [asyncio.create_task(queue.submit(item)) for item in (1, 2)]
        await asyncio.sleep(0.01)
        with pytest.raises(QueueFull):
            await queue.submit(3)
        gate.set()
        assert await asyncio.gather(first, *waiting) == [0, 1, 2]
        assert await queue.submit(4) == 4

    asyncio.run(run())


def test_a_condition_wakes_all_who_wait_and_remembers_nothing() -> None:
    async def run() -> None:
        condition = Condition(environment())
        condition.notify()  # nobody waits: no effect
        waiting = [asyncio.create_task(condition.wait()) for _ in range(3)]
        await asyncio.sleep(0.01)
        assert not any(task.done() for task in waiting)
        condition.notify()
        await asyncio.gather(*waiting)
        later = asyncio.create_task(condition.wait())
        await asyncio.sleep(0.01)
        assert not later.done()
        condition.notify()
        await later

    asyncio.run(run())
