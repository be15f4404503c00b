"""Every model: what it allows, what it does not, what its operations may be called, and how lost answers count."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.linearizable import MODELS, check
from harness.history import History, Op
from harness.result import Reason


def said(*calls: tuple[Any, ...]) -> History:
    """Calls (process, f, argument, result, outcome="ok"), one after the other."""
    lines = []
    for process, f, argument, result, *outcome in calls:
        lines.append(Op("invoke", process, f, argument))
        if outcome != [None]:
            lines.append(Op(outcome[0] if outcome else "ok", process, f, result))
    return History(lines)


VALID: list[tuple[str, Any, tuple[tuple[Any, ...], ...]]] = [
    ("register", 5, ((0, "read", None, 5), (0, "write", 1, 1), (1, "read", None, 1))),
    ("mutex", None, ((0, "acquire", None, None), (1, "release", None, None), (1, "acquire", None, None))),
    ("mutex", True, ((0, "release", None, None), (0, "acquire", None, None))),
    ("mutex", None, ((0, "acquire", None, None, "info"), (1, "release", None, None), (1, "acquire", None, None))),
    ("reentrant-mutex", None, ((0, "acquire", None, None), (0, "acquire", None, None), (0, "release", None, None),
                               (0, "release", None, None), (1, "acquire", None, None))),
    ("fenced-mutex", None, ((0, "acquire", None, 3), (0, "release", None, None), (1, "acquire", None, 9))),
    ("fenced-mutex", 2, ((0, "lock", None, 3), (0, "unlock", None, None))),
    ("semaphore", 2, ((0, "acquire", None, None), (1, "acquire", 1, None), (2, "release", 2, None))),
    ("counter", None, ((0, "add", 2, 2), (0, "add", 2, 2), (1, "read", None, 4), (1, "dec", None, None),
                       (1, "read", None, 3))),
    ("counter", 10, ((0, "inc", None, 11), (0, "inc", 4, 15), (0, "read", None, 15))),
    ("counter", None, ((0, "inc", 1, 1), (0, "inc", 1, 1), (0, "read", None, 2))),
    ("counter", None, ((0, "add", 5, None, "info"), (1, "read", None, 0), (1, "read", None, 5))),
    ("set", [7], ((0, "add", 1, 1), (0, "remove", 7, True), (0, "add", 1, False), (0, "read", None, [1]),
                  (0, "contains", 7, False), (0, "contains", 1, [1, True]))),
    ("set", None, ((0, "insert", 1, True), (0, "contains", 1, True), (0, "remove", 2, False))),
    ("queue", None, ((0, "enqueue", 1, 1), (0, "enq", 2, 2), (1, "deq", None, 1), (1, "dequeue", None, 2),
                     (1, "dequeue", None, None))),
    ("queue", [8, 9], ((0, "peek", None, 8), (0, "deq", None, 8), (0, "deq", None, 9))),
    ("queue", None, ((0, "enq", 1, 1), (0, "enq", 2, 2), (1, "deq", None, None, "info"), (2, "deq", None, 2))),
    ("unordered-queue", None, ((0, "enq", 1, 1), (0, "enq", 2, 2), (1, "deq", None, 2), (1, "deq", None, 1))),
    ("unordered-queue", None, ((0, "enq", 1, 1), (0, "enq", 2, 2), (1, "deq", None, None, "info"),
                               (2, "deq", None, 1), (2, "deq", None, None))),
    ("stack", None, ((0, "push", 1, 1), (0, "push", 2, 2), (1, "pop", None, 2), (1, "top", None, 1),
                     (1, "pop", None, 1), (1, "pop", None, None))),
    ("pqueue", None, ((0, "insert", 1, 1), (0, "insert", 5, 5), (0, "insert", 3, 3), (0, "peek", None, 5),
                      (0, "poll", None, 5), (0, "poll", None, 3), (0, "poll", None, 1), (0, "poll", None, None))),
    ("deque", None, ((0, "push-front", 1, 1), (0, "push_back", 2, 2), (0, "peek_back", None, 2),
                     (0, "pop-front", None, 1), (0, "pop-front", None, 2), (0, "pop-back", None, None))),
    ("kv", "", ((0, "append", "x", "x"), (0, "get", None, "x"), (0, "put", "y", "y"), (0, "append", "z", "z"),
                (0, "get", None, "yz"))),
    ("kv", None, ((0, "append", 1, 1), (0, "append", 2, 2), (0, "get", None, [1, 2]))),
    ("kv", None, ((0, "get", None, None), (0, "put", 4, 4), (0, "get", None, 4))),
    ("multi-register", {"x": 0}, ((0, "txn", [["read", "x", None], ["w", "x", 1], ["r", "x", None]],
                                   [["read", "x", 0], ["w", "x", 1], ["r", "x", 1]]),
                                  (0, "write", {"y": 2}, None), (1, "read", ["x", "y"], {"x": 1, "y": 2}))),
    ("multi-register", None, ((0, "txn", [["w", "x", 1], ["w", "y", 2]], None, "info"), (1, "read", None, {"y": 2}))),
]  # fmt: skip
INVALID: list[tuple[str, Any, tuple[tuple[Any, ...], ...]]] = [
    ("mutex", None, ((0, "acquire", None, None), (1, "acquire", None, None))),
    ("mutex", None, ((0, "release", None, None),)),
    ("reentrant-mutex", None, ((0, "acquire", None, None), (1, "release", None, None))),
    ("reentrant-mutex", None, ((0, "acquire", None, None), (0, "acquire", None, None), (0, "release", None, None),
                               (1, "acquire", None, None))),
    ("fenced-mutex", None, ((0, "acquire", None, 3), (0, "release", None, None), (1, "acquire", None, 3))),
    ("fenced-mutex", None, ((0, "acquire", None, 3), (0, "acquire", None, 4))),
    ("semaphore", 2, ((0, "acquire", 2, None), (1, "acquire", None, None))),
    ("semaphore", None, ((0, "release", None, None),)),
    ("counter", None, ((0, "inc", None, 1), (0, "inc", None, 1))),
    ("counter", None, ((0, "add", 5, None, "info"), (1, "read", None, 10))),
    ("set", None, ((0, "add", 1, True), (0, "add", 1, True))),
    ("set", None, ((0, "add", 1, 1), (0, "read", None, []))),
    ("queue", None, ((0, "enq", 1, 1), (0, "enq", 2, 2), (1, "deq", None, 2))),
    ("queue", None, ((0, "enq", 1, 1), (1, "deq", None, None))),
    ("unordered-queue", None, ((0, "enq", 1, 1), (1, "deq", None, 1), (1, "deq", None, 1))),
    ("unordered-queue", None, ((0, "enq", 1, 1), (0, "enq", 2, 2), (1, "deq", None, None, "info"),
                               (2, "deq", None, None))),
    ("stack", None, ((0, "push", 1, 1), (0, "push", 2, 2), (1, "pop", None, 1))),
    ("pqueue", None, ((0, "insert", 1, 1), (0, "insert", 5, 5), (0, "poll", None, 1))),
    ("deque", None, ((0, "push-front", 1, 1), (0, "push-back", 2, 2), (0, "peek-back", None, 1))),
    ("kv", "", ((0, "append", "x", "x"), (0, "append", "y", "y"), (0, "get", None, "yx"))),
    ("multi-register", {"x": 0}, ((0, "txn", [["w", "x", 1], ["w", "y", 2]], [["w", "x", 1], ["w", "y", 2]]),
                                  (1, "read", None, {"x": 0, "y": 2}))),
]  # fmt: skip
STRANGE: list[tuple[str, Any, tuple[Any, ...]]] = [
    ("mutex", None, (0, "read", None, None)),
    ("reentrant-mutex", 3, (0, "acquire", None, None)),
    ("fenced-mutex", None, (0, "acquire", None, "token")),
    ("semaphore", -1, (0, "acquire", None, None)),
    ("semaphore", None, (0, "acquire", 0, None)),
    ("counter", None, (0, "add", "1", None)),
    ("counter", None, (0, "read", None, True)),
    ("set", None, (0, "contains", 1, 1)),
    ("set", None, (0, "read", None, 1)),
    ("set", None, (0, "add", True, True)),
    ("queue", None, (0, "enqueue", None, None)),
    ("queue", 7, (0, "enqueue", 1, None)),
    ("queue", None, (0, "push", 1, None)),
    ("pqueue", None, (0, "insert", [1], None)),
    ("deque", None, (0, "push", 1, None)),
    ("kv", None, (0, "cas", [1, 2], None)),
    ("multi-register", [0], (0, "read", None, {})),
    ("multi-register", None, (0, "txn", [["read", "x"]], [["read", "x"]])),
    ("multi-register", None, (0, "read", None, 4)),
]


def test_every_model_is_here() -> None:
    assert {model for model, *_ in VALID} | {"cas-register"} == set(MODELS)


@pytest.mark.parametrize(("model", "initial", "calls"), VALID)
@pytest.mark.parametrize("method", ["auto", "search"])
def test_valid(model: str, initial: Any, calls: tuple[tuple[Any, ...], ...], method: Any) -> None:
    result = check(said(*calls), model=model, initial=initial, method=method)
    assert result.valid is True, result
    assert result.model == model


@pytest.mark.parametrize(("model", "initial", "calls"), INVALID)
@pytest.mark.parametrize("method", ["auto", "search"])
def test_invalid(model: str, initial: Any, calls: tuple[tuple[Any, ...], ...], method: Any) -> None:
    result = check(said(*calls), model=model, initial=initial, method=method)
    assert result.valid is False, result
    (anomaly,) = result.anomalies
    assert anomaly.details["minimal"]
    assert anomaly.details["confirmed_by"] == ["search", "brute"]


@pytest.mark.parametrize(("model", "initial", "call"), STRANGE)
def test_what_the_model_does_not_know_is_unsupported(model: str, initial: Any, call: tuple[Any, ...]) -> None:
    result = check(said(call), model=model, initial=initial)
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert "; expected " in (result.explanation or "")


def test_elements_of_a_set_are_objects_of_their_own_unless_it_is_read_whole() -> None:
    calls = [(0, "add", 1, 1), (0, "add", 2, 2), (0, "contains", 2, True)]
    assert check(said(*calls), model="set").details["keys"] == 2
    assert check(said(*calls, (0, "read", None, [1, 2])), model="set").details["keys"] == 1


def test_registers_that_are_never_named_together_are_objects_of_their_own() -> None:
    calls = [(0, "write", {name: 1}, None) for name in "uvxyz"]
    joined = (0, "read", None, {"x": 1, "y": 1, "z": 1})
    assert check(said(*calls), model="multi-register").details["keys"] == 5
    assert check(said(*calls, joined), model="multi-register").details["keys"] == 3


def test_nil_reads_of_several_registers_may_say_nothing() -> None:
    history = said((0, "write", {"x": 1}, None), (1, "read", None, {"x": None, "y": None}))
    assert check(history, model="multi-register").valid is False
    assert check(history, model="multi-register", nil_reads="unknown").valid is True


def test_a_failed_operation_did_not_happen() -> None:
    assert check(said((0, "enq", 1, 1, "fail"), (1, "deq", None, None)), model="queue").valid is True
    assert check(said((0, "enq", 1, 1), (1, "deq", None, None, "fail")), model="queue").valid is True


def test_the_story_of_any_model_is_told_by_its_operations() -> None:
    result = check(said((0, "enq", 1, 1), (0, "enq", 2, 2), (1, "deq", None, 2)), model="queue")
    assert result.anomalies[0].explanation == (
        "No order of these 2 operations explains all their results, wherever the others are put: process 0's enq of 1 "
        "(ops 0 to 1); process 1's deq that returned 2 (ops 4 to 5). Others may have taken effect at any time after "
        "they began: process 0's enq of 2 from op 2 on."
    )
    result = check(said((0, "acquire", None, None), (1, "acquire", None, None)), model="mutex")
    assert result.anomalies[0].explanation == (
        "No order of these 2 operations explains all their results: process 0's acquire (ops 0 to 1); "
        "process 1's acquire (ops 2 to 3)."
    )
