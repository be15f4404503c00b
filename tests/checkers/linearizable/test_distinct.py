"""The polynomial methods: when they apply, what they find on known shapes, and that they are fast.

That they are right, ``test_agreement`` asks brute force.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from benchmarks.random_object import make, play
from checkers.linearizable import check
from checkers.linearizable.certificate import refute
from checkers.linearizable.decide import decide
from checkers.linearizable.limit import Limit
from harness.history import History, Op
from harness.result import Reason
from tests.checkers.linearizable.notation import single


def of(*calls: tuple[Any, ...]) -> History:
    """Calls (f, argument, result, begin, end, outcome="ok"), each by a process of its own."""
    lines = []
    for process, (f, argument, result, begin, end, *outcome) in enumerate(calls):
        lines.append((begin, Op("invoke", process, f, argument)))
        if end is not None:
            lines.append((end, Op(outcome[0] if outcome else "ok", process, f, result)))
    return History(op for _, op in sorted(lines, key=lambda line: line[0]))


def put(f: str, value: Any, begin: int, end: int | None, *outcome: str) -> tuple[Any, ...]:
    return (f, value, value, begin, end, *outcome)


def take(f: str, value: Any, begin: int, end: int | None, *outcome: str) -> tuple[Any, ...]:
    return (f, None, value, begin, end, *outcome)


@pytest.mark.parametrize(
    ("model", "calls"),
    [
        ("queue", [put("enq", 1, 0, 1), put("enq", 1, 2, 3)]),
        ("queue", [put("enq", 1, 0, 1), ("peek", None, 1, 2, 3)]),
        ("queue", [put("enq", 1, 0, None), put("enq", 1, 1, 2), take("deq", 1, 3, 4)]),
        ("register", [("write", 1, 1, 0, 1), ("write", 1, 1, 2, 3)]),
        ("register", [("write", None, None, 0, 1)]),
        ("cas-register", [("cas", [None, 1], [None, 1], 0, 1)]),
        ("counter", [("add", 1, 1, 0, 1)]),
    ],
)
def test_where_no_method_applies_nothing_is_said(model: str, calls: list[tuple[Any, ...]]) -> None:
    result = check(of(*calls), model=model, method="polynomial")
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert check(of(*calls), model=model).method == "search"


INVALID: list[tuple[str, str, list[tuple[Any, ...]], tuple[int, ...]]] = [
    ("a value from nowhere", "queue", [take("deq", 1, 0, 1)], (0,)),
    ("a value twice", "stack", [put("push", 1, 0, 1), take("pop", 1, 2, 5), take("pop", 1, 3, 4)], (2, 3)),
    ("before its time", "pqueue", [take("poll", 1, 0, 1), put("insert", 1, 2, 3)], (0,)),
    ("an overtaken value", "queue",
     [put("enq", 1, 0, 1), put("enq", 2, 2, 3), take("deq", 2, 4, 5), take("deq", 1, 6, 7)], (0, 4)),
    ("a value left behind", "queue", [put("enq", 1, 0, 1), put("enq", 2, 2, 3), take("deq", 2, 4, 5)], (0, 4)),
    ("not the last one", "stack",
     [put("push", 1, 0, 1), put("push", 2, 2, 3), take("pop", 1, 4, 5), take("pop", 2, 6, 7)], (0, 2, 4)),
    ("not the greatest", "pqueue",
     [put("insert", 1, 0, 1), put("insert", 5, 2, 3), take("poll", 1, 4, 5), take("poll", 5, 6, 7)], (2, 4)),
    ("empty, and yet not", "unordered-queue",
     [put("enq", 1, 0, 1), put("enq", 2, 2, 3), take("deq", 1, 4, 9), take("deq", None, 5, 6), take("deq", 2, 7, 8)],
     (2, 5)),
    ("empty, held by turns", "queue",
     [put("enq", 1, 0, 1), take("deq", None, 2, 9), put("enq", 2, 3, 4), take("deq", 1, 5, 6), take("deq", 2, 10, 11)],
     (0, 2, 3)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "model", "calls", "witness"), INVALID, ids=[name for name, *_ in INVALID])
def test_bad_patterns(name: str, model: str, calls: list[tuple[Any, ...]], witness: tuple[int, ...]) -> None:
    result = check(of(*calls), model=model, method="polynomial")
    assert result.valid is False
    (anomaly,) = result.anomalies
    assert anomaly.operations == witness, anomaly.explanation
    assert anomaly.details["confirmed_by"] == ["search", "brute"]
    assert check(of(*calls), model=model, method="search").valid is False


def test_lost_takes_are_given_to_the_values_that_need_one() -> None:
    calls = [put("enq", 1, 0, 1), put("enq", 2, 2, 3), put("enq", 3, 4, 5), take("deq", 3, 8, 9)]
    lost = [take("deq", None, 6, None), take("deq", None, 7, None)]
    for count, valid in ((0, False), (2, True)):
        result = check(of(*calls, *lost[:count]), model="queue")
        assert (result.valid, result.method) == (valid, "polynomial")
    assert check(of(*calls, lost[0]), model="queue").valid is False, "one is not enough"
    late = take("deq", None, 10, None)
    assert check(of(*calls, lost[0], late), model="queue").valid is False, "nor is one that came too late"


def test_zones_that_lie_apart() -> None:
    calls = [("write", 1, 1, 0, 20), ("read", None, 1, 1, 2), ("read", None, 1, 18, 19), ("write", 2, 2, 3, None)]
    valid = of(*calls, ("read", None, 2, 21, 22))
    assert check(valid, model="register").valid is True
    within = check(of(*calls, ("read", None, 2, 4, 5)), model="register")
    assert (within.valid, within.method, within.details["algorithms"]) == (False, "polynomial", ["zones"])
    assert set(within.anomalies[0].operations) == {1, 4, 6}


@pytest.mark.parametrize("model", ["register", "queue", "stack", "pqueue", "unordered-queue"])
@pytest.mark.parametrize("crash_share", [0.0, 0.02])
def test_long_histories_have_certificates(model: str, crash_share: float) -> None:
    random = Random(f"{model} {crash_share}")
    thing, initial = make(model, random, distinct=True)
    history = History(play(thing, 3000, 12, crash_share, random))
    key, _ = single(history, initial, model)
    decision = decide(key, "auto", Limit())
    assert (decision.valid, decision.method) == (True, "polynomial")
    assert refute(key, decision.order) is None


def test_deeply_nested_stacks_keep_the_time_limit() -> None:
    pushes = [put("push", i, 2 * i, 2 * i + 1) for i in range(6000)]
    pops = [take("pop", i, 24000 - 2 * i, 24001 - 2 * i) for i in range(6000)]
    result = check(of(*pushes, *pops), model="stack", time_limit_s=0.3)
    assert result.valid is True or (result.valid, result.reason) == ("unknown", Reason.TIMEOUT)
