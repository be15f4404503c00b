"""Columns of numbers: what is written is what is read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.report.history_view.column import decode, encode

NUMBERS = st.lists(st.integers(-(2**61), 2**61) | st.integers(-3, 300), max_size=60)


@given(NUMBERS, st.booleans())
def test_every_number_survives(numbers: list[int], delta: bool) -> None:
    column = encode("x", numbers, delta=delta)
    assert decode(column) == numbers
    assert len(column.data) == column.width * column.count == column.width * len(numbers)


def test_small_differences_and_zeros_take_little_room() -> None:
    assert encode("invoke", range(10**6, 10**6 + 1000), delta=True).width == 3, "the first one counts from nothing"
    assert encode("invoke", range(1000), delta=True).width == 1
    assert encode("nothing", [0] * 1000).data == b""
