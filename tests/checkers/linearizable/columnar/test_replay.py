"""A wrong linearization is refused, whoever made it, and a wrong decision is no verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from checkers.guard import Unsupported
from checkers.linearizable import check, columnar
from checkers.linearizable.certificate import refute_large
from checkers.linearizable.columnar.objects import Blame, Objects
from checkers.linearizable.model import Reading
from checkers.linearizable.models import BY_NAME
from checkers.value import Codes
from harness.history import History
from harness.result import Reason
from tests.checkers.linearizable.columnar.notation import large, of, read, together

# Lines:     0           1          2            3         4          5           6           7
REGISTER = of(("write", 1, 0, 3), ("read", 1, 1, 4), ("write", 2, 5, 6), ("write", 9, 2, 7, "info"))


@pytest.mark.parametrize("order", [[0, 1, 5], [0, 1, 2, 5], [2, 0, 1, 5], [0, 1, 5, 2]])
def test_right_orders(order: list[int]) -> None:
    assert columnar.replayed(read(REGISTER, "register"), [order]) is None


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ([0, 1], "operation 5 happened and is not placed"),
        ([], "happened and is not placed"),
        ([0, 1, 5, 5], "operation 5 is placed twice"),
        ([1, 0, 5], "operation 1 could not have had its result"),
        ([0, 2, 1, 5], "operation 1 could not have had its result"),
        ([5, 0, 1], "operation 0 is placed after one that was invoked after it had completed"),
        ([0, 1, 5, 3], "operation 3 is placed, which is not one of this object"),
        ([0, 1, 5, 99], "what is no line of the history"),
        ([0, 1, 5, -1], "what is no line of the history"),
    ],
)
def test_wrong_orders(order: list[int], why: str) -> None:
    assert why in (columnar.replayed(read(REGISTER, "register"), [order]) or "")


WRONG: list[tuple[str, History, list[int], str]] = [
    ("queue", of(("enqueue", 1, 0, 1), ("enqueue", 2, 2, 9), ("dequeue", 2, 3, 8)), [0, 2, 3], "operation 3 could not"),
    ("queue", of(("enqueue", 1, 0, 1), ("dequeue", None, 2, 3)), [0, 2], "operation 2 could not"),
    ("queue", of(("dequeue", 1, 0, 3), ("enqueue", 1, 1, 2)), [0, 1], "operation 0 could not"),
    ("stack", of(("push", 1, 0, 1), ("push", 2, 2, 9), ("pop", 1, 3, 8)), [0, 2, 3], "operation 3 could not"),
    ("stack", of(("push", 1, 0, 1), ("pop", None, 2, 3)), [0, 2], "operation 2 could not"),
    ("pqueue", of(("insert", 5, 0, 1), ("insert", 2, 2, 9), ("poll", 2, 3, 8)), [0, 2, 3], "operation 3 could not"),
    ("pqueue", of(("insert", 5, 0, 1), ("poll", None, 3, 8)), [0, 2], "operation 2 could not"),
    ("unordered-queue", of(("enqueue", 5, 0, 1), ("dequeue", 2, 3, 8)), [0, 2], "operation 2 could not"),
    ("unordered-queue", of(("enqueue", 5, 0, 1), ("dequeue", None, 3, 8)), [0, 2], "operation 2 could not"),
    ("set", of(("add", (1, True), 0, 1), ("add", (1, True), 2, 3)), [0, 2], "operation 2 could not"),
    ("set", of(("add", 1, 0, 1), ("contains", (1, False), 2, 3)), [0, 2], "operation 2 could not"),
    ("set", of(("contains", (1, True), 2, 3)), [0], "operation 0 could not"),
    ("set", of(("add", 1, 0, 1), ("add", 2, 2, 3)), [0, 2], "operation 2 could not"),
    ("set", of(("add", 1, 0, 1), ("add", 2, 2, 3)), [0], "operation 2 happened and is not placed"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "history", "order", "why"), WRONG)
def test_wrong_results(model: str, history: History, order: list[int], why: str) -> None:
    assert why in (columnar.replayed(read(history, model), [order]) or "")


def test_an_object_is_not_two() -> None:
    elements = of(("add", (1, True), 0, 1), ("add", (1, True), 2, 3))
    assert "taken to be two" in (columnar.replayed(read(elements, "set"), [[0], [2]]) or "")
    keys = together(of(("write", 1, 0, 1), key="a"), of(("write", 1, 0, 1), key="b"))
    found = read(keys, "register")
    assert columnar.replayed(found, [[0], [2]]) is None
    assert "not one of this object" in (columnar.replayed(found, [[2], [0]]) or "")
    assert "1 linearizations, of 2 objects" in (columnar.replayed(found, [[0, 2]]) or "")


@pytest.mark.parametrize(
    ("model", "history"),
    [
        ("cas-register", of(("cas", [None, 1, 2], 0, 1))),
        ("queue", of(("enqueue", 1, 0, 1), ("dequeue", None, 2, None))),
        ("pqueue", of(("insert", "a", 0, 1))),
        ("set", of(("read", [], 0, 1))),
        ("mutex", of(("acquire", None, 0, 1))),
    ],
)
def test_what_cannot_be_replayed_on_columns_is_not_judged(model: str, history: History) -> None:
    with pytest.raises(Unsupported):
        refute_large(large(history), BY_NAME[model], Reading(Codes()), None, [[0]])


def _decided(monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    """From now on, what is decided on columns is changed before anybody sees it."""
    decide = columnar.decide
    monkeypatch.setattr("checkers.linearizable.columnar.decide", lambda found, limit: change(decide(found, limit)))


def test_a_wrong_linearization_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    _decided(monkeypatch, lambda objects: replace(objects, orders=objects.orders[::-1].copy()))
    result = check(large(REGISTER), model="register")
    assert (result.valid, result.reason) == ("unknown", Reason.CHECKER_ERROR)
    assert "its linearization: operation" in (result.explanation or "")
    assert result.details["keys_unknown"] == 1


def test_a_linearization_of_too_little_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def shortened(objects: Objects) -> Objects:
        return replace(objects, orders=objects.orders[:-1], starts=np.minimum(objects.starts, len(objects.orders) - 1))

    _decided(monkeypatch, shortened)
    result = check(large(REGISTER), model="register")
    assert (result.valid, result.reason) == ("unknown", Reason.CHECKER_ERROR)


def test_a_wrong_refutation_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuted(objects: Objects) -> Objects:
        return replace(
            objects,
            verdicts=np.full(len(objects), columnar.REFUTED, np.uint8),
            orders=objects.orders[:0],
            starts=np.zeros_like(objects.starts),
            blame=lambda number: Blame((0, 1), (0, 1, 5)),
        )

    _decided(monkeypatch, refuted)
    result = check(large(REGISTER), model="register")
    assert (result.valid, result.reason) == ("unknown", Reason.CHECKER_ERROR)
    assert "ContradictionError" in (result.explanation or "")


def test_a_crash_on_columns_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(objects: Objects) -> Objects:
        raise IndexError("beyond the last line")

    _decided(monkeypatch, crash)
    result = check(large(REGISTER), model="register")
    assert (result.valid, result.reason) == ("unknown", Reason.CHECKER_ERROR)
