"""What was used is below the floor of the next incarnation, whenever the crash comes; and the disk is asked rarely."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems_under_test.blocks.durable_bound import DurableBound
from tests.systems_under_test.blocks.crash_disk import CrashDisk


@given(
    st.integers(0, 1000), st.integers(0, 60), st.lists(st.integers(1, 50), min_size=1, max_size=6), st.integers(1, 9)
)
def test_whatever_was_used_is_below_the_next_floor(seed: int, steps: int, numbers: list[int], stride: int) -> None:
    async def run() -> None:
        disk, used = CrashDisk(), [0]
        bound = DurableBound(disk, "bound", stride)
        await bound.load()

        async def use(number: int) -> None:
            await bound.reserve(number)
            assert bound.allows(number)
            used.append(number)

        using = [asyncio.create_task(use(number)) for number in numbers]
        for _ in range(steps):
            await asyncio.sleep(0)
        highest = max(used)
        again = DurableBound(disk.after_crash(Random(seed)), "bound", stride)
        await again.load()
        assert again.floor > highest or highest == 0
        for task in using:
            task.cancel()
        ends = await asyncio.gather(*using, return_exceptions=True)
        assert not [end for end in ends if isinstance(end, AssertionError)]

    asyncio.run(run())


def test_numbers_within_a_stride_cost_no_save() -> None:
    async def run() -> None:
        bound = DurableBound(CrashDisk(), "bound", stride=100)
        await bound.load()
        assert bound.floor == 0
        assert not bound.allows(1)
        await bound.reserve(1)
        assert bound.allows(100)
        assert not bound.allows(101)

    asyncio.run(run())


def test_each_save_allows_something() -> None:
    with pytest.raises(AssertionError):
        DurableBound(CrashDisk(), "bound", stride=0)
