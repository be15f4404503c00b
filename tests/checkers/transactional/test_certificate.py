"""Evidence is checked on the transactions as they are: what does not hold is refused, with the reason."""

from __future__ import annotations

import pytest

from checkers.transactional.certificate import refute_cycle, refute_serial
from checkers.transactional.cycle import Edge
from checkers.transactional.graph import PROCESS, REALTIME, RW, WR, WW
from checkers.transactional.lattice import Order
from checkers.transactional.transaction import transactions
from tests.checkers.transactional.notation import concurrent, sequential


def test_a_serial_order_that_explains_every_read() -> None:
    listed = transactions(sequential("ax1", "rx[]", "?ax2", "!ax3", processes=[0, 0, 1, 2]))
    assert refute_serial(listed, [1, 0], Order.NONE) is None
    assert refute_serial(listed, [1, 0, 2], Order.NONE) is None, "what may have happened may be there"
    refused = {
        (0, 1): "read another list",
        (1,): "not in the order",
        (1, 0, 0): "is there twice",
        (1, 0, 3): "is fail, and in the order",
        (1, 0, 9): "is none of the history's",
    }
    for order, why in refused.items():
        assert why in (refute_serial(listed, order, Order.NONE) or ""), order
    for form in (Order.SESSION, Order.REALTIME):
        assert "executed before it began" in (refute_serial(listed, [1, 0], form) or "")


def test_real_time_binds_other_sessions_too() -> None:
    listed = transactions(sequential("ax1", "rx[]"))
    assert refute_serial(listed, [1, 0], Order.SESSION) is None
    assert refute_serial(listed, [1, 0], Order.REALTIME) is not None


@pytest.mark.parametrize("edge", [
    (0, 1, WR), (1, 2, WW), (3, 1, RW), (0, 2, PROCESS), (0, 3, REALTIME), (1, 3, WR),
])  # fmt: skip
def test_an_edge_that_the_history_does_not_have(edge: tuple[int, int, int]) -> None:
    listed = transactions(concurrent("ax1", "ay1", "rx[1] ry[]", "rx[1] ry[]"))
    source, target, kind = edge
    assert "comes before" in (refute_cycle(listed, [Edge(source, target, kind), Edge(target, source, kind)]) or "")


def test_a_cycle_whose_edges_do_not_meet() -> None:
    listed = transactions(concurrent("ax1", "rx[1] ry[]", "ay1 rx[]"))
    cycle = [Edge(0, 1, WR), Edge(1, 2, RW), Edge(2, 0, RW)]
    assert refute_cycle(listed, cycle) is None
    assert "is not followed" in (refute_cycle(listed, cycle[:2]) or "")
    assert "is not followed" in (refute_cycle(listed, [Edge(0, 0, WW)]) or "")


def test_order_of_writes_is_what_the_reads_show() -> None:
    listed = transactions(concurrent("ax1 ay2", "ax3 ay4", "rx[1 3] ry[4 2]"))
    assert refute_cycle(listed, [Edge(0, 1, WW), Edge(1, 0, WW)]) is None
    listed = transactions(concurrent("ax1 ay2", "ax3 ay4", "rx[1 3] ry[2 4]"))
    assert refute_cycle(listed, [Edge(0, 1, WW), Edge(1, 0, WW)]) is not None
