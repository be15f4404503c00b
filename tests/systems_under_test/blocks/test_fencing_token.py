"""An older token never gets in after a newer one did: not across a restart, not between two awaits."""

from __future__ import annotations

import asyncio
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from systems_under_test.blocks.fencing_token import Fence
from tests.systems_under_test.blocks.crash_disk import CrashDisk


async def recovered(disk: CrashDisk, seed: int) -> Fence:
    fence = Fence(disk.after_crash(Random(seed)))
    await fence.load()
    return fence


@given(st.integers(0, 1000), st.integers(0, 60), st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_admitted_tokens_only_rise_and_a_crash_forgets_none(seed: int, steps: int, tokens: list[int]) -> None:
    async def run() -> None:
        disk, admitted = CrashDisk(), [0]
        fence = Fence(disk)
        await fence.load()

        async def ask(token: int) -> None:
            if await fence.admits(token):
                assert token >= admitted[-1], "an older holder was let in"
                admitted.append(token)

        asking = [asyncio.create_task(ask(token)) for token in tokens]
        for _ in range(steps):
            await asyncio.sleep(0)
        highest = admitted[-1]
        again = await recovered(disk, seed)
        assert again.highest >= highest
        assert not any([await again.admits(token) for token in range(highest)])
        for task in asking:
            task.cancel()
        ends = await asyncio.gather(*asking, return_exceptions=True)
        assert not [end for end in ends if isinstance(end, AssertionError)]

    asyncio.run(run())


def test_the_holder_of_the_newest_token_comes_in_as_often_as_it_likes() -> None:
    async def run() -> None:
        fence = Fence(CrashDisk())
        assert [await fence.admits(token) for token in (33, 33, 34, 33, 34)] == [True, True, True, False, True]

    asyncio.run(run())
