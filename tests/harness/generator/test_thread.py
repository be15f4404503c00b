"""Which threads run what."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

from harness.generator import (
    Draws,
    any_of,
    clients,
    delay,
    each_thread,
    limit,
    nemesis,
    on_threads,
    rate,
    reserve,
    time_limit,
)
from harness.generator.simulate import simulate
from harness.history import NEMESIS, Op
from tests.harness.generator.words import invocations, numbered, values


def always_info(entry: Op, draws: Draws) -> Op:
    return replace(entry, type="info", time=entry.time + 1_000_000)


def test_clients_and_the_nemesis_keep_to_their_threads() -> None:
    history = simulate(any_of(clients(limit(30, numbered("read"))), nemesis(limit(3, numbered("break")))))
    for entry in history:
        assert (entry.process == NEMESIS) == (entry.f == "break")
    assert simulate(clients(limit(5, numbered("a")), limit(2, numbered("b"))))
    assert len(invocations(simulate(nemesis(limit(2, numbered("b")), limit(5, numbered("a")))))) == 7


def test_a_thread_keeps_its_share_under_new_process_ids() -> None:
    history = simulate(on_threads(lambda thread: thread == 1, limit(4, numbered())), complete=always_info)
    assert [entry.process for entry in invocations(history)] == [1, 6, 11, 16]


def test_each_thread_has_its_own_copy() -> None:
    history = simulate(clients(each_thread(limit(4, numbered()))), concurrency=3, complete=always_info)
    per_thread = defaultdict(list)
    for entry in invocations(history):
        assert isinstance(entry.process, int)
        per_thread[entry.process % 3].append(entry.value)
    assert per_thread == {0: [0, 1, 2, 3], 1: [0, 1, 2, 3], 2: [0, 1, 2, 3]}


def test_each_thread_paces_each_thread() -> None:
    history = simulate(clients(each_thread(limit(5, delay(0.1, numbered())))), concurrency=4)
    assert len(invocations(history)) == 20
    assert max(entry.time for entry in invocations(history)) < 600_000_000


def test_reserve_divides_the_threads() -> None:
    shared = reserve((2, numbered("write")), (1, numbered("cas")), default=numbered("read"))
    history = simulate(clients(time_limit(2.0, rate(200, shared))), concurrency=6)
    threads = defaultdict(set)
    for entry in invocations(history):
        threads[entry.f].add(entry.process)
    assert threads == {"write": {0, 1}, "cas": {2}, "read": {3, 4, 5}}


def test_reserve_beyond_the_threads_leaves_the_others_out() -> None:
    history = simulate(clients(limit(10, reserve((2, numbered("a")), default=numbered("b")))), concurrency=2)
    assert Counter(entry.f for entry in invocations(history)) == {"a": 10}


def test_reserve_delivers_events_to_their_group_only() -> None:
    groups = reserve((1, limit(3, numbered("a"))), default=limit(3, numbered("b")))
    history = simulate(clients(groups), concurrency=2)
    assert sorted(values(history), key=str) == [0, 0, 1, 1, 2, 2]


def test_threads_that_nobody_has_end_at_once() -> None:
    assert simulate(on_threads(lambda thread: False, numbered())) == []
