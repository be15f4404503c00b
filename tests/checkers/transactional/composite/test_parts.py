"""The parts by themselves: sums, ranges of keys, serial orders, each against its definition."""

from __future__ import annotations

from itertools import combinations, product
from random import Random

import pytest

from checkers.guard import Unsupported
from checkers.transactional.composite.key_range import compare, contains
from checkers.transactional.composite.reading import read_composite
from checkers.transactional.composite.serial import refute, serial_order
from checkers.transactional.composite.total import BITS_MAX, subsets, sums
from checkers.transactional.lattice import Order
from tests.checkers.transactional.composite.notation import concurrent, sequential


@pytest.mark.parametrize("seed", range(60))
def test_sums_and_subsets_are_those_of_all_choices(seed: int) -> None:
    random = Random(seed)
    numbers = [random.choice((-3, -1, 1, 1, 2, 5)) for _ in range(random.randint(0, 7))]
    choices = [tuple(random.sample(range(-4, 5), random.randint(1, 3))) for _ in range(random.randint(0, 4))]
    totals = {sum(each) for each in product(*choices)}
    found = sums(choices)
    for target in range(-20, 21):
        assert found.has(target) is (target in totals)
        expected = {
            each for size in range(len(numbers) + 1) for each in combinations(range(len(numbers)), size)
            if sum(numbers[place] for place in each) == target
        }  # fmt: skip
        told = subsets(numbers, target, 1_000)
        assert told is not None
        assert sorted(tuple(sorted(each)) for each in told) == sorted(expected)


def test_what_is_too_large_is_not_told() -> None:
    assert sums([(0, BITS_MAX + 1), (0, 1)]).has(5) is None
    assert sums([(0, BITS_MAX + 1)]).has(-1) is False
    assert subsets([1] * 20, 10, 100) is None
    assert subsets([1] * 20, 21, 100) == []


def test_keys_of_one_type_have_an_order() -> None:
    assert compare(1, 1.5) == -1
    assert compare("b", "a") == 1
    assert compare([1, "x"], [1, "x", None]) == -1
    assert compare([1, "x"], [2, None]) == -1
    assert compare(True, 1) is None
    assert compare(1, "1") is None
    assert compare([1], [None]) is None
    assert contains((1, 3), 3)
    assert not contains((1, 3), "2")
    assert not contains((1, 3), True)
    with pytest.raises(Unsupported):
        contains(([1], [3]), ["x"])


def test_a_serial_order_is_found_and_refuted_where_it_is_none() -> None:
    composite = read_composite(concurrent("rs{1 2} rc=3", "+s1 +c1", "+s2 +c2 w1=7", "1..2{1=7} +s3", "!+s4"))
    order = serial_order(composite, Order.REALTIME)
    assert order is not None
    assert set(order) == {0, 1, 2, 3}
    assert refute(composite, order, Order.REALTIME) is None
    assert "than was there" in (refute(composite, [0, 1, 2, 3], Order.NONE) or "")
    assert "twice" in (refute(composite, [*order, 0], Order.NONE) or "")
    assert "is ok" in (refute(composite, order[:-1], Order.NONE) or "")
    assert "is fail" in (refute(composite, [*order, 4], Order.NONE) or "")


def test_a_serial_order_keeps_sessions_or_real_time_where_asked() -> None:
    stale = read_composite(sequential("+c1", "rc=0", processes=[0, 1]))
    assert serial_order(stale, Order.REALTIME) is None
    assert serial_order(stale, Order.SESSION) == [1, 0]
    assert "had completed" in (refute(stale, [1, 0], Order.REALTIME) or "")
    assert serial_order(read_composite(sequential("+c1", "rc=0", processes=[0, 0])), Order.SESSION) is None
    assert serial_order(read_composite(sequential("+c1", "rc=0", processes=[0, 0])), Order.NONE) == [1, 0]


def test_an_unknown_transaction_is_executed_only_where_it_helps() -> None:
    composite = read_composite(sequential("?+c1", "rc=0", "rc=1"))
    assert serial_order(composite, Order.REALTIME) == [1, 0, 2]
    assert serial_order(read_composite(sequential("?+c1", "rc=0")), Order.REALTIME) == [1]


def test_a_range_begins_with_its_lower_bound() -> None:
    with pytest.raises(Unsupported, match="expected the lower bound first"):
        contains((9, 1), 5)
