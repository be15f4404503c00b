"""Random small histories of registers: every level as its definition over all orders has it."""

from __future__ import annotations

from time import monotonic

from benchmarks.registers_fuzz import campaign

HISTORIES = 2_000
LARGER = 60
STORES = 8


def test_every_level_is_what_its_definition_says() -> None:
    tally = campaign(HISTORIES, 0, seed=0, size=4, deadline=monotonic() + 300)
    assert tally.disagreements == []
    assert tally.counts["histories"] == HISTORIES
    for level in ("monotonic-atomic-view", "cursor-stability", "causal", "prefix", "update-serializable"):
        assert tally.counts[f"{level}: True"] > HISTORIES / 4
        assert tally.counts[f"{level}: False"] > HISTORIES / 6


def test_histories_of_five_transactions() -> None:
    tally = campaign(LARGER, 0, seed=1_000_000, size=5, deadline=monotonic() + 300)
    assert tally.disagreements == []
    assert tally.counts["histories"] == LARGER


def test_what_a_store_of_a_level_did_is_never_alarmed() -> None:
    tally = campaign(0, STORES, seed=0, size=0, deadline=monotonic() + 300)
    assert tally.disagreements == []
    assert tally.counts["store causal: True"] == STORES
