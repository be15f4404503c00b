"""Values as texts: each once, all of JSON told apart, and never much text however large or deep a value is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.history_view.text_table import LONG, TextTable, told
from tests.harness.report.test_element import HOSTILE


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def circular() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


LARGE: list[Any] = [
    "x" * 1_000_000,
    list(range(100_000)),
    {str(i): i for i in range(50_000)},
    nested(5_000),
    circular(),
    10**6_000,
    {1, 2},
    frozenset([("a", 1)]),
    object(),
    float("nan"),
    {(1, 2): 3},
]


@pytest.mark.parametrize("value", LARGE, ids=lambda value: type(value).__name__)
def test_every_value_is_told_in_bounds(value: Any) -> None:
    table = TextTable()
    text = table.texts[table.value(value)]
    assert 0 < len(text) <= 1_100
    assert text.isprintable()
    assert len(table.texts[table.long(value)]) <= LONG + 100


def test_what_was_cut_says_how_much_there_was() -> None:
    assert told(list(range(5_000)), 20) == "[0, 1, 2, 3, 4, 5, 6… (5,000 elements)"
    assert told("x" * 5_000, 5) == '"xxxx… (5,002 characters)'


@pytest.mark.parametrize("text", [*HOSTILE, "a\u2028b", "a\u202eb", "\x00\n\t", "\ud800", "\x7f\u200b"])
def test_what_cannot_be_seen_is_spelled_out(text: str) -> None:
    table = TextTable()
    for code in (table.value(text), table.name(text), table.value([text]), table.value({text: text})):
        assert table.texts[code].isprintable()
        table.texts[code].encode()


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)


@given(st.lists(SCALARS | st.lists(SCALARS, max_size=3), max_size=20))
def test_equal_values_have_one_code_and_others_do_not(values: list[Any]) -> None:
    table = TextTable()
    codes = [table.value(value) for value in values]
    assert codes == [table.value(value) for value in values], "asked again"
    for value, code in zip(values, codes, strict=True):
        for other, its in zip(values, codes, strict=True):
            same = repr(value) == repr(other)
            assert (code == its) == same or _look_alike(value, other)


def _look_alike(value: Any, other: Any) -> bool:
    """Texts of what cannot be seen: "\\n" and " " are both told as JSON tells them, "\\u200b" is spelled out."""
    return not (str(value).isprintable() and str(other).isprintable())


def test_true_one_and_one_point_nought_are_three_values() -> None:
    table = TextTable()
    assert len({table.value(value) for value in (True, 1, 1.0, "1", [1], [True])}) == 6


def test_a_table_that_grows_large_keeps_less_of_each_value() -> None:
    table = TextTable()
    for number in range(40_000):
        table.value(f"{number:07}" + "x" * 2_000)
    assert sum(map(len, table.texts)) < 12_000_000
