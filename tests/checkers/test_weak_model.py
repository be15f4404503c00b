"""The table of the weak models: each of its models can be asked for, and all that it has is about what it says."""

from __future__ import annotations

from checkers.names import CHECKERS
from checkers.weak_model import WEAK_MODELS


def test_every_model_of_the_table_is_decided() -> None:
    assert set(WEAK_MODELS) <= set(CHECKERS)
    assert {"sequential", "sequential-per-key", "consistent-prefix", "causal-prefix"} <= set(WEAK_MODELS)
    for name, model in WEAK_MODELS.items():
        assert model.name == name
        assert "RVal" in model.formula
