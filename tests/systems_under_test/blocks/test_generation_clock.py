"""Generations rise, each gets one vote, and neither is forgotten in a crash."""

from __future__ import annotations

import asyncio
from random import Random

from systems_under_test.blocks.generation_clock import GenerationClock
from tests.systems_under_test.blocks.crash_disk import CrashDisk


async def recovered(disk: CrashDisk, seed: int = 1) -> GenerationClock:
    clock = GenerationClock(disk.after_crash(Random(seed)))
    await clock.load()
    return clock


def test_a_new_clock_stands_at_zero() -> None:
    clock = GenerationClock(CrashDisk())
    asyncio.run(clock.load())
    assert (clock.current, clock.voted_for) == (0, None)


def test_it_never_falls_and_survives() -> None:
    async def run() -> None:
        disk = CrashDisk()
        clock = GenerationClock(disk)
        await clock.advance(4)
        await clock.advance(2)
        assert clock.current == 4
        assert (await recovered(disk)).current == 4

    asyncio.run(run())


def test_one_vote_per_generation_even_across_a_crash() -> None:
    async def run() -> None:
        disk = CrashDisk()
        clock = GenerationClock(disk)
        assert await clock.vote(3, "n1")
        assert await clock.vote(3, "n1")
        assert not await clock.vote(3, "n2")
        assert not await clock.vote(2, "n2")
        again = await recovered(disk)
        assert not await again.vote(3, "n2")
        assert await again.vote(3, "n1")
        assert await again.vote(4, "n2")

    asyncio.run(run())


def test_a_newer_generation_frees_the_vote() -> None:
    async def run() -> None:
        clock = GenerationClock(CrashDisk())
        assert await clock.vote(3, "n1")
        await clock.advance(4)
        assert clock.voted_for is None
        assert await clock.vote(4, "n2")

    asyncio.run(run())


def test_whoever_is_told_of_a_generation_finds_it_durable() -> None:
    """The second caller meets a generation that is in memory but not yet on disk, and must wait for it as well."""

    async def run() -> None:
        disk = CrashDisk()
        clock = GenerationClock(disk)
        first = asyncio.create_task(clock.advance(7))
        await asyncio.sleep(0)
        assert clock.current == 7
        assert not first.done()
        await clock.advance(7)
        for seed in range(10):
            assert (await recovered(disk, seed)).current == 7
        first.cancel()

    asyncio.run(run())


def test_an_earlier_save_does_not_vouch_for_a_later_generation() -> None:
    async def run() -> None:
        disk = CrashDisk()
        disk.slow["generation.new.2"] = 30
        clock = GenerationClock(disk)
        first = asyncio.create_task(clock.advance(7))
        await asyncio.sleep(0)
        second = asyncio.create_task(clock.advance(8))
        await first
        await clock.advance(8)
        assert not second.done()
        for seed in range(10):
            assert (await recovered(disk, seed)).current == 8
        second.cancel()

    asyncio.run(run())


def test_overlapping_votes_of_two_generations_leave_the_newer() -> None:
    async def run() -> None:
        disk = CrashDisk()
        clock = GenerationClock(disk)
        votes = await asyncio.gather(clock.vote(3, "n1"), clock.vote(4, "n2"), clock.vote(4, "n3"))
        assert tuple(votes) == (True, True, False)
        again = await recovered(disk)
        assert (again.current, again.voted_for) == (4, "n2")

    asyncio.run(run())
