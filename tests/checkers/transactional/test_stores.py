"""Stores of every level: what they did is valid at that level, and not at stronger ones, at least sometimes."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from time import monotonic

import pytest

from benchmarks.transaction_clients import Data, Traffic, recorded
from benchmarks.transaction_stores import LEVELS
from benchmarks.transaction_stores_fuzz import DATA, campaign

ROUNDS = 6
STRICT_STORES = ("serial", "two-phase locking")


def test_no_false_alarm_and_no_store_that_is_stricter_than_its_level() -> None:
    histories = ROUNDS * len(LEVELS) * len(DATA)
    tally = campaign(histories, seed=0, deadline=monotonic() + 250)
    assert tally.disagreements == []
    assert tally.counts["histories"] == histories
    assert tally.counts["histories by columns, too"] > histories / 8
    assert tally.counts["transactions: ok"] > tally.counts["transactions: invoke"] / 2
    for store in LEVELS:
        weaker = sum(tally.counts[f"store: {store}, {data}, not strict serializable"] for data in DATA)
        assert (weaker == 0) if store in STRICT_STORES else (weaker > 0), store


@pytest.mark.parametrize("data", DATA)
def test_a_recorded_history_has_what_real_ones_have(data: Data) -> None:
    traffic = Traffic(transactions=300, unknown=0.2, failed=0.2, sessions=True, initial=data == "register", plain=0.5)
    made = recorded("prefix", data, Random(1), traffic)
    assert {line.type for line in made.lines} == {"invoke", "ok", "fail", "info"}
    assert len({line.session for line in made.lines}) == 3
    assert sum(line.type == "invoke" for line in made.lines) == 300
    assert any(first.type == second.type == "invoke" for first, second in pairwise(made.lines))
    assert (made.initial is None) is (data != "register")
    assert any(micro[0] == "rp" for line in made.lines if line.f == "txn" for micro in line.value) is (
        data == "predicate"
    )
    assert ({"read", "write"} <= {line.f for line in made.lines}) is (data == "register")


def test_the_same_seed_records_the_same_history() -> None:
    first, second = (recorded("causal", "register", Random(7), Traffic()).lines for _ in range(2))
    assert first == second
