"""Buckets, quantiles and axes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.report.statistic import OUTCOMES, Point, Span, buckets, log_ticks, nice_step, quantile

points = st.builds(Point, st.floats(0, 100), st.floats(0, 5), st.sampled_from(OUTCOMES))


@given(st.lists(points, max_size=200), st.floats(0.01, 100))
def test_buckets_count_every_operation_once(of: list[Point], until_s: float) -> None:
    parts = buckets(of, Span(0.0, until_s))
    for outcome in OUTCOMES:
        assert sum(bucket.counts[outcome] for bucket in parts) == sum(point.outcome == outcome for point in of)
    assert len(parts) <= 121
    assert parts[-1].stop_s >= until_s * 0.999
    assert all(a.stop_s <= b.start_s * 1.000001 for a, b in zip(parts, parts[1:], strict=False))  # noqa: RUF007


def test_quantiles_are_nearest_ranks_of_ok_operations() -> None:
    of = [Point(0.0, latency / 1000, "ok") for latency in range(1, 101)] + [Point(0.0, 0.5, "fail")]
    (bucket,) = [bucket for bucket in buckets(of, Span(0.0, 120.0)) if bucket.counts["ok"]]
    assert (bucket.median_s, bucket.p99_s) == (0.05, 0.099)
    assert quantile([], 0.5) is None


@given(st.floats(1e-6, 1e6), st.integers(1, 200))
def test_steps_are_round_and_few(span: float, parts: int) -> None:
    step = nice_step(span, parts)
    assert span / step <= parts * 1.001
    assert span / step > parts / 2.6


def test_ticks_of_a_logarithmic_axis_are_powers_of_ten() -> None:
    assert log_ticks(0.0005, 2.0) == [0.001, 0.01, 0.1, 1.0]
