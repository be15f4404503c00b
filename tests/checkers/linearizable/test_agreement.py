"""The search, z3, both in turn, and brute force agree on random small histories; so does all their evidence.

The same as the campaign (``python -m benchmarks.linearizable_fuzz``), a tenth as long: 2,000 histories, each with nil
reads as values and as no information; z3 decides every eighth.
"""

from __future__ import annotations

from time import monotonic

import pytest

from benchmarks.linearizable_fuzz import campaign

HISTORIES = 2_000
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_random_small_histories(part: int) -> None:
    share = HISTORIES // PARTS
    tally = campaign(share, seed=1_000_000 + part * share, z3_every=8, deadline=monotonic() + 300)
    assert not tally.disagreements, "\n".join(tally.disagreements[:5])
    counts = tally.counts
    assert counts["histories"] == share
    assert counts["undecided by brute force"] == 0
    assert min(counts["valid"], counts["invalid"]) > share // 2, "of both kinds at least a quarter"
    assert min(counts["witnesses"], counts["minimal witnesses"], counts["certificates"]) > share // 2
    assert counts["verdicts by z3"] >= share // 8
    assert counts["keys decided by search+z3"] > 0
