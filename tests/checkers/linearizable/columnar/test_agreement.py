"""On random small histories the methods on columns and brute force agree; so does all their evidence.

The same as the campaign (``python -m benchmarks.linearizable_fuzz --columns``), shorter: 1,000 histories of each model.
"""

from __future__ import annotations

from time import monotonic

import pytest

from benchmarks.columnar_fuzz import MODELS, campaign
from checkers.linearizable.verdict import COLUMNAR

HISTORIES = 1_000


def test_every_model_is_examined() -> None:
    assert set(MODELS) == COLUMNAR


@pytest.mark.parametrize("model", MODELS)
def test_columns_and_brute_force(model: str) -> None:
    tally = campaign(HISTORIES, 3_000_000, monotonic() + 120, [model], check_every=25, witness_every=10)
    assert not tally.disagreements, "\n".join(tally.disagreements[:5])
    counts = tally.counts
    assert counts["histories"] == HISTORIES
    assert counts["undecided by brute force"] + counts["witnesses undecided by brute force"] < HISTORIES // 100
    assert counts[f"{model}: invalid histories"] > HISTORIES // 4
    assert counts[f"{model}: valid histories"] > HISTORIES // 4
    assert min(counts["verdicts by check"], counts["witnesses"]) > HISTORIES // 100
    assert min(counts["changed linearizations refused"], counts["changed linearizations accepted"]) > HISTORIES // 200
