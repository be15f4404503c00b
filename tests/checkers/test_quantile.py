"""Quantiles of durations."""

from __future__ import annotations

from checkers.quantile import quantiles_ms


def test_quantiles_are_those_of_jepsen() -> None:
    assert quantiles_ms([]) == {}
    assert quantiles_ms([3_000_000]) == {"0": 3.0, "0.5": 3.0, "0.95": 3.0, "0.99": 3.0, "1": 3.0}
    hundred = quantiles_ms(i * 1_000_000 for i in reversed(range(100)))
    assert hundred == {"0": 0.0, "0.5": 50.0, "0.95": 95.0, "0.99": 99.0, "1": 99.0}
