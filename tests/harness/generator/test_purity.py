"""Any generator, however built: asking changes nothing, runs repeat, and only free processes are used."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.generator import (
    PENDING,
    Draws,
    Generator,
    any_of,
    clients,
    concurrent_keys,
    cycle,
    delay,
    each_thread,
    limit,
    mix,
    phases,
    quiet,
    rate,
    repeat,
    reserve,
    sequence,
    stagger,
    then,
    time_limit,
    until_ok,
)
from harness.generator.simulate import simulate
from harness.history import Op
from tests.harness.generator.words import context, drawn, numbered, op


def compose(children: st.SearchStrategy[Generator]) -> st.SearchStrategy[Generator]:
    several = st.lists(children, min_size=1, max_size=3)
    return st.one_of(
        several.map(lambda parts: mix(*parts)),
        several.map(lambda parts: any_of(*parts)),
        several.map(lambda parts: phases(*parts)),
        several.map(lambda parts: sequence(*parts)),
        children.map(lambda part: limit(7, part)),
        children.map(lambda part: time_limit(0.05, part)),
        children.map(lambda part: rate(300, part)),
        children.map(lambda part: stagger(0.004, part)),
        children.map(lambda part: delay(0.003, part)),
        children.map(lambda part: quiet(0.002, part)),
        children.map(until_ok),
        children.map(lambda part: each_thread(limit(3, part))),
        children.map(lambda part: repeat(part, 4)),
        children.map(lambda part: cycle(limit(3, part), 2)),
        st.tuples(children, children).map(lambda pair: then(*pair)),
        st.tuples(children, children).map(lambda pair: reserve((1, pair[0]), default=pair[1])),
        children.map(lambda part: concurrent_keys(2, lambda key: limit(4, part), count=3)),
    )


generators = st.recursive(st.sampled_from([op("a", 1), numbered("b"), drawn("c")]), compose, max_leaves=6)


def complete(entry: Op, draws: Draws) -> Op:
    kind = ("ok", "ok", "fail", "info")[draws.below(4)]
    return replace(entry, type=kind, time=entry.time + draws.below(8_000_000))  # type: ignore[arg-type]


@settings(max_examples=100, deadline=None)
@given(generators, st.integers(0, 1000))
def test_asking_twice_gives_the_same(generator: Generator, seed: int) -> None:
    for _ in range(12):
        there = context(time=5, seed=seed)
        answer, again = generator.op(there), generator.op(there)
        assert (answer and answer[0]) == (again and again[0])
        if answer is None or answer[0] is PENDING:
            return
        _, generator = answer


@settings(max_examples=100, deadline=None)
@given(generators, st.integers(0, 1000))
def test_runs_repeat_and_use_each_process_for_one_operation_at_a_time(generator: Generator, seed: int) -> None:
    def run() -> list[Op]:
        return simulate(clients(generator), concurrency=3, seed=seed, complete=complete, operations_max=120)

    history = run()
    assert history == run()
    running: set[object] = set()
    retired: set[object] = set()
    for entry in history:
        if entry.type == "invoke":
            assert entry.process not in running | retired
            running.add(entry.process)
        else:
            running.remove(entry.process)
            retired |= {entry.process} if entry.type == "info" else set()
    times = [entry.time for entry in history]
    assert times == sorted(times)
