"""A call whose two halves contradict each other: no verdict, by the plain reader and by the compiled one."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from checkers.transactional import check
from harness.columns import PADDING
from harness.formats import jsonl_columns
from harness.history import INVOKE, History, Op
from harness.result import Reason

AGREE: list[tuple[Any, Any]] = [
    ([["append", "x", 1], ["r", "y", None]], [["append", "x", 1], ["r", "y", [2]]]),
    ([["r", "y"]], [["r", "y", [2]]]),
    ([["r", "y", []]], [["r", "y", [2]]]),
    ([["r", "y", None]], [["r", "y"]]),
    ([["w", 1, None]], [["w", 1, 5]]),  # a value that is made late
    ([["w", 12, 5], ["r", 1, None]], [["w", 12, 5], ["r", 1, 7]]),
    ([], [["w", 1, 5]]),  # nothing was said before
    (None, [["w", 1, 5]]),
]
CONTRADICT: list[tuple[Any, Any]] = [
    ([["append", "x", 1], ["append", "y", 1]], [["append", "x", 1]]),
    ([["append", "x", 1]], [["append", "x", 1], ["append", "y", 1]]),
    ([["append", "x", 1]], []),
    ([["append", "x", 1]], [["append", "x", 2]]),
    ([["append", "x", 1]], [["append", "x", 12]]),
    ([["append", "x", 12]], [["append", "x", 1]]),
    ([["w", 1, 1]], [["w", 12, 1]]),
    ([["w", 1, 1]], [["w", 1, None]]),
    ([["w", "x", 1]], [["r", "x", 1]]),
    ([["r", "x", None]], [["r", "y", 1]]),
    ([["r", "x", None], ["w", "x", 1]], [["w", "x", 1], ["r", "x", 1]]),
]


def lines(asked: Any, said: Any) -> list[Op]:
    return [Op("invoke", 0, "txn", asked), Op("ok", 0, "txn", said)]


def is_read_compiled(asked: Any, said: Any) -> bool:
    text = "".join(json.dumps({"type": op.type, "process": 0, "f": "txn", "value": op.value}) + "\n"
                   for op in lines(asked, said))  # fmt: skip
    columns = jsonl_columns.columns_in(bytearray(text.encode()) + bytes(PADDING), 0)
    assert columns is not None
    return columns.micros(np.flatnonzero(columns.types == INVOKE)) is not None


@pytest.mark.parametrize(("asked", "said"), AGREE)
def test_an_answer_says_what_was_read(asked: Any, said: Any) -> None:
    assert check(History(lines(asked, said))).reason is not Reason.UNSUPPORTED
    assert is_read_compiled(asked, said)


@pytest.mark.parametrize(("asked", "said"), CONTRADICT)
def test_an_answer_to_another_question_is_refused(asked: Any, said: Any) -> None:
    result = check(History(lines(asked, said)))
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert "in its ok; expected the same" in str(result.explanation)
    assert not is_read_compiled(asked, said)


def test_sets_and_counters_too() -> None:
    result = check(History(lines([["add", "s", 1], ["inc", "c", 2]], [["add", "s", 1], ["inc", "c", 3]])))
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
