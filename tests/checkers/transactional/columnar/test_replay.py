"""The compiled check of a serial order: it takes none that does not explain the history."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.transactions_columnar_fuzz import with_columns
from checkers.transactional.columnar import examined, replay
from checkers.transactional.columnar.verdict import Examined
from checkers.transactional.lattice import Order

LINES = [
    ("invoke", 0, [["append", 1, 1]]), ("ok", 0, [["append", 1, 1]]),
    ("invoke", 0, [["r", 1, None], ["append", 1, 2], ["r", 1, None]]),
    ("ok", 0, [["r", 1, [1]], ["append", 1, 2], ["r", 1, [1, 2]]]),
    ("invoke", 1, [["r", 1, None]]), ("ok", 1, [["r", 1, [1, 2]]]),
    ("invoke", 2, [["append", 1, 3]]), ("fail", 2, [["append", 1, 3]]),
    ("invoke", 3, [["append", 2, 1]]), ("ok", 3, [["append", 2, 1]]),
]  # fmt: skip


@pytest.fixture(scope="module")
def found() -> Examined:
    from json import dumps

    fields = [{"type": kind, "process": process, "f": "txn", "value": value} for kind, process, value in LINES]
    columns = with_columns("".join(dumps(each) + "\n" for each in fields).encode()).columns
    assert columns is not None
    made = examined(columns, None)
    assert made is not None
    return made


def why(found: Examined, order: list[int], form: Order) -> str | None:
    return found.objection(np.array(order, np.int32), form)


def test_the_order_that_was_found(found: Examined) -> None:
    assert found.order.tolist()[:1] == [0]
    for form in Order:
        order, objection = found.serial(form)
        assert (order.tolist(), objection) == ([0, 2, 4, 8], None)


def test_orders_that_do_not_explain_it(found: Examined) -> None:
    assert why(found, [4, 0, 1, 2], Order.NONE) is None
    assert why(found, [4, 0, 1, 2], Order.SESSION) is None
    assert replay.WORDS[replay.TOO_LATE] in str(why(found, [4, 0, 1, 2], Order.REALTIME))
    assert replay.WORDS[replay.ANOTHER_LIST] in str(why(found, [1, 0, 2, 4], Order.NONE))
    assert replay.WORDS[replay.ANOTHER_LIST] in str(why(found, [0, 2, 1, 4], Order.NONE))
    assert replay.WORDS[replay.NOT_ONCE] in str(why(found, [0, 1, 1, 2, 4], Order.NONE))
    assert replay.WORDS[replay.NOT_ONCE] in str(why(found, [0, 1, 2, 4, 5], Order.NONE))
    assert replay.WORDS[replay.NOT_COMMITTED] in str(why(found, [0, 1, 2], Order.NONE))
    assert replay.WORDS[replay.NOT_COMMITTED] in str(why(found, [0, 1, 2, 3, 4], Order.NONE))
