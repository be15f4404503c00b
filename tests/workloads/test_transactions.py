"""What the workloads of transactions share: what is asked, and that a run without conflicts is no evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.history import History, Op
from harness.result import Reason
from harness.sufficiency import count_conflicts, shortfall
from tests.workloads.serial_store import SerialStore, recorded
from workloads.list_append import WORKLOAD
from workloads.transactions import KEYS, PROBE_KEY, STEPS_MAX, THRESHOLDS, WRITES_PER_KEY, touched

Transaction = Sequence[Sequence[Any]]


def test_short_transactions_on_a_few_keys_that_rotate_with_values_of_their_own() -> None:
    calls = recorded(WORKLOAD, SerialStore(lists=True), 1000).calls()
    assert {len(call.argument) for call in calls} == set(range(1, STEPS_MAX + 1))
    steps = [step for call in calls for step in call.argument]
    assert 0.45 < sum(f == "r" for f, _, _ in steps) / len(steps) < 0.55
    written = [(key, value) for f, key, value in steps if f != "r"]
    assert len(set(written)) == len(written)
    counts = Counter(key for key, _ in written)
    assert max(counts.values()) == WRITES_PER_KEY
    assert sum(count < WRITES_PER_KEY for count in counts.values()) <= KEYS
    assert len(counts) > 2 * KEYS
    assert set(range(max(counts) - KEYS)) <= set(counts), "new keys come one after the other"
    last_write = {key: steps.index(["append", key, WRITES_PER_KEY]) for key in counts if counts[key] == WRITES_PER_KEY}
    assert all(place <= last_write.get(key, place) for place, (_, key, _) in enumerate(steps)), "what is full is left"
    assert PROBE_KEY not in counts


def overlapping(*transactions: Transaction) -> History:
    """All of them at once."""
    ops = [Op("invoke", process, "txn", value) for process, value in enumerate(transactions)]
    return History([*ops, *(replace(op, type="ok") for op in ops)])


@pytest.mark.parametrize(
    ("first", "second", "conflicts"),
    [
        ([["r", 1, None]], [["append", 1, 1]], 1),
        ([["append", 1, 2]], [["append", 1, 1]], 1),
        ([["append", 1, 2], ["r", 2, None]], [["r", 1, None], ["append", 2, 1]], 2),
        ([["r", 1, None]], [["r", 1, None]], 0),
        ([["r", 1, None]], [["append", 2, 1]], 0),
        ([["r", 1, None], ["append", 1, 1], ["r", 1, None]], [["r", 1, None]], 1),
    ],
)
def test_what_a_conflict_of_transactions_is(first: Transaction, second: Transaction, conflicts: int) -> None:
    assert count_conflicts(overlapping(first, second), ("txn",), 100, touched=touched) == conflicts


def slow_count(history: History) -> int:
    """Per key all pairs, as the definition says."""
    calls = [call for call in history.calls() if call.outcome != "fail"]
    count = 0
    for a, b in combinations(calls, 2):
        if a.complete is None or b.invoke < a.complete:  # they are in the order of their invocations
            keys = {key for _, key, _ in a.argument} & {key for _, key, _ in b.argument}
            count += sum(any(f != "r" and at == key for f, at, _ in (*a.argument, *b.argument)) for key in keys)
    return count


STEP = st.tuples(st.sampled_from(["r", "w"]), st.integers(0, 2), st.none()).map(list)


@given(st.lists(st.tuples(st.integers(0, 3), st.lists(STEP, max_size=3), st.sampled_from(["ok", "fail", "info"])),
                max_size=30))  # fmt: skip
def test_the_sweep_counts_what_the_definition_counts(steps: list[tuple[int, list[Any], str]]) -> None:
    running: dict[int, Op] = {}
    ops = []
    for process, value, kind in steps:
        if process in running:
            ops.append(replace(running.pop(process), type=kind))  # type: ignore[arg-type]
        else:
            running[process] = Op("invoke", process, "txn", value)
            ops.append(running[process])
    history = History(ops)
    assert count_conflicts(history, ("txn",), 10**9, touched=touched) == slow_count(history)


def test_transactions_that_never_meet_are_no_evidence() -> None:
    def some(key: int, written: int) -> Transaction:
        return [["append", written, key], ["r", key, None]]

    alone, met = (overlapping(*(some(key, key // share) for key in range(200))) for share in (1, 2))
    found = shortfall(alone, THRESHOLDS)
    assert found is not None
    assert found[0] is Reason.NO_CONFLICT
    assert shortfall(met, THRESHOLDS) is None
