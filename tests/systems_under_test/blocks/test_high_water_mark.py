"""The mark is what enough members have: by definition, never falling, and not before the leader's own first entry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems_under_test.blocks.high_water_mark import HighWaterMark, high_water_mark

MEMBERS = ("n1", "n2", "n3", "n4", "n5")


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6), st.data())
def test_it_is_the_highest_position_that_enough_have(positions: list[int], data: st.DataObject) -> None:
    needed = data.draw(st.integers(1, len(positions)))
    mark = high_water_mark(positions, needed)
    assert sum(position >= mark for position in positions) >= needed
    assert sum(position >= mark + 1 for position in positions) < needed


@given(st.integers(1, 5), st.lists(st.tuples(st.sampled_from(MEMBERS), st.integers(0, 20))))
def test_it_never_falls_and_tells_each_rise_once(needed: int, steps: list[tuple[str, int]]) -> None:
    marks, latest = HighWaterMark(MEMBERS, needed), dict.fromkeys(MEMBERS, 0)
    for member, position in steps:
        before = marks.mark
        rose = marks.acknowledge(member, position)
        latest[member] = max(latest[member], position)
        assert marks.mark == high_water_mark(latest.values(), needed)
        assert rose == (marks.mark > before)
        assert marks.acknowledged(member) == latest[member]
        assert marks.lag(member) == max(latest.values()) - latest[member]


def test_entries_of_an_earlier_leader_count_only_along_with_one_of_this_leaders() -> None:
    marks = HighWaterMark(MEMBERS, 3, first=8)
    assert not any(marks.acknowledge(member, 7) for member in MEMBERS)
    assert marks.mark == 0
    assert [marks.acknowledge(member, 8) for member in MEMBERS[:3]] == [False, False, True]
    assert marks.mark == 8


def test_strangers_and_impossible_demands_are_refused() -> None:
    with pytest.raises(AssertionError, match="no member"):
        HighWaterMark(MEMBERS, 3).acknowledge("n9", 1)
    for needed in (0, 6):
        with pytest.raises(AssertionError):
            HighWaterMark(MEMBERS, needed)
    with pytest.raises(AssertionError):
        high_water_mark([1], 0)
