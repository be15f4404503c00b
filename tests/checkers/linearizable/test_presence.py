"""Elements of a set, decided by when they were there: shapes that can be seen, and what is not for this method."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.linearizable import check
from checkers.linearizable.certificate import refute
from checkers.linearizable.distinct import presence
from checkers.linearizable.models import BY_NAME
from checkers.linearizable.operation import by_key
from checkers.value import Codes
from harness.history import History
from harness.result import Reason
from tests.checkers.linearizable.columnar.notation import of

YES, NO = (1, True), (1, False)
VALID: dict[str, History] = {
    "added and found": of(("add", YES, 0, 1), ("contains", YES, 2, 3)),
    "found away before it was added": of(("contains", NO, 0, 1), ("add", 1, 2, 3)),
    "found both ways while it was added": of(("add", 1, 0, 9), ("contains", NO, 1, 4), ("contains", YES, 2, 3)),
    "there for no time": of(("add", 1, 0, 9), ("remove", YES, 1, 8), ("contains", NO, 2, 3), ("contains", NO, 4, 5)),
    "found in no time": of(("add", 1, 0, 9), ("remove", YES, 1, 8), ("contains", YES, 2, 3), ("contains", NO, 4, 5)),
    "removed in vain, then added": of(("remove", NO, 0, 1), ("add", YES, 2, 3), ("contains", YES, 4, 5)),
    "a lost add that was seen": of(("add", 1, 0, None), ("contains", NO, 1, 2), ("contains", YES, 3, 4)),
    "a lost add that was not": of(("add", 1, 0, None), ("contains", NO, 1, 2)),
    "a lost add that was removed": of(("add", 1, 0, None), ("remove", YES, 1, 2), ("contains", NO, 3, 4)),
    "a lost remove that was seen": of(("add", 1, 0, 1), ("remove", 1, 2, None), ("contains", NO, 5, 6)),
    "a lost remove that was not": of(("add", 1, 0, 1), ("remove", 1, 2, None), ("contains", YES, 5, 6)),
    "a remove that says nothing, before": of(("remove", 1, 0, 9), ("add", 1, 1, 2), ("contains", YES, 10, 11)),
    "a remove that says nothing, after": of(("remove", 1, 0, 9), ("add", 1, 1, 2), ("contains", NO, 10, 11)),
}
INVALID: dict[str, tuple[History, tuple[int, ...]]] = {
    "never added": (of(("contains", YES, 0, 1)), (0,)),
    "removed though never added": (of(("remove", YES, 0, 1)), (0,)),
    "found too early": (of(("contains", YES, 0, 1), ("add", 1, 2, 3)), (0,)),
    "added in vain, too early": (of(("add", NO, 0, 1), ("add", YES, 2, 3)), (0,)),
    "lost": (of(("add", 1, 0, 1), ("contains", NO, 2, 3)), (0, 2)),
    "still there": (of(("add", 1, 0, 1), ("remove", YES, 2, 3), ("contains", YES, 4, 5)), (2, 4)),
    "gone between": (of(("add", 1, 0, 9), ("contains", YES, 1, 2), ("contains", NO, 3, 4),
                        ("contains", YES, 5, 6)), (1, 3)),
    "removed before it was added": (of(("remove", YES, 0, 1), ("add", 1, 2, 3)), (0,)),
    "gone between, and removed later": (of(("add", 1, 0, 9), ("contains", YES, 1, 2), ("contains", NO, 3, 4),
                                           ("contains", YES, 5, 6), ("remove", 1, 10, 11)), (1, 3)),
}  # fmt: skip


@pytest.mark.parametrize("name", VALID)
def test_valid(name: str) -> None:
    (key,) = by_key(VALID[name], BY_NAME["set"], Codes())
    verdict = presence.decide(key)
    assert verdict is not None
    assert verdict.order is not None
    assert refute(key, verdict.order) is None


@pytest.mark.parametrize("name", INVALID)
def test_invalid(name: str) -> None:
    history, witness = INVALID[name]
    result = check(history, model="set", method="polynomial")
    assert (result.valid, result.details["algorithms"]) == (False, ["presence"])
    (anomaly,) = result.anomalies
    assert anomaly.operations == witness, anomaly.explanation
    assert anomaly.details["minimal"] is True
    assert check(history, model="set", method="search").valid is False


@pytest.mark.parametrize(
    ("calls", "initial"),
    [
        ([("add", 1, 0, 1), ("add", 1, 2, 3)], None),
        ([("remove", 1, 0, 1), ("remove", 1, 2, 3)], None),
        ([("add", 1, 0, 1), ("add", 1, 2, None)], None),
        ([("contains", YES, 0, 1)], [1]),
        ([("add", 1, 0, 1), ("add", 2, 2, 3), ("read", [1, 2], 4, 5)], None),
    ],
)
def test_where_it_does_not_apply_nothing_is_said(calls: list[tuple[Any, ...]], initial: Any) -> None:
    result = check(of(*calls), model="set", method="polynomial", initial=initial)
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert check(of(*calls), model="set", initial=initial).valid is True
