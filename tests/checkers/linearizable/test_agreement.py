"""Every method and brute force agree on random small histories of every model; so does all their evidence.

The same as the campaign (``python -m benchmarks.linearizable_fuzz``), much shorter: 2,000 histories of each model. CAS
registers are examined with nil reads as values and as no information, and z3 decides every eighth. The witnesses of all
invalid histories take longest: they are examined for every one of the CAS registers, for every eighth of the others.
"""

from __future__ import annotations

from time import monotonic

import pytest

from benchmarks.linearizable_fuzz import CAS_REGISTER, MODELS, campaign
from checkers.linearizable import MODELS as NAMES

HISTORIES = 2_000
PARTS = 4
POLYNOMIAL = {"register", "queue", "unordered-queue", "stack", "pqueue", "set"}


@pytest.mark.parametrize("part", range(PARTS))
def test_cas_registers(part: int) -> None:
    share = HISTORIES // PARTS
    seed = 1_000_000 + part * share
    tally = campaign(share, seed, z3_every=8, deadline=monotonic() + 300, models=[CAS_REGISTER])
    assert not tally.disagreements, "\n".join(tally.disagreements[:5])
    counts = tally.counts
    assert counts["histories"] == share
    assert counts["undecided by brute force"] == counts["witnesses undecided by brute force"] == 0
    assert min(counts["valid"], counts["invalid"]) > share // 2, "of both kinds at least a quarter"
    assert min(counts["witnesses"], counts["minimal witnesses"], counts["certificates"]) > share // 2
    assert counts["verdicts by z3"] >= share // 8
    assert counts["keys decided by search+z3"] > 0


def test_every_model_is_examined() -> None:
    assert set(MODELS) == set(NAMES)


@pytest.mark.parametrize("model", [model for model in MODELS if model != CAS_REGISTER])
def test_other_models(model: str) -> None:
    deadline = monotonic() + 300
    tally = campaign(HISTORIES, 2_000_000, z3_every=0, deadline=deadline, models=[model], witness_every=8)
    assert not tally.disagreements, "\n".join(tally.disagreements[:5])
    counts = tally.counts
    assert counts["histories"] == HISTORIES
    assert counts["undecided by brute force"] + counts["witnesses undecided by brute force"] < HISTORIES // 100
    assert min(counts["valid"], counts["invalid"]) > HISTORIES // 8, "of both kinds at least an eighth"
    assert min(counts["witnesses"], counts["minimal witnesses"]) > HISTORIES // 100
    assert counts["certificates"] > HISTORIES // 4
    if model in POLYNOMIAL:
        by_name = {name: count for name, count in counts.items() if f"{model}: " in name and " by " in name}
        for truth in (True, False):
            decided = sum(count for name, count in by_name.items() if f"{model}: {truth} by " in name)
            assert decided > HISTORIES // 20, by_name
