"""A linearization is replayed by itself: what is wrong with a wrong one is named."""

from __future__ import annotations

import pytest

from checkers.linearizable.certificate import refute
from tests.checkers.linearizable.notation import of, single

HISTORY = of(("write", 1, 0, 3), ("read", 1, 1, 4), ("write", 2, 5, 6), ("write", 9, 2, 7, "info"))


@pytest.mark.parametrize("places", [(0, 1, 2), (0, 1, 3, 2), (3, 0, 1, 2), (0, 1, 2, 3)])
def test_right_orders(places: tuple[int, ...]) -> None:
    key, _ = single(HISTORY)
    operations = (*key.required, *key.optional)
    assert refute(key, [operations[i] for i in places]) is None


@pytest.mark.parametrize(
    ("places", "why"),
    [
        ((0, 1), "happened and is not placed"),
        ((), "happened and is not placed"),
        ((0, 1, 2, 2), "placed twice"),
        ((1, 0, 2), "could not have had its result"),
        ((0, 3, 1, 2), "could not have had its result"),
        ((2, 0, 1), "invoked after it had completed"),
    ],
)
def test_wrong_orders(places: tuple[int, ...], why: str) -> None:
    key, _ = single(HISTORY)
    operations = (*key.required, *key.optional)
    assert why in (refute(key, [operations[i] for i in places]) or "")


def test_strangers_are_refused() -> None:
    key, _ = single(HISTORY)
    other, _ = single(of(("write", 1, 0, 3), ("write", 5, 10, 11)))
    assert "not of this key" in (refute(key, [*key.required, other.required[1]]) or "")
