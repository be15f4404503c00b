"""``unique-ids`` and ``ordered-ids``: duplicates, inversions, and how far from sorted ids are."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from checkers.ordered_ids import check as check_order
from checkers.unique_ids import check
from harness.history import History, Op
from harness.result import Reason


def of(*ids: Any, process: int | None = None, key: Any = None) -> History:
    """Ids given out one after the other, each to a process of its own, or all to one."""
    lines = []
    for i, each in enumerate(ids):
        who = i if process is None else process
        lines += [Op("invoke", who, "generate", key=key), Op("ok", who, "generate", each, key=key)]
    return History(lines)


def test_ids_that_differ() -> None:
    result = check(of(1, 2, 5))
    assert (result.valid, result.anomalies) == (True, ())
    assert result.details == {
        "ids": 3, "comparable": True, "realtime_inversions": 0, "process_inversions": 0, "k": 0, "duplicates": 0,
    }  # fmt: skip
    assert check(of(1, True, 1.0, "1")).valid is True


def test_a_duplicate_names_both_operations() -> None:
    result = check(of(3, 1, [1], 1, 1))
    assert result.valid is False
    (anomaly,) = result.anomalies
    assert (anomaly.type, anomaly.operations, anomaly.details["count"]) == ("duplicate", (2, 6), 3)
    assert "the id 1 was given to process 1 (op 2) and to process 3 (op 6) (3 operations were given it)" in (
        anomaly.explanation
    )


def test_generators_of_different_keys_and_unanswered_operations_are_no_duplicates() -> None:
    lines = [*of(1, key="x"), *of(1, key="y"), Op("invoke", 5, "generate"), Op("info", 5, "generate", 1)]
    assert check(History([*lines, Op("invoke", 6, "generate"), Op("fail", 6, "generate", 1)])).valid is True


def looked_up(found: Any, *rows: str) -> History:
    """Rows that were all given the id 1, and the last one's owner, who looks it up."""
    lines = []
    for i, row in enumerate(rows):
        lines += [Op("invoke", i, "generate", row, key="t"), Op("ok", i, "generate", 1, key="t")]
    last = len(rows) - 1
    look = Op("invoke", last, "look-up", [1, rows[last]], key="t")
    return History([*lines, look, Op("ok", last, "look-up", found, key="t")])


def test_who_looks_up_his_id_must_not_be_shown_anothers_row() -> None:
    assert check(looked_up([1, "A"], "A")).valid is True
    result = check(looked_up([1, "A"], "A", "B"))
    assert [anomaly.type for anomaly in result.anomalies] == ["duplicate", "mismatch"]
    assert result.anomalies[1].operations == (4,)
    assert "(op 4), which was given to it for 'B', and was shown 'A'" in result.anomalies[1].explanation.replace(
        '"', "'"
    )
    many = check(looked_up([1, "A"], "A", *(f"B{i}" for i in range(40))))
    assert [anomaly.type for anomaly in many.anomalies][-1] == "mismatch"


def test_a_row_that_is_gone_is_counted_and_a_look_up_of_nothing_is_refused() -> None:
    result = check(looked_up([1, None], "A"))
    assert (result.valid, result.details["missing"]) == (True, 1)
    refused = check(looked_up("A", "A"))
    assert (refused.valid, refused.reason) == ("unknown", Reason.UNSUPPORTED)


@pytest.mark.parametrize("ids", list(permutations(range(4))))
def test_how_far_from_sorted_ids_are(ids: tuple[int, ...]) -> None:
    details = check(of(*ids)).details
    assert details["k"] == max(abs(ids[place] - place) for place in range(4))
    assert details["realtime_inversions"] == sum(any(ids[i] > ids[j] for i in range(j)) for j in range(4))
    assert check(of(*ids, process=7)).details["process_inversions"] == sum(ids[i] > ids[i + 1] for i in range(3))


def test_an_id_must_be_larger_than_all_that_were_complete() -> None:
    result = check_order(of(1, 9, 3, 10))
    assert result.valid is False
    (anomaly,) = result.anomalies
    assert (anomaly.type, anomaly.operations) == ("realtime-inversion", (2, 4))
    assert "was given 3 (op 4), which is not larger than 9" in anomaly.explanation
    assert check_order(of(1, 1)).valid is False
    assert check_order(of(1, 2)).valid is True


def test_ids_that_ran_at_the_same_time_have_any_order() -> None:
    lines = [Op("invoke", 0, "generate"), Op("invoke", 1, "generate"), Op("ok", 0, "generate", 2),
             Op("ok", 1, "generate", 1)]  # fmt: skip
    result = check_order(History(lines))
    assert (result.valid, result.details["realtime_inversions"], result.details["k"]) == (True, 0, 1)


@pytest.mark.parametrize("ids", [(1, "a"), (True, False), ({"a": 1}, {"b": 1}), ([1], [1, 2]), (float("nan"), 1.0),
                                 ([[1]], [[2]])])  # fmt: skip
def test_ids_that_do_not_compare(ids: tuple[Any, ...]) -> None:
    assert check(of(*ids)).details["comparable"] is False
    assert check(of(*ids)).valid is True
    assert check_order(of(*ids)).reason is Reason.UNSUPPORTED


@pytest.mark.parametrize("ids", [("a", "b"), ([1, "a"], [1, "b"]), (1, 2.5), (-1, 10**30)])
def test_ids_that_do(ids: tuple[Any, ...]) -> None:
    assert check_order(of(*ids)).valid is True
    assert check_order(of(*reversed(ids))).valid is False


def test_what_it_has_no_word_for() -> None:
    assert check(of(None)).reason is Reason.UNSUPPORTED
    assert check(History([Op("invoke", 0, "read"), Op("ok", 0, "read", 1)])).reason is Reason.UNSUPPORTED


def test_nobody_was_answered() -> None:
    history = History([Op("invoke", 0, "generate"), Op("info", 0, "generate")])
    assert (check(history).valid, check_order(history).valid) == (True, True)
