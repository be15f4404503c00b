"""Locks: who waits for whom, in which order they are granted, and that every deadlock is found and no other."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from itertools import combinations
from typing import Any, cast

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.node import Env
from harness.real_runtime import RealRuntime
from systems_under_test.blocks.lock_table import Deadlock, LockTable, Range, Withdrawn


class Trial:
    """A lock table and the owners' requests: "waits", "holds", "deadlock" or "withdrawn", in the order of asking."""

    def __init__(self) -> None:
        self.locks = LockTable(cast(Env, RealRuntime(seed=1)))
        self.asked: list[tuple[str, Range, bool]] = []
        self.states: list[str] = []
        self._tasks: list[asyncio.Future[None]] = []

    async def ask(self, owner: str, first: Any, last: Any = None, *, exclusive: bool = True) -> str:
        range_ = Range(first, first if last is None else last)
        self.asked.append((owner, range_, exclusive))
        self.states.append("waits")
        self._tasks.append(asyncio.ensure_future(self._acquire(len(self.states) - 1)))
        await self.settle()
        return self.states[-1]

    async def _acquire(self, place: int) -> None:
        owner, range_, exclusive = self.asked[place]
        try:
            await self.locks.acquire(owner, range_, exclusive=exclusive)
            self.states[place] = "holds"
        except Deadlock:
            self.states[place] = "deadlock"
        except Withdrawn:
            self.states[place] = "withdrawn"

    async def release(self, owner: str) -> None:
        self.locks.release(owner)
        for place, (other, _, _) in enumerate(self.asked):
            if other == owner and self.states[place] == "holds":
                self.states[place] = "released"
        await self.settle()

    async def settle(self) -> None:
        for _ in range(4):
            await asyncio.sleep(0)

    def live(self, state: str) -> list[tuple[str, Range, bool]]:
        return [asked for asked, now in zip(self.asked, self.states, strict=True) if now == state]


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(coroutine)


def conflict(a: tuple[str, Range, bool], b: tuple[str, Range, bool]) -> bool:
    """By definition: two owners, some key in both ranges, one of them exclusive."""
    keys = set(range(a[1].first, a[1].last + 1)) & set(range(b[1].first, b[1].last + 1))  # type: ignore[arg-type, operator]
    return a[0] != b[0] and (a[2] or b[2]) and bool(keys)


def test_readers_share_a_writer_waits_for_all_of_them_and_later_readers_for_the_writer() -> None:
    async def scenario() -> None:
        trial = Trial()
        assert await trial.ask("r1", "x", exclusive=False) == "holds"
        assert await trial.ask("r2", "x", exclusive=False) == "holds"
        assert await trial.ask("w", "x") == "waits"
        assert await trial.ask("r3", "x", exclusive=False) == "waits"
        await trial.release("r1")
        assert trial.states == ["released", "holds", "waits", "waits"]
        await trial.release("r2")
        assert trial.states == ["released", "released", "holds", "waits"]
        await trial.release("w")
        assert trial.states[3] == "holds"

    run(scenario())


def test_a_range_keeps_out_what_is_not_there_yet_and_numbers_come_before_texts() -> None:
    async def scenario() -> None:
        trial = Trial()
        assert await trial.ask("a", 10, 20, exclusive=False) == "holds"
        assert [await trial.ask(f"b{key}", key) for key in (9, 21, "15")] == ["holds"] * 3
        assert [await trial.ask(f"c{key}", key) for key in (10, 15.5, 20)] == ["waits"] * 3
        assert await trial.ask("d", 0, "1", exclusive=False) == "waits", "9 and 21 lie in between"

    run(scenario())


def test_who_has_a_lock_passes_those_who_wait_for_it() -> None:
    async def scenario() -> None:
        trial = Trial()
        await trial.ask("a", "x", exclusive=False)
        assert await trial.ask("b", "x") == "waits"
        assert await trial.ask("a", "x") == "holds"
        assert await trial.ask("a", "x", exclusive=False) == "holds"
        await trial.release("a")
        assert trial.states[1] == "holds"

    run(scenario())


def test_two_readers_that_both_want_to_write_are_a_deadlock() -> None:
    async def scenario() -> None:
        trial = Trial()
        await trial.ask("a", "x", exclusive=False)
        await trial.ask("b", "x", exclusive=False)
        assert await trial.ask("a", "x") == "waits"
        assert await trial.ask("b", "x") == "deadlock"
        await trial.release("b")
        assert trial.states[2] == "holds"

    run(scenario())


def test_who_is_released_while_waiting_is_told() -> None:
    async def scenario() -> None:
        trial = Trial()
        await trial.ask("a", "x")
        await trial.ask("b", "x")
        await trial.release("b")
        assert trial.states == ["holds", "withdrawn"]
        await trial.ask("c", "x")
        trial.locks.release("a")  # "c" is granted the lock, and before it can go on...
        await trial.release("c")
        assert trial.states[2] == "withdrawn"
        assert await trial.ask("d", "x") == "holds"

    run(scenario())


STEPS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 2), st.sampled_from(["s", "x", "x", "release"])),
    max_size=30,
)


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_nobody_waits_for_nothing_or_for_ever_and_nobody_is_in_the_way(steps: list[tuple[int, int, int, str]]) -> None:
    """After each step: no two locks that are held conflict; who waits has somebody to wait for; following who waits for
    whom one never comes back; and a deadlock was one."""

    async def scenario() -> None:
        trial, turn = Trial(), [0] * 5
        for number, first, length, what in steps:
            owner = f"{number}/{turn[number]}"
            if what == "release":
                turn[number] += 1
                await trial.release(owner)
            elif owner not in [each[0] for each in trial.live("waits")]:
                before = graph(trial)
                if await trial.ask(owner, first, first + length, exclusive=what == "x") == "deadlock":
                    asked = trial.asked[-1]
                    others = [each[0] for each in [*trial.live("holds"), *trial.live("waits")] if conflict(each, asked)]
                    before.add_edges_from((owner, other) for other in others)
                    assert not nx.is_directed_acyclic_graph(before)
                    turn[number] += 1
                    await trial.release(owner)
            assert not any(conflict(a, b) for a, b in combinations(trial.live("holds"), 2))
            waits = graph(trial)
            assert all(waits.out_degree(each[0]) for each in trial.live("waits"))
            assert nx.is_directed_acyclic_graph(holders(trial))
        while waiting := [each[0] for each in trial.live("waits")]:
            free = [each[0] for each in trial.live("holds") if each[0] not in waiting]
            assert free, "all wait for each other"
            await trial.release(free[0])

    run(scenario())


def holders(trial: Trial) -> nx.DiGraph[str]:
    """Owner -> owner of a lock that it waits for."""
    return nx.DiGraph([(a[0], b[0]) for a in trial.live("waits") for b in trial.live("holds") if conflict(a, b)])


def graph(trial: Trial) -> nx.DiGraph[str]:
    """The same, and the owners of earlier requests that are still waiting."""
    waiting = trial.live("waits")
    earlier = [(b[0], a[0]) for a, b in combinations(waiting, 2) if conflict(a, b)]
    found = holders(trial)
    found.add_edges_from(earlier)
    return found


def test_ranges() -> None:
    assert Range(1, 3).overlaps(Range(3, 4))
    assert not Range(1, 3).overlaps(Range(4, 4))
    assert Range(1, "b").overlaps(Range("a", "a"))
    assert Range(1, 3).covers(Range(2, 3))
    assert not Range(1, 3).covers(Range(2, 4))
