"""Every method and brute force agree on random small histories of every model; so does all their evidence.

The same as the campaign (``python -m benchmarks.sequential_fuzz``), much shorter: 2,000 histories in all, of which the
registers have the most. z3 decides every fourth register.
"""

from __future__ import annotations

from time import monotonic

import pytest

from benchmarks.sequential_fuzz import CAS_REGISTER, MODELS, campaign
from checkers.linearizable import MODELS as NAMES

REGISTERS = (CAS_REGISTER, "register", "mutex")
OTHERS = tuple(model for model in MODELS if model not in REGISTERS)


def test_every_model_is_examined() -> None:
    assert set(MODELS) == set(NAMES)


@pytest.mark.parametrize(("models", "histories"), [(REGISTERS, 300), (OTHERS, 92)])
def test_all_agree(models: tuple[str, ...], histories: int) -> None:
    tally = campaign(histories, 3_000_000, 4, monotonic() + 300, models)
    assert not tally.disagreements, "\n".join(tally.disagreements[:5])
    counts = tally.counts
    total = histories * len(models)
    assert counts["histories"] == histories
    assert counts["undecided by brute force"] < total // 50
    assert min(counts["sequential: valid"], counts["sequential: invalid"]) > total // 6
    assert counts["witnesses"] > total // 4
    assert counts["confirmed by brute force"] > 0.98 * counts["witnesses"]
    assert counts["certificates"] > total
    assert counts["each key sequential, not all together"] > total // 200
    if models is REGISTERS:
        for decided in ("True by z3 ", "False by z3 ", "False by polynomial saturation", "True by search "):
            assert counts[decided] > total // 50, counts
