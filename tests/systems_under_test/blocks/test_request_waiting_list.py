"""Each request is answered once: by its answer, by the clock, or with everybody else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from harness.node import Env
from systems_under_test.blocks.request_waiting_list import RequestWaitingList, WaitingListFull
from tests.systems_under_test.blocks.bench import ALIVE, bench
from tests.systems_under_test.simulated import Scene, play

SYSTEM = bench("tests.systems_under_test.blocks.bench:Bare")


def on_a_node(scenario: Callable[[Env], Awaitable[None]]) -> None:
    async def play_it(scene: Scene) -> None:
        await scenario(ALIVE["n1"].env)

    play(SYSTEM, play_it, nodes=1)


def test_an_answer_reaches_who_waits_for_it_and_nobody_twice() -> None:
    async def scenario(env: Env) -> None:
        waiting = RequestWaitingList[int, str](env)
        first, second = waiting.add(7), waiting.add(9)
        assert waiting.answer(9, "nine")
        assert (await second, first.done(), len(waiting), 7 in waiting, 9 in waiting) == ("nine", False, 1, True, False)
        assert not waiting.answer(9, "again")
        assert not waiting.answer(8, "to nobody")
        assert waiting.add(9) is not second, "the key is free again"

    on_a_node(scenario)


def test_a_deposed_leader_answers_everybody() -> None:
    async def scenario(env: Env) -> None:
        waiting = RequestWaitingList[int, str](env)
        replies = [waiting.add(key) for key in range(3)]
        assert waiting.answer_all("unknown") == 3
        assert [await reply for reply in replies] == ["unknown"] * 3
        assert len(waiting) == 0

    on_a_node(scenario)


def test_time_runs_out_for_each_at_its_own_time() -> None:
    async def scenario(env: Env) -> None:
        waiting = RequestWaitingList[int, str](env, timeout_ms=100, expired="timeout")
        env.spawn(waiting.watch(), "watch")
        began_ns = env.clock.monotonic()
        first = waiting.add(1)
        await env.sleep(60)
        second, third = waiting.add(2), waiting.add(3)
        assert waiting.answer(2, "in time")
        assert (await first, await second, await third) == ("timeout", "in time", "timeout")
        assert 160 <= (env.clock.monotonic() - began_ns) / 1e6 <= 165
        later = waiting.add(4)  # after the list was empty
        await env.sleep(99)
        assert not later.done()
        assert await later == "timeout"

    on_a_node(scenario)


def test_full_is_full_and_a_key_is_one_request() -> None:
    async def scenario(env: Env) -> None:
        waiting = RequestWaitingList[str, str](env, bound=2)
        waiting.add("a")
        with pytest.raises(AssertionError, match="waited for already"):
            waiting.add("a")
        waiting.add("b")
        with pytest.raises(WaitingListFull):
            waiting.add("c")
        waiting.answer("a", "")
        waiting.add("c")

    on_a_node(scenario)
