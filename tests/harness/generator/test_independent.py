"""Groups of threads on keys of their own."""

from __future__ import annotations

from collections import defaultdict

import pytest

from harness.generator import Answer, Context, Draws, Generator, clients, concurrent_keys, function, invoke, limit, rate
from harness.generator.simulate import simulate
from harness.history import Op
from tests.harness.generator.words import drawn, invocations, numbered


def ten(key: int) -> Generator:
    return limit(10, numbered())


@pytest.mark.parametrize(("concurrency", "groups"), [(10, 2), (12, 2), (4, 1), (1, 1), (25, 5)])
def test_groups_share_out_all_threads_and_each_works_on_one_key(concurrency: int, groups: int) -> None:
    history = simulate(clients(rate(200, concurrent_keys(5, ten, count=20))), concurrency=concurrency)
    group_of: dict[object, set[int]] = defaultdict(set)
    for entry in invocations(history):
        assert isinstance(entry.process, int)
        group_of[entry.key].add(entry.process % concurrency * groups // concurrency)
    assert sorted(group_of, key=str) == sorted(range(20), key=str)
    assert all(len(members) == 1 for members in group_of.values())
    assert len(set(map(min, group_of.values()))) == groups


def test_every_key_gets_its_operations_in_order() -> None:
    history = simulate(clients(concurrent_keys(3, ten, count=7)), concurrency=6)
    per_key = defaultdict(list)
    for entry in invocations(history):
        per_key[entry.key].append(entry.value)
    assert per_key == {key: list(range(10)) for key in range(7)}


def test_keys_draw_differently() -> None:
    history = simulate(clients(concurrent_keys(2, lambda key: limit(10, drawn()), count=4)), concurrency=4)
    per_key = defaultdict(list)
    for entry in invocations(history):
        per_key[entry.key].append(entry.value)
    assert len({tuple(drawn_values) for drawn_values in per_key.values()}) == 4


def test_a_keys_generator_sees_events_of_its_own_key_only() -> None:
    seen: list[tuple[int, object]] = []

    class Watcher:
        def __init__(self, key: int, inner: Generator) -> None:
            self.key, self.inner = key, inner

        def op(self, context: Context) -> Answer:
            answer = self.inner.op(context)
            return None if answer is None else (answer[0], Watcher(self.key, answer[1]))

        def update(self, context: Context, event: Op) -> Watcher:
            seen.append((self.key, event.key))
            return self

    simulate(clients(concurrent_keys(2, lambda key: Watcher(key, ten(key)), count=6)), concurrency=4)
    assert len(seen) > 100
    assert all(own == key for own, key in seen)


def test_without_a_count_keys_never_end() -> None:
    history = simulate(clients(limit(300, concurrent_keys(5, ten))), concurrency=10)
    assert {entry.key for entry in invocations(history)} >= set(range(29))


def test_the_key_is_known_to_the_operation_only() -> None:
    def make(context: Context, position: int) -> Op:
        return invoke("write", Draws(position).below(5))

    (first, *_) = simulate(clients(concurrent_keys(1, lambda key: limit(1, function(make)), count=1)), concurrency=1)
    assert (first.key, first.f) == (0, "write")


def test_a_group_of_nobody_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        concurrent_keys(0, ten)
