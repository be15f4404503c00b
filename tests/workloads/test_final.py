"""The end of a run: every replica is asked what it holds, until they agree or for long enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import groupby

import pytest

from checkers.convergence import check
from harness import catalog
from harness.generator import Draws, clients
from harness.generator.simulate import simulate
from harness.history import DUMP, History, Op
from harness.workload import WorkloadOptions
from workloads.final import DUMP_GAP_S, DUMP_ROUNDS_MAX, dumps

NODES = ("n1", "n2", "n3")
OPTIONS = WorkloadOptions(NODES, concurrency=5, rate_hz=50.0, time_limit_s=4.0, operations=frozenset({"read", DUMP}))

Says = Callable[[str, int], object]  # node, time in ns -> the state it tells; None: no answer


def recorded(says: Says, concurrency: int = 5, silence: str = "fail") -> History:
    def complete(op: Op, draws: Draws) -> Op:
        assert op.node is not None
        ended = replace(op, time=op.time + 1_000_000 + draws.below(20_000_000))
        state = says(op.node, op.time)
        if state is None:
            return replace(ended, type="info" if silence == "info" else "fail")
        return replace(ended, type="ok", value={"state": {"x": state}, "applied": 1})

    options = replace(OPTIONS, concurrency=concurrency)
    return History(simulate(clients(dumps(options)), concurrency=concurrency, complete=complete))


def rounds(history: History) -> list[list[str | None]]:
    """The nodes asked, round by round: rounds are told apart by the pause between them."""
    asked = [op for op in history if op.type == "invoke"]
    starts = [0, *(i for i in range(1, len(asked)) if asked[i].time - asked[i - 1].time > DUMP_GAP_S * 0.9e9)]
    return [[op.node for op in asked[a:b]] for a, b in zip(starts, [*starts[1:], None], strict=True)]


@pytest.mark.parametrize("concurrency", [1, 2, 10])
def test_replicas_that_agree_are_asked_twice(concurrency: int) -> None:
    history = recorded(lambda node, time: 7, concurrency)
    assert rounds(history) == [list(NODES)] * 2
    assert check(history).valid is True


def test_lag_is_waited_for() -> None:
    history = recorded(lambda node, time: 7 if node != "n3" or time > 2_000_000_000 else 6)
    assert 6 < len(rounds(history)) < 12
    assert check(history).valid is True


def test_replicas_that_never_agree_are_asked_long_enough_to_be_sure() -> None:
    history = recorded(lambda node, time: node)
    assert len(rounds(history)) == DUMP_ROUNDS_MAX
    assert check(history).valid is False


@pytest.mark.parametrize("silence", ["fail", "info"])
def test_a_node_that_does_not_answer_holds_up_nothing(silence: str) -> None:
    history = recorded(lambda node, time: None if node == "n2" else 7, silence=silence)
    assert len(rounds(history)) == 2
    result = check(history)
    assert result.valid is True
    assert result.details["unanswered"] == ["n2"]


def test_one_answer_is_no_agreement() -> None:
    history = recorded(lambda node, time: 7 if node == "n2" else None)
    assert len(rounds(history)) == DUMP_ROUNDS_MAX
    assert check(history).valid == "unknown"


@pytest.mark.parametrize("workload", catalog.names("workloads"))
@pytest.mark.parametrize("operations", [frozenset[str](), frozenset({DUMP})])
def test_every_workload_ends_with_dumps_where_the_system_can(workload: str, operations: frozenset[str]) -> None:
    def complete(op: Op, draws: Draws) -> Op:
        value = {"state": {}, "applied": 0} if op.f == DUMP else None
        return replace(op, type="ok", time=op.time + 1_000_000, value=value)

    final = catalog.workload(workload).final_generator
    assert final is not None
    ops = simulate(final(replace(OPTIONS, operations=operations)), complete=complete)
    fs = [f for f, _ in groupby(op.f for op in ops)]
    assert fs[-1:] == ([DUMP] if operations else fs[-1:])
    assert fs.count(DUMP) == len(operations)
    assert {op.node for op in ops if op.f == DUMP} == (set(NODES) if operations else set())


def test_a_single_node_has_nobody_to_agree_with() -> None:
    assert simulate(dumps(replace(OPTIONS, nodes=("n1",)))) == []
