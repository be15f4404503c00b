"""Virtual time: order, tasks, cancelling, the ends that are named."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from harness.simulation.runtime import SimRuntime
from harness.simulation.scheduler import Cancelled, DeadlockError, LivelockError


def test_time_jumps_to_the_next_event_and_lies_on_the_grid() -> None:
    runtime = SimRuntime(1)
    seen = []

    async def main() -> None:
        for ms in (1000.0, 0.3, 2.5):
            await runtime.sleep(ms)
            seen.append(runtime.now() // 1_000_000)

    runtime.run(main(), 10)
    assert seen == [1000, 1001, 1004]


def orders(seed: int, policy: str, names: str = "abcde") -> str:
    """The order in which lanes act whose events are due at the same moment."""
    runtime, said = SimRuntime(seed, policy), list[str]()

    async def main() -> None:
        for name in names:
            runtime.scheduler.after(runtime.scheduler.lane(name), 1, said.append, name)
        await runtime.sleep(2)

    runtime.run(main(), 10)
    return "".join(said)


@pytest.mark.parametrize("policy", ["uniform", "pct"])
def test_events_of_one_moment_come_in_every_order_and_in_the_same_one_for_a_seed(policy: str) -> None:
    seen = {orders(seed, policy) for seed in range(400)}
    assert len(seen) > 100, "of 120 orders of five lanes"
    assert [orders(seed, policy) for seed in range(20)] == [orders(seed, policy) for seed in range(20)]


def test_removing_a_lane_leaves_the_order_of_the_others() -> None:
    for seed in range(50):
        assert orders(seed, "uniform").replace("c", "") == orders(seed, "uniform", "abde")


def test_the_harness_comes_first_at_every_moment() -> None:
    for seed in range(30):
        runtime, said = SimRuntime(seed), []

        async def main(runtime: SimRuntime = runtime, said: list[str] = said) -> None:
            other = runtime.scheduler.lane("n1")
            runtime.scheduler.after(other, 5, said.append, "node")
            await runtime.sleep(5)
            said.append("harness")
            await runtime.sleep(1)

        runtime.run(main(), 10)
        assert said == ["harness", "node"]


def test_a_task_gives_its_result_and_its_error_to_all_who_wait() -> None:
    runtime = SimRuntime(1)

    async def add(a: int, b: int) -> int:
        await runtime.sleep(1)
        return a + b

    async def fail() -> None:
        await runtime.sleep(1)
        raise ValueError("no")

    async def main() -> tuple[int, int, str]:
        task, failing = runtime.spawn(add(1, 2), "add"), runtime.spawn(fail(), "fail")
        try:
            await failing
        except ValueError as error:
            return await task, await task, str(error)
        return 0, 0, ""

    assert runtime.run(main(), 10) == (3, 3, "no")


def test_an_error_that_nobody_awaits_ends_the_run() -> None:
    runtime = SimRuntime(1)

    async def fail() -> None:
        raise ValueError("unseen")

    async def main() -> None:
        runtime.spawn(fail(), "fail")
        await runtime.sleep(10)

    with pytest.raises(ValueError, match="unseen"):
        runtime.run(main(), 10)


def test_within_ends_what_takes_too_long_and_nothing_else() -> None:
    runtime, said = SimRuntime(1), []

    async def slow(ms: float) -> str:
        try:
            await runtime.sleep(ms)
        except Cancelled:
            said.append("cancelled")
            raise
        return "done"

    async def main() -> list[Any]:
        results: list[Any] = [await runtime.within(10, slow(5))]
        try:
            await runtime.within(10, slow(50))
        except TimeoutError:
            results.append(runtime.now() // 1_000_000)
        future = runtime.future()
        try:
            await runtime.within(10, future)
        except TimeoutError:
            results.append(future.done())
        await runtime.sleep(5)
        return results

    assert runtime.run(main(), 10) == ["done", 15, False]
    assert said == ["cancelled"]


def test_cancelling_one_waiter_leaves_the_future_to_the_others() -> None:
    runtime = SimRuntime(1)
    future = runtime.future()

    async def wait() -> int:
        value: int = await future
        return value

    async def main() -> int:
        first, second = runtime.spawn(wait(), "first"), runtime.spawn(wait(), "second")
        await runtime.sleep(1)
        first.cancel()
        await runtime.sleep(1)
        assert first.done()
        assert not future.done()
        future.set_result(7)
        return await second

    assert runtime.run(main(), 10) == 7


def test_a_pause_keeps_events_and_an_end_drops_them() -> None:
    runtime, said = SimRuntime(1), []

    async def main() -> None:
        scheduler = runtime.scheduler
        paused, dead = scheduler.lane("paused"), scheduler.lane("dead")
        for ms in (1, 2, 3):
            scheduler.after(paused, ms, said.append, f"paused {ms}")
            scheduler.after(dead, ms, said.append, "dead")
        scheduler.pause(paused)
        dead.state = 2
        await runtime.sleep(10)
        assert said == []
        scheduler.resume(paused)
        await runtime.sleep(1)

    runtime.run(main(), 10)
    assert said == ["paused 1", "paused 2", "paused 3"]


def stuck(main: Callable[[SimRuntime], Awaitable[None]], error: type[Exception]) -> str:
    runtime = SimRuntime(1)

    async def run() -> None:
        await main(runtime)

    with pytest.raises(error) as caught:
        runtime.run(run(), 5)
    return str(caught.value)


def test_a_deadlock_is_named_with_task_and_line() -> None:
    async def main(runtime: SimRuntime) -> None:
        await runtime.future()

    assert re.search(r"nothing is left.*'main' waits in .*test_scheduler\.py:\d+", stuck(main, DeadlockError))


def test_a_run_that_goes_on_for_ever_is_ended() -> None:
    async def main(runtime: SimRuntime) -> None:
        while True:
            await runtime.sleep(100)

    assert "not at an end after 5 s" in stuck(main, DeadlockError)


def test_a_livelock_is_named_with_its_task() -> None:
    async def main(runtime: SimRuntime) -> None:
        async def spin() -> None:
            while True:
                ready = runtime.future()
                runtime.scheduler.soon(runtime.lane, ready.set_result, None)
                await ready

        await runtime.spawn(spin(), "spinner")

    assert "some loop never sleeps" in stuck(main, LivelockError)


def test_awaiting_something_foreign_is_an_error_that_says_what() -> None:
    class Foreign:
        def __await__(self) -> Any:
            yield self

    async def main(runtime: SimRuntime) -> None:
        await Foreign()

    assert "awaited a Foreign" in stuck(main, TypeError)
