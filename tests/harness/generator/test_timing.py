"""Rates are total rates; lateness is made good a little; moments are kept."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from statistics import mean, pstdev

import pytest

from harness.generator import Draws, at, clients, delay, limit, quiet, rate, sequence, stagger
from harness.generator.simulate import simulate
from harness.generator.timing import Spacing
from harness.history import Op
from tests.harness.generator.words import invocations, numbered, op


def gaps_s(history: list[Op]) -> list[float]:
    times = [entry.time / 1e9 for entry in invocations(history)]
    return [later - earlier for earlier, later in pairwise(times)]


@pytest.mark.parametrize("concurrency", [1, 5, 20])
@pytest.mark.parametrize("spacing", ["exponential", "uniform", "even"])
def test_the_rate_is_total_and_not_per_thread(concurrency: int, spacing: Spacing) -> None:
    history = simulate(clients(limit(2000, rate(40, numbered(), spacing))), concurrency=concurrency)
    assert mean(gaps_s(history)) == pytest.approx(1 / 40, rel=0.08)


def test_spacings_differ_as_they_should() -> None:
    def spread(spacing: Spacing) -> float:
        return pstdev(gaps_s(simulate(limit(3000, rate(10, numbered(), spacing)), concurrency=50))) * 10

    assert spread("even") < 0.01
    assert spread("uniform") == pytest.approx(3**-0.5, rel=0.1)
    assert spread("exponential") == pytest.approx(1.0, rel=0.1)


def test_stagger_and_delay() -> None:
    assert mean(gaps_s(simulate(limit(1000, stagger(0.05, numbered()))))) == pytest.approx(0.05, rel=0.08)
    assert gaps_s(simulate(limit(10, delay(0.2, numbered())))) == pytest.approx([0.2] * 9)


def test_the_first_operation_comes_at_once() -> None:
    assert invocations(simulate(limit(1, rate(0.01, numbered()))))[0].time == 0


def test_a_stall_is_not_followed_by_a_burst() -> None:
    def stalled(entry: Op, draws: Draws) -> Op:
        ended = max(entry.time + 1_000_000, 2_000_000_000 if entry.time < 2_000_000_000 else 0)
        return replace(entry, type="ok", time=ended)

    history = simulate(clients(limit(400, rate(100, numbered(), "even"))), concurrency=10, complete=stalled)
    soon = [entry for entry in invocations(history) if 2_000_000_000 <= entry.time < 2_100_000_000]
    assert len(soon) <= 17  # ten in these 0.1 s, six to make good 50 ms


def test_short_lateness_is_made_good() -> None:
    def slow(entry: Op, draws: Draws) -> Op:
        return replace(entry, type="ok", time=entry.time + (25_000_000 if entry.value == 50 else 1_000_000))

    history = simulate(clients(limit(101, rate(100, numbered(), "even"))), concurrency=1, complete=slow)
    assert invocations(history)[-1].time == 1_000_000_000


def test_at_waits_for_its_moment() -> None:
    history = simulate(sequence(at(500_000_000, op("a")), at(200_000_000, op("b")), at(900_000_000, op("c"))))
    assert [(entry.f, entry.time) for entry in invocations(history)] == [
        ("a", 500_000_000),
        ("b", 500_000_000),
        ("c", 900_000_000),
    ]


def test_quiet_counts_from_the_first_time_it_is_asked() -> None:
    history = simulate(sequence(at(500_000_000, op("a")), quiet(0.2, sequence(op("b"), op("c")))))
    (first, second, third) = [entry.time for entry in invocations(history)]
    assert first == 500_000_000
    assert 700_000_000 <= second <= 710_000_000
    assert third == second


def test_a_rate_of_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="more than 0"):
        rate(0, numbered())
