"""Random small histories of sets, counters and ranges: every level as its definition over all orders has it."""

from __future__ import annotations

from time import monotonic

import pytest

from benchmarks.composite_fuzz import campaign
from benchmarks.random_composite import KINDS

HISTORIES = 75


@pytest.mark.parametrize("kind", KINDS)
def test_every_level_is_what_its_definition_says(kind: str) -> None:
    tally = campaign(HISTORIES, seed=0, size=4, deadline=monotonic() + 300, kind=kind)
    assert tally.disagreements == []
    assert tally.counts["histories"] == HISTORIES
    assert tally.counts["witnesses"] > HISTORIES / 20
    counts = tally.counts
    assert counts["verdicts invalid"] > (counts["verdicts valid"] + counts["verdicts invalid"]) / 3
    assert counts["verdicts unknown"] < counts["verdicts valid"] / 50


def test_histories_of_five_transactions() -> None:
    tally = campaign(15, seed=1_000_000, size=5, deadline=monotonic() + 300, kind="mixed")
    assert tally.disagreements == []
    assert tally.counts["histories"] == 15


def test_what_a_store_of_a_level_did_is_never_alarmed() -> None:
    tally = campaign(0, seed=0, size=0, deadline=monotonic() + 300, stores=2)
    assert tally.disagreements == []
    assert tally.counts["store strict-serializable: True"] == 2 * len(KINDS)
    assert tally.counts["store strong-snapshot-isolation: True"] >= len(KINDS)
