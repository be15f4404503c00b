"""Registers whose values are not distinct are searched on columns: verdicts, evidence, and what is left anyhow."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.linearizable_histories import generate
from checkers.linearizable import check, columnar
from checkers.linearizable.limit import Limit
from harness.history import History, Op
from harness.result import Reason
from tests.checkers.linearizable.columnar.notation import large, of, read, together

OPERATIONS = 8_000

SHAPES: list[tuple[str, str, History]] = [
    ("a value written twice", "V", of(("write", 1, 0, 1), ("write", 1, 2, 3), ("read", 1, 4, 5))),
    ("the initial value written", "V", of(("write", None, 0, 1), ("read", None, 2, 3))),
    ("a stale read of it", "R", of(("write", 1, 0, 1), ("write", 1, 2, 3), ("write", 2, 4, 5), ("read", 1, 6, 7))),
    ("a cas", "V", of(("write", 1, 0, 1), ("cas", [1, 2], 2, 3), ("read", 2, 4, 5))),
    ("a cas of what is not there", "R", of(("write", 1, 0, 1), ("cas", [2, 3], 2, 3))),
    ("a cas that failed", "V", of(("write", 1, 0, 1), ("write", 1, 2, 3), ("cas", [2, 3], 4, 5, "fail"))),
    ("a cas that says nothing new", "V", of(("cas", [None, None], 0, 1), ("read", None, 2, 3))),
    ("a cas that reads wrong", "R", of(("write", 1, 0, 1), ("cas", [2, 2], 2, 3))),
    ("one of two equal cas", "R", of(("write", 1, 0, 1), ("cas", [1, 2], 2, 9), ("cas", [1, 2], 3, 8))),
    ("a lost cas that was seen", "V", of(("write", 1, 0, 1), ("cas", [1, 2], 2, None), ("read", 2, 4, 5))),
    ("a lost cas used twice", "R", of(("write", 1, 0, 1), ("cas", [1, 2], 2, None), ("read", 2, 4, 5),
                                      ("write", 1, 6, 7), ("read", 2, 8, 9))),
    ("two lost ones, each used", "V", of(("write", 1, 0, 1), ("cas", [1, 2], 2, None), ("cas", [1, 2], 3, None),
                                         ("read", 2, 4, 5), ("write", 1, 6, 7), ("read", 2, 8, 9))),
    ("a chain of lost ones", "V", of(("cas", [None, 1], 0, None), ("cas", [1, 2], 1, None), ("read", 2, 4, 5))),
    ("a lost write used twice", "R", of(("write", 1, 0, None), ("read", 1, 1, 2), ("cas", [1, 3], 3, 4),
                                        ("read", 1, 5, 6))),
    ("1 is not True", "R", of(("write", True, 0, 1), ("cas", [1, 2], 2, 3))),
    ("1 is not 1.0", "R", of(("cas", [None, 1.0], 0, 1), ("cas", [1, 2], 2, 3))),
    ("values of every kind", "V", of(("cas", [None, "a"], 0, 1), ("cas", ["a", [1]], 2, 3), ("cas", [[1], 2**70], 4, 5),
                                     ("cas", [2**70, -5], 6, 7), ("read", -5, 8, 9), ("cas", [-5, None], 10, 11))),
    ("no pair", "L", of(("write", 1, 0, 1), ("cas", [1, 2, 3], 2, 3))),
    ("no list", "L", of(("write", 1, 0, 1), ("cas", 1, 2, 3))),
    ("no pair, but it failed", "V", of(("write", 1, 0, 1), ("write", 1, 2, 3), ("cas", 1, 4, 5, "fail"))),
]  # fmt: skip


def _verdicts(history: History) -> str:
    found = read(history, "cas-register")
    objects = columnar.decide(found, Limit(), searched_min=0)
    assert not columnar.objections(found, objects)
    return "".join("VRL"[verdict] for verdict in objects.verdicts)


@pytest.mark.parametrize(("name", "expected", "history"), SHAPES, ids=[shape[0] for shape in SHAPES])
def test_shapes(name: str, expected: str, history: History) -> None:
    assert _verdicts(history) == expected, name
    plain = check(history, model="cas-register")
    assert plain.valid == {"V": True, "R": False, "L": "unknown"}[expected]


def test_keys_are_searched_alone() -> None:
    swap = of(("write", 1, 0, 1), ("cas", [1, 2], 2, 3), key="swap")
    bad = of(("write", 1, 0, 1), ("write", 1, 2, 3), ("cas", [3, 2], 4, 5), key="bad")
    distinct = of(("write", 1, 0, 1), ("read", 1, 2, 3), key="distinct")
    strange = of(("cas", 7, 0, 1), key="strange")
    history = together(bad, strange, distinct, swap)
    assert _verdicts(history) == "RLVV"
    found = read(history, "cas-register")
    objects = columnar.decide(found, Limit(), searched_min=0)
    assert [objects.by_search(number) for number in range(4)] == [True, False, False, True]
    blame = objects.blame(0)
    assert blame.refuted == (4,), "nothing ever left 3"
    assert blame.involved == (0, 2, 4)


def test_few_operations_are_left_to_plain_python() -> None:
    found = read(of(("write", 1, 0, 1), ("cas", [1, 2], 2, 3)), "cas-register")
    assert columnar.decide(found, Limit(), searched_min=3).verdicts.tolist() == [columnar.LEFT]
    assert columnar.decide(found, Limit(), searched_min=2).verdicts.tolist() == [columnar.VALID]


def test_more_open_at_once_than_there_are_slots_is_left() -> None:
    def wide(clients: int) -> History:
        return of(*[("write", number % 2, number, 1000 + number) for number in range(clients)])

    assert (_verdicts(wide(62)), _verdicts(wide(63))) == ("V", "L")


def test_more_lost_operations_than_can_be_counted_are_left_where_they_must_be() -> None:
    """Each read needs a lost CAS of its own."""

    def lost(swaps: int, reads: int) -> History:
        calls: list[tuple[object, ...]] = [("cas", [1, 2], number, None) for number in range(swaps)]
        for at in range(100, 100 + 4 * reads, 4):
            calls += [("write", 1, at, at + 1), ("read", 2, at + 2, at + 3)]
        return of(*calls)

    found = [_verdicts(lost(swaps, reads)) for swaps, reads in ((62, 62), (62, 63), (63, 63), (63, 64))]
    assert found == ["V", "R", "V", "L"]


def test_a_limit_that_has_expired_leaves_all() -> None:
    found = read(of(("write", 1, 0, 1), ("cas", [1, 2], 2, 3)), "cas-register")
    objects = columnar.decide(found, Limit().at_most(seconds=0), searched_min=0)
    assert objects.verdicts.tolist() == [columnar.LEFT]


@pytest.fixture(scope="module")
def long() -> dict[bool, History]:
    """A long history, valid or not, that has columns."""
    return {
        valid: large(generate("cas-register", seed=7, operations=OPERATIONS, clients=5, valid=valid)[0])
        for valid in (True, False)
    }


def test_the_whole_of_check(long: dict[bool, History]) -> None:
    result = check(long[True], model="cas-register", certify=True)
    assert (result.valid, result.method) == (True, "search")
    assert result.details["keys_by_method"] == {"search": 1}
    assert result.details["algorithms"] == []
    assert result.details["configurations"] > OPERATIONS // 2
    (placed,) = result.details["linearizations"]
    happened = sum(op.type == "ok" for op in long[True])
    assert len(placed["order"]) == happened


def test_a_long_history_is_told_of_few_operations(long: dict[bool, History]) -> None:
    result = check(long[False], model="cas-register")
    assert (result.valid, result.method) == (False, "search")
    assert result.details["keys_by_method"] == {"search": 1}
    (anomaly,) = result.anomalies
    plain = check(long[False], model="cas-register", method="search", witness_time_s=0.0)
    assert plain.valid is False
    assert anomaly.details["confirmed_by"]
    assert len(anomaly.operations) < OPERATIONS / 3
    assert anomaly.details["explained"] == plain.anomalies[0].details["explained"]
    assert anomaly.explanation == plain.anomalies[0].explanation


def test_other_methods_do_not_search_here(long: dict[bool, History]) -> None:
    result = check(long[True], model="cas-register", method="polynomial")
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)


def test_keys_of_both_kinds_are_counted_by_method() -> None:
    swaps, _ = generate("cas-register", seed=3, operations=OPERATIONS, clients=3)
    ops = [Op(op.type, op.process, op.f, op.value, key="swaps") for op in swaps]
    ops += [Op("invoke", 99, "write", 1, key="plain"), Op("ok", 99, "write", 1, key="plain")]
    ops += [Op("invoke", 99, "write", 1, key="bad"), Op("ok", 99, "write", 1, key="bad")]
    ops += [Op("invoke", 99, "read", None, key="bad"), Op("ok", 99, "read", 2, key="bad")]
    result = check(large(History(ops)), model="cas-register")
    assert (result.valid, result.method) == (False, "polynomial+search")
    assert result.details["keys_by_method"] == {"polynomial": 2, "search": 1}
    assert (result.details["keys_valid"], result.details["keys_invalid"]) == (2, 1)
    assert result.details["algorithms"] == ["zones"]


def test_a_wrong_linearization_of_a_search_is_no_verdict(
    long: dict[bool, History], monkeypatch: pytest.MonkeyPatch
) -> None:
    from checkers.linearizable.columnar.search import Search

    decide = Search.decide

    def backwards(self: Search, number: int, most: int) -> tuple[int, object]:
        verdict, order = decide(self, number, most)
        return verdict, np.ascontiguousarray(order[::-1])

    monkeypatch.setattr(Search, "decide", backwards)
    result = check(long[True], model="cas-register")
    assert (result.valid, result.reason) == ("unknown", Reason.CHECKER_ERROR)
    assert result.method == "search"
    assert "its linearization: operation" in (result.explanation or "")


def test_a_wrong_refutation_of_a_search_is_no_verdict(
    long: dict[bool, History], monkeypatch: pytest.MonkeyPatch
) -> None:
    from checkers.linearizable.columnar.search import Search

    decide = Search.decide

    def refuted(self: Search, number: int, most: int) -> tuple[int, object]:
        _, order = decide(self, number, most)
        return columnar.REFUTED, np.sort(order)

    monkeypatch.setattr(Search, "decide", refuted)
    result = check(long[True], model="cas-register")
    assert (result.valid, result.reason) == ("unknown", Reason.CHECKER_ERROR)
    assert "ContradictionError" in (result.explanation or "")
