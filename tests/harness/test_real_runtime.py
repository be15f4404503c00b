"""The real runtime keeps the contract that the simulated one keeps too."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from harness.real_runtime import RealRuntime
from harness.runtime import Runtime


def test_time_flows_from_zero() -> None:
    async def scenario() -> None:
        runtime: Runtime = RealRuntime(1)
        first = runtime.now()
        await runtime.sleep(10)
        assert 0 <= first < 5_000_000_000
        assert runtime.now() - first >= 10_000_000

    asyncio.run(scenario())


def test_random_streams_depend_on_seed_and_name() -> None:
    async def scenario() -> None:
        draws = [RealRuntime(seed).random(name).random() for seed in (1, 2) for name in ("a", "b")]
        assert len(set(draws)) == 4
        assert RealRuntime(1).random("a").random() == draws[0]

    asyncio.run(scenario())


def test_futures_pass_values_between_tasks() -> None:
    async def scenario() -> None:
        runtime = RealRuntime(1)
        future = runtime.future()

        async def give() -> None:
            await runtime.sleep(1)
            future.set_result(7)

        runtime.spawn(give(), "giver")
        assert await runtime.within(1000, future) == 7
        assert future.done()

    asyncio.run(scenario())


def test_within_gives_what_comes_in_time_and_cancels_what_does_not() -> None:
    async def scenario() -> None:
        runtime, ended = RealRuntime(1), []

        async def slow(name: str) -> str:
            try:
                await runtime.sleep(200)
            finally:
                ended.append(name)
            return "slow"

        async def fast() -> str:
            return "fast"

        assert await runtime.within(1000, fast()) == "fast"
        with pytest.raises(TimeoutError):
            await runtime.within(5, slow("coroutine"))
        task = runtime.spawn(slow("task"), "slow")
        with pytest.raises(TimeoutError):
            await runtime.within(5, task)
        await runtime.sleep(1)
        assert task.done()
        assert ended == ["coroutine", "task"]

    asyncio.run(scenario())


def test_errors_reach_whoever_awaits_and_otherwise_the_reporter() -> None:
    async def failing() -> None:
        raise ValueError("planted")

    async def scenario() -> None:
        reported: list[tuple[str, Any]] = []
        runtime = RealRuntime(1, lambda name, error: reported.append((name, str(error))))
        with pytest.raises(ValueError, match="planted"):
            await runtime.spawn(failing(), "awaited")
        runtime.spawn(failing(), "forgotten")
        await runtime.sleep(1)
        assert reported == [("forgotten", "planted")]

    asyncio.run(scenario())


def test_a_forgotten_error_is_printed_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    async def failing() -> None:
        raise ValueError("planted")

    async def scenario() -> None:
        runtime = RealRuntime(1)
        runtime.spawn(failing(), "forgotten")
        await runtime.sleep(1)

    asyncio.run(scenario())
    assert "error in the task 'forgotten'" in (said := capsys.readouterr().err)
    assert "ValueError: planted" in said
