"""Equality of values, and how they are shown."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from checkers.value import TEXT_MAX, Codes, plain, show

DIFFERENT: tuple[Any, ...] = (
    None, True, False, 0, 1, 1.0, 0.5, "1", "", "null", [], {}, [1], [True], [1.0], [[1]], [1, 2], [2, 1], {"a": 1},
    {"a": True}, {"a": [1]}, {"1": 1}, {1: 1}, frozenset({1, 2}), frozenset({1}), float("nan"), b"1", ["a", 1],
)  # fmt: skip


def test_values_that_differ_have_different_codes() -> None:
    codes = Codes()
    assert len({codes.code(value) for value in DIFFERENT}) == len(DIFFERENT)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1, [2]], (1, (2,))),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({1, 2, 3}, frozenset({3, 2, 1})),
        (0.0, -0.0),
        (float("nan"), float("nan")),
        ([float("nan")], [float("nan")]),
        (10**50, 10**50),
        (1e300, 1e300),
    ],
)
def test_equal_values_have_one_code(one: Any, other: Any) -> None:
    codes = Codes()
    assert codes.code(one) == codes.code(other)


def nested(depth: int, innermost: Any) -> Any:
    value = innermost
    for _ in range(depth):
        value = [value]
    return value


def test_nesting_deeper_than_the_stack_is_no_problem() -> None:
    depth = 20 * sys.getrecursionlimit()
    codes = Codes()
    assert codes.code(nested(depth, 1)) == codes.code(nested(depth, 1))
    assert codes.code(nested(depth, 1)) != codes.code(nested(depth, True))
    assert len(show(nested(depth, 1))) <= TEXT_MAX


def test_a_code_gives_its_value_back() -> None:
    codes = Codes()
    assert [codes.value(codes.code(value)) for value in (7, "x", [7, "x"])] == [7, "x", [7, "x"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (3, "3"),
        ("a\n", '"a\\n"'),
        ([1, {"k": None}], '[1, {"k": null}]'),
        (list(range(20)), "[0, 1, 2, 3, 4, 5, 6, 7, …]"),
    ],
)
def test_values_are_shown_as_json_and_bounded(value: Any, text: str) -> None:
    assert show(value) == text
    assert len(show([value] * 100)) <= TEXT_MAX
    json.dumps(plain(value))


def test_an_integer_too_long_to_write_out_is_described() -> None:
    assert show(10**10000) == plain(10**10000) == "an integer of 33220 bits"


def test_plain_keeps_scalars_and_bounds_the_rest() -> None:
    assert [plain(value) for value in (None, 1, "x", 1.5, True)] == [None, 1, "x", 1.5, True]
    assert plain("x" * 1000) == show("x" * 1000)
    assert plain([1]) == "[1]"
    assert plain(float("inf")) == "inf"
