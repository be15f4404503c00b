"""Consistent prefix, single decisions and ids against their definitions, on 2,000 random small histories each."""

from __future__ import annotations

from time import monotonic

import pytest

from benchmarks.single_object_fuzz import CHECKS, campaign

HISTORIES = 2_000


@pytest.mark.parametrize("name", CHECKS)
def test_verdicts_are_those_of_the_definition(name: str) -> None:
    tally = campaign(HISTORIES, 4_000_000, monotonic() + 300, [name])
    assert not tally.disagreements, "\n".join(tally.disagreements[:5])
    counts = tally.counts
    assert counts["histories"] == HISTORIES
    assert counts[f"{name}: True"] > HISTORIES // 4
    assert counts[f"{name}: False"] > HISTORIES // 50
    assert counts[f"{name}: unknown"] < HISTORIES // 25


def test_every_anomaly_of_a_prefix_was_met() -> None:
    counts = campaign(HISTORIES, 5_000_000, monotonic() + 300, ["consistent-prefix"]).counts
    for type_ in ("garbage-read", "G1a", "future-read", "duplicate-elements", "incompatible-order", "gap", "reordered"):
        assert counts[f"consistent-prefix: {type_}"], type_
