"""Values and figures as short text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.text import cut, duration, opening, operation, shown, size, width

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=60), inner, max_size=20),
    max_leaves=60,
)


@given(values, st.integers(20, 120))
def test_any_value_is_shown_in_bounds(value: object, limit: int) -> None:
    assert 0 < len(shown(value, limit)) <= limit


def test_values_read_like_json() -> None:
    assert shown({"a": [1, True, None, "x"]}) == '{a: [1, true, null, "x"]}'
    assert shown(list(range(3000))) == "[0, 1, 2, 3, 4, 5, 6, 7, … 3000 in all]"


@pytest.mark.parametrize(
    "value",
    [10**100_000, "x" * 10_000_000, [[0] * 1000] * 1000, {str(i): i for i in range(9999)}],
    ids=("number", "text", "list", "map"),
)
def test_huge_values_are_shown_quickly_and_shortly(value: object) -> None:
    assert len(shown(value)) <= 100


def test_a_deep_value_ends_somewhere() -> None:
    value: list[object] = []
    for _ in range(50_000):
        value = [value]
    assert shown(value) == "[[[[[… 1 in all]]]]]"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (("write", 3, 3, "ok"), "write 3"),
        (("read", None, 1, "ok"), "read → 1"),
        (("read", None, None, "ok"), "read → null"),
        (("cas", [1, 2], [1, 2], "fail"), "cas [1, 2] ✗ failed"),
        (("add", 7, None, "info"), "add 7 ? unknown"),
    ],
)
def test_operations_in_words(call: tuple[str, object, object, str], words: str) -> None:
    assert operation(*call) == words


def test_figures_have_units_that_fit() -> None:
    assert [duration(value) for value in (0.00035, 0.0042, 1.354, 4000.0)] == ["350 µs", "4.2 ms", "1.35 s", "4,000 s"]
    assert [size(value) for value in (800, 14_000, 3_100_000, 2 * 10**12)] == ["800 B", "14 kB", "3.1 MB", "2,000 GB"]


def test_text_is_cut_to_columns_and_words() -> None:
    assert cut("partition", 9) == "partition"
    assert cut("partition", 6) == "parti…"
    assert cut("partition", 3) == ""
    assert width("日本") == 4
    assert opening("one two three", 9) == "one two …"
