"""A refutation is checked on the transactions as they are: what does not hold is refused, with the reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checkers.transactional.cycle import Cycle, Edge
from checkers.transactional.graph import RW, WR
from checkers.transactional.lattice import Family, Order
from checkers.transactional.register.certificate import objection
from checkers.transactional.register.excerpt import Case, Excerpt, Ground, excerpt
from checkers.transactional.register.reading import read_transactions
from checkers.transactional.register.refutation import Refutation, refute, shortened
from checkers.transactional.register.sources import histories
from harness.history import History
from tests.checkers.transactional.register.notation import concurrent, sequential

FRACTURED = concurrent("wx1 wy1", "rx1 wx2 wy2", "ry1 rx2", "wz1")


def scene_of(history: History, order: Order = Order.NONE) -> Excerpt:
    (read,) = histories(read_transactions(history))
    return excerpt(read, range(len(read)), order)


def refuted(history: History, family: Family) -> tuple[Excerpt, Refutation]:
    scene = shortened(scene_of(history), family)
    found = refute(scene, family)
    assert found is not None
    return scene, found


def test_what_is_found_holds_and_is_small() -> None:
    scene, found = refuted(FRACTURED, Family.ATOMIC)
    assert scene.members == (0, 1, 2)
    assert objection(scene.history.transactions, found, Family.ATOMIC, Order.NONE) is None
    assert objection(scene.history.transactions, found, Family.ANY, Order.NONE) is None


@pytest.mark.parametrize("family", [Family.DEPENDENCIES, Family.CURSOR, Family.MONOTONIC])
def test_a_level_that_forbids_less_is_not_refuted(family: Family) -> None:
    scene, found = refuted(FRACTURED, Family.ATOMIC)  # of y first: a view that goes forwards
    assert "does not forbid" in (objection(scene.history.transactions, found, family, Order.NONE) or "")


def test_an_order_that_nothing_forced() -> None:
    scene, found = refuted(FRACTURED, Family.ATOMIC)
    assert found.forced
    why = objection(scene.history.transactions, replace(found, forced=()), Family.ATOMIC, Order.NONE)
    assert "nothing forced" in (why or "")


def test_an_edge_that_the_history_does_not_have() -> None:
    scene = scene_of(concurrent("wx1", "rx1 ry_", "wy1"))
    grounds = (Ground(), Ground())
    for edges in ((Edge(0, 1, WR), Edge(1, 0, WR)), (Edge(2, 1, WR), Edge(1, 2, RW)), (Edge(0, 1, WR), Edge(1, 2, WR))):
        case = Case("G1c", Cycle(edges), grounds)
        why = objection(scene.history.transactions, Refutation((), case), Family.ANY, Order.NONE)
        assert "comes before" in (why or "") or "not followed" in (why or "")


def test_real_time_is_asked_for() -> None:
    scene = scene_of(sequential("wx1", "rx_"), Order.REALTIME)
    found = refute(scene, Family.ANY)
    assert found is not None
    assert objection(scene.history.transactions, found, Family.ANY, Order.REALTIME) is None
    assert objection(scene.history.transactions, found, Family.ANY, Order.SESSION) is not None
    assert refute(scene_of(sequential("wx1", "rx_")), Family.ANY) is None
