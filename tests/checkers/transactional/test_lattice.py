"""The table of levels: closed, without cycles, and consistent with what its levels forbid."""

from __future__ import annotations

from checkers.transactional.lattice import (
    ALIASES,
    MODELS,
    STRICT,
    implied,
    proscribed,
    strongest_holding,
    weakest_failing,
)
from harness import catalog
from harness.history import History

NAMED = (
    "read-uncommitted", "read-committed", "read-atomic", "monotonic-atomic-view", "cursor-stability", "consistent-view",
    "repeatable-read", "causal", "prefix", "parallel-snapshot-isolation", "snapshot-isolation", "update-serializable",
    "serializable", "strong-session-snapshot-isolation", "strong-session-serializable", "strong-snapshot-isolation",
    "strict-serializable",
)  # fmt: skip


def test_every_level_has_its_name() -> None:
    assert set(NAMED) <= set(MODELS)
    assert all(model.name == name for name, model in MODELS.items())
    assert set(ALIASES.values()) <= set(MODELS)
    assert not set(ALIASES) & set(MODELS)


def test_the_strongest_level_implies_all_and_nothing_implies_itself() -> None:
    assert implied(STRICT) == set(MODELS)
    for name, model in MODELS.items():
        assert all(name not in implied(weaker) for weaker in model.weaker)


def test_a_stronger_level_forbids_whatever_a_weaker_one_does() -> None:
    for name in MODELS:
        for weaker in implied(name):
            assert set(proscribed(weaker)) <= set(proscribed(name)), (name, weaker)


def test_strongest_and_weakest() -> None:
    assert strongest_holding(MODELS) == (STRICT,)
    assert weakest_failing(MODELS) == ("read-uncommitted",)
    holding = implied("snapshot-isolation")
    assert strongest_holding(holding) == ("snapshot-isolation",)
    failing = set(MODELS) - holding
    assert "repeatable-read" in weakest_failing(failing)
    assert "serializable" not in weakest_failing(failing)
    assert strongest_holding(()) == weakest_failing(()) == ()


def test_session_guarantees_are_not_part_of_plain_levels() -> None:
    assert "causal" not in implied("serializable")
    assert {"causal", "snapshot-isolation"} <= implied("strong-session-snapshot-isolation")


def test_the_catalog_has_every_level() -> None:
    assert set(catalog.LEVELS) == set(MODELS)
    for level in catalog.LEVELS:
        assert catalog.checker(level)(History()).expect == level
