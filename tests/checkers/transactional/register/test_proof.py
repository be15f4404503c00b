"""The commit order of a history of registers: who wrote a value is said exactly where the value does not tell."""

from __future__ import annotations

import pytest

from checkers.transactional import MODELS
from checkers.transactional.axiom import SNAPSHOTS, refute
from checkers.transactional.lattice import Family
from checkers.transactional.register.proof import proof
from checkers.transactional.register.reading import read_transactions
from checkers.transactional.register.sources import histories
from checkers.transactional.register.verdict import verdicts
from tests.checkers.transactional.register.notation import concurrent


@pytest.mark.parametrize("level", MODELS)
def test_every_level_has_one(level: str) -> None:
    reading = read_transactions(concurrent("wx1 ry_", "wy1 rx1", "?wx2", "?wz3", "rx2 ry1"))
    (history,) = histories(reading)
    order = proof(reading, verdicts(history), MODELS[level])
    assert refute(reading.transactions, order, MODELS[level], reading.initial) is None
    assert (order.snapshots is not None) is (MODELS[level].family in SNAPSHOTS)
    assert 2 in order.order, "its write was read"
    assert 3 not in order.order
    assert order.sources == {}


@pytest.mark.parametrize(("initial", "reads"), [(None, {(2, 0)}), (1, {(2, 0)}), (2, {(2, 0), (4, 0)})])
def test_sources(initial: int | None, reads: set[tuple[int, int]]) -> None:
    reading = read_transactions(concurrent("wx1", "wx1", "rx1", "wx2", "rx2"), initial)
    histories_ = list(histories(reading))
    assert len(histories_) > 1
    for history in histories_:
        found = verdicts(history)
        if found.of(MODELS["serializable"]):
            order = proof(reading, found, MODELS["serializable"])
            assert order.sources.keys() == reads
            assert refute(reading.transactions, order, MODELS["serializable"], reading.initial) is None


def test_a_stronger_level_lends_its_schedule() -> None:
    reading = read_transactions(concurrent("wx1 ry_", "wy1 rx_"))
    (history,) = histories(reading)
    found = verdicts(history)
    assert found.of(MODELS["strong-snapshot-isolation"])
    known = set(found.proofs)
    order = proof(reading, found, MODELS["prefix"])
    assert set(found.proofs) == known
    assert MODELS["prefix"].family is Family.PREFIX
    assert refute(reading.transactions, order, MODELS["prefix"], reading.initial) is None
