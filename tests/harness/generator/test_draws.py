"""Draws are keyed, even, and independent of each other."""

from __future__ import annotations

from collections import Counter

import pytest

from harness.generator import Draws, derive


def test_a_stream_is_a_function_of_its_key() -> None:
    first, again = Draws(derive(7, "mix")), Draws(derive(7, "mix"))
    assert [first.bits() for _ in range(5)] == [again.bits() for _ in range(5)]


def test_other_seeds_and_other_labels_are_other_streams() -> None:
    seeds = {derive(seed, label) for seed in range(100) for label in (*range(100), "a", "b")}
    assert len(seeds) == 100 * 102


def test_golden_values_are_the_same_on_every_machine() -> None:
    # Plans replay on other machines: this may change only with the plan's schema.
    assert [derive(0, 0), derive(1, "child")] == [5199774590669546748, 11730542683383075922]


def test_below_is_even() -> None:
    counts = Counter(Draws(derive(1, position)).below(5) for position in range(20_000))
    assert set(counts) == set(range(5))
    assert all(3700 < count < 4300 for count in counts.values())


def test_exponential_gaps_have_their_mean() -> None:
    gaps = [Draws(derive(2, position)).exponential(10.0) for position in range(20_000)]
    assert min(gaps) >= 0
    assert 9.7 < sum(gaps) / len(gaps) < 10.3
    assert 0.61 < sum(gap < 10.0 for gap in gaps) / len(gaps) < 0.66  # 1 - 1/e


def test_weighted_follows_the_weights() -> None:
    counts = Counter(Draws(derive(3, position)).weighted([1, 0, 3]) for position in range(10_000))
    assert counts[1] == 0
    assert 2300 < counts[0] < 2700


def test_below_nothing_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="at least one"):
        Draws(0).below(0)
