"""The stories that witnesses tell."""

from __future__ import annotations

from checkers.linearizable import check
from checkers.linearizable.explain import explain
from harness.history import History, Op
from tests.checkers.linearizable.notation import of, single


def story(history: History) -> str:
    (anomaly,) = check(history).anomalies
    return anomaly.explanation


def test_a_stale_read() -> None:
    assert story(of(("write", 2, 0, 1), ("write", 3, 2, 3), ("read", 2, 4, 5))) == (
        "process 2's read of 2 (op 4) began after process 1's write of 3 (op 2) had completed, "
        "and nothing left 2 again."
    )


def test_a_stale_read_of_the_initial_value() -> None:
    assert story(of(("write", 2, 0, 1), ("read", None, 2, 3))) == (
        "process 1's read of null (op 2) began after process 0's write of 2 (op 0) had completed, "
        "and nothing left null again."
    )


def test_a_cas_that_could_not_succeed() -> None:
    assert story(of(("write", 1, 0, 1), ("cas", [1, 2], 2, 3), ("cas", [1, 4], 4, 5))) == (
        "process 2's cas of 1 to 4 (op 4) began after process 1's cas of 1 to 2 (op 2) had completed, "
        "and nothing left 1 again."
    )


def test_a_value_from_nowhere() -> None:
    assert story(of(("write", 1, 0, 1), ("read", [7], 2, 3))) == (
        "process 1's read of [7] (op 2) had completed though nothing ever left [7], and the initial value was null."
    )


def test_a_value_from_the_future() -> None:
    assert story(of(("read", 1, 0, 1), ("write", 1, 2, 3))) == (
        "process 0's read of 1 (op 0) had completed before anything had left 1: "
        "process 1's write of 1 (op 2) began only later."
    )


def test_new_then_old() -> None:
    assert story(of(("write", 1, 0, 9), ("read", 1, 1, 2), ("read", None, 3, 4))) == (
        "process 2's read of null (op 3) began after process 1's read of 1 (op 1) had completed, "
        "and nothing left null again."
    )


def test_anything_else_is_told_by_its_operations() -> None:
    history = of(("write", 1, 0, 9), ("write", 2, 1, 8), ("read", 1, 2, 3), ("read", 2, 4, 5), ("read", 1, 6, 7))
    assert story(history) == (
        "No order of these 3 operations explains all their results, wherever the others are put: process 2's read of 1 "
        "(ops 2 to 3); process 3's read of 2 (ops 4 to 5); process 4's read of 1 (ops 6 to 7). Others may have taken "
        "effect at any time after they began: process 0's write of 1 from op 0 on, process 1's write of 2 from op 1 on."
    )


def test_when_and_under_which_fault() -> None:
    lines = [*of(("write", 2, 0, 1), ("write", 3, 2, 3), ("read", 2, 4, 5))]
    value = {"shape": "isolate-leader", "nodes": ["n1"]}
    fault = [Op("info", "nemesis", "start-partition", v) for v in (None, value)]
    lines = [*lines[:4], *fault, *lines[4:]]
    timed = History(Op(op.type, op.process, op.f, op.value, time=i * 500_000_000) for i, op in enumerate(lines))
    assert story(timed).endswith(" It began 3.00 s into the history, under partition (isolate-leader, n1).")
    assert story(History(lines)).endswith(" It ran, under partition (isolate-leader, n1).")


def test_a_long_story_is_cut() -> None:
    history = of(*[("write", i, 2 * i, 2 * i + 1) for i in range(30)])
    key, codes = single(history)
    text = explain(history, key, codes, key.required)
    assert text.startswith("No order of these 30 operations explains all their results: process 0's write of 0")
    assert "(ops 46 to 47); and 6 more." in text
