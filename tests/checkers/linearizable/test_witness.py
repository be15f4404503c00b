"""Witnesses of some known shapes; that they are witnesses, and minimal, ``test_agreement`` asks brute force."""

from __future__ import annotations

from random import Random
from time import monotonic

import pytest

from benchmarks.random_history import Shape, linearizable, spoil
from checkers.linearizable import check
from checkers.linearizable.decide import decide
from checkers.linearizable.limit import Limit
from checkers.linearizable.witness import ContradictionError, witness
from harness.history import History
from tests.checkers.linearizable.notation import of, single


def of_history(history: History) -> tuple[int, ...]:
    (anomaly,) = check(history).anomalies
    assert anomaly.details["minimal"]
    return anomaly.operations


def test_a_stale_read_needs_what_was_there_before_and_between() -> None:
    history = of(
        ("write", 5, 0, 1), ("read", 5, 2, 3), ("write", 1, 4, 5), ("read", 1, 6, 7), ("write", 2, 8, 9),
        ("read", 2, 10, 11), ("read", 1, 12, 13), ("write", 6, 14, 15), ("read", 6, 16, 17),
    )  # fmt: skip
    before, between, stale = of_history(history)
    assert (before in (4, 6), between in (8, 10), stale) == (True, True, 12)


def test_every_write_of_the_value_is_needed() -> None:
    """Left out, a write may take effect at any later time: it would excuse the read."""
    history = of(("write", 1, 0, 1), ("write", 1, 2, 3), ("write", 2, 4, 5), ("read", 1, 6, 7))
    assert of_history(history) == (0, 2, 4, 6)


def test_a_value_from_nowhere_needs_nothing_else() -> None:
    assert of_history(of(("write", 1, 0, 1), ("read", 7, 2, 3), ("write", 2, 4, 5))) == (2,)


def test_a_dead_end_may_be_the_fault_of_a_later_completion() -> None:
    """The search gives up before the stale read's turn comes; the read belongs to the witness all the same."""
    history = of(("write", 1, 0, 1), ("write", 2, 2, 3), ("read", 1, 4, 9), ("write", 3, 5, 8), ("read", 3, 6, 7))
    key, _ = single(history)
    decision = decide(key, "search", Limit())
    assert decision.valid is False
    assert 4 in {operation.invoke for operation in decision.refuted}
    assert of_history(history) == (0, 2, 4)


@pytest.mark.parametrize("seed", range(12))
def test_witnesses_of_longer_histories_stay_small(seed: int) -> None:
    shape = Shape(300, 5, values=range(40), crashes=10)
    history = History(spoil(linearizable(shape, Random(seed)), shape, Random(seed), times=30))
    result = check(history)
    assert result.valid is False
    (anomaly,) = result.anomalies
    assert anomaly.details["minimal"]
    assert len(anomaly.operations) <= 24
    assert list(anomaly.operations) == sorted(anomaly.operations)


def test_without_time_the_witness_is_large_and_says_so() -> None:
    key, _ = single(of(("write", 1, 0, 1), ("write", 2, 2, 3), ("read", 1, 4, 5)))
    found = witness(key, key.required, Limit(deadline=monotonic()))
    assert (found.operations, found.minimal, found.confirmed) == (key.required, False, ())


def test_what_has_an_order_is_no_witness() -> None:
    key, _ = single(of(("write", 1, 0, 1), ("read", 1, 2, 3)))
    with pytest.raises(ContradictionError):
        witness(key, key.required, Limit())
