"""``sequential`` and ``sequential-per-key`` on histories whose verdicts can be seen at a glance, method by method."""

from __future__ import annotations

import json
import subprocess
import sys
from random import Random
from typing import Any

import pytest

from benchmarks.random_history import Shape, linearizable
from benchmarks.sequential_fuzz import remerged
from checkers.linearizable.decide import Method
from checkers.sequential import check
from checkers.sequential.decide import Decision
from checkers.sequential.per_key import check as check_per_key
from harness.history import History, HistoryError, Op
from harness.result import Reason
from tests.checkers.sequential.notation import Did, of, read, write

METHODS: tuple[Method, ...] = ("auto", "search", "z3", "brute")

# name -> the history, whether it is sequential, whether each key is by itself
HISTORIES: dict[str, tuple[History, bool, bool]] = {
    "nothing": (History(), True, True),
    "a stale read of another process": (of([write(1)], [read(None), read(1)]), True, True),
    "a read of another process's future": (of([read(1)], [write(1)]), True, True),
    "back in time": (of([write(1), write(2)], [read(2), read(1)]), False, False),
    "its own write not seen": (of([write(1), read(None)]), False, False),
    "a value from nowhere": (of([read(7)]), False, False),
    "a failed write": (of([write(1, outcome="fail")], [read(1)]), False, False),
    "a lost write that took effect late": (of([write(1, outcome="info")], [read(None), read(1)]), True, True),
    "a lost write that took effect early": (of([read(1)], [write(2), read(2), write(1, outcome=None)]), True, True),
    "a lost write before its session's own": (
        of([write(2), write(1, outcome=None)], [read(1), read(2), read(1)]), False, False,
    ),
    "one lost write, twice": (of([write(1, outcome="info")], [read(1), write(2), read(1)]), False, False),
    "store buffering": (
        of([write(1, "x"), read(None, "y")], [write(1, "y"), read(None, "x")]), False, True,
    ),
    "independent reads of independent writes": (
        of([write(1, "x")], [write(1, "y")], [read(1, "x"), read(None, "y")], [read(1, "y"), read(None, "x")]),
        False, True,
    ),
    "two observers disagree": (
        of([write(1)], [write(2)], [read(1), read(2)], [read(2), read(1)]), False, False,
    ),
    "two swaps of one value": (of([Did("cas", [None, 1])], [Did("cas", [None, 2])]), False, False),
    "swaps in a chain, backwards": (of([Did("cas", [2, 3])], [Did("cas", [1, 2])], [write(1)]), True, True),
    "True is not 1": (of([write(True)], [read(1)]), False, False),
    "a session of two processes": (
        of([write(1, session="s")], [write(2)], [read(2, session="t")], [read(None, session="s")]), False, False,
    ),
    "the same without its session": (of([write(1)], [write(2)], [read(2)], [read(None)]), True, True),
}  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", HISTORIES)
def test_verdicts(name: str, method: Method) -> None:
    history, together, alone = HISTORIES[name]
    for checker, expected in ((check, together), (check_per_key, alone)):
        result = checker(history, method=method)
        assert (result.valid, result.reason) == (expected, None), result
        assert bool(result.anomalies) is not expected
        json.dumps(result.as_json())
        for anomaly in result.anomalies:
            assert anomaly.type == "non-sequential"
            assert anomaly.details["minimal"] is True
            assert anomaly.details["confirmed_by"] == ["search", "brute"]


def test_they_say_what_they_expect() -> None:
    assert check(History()).expect == "sequential"
    assert check_per_key(History()).expect == "sequential-per-key"


def test_a_polynomial_method_proves_what_it_can() -> None:
    def verdict(name: str) -> Any:
        return check(HISTORIES[name][0], method="polynomial").valid

    assert verdict("back in time") is verdict("store buffering") is False
    assert verdict("swaps in a chain, backwards") == "unknown"
    assert check(of([write(1), read(1)]), method="polynomial").valid is True


def test_the_story_names_sessions_and_reasons() -> None:
    (anomaly,) = check(HISTORIES["store buffering"][0]).anomalies
    assert anomaly.operations == (0, 2, 4, 6)
    assert 'process 0: write 1 of key "x" (op 0), then read of key "y" that returned null (op 2)' in anomaly.explanation
    assert "for it saw the initial value" in anomaly.explanation
    assert anomaly.explanation.endswith("come before the next: op 0, op 2, op 4, op 6, op 0.")
    (anomaly,) = check(HISTORIES["back in time"][0]).anomalies
    assert "for op 6 saw the value of the latter and comes after the former (by way of op 4, which saw its value)" in (
        anomaly.explanation
    )
    (anomaly,) = check(of([read(7, "k")])).anomalies
    assert anomaly.explanation.startswith('Key "k": process 0\'s read that returned 7 (op 0) saw a value that nothing')
    (anomaly,) = check(HISTORIES["a session of two processes"][0]).anomalies
    assert 'session "s" (processes 0, 3): write 1 (op 0), then read that returned null (op 6)' in anomaly.explanation


def test_only_invalid_keys_are_told() -> None:
    history = of([write(1, "a"), write(2, "a"), write(1, "b")], [read(2, "a"), read(1, "a"), read(1, "b")])
    result = check_per_key(history)
    assert [anomaly.details["key"] for anomaly in result.anomalies] == ["a"]
    assert result.details["orders_valid"] == result.details["orders_invalid"] == 1
    together = check(history)
    assert [set(anomaly.operations) for anomaly in together.anomalies] == [set(result.anomalies[0].operations)]


@pytest.mark.parametrize(
    ("model", "calls", "valid"),
    [
        ("queue", ([Did("enqueue", 1), Did("enqueue", 2)], [Did("dequeue", 2), Did("dequeue", 1)]), False),
        ("queue", ([Did("enqueue", 1)], [Did("dequeue"), Did("dequeue", 1)]), True),
        ("stack", ([Did("push", 1), Did("push", 2)], [Did("pop", 1), Did("pop", 2)]), True),
        ("counter", ([Did("add", 1), Did("add", 1)], [read(2), read(1)]), False),
        ("set", ([Did("add", 1), Did("add", 2)], [read([2]), read([1, 2])]), False),
        ("set", ([Did("add", 1), Did("add", 2)], [read([1]), read([1, 2])]), True),
        ("mutex", ([Did("acquire"), Did("release")], [Did("acquire"), Did("release")]), True),
        ("mutex", ([Did("acquire")], [Did("acquire")]), False),
    ],
)
def test_other_models(model: str, calls: tuple[list[Did], ...], valid: bool) -> None:
    history = History(
        Op(op.type, op.process, op.f, None if op.type == "invoke" and op.f in ("dequeue", "pop") else op.value)
        for op in of(*calls)
    )
    for checker in (check, check_per_key):
        assert checker(history, model=model).valid is valid


def test_a_set_is_one_object_where_the_key_says_so() -> None:
    """Element by element this would be sequential; as one set it is not."""
    first = [Did("add", 1), Did("contains", [2, False])]
    second = [Did("add", 2), Did("contains", [1, False])]
    lines = [
        Op(op.type, op.process, op.f, op.value[0] if op.type == "invoke" and op.f == "contains" else op.value)
        for op in of(first, second)
    ]
    assert check_per_key(History(lines), model="set").valid is False


def test_options() -> None:
    history = of([read(None), read(5)])
    assert check(history).valid is False
    assert check(history, nil_reads="unknown", initial=5).valid is True
    assert check(of([Did("append", 1)])).reason is Reason.UNSUPPORTED
    with pytest.raises(ValueError, match="expected auto or polynomial"):
        check(History(), method="guess")  # type: ignore[arg-type]
    with pytest.raises(HistoryError):
        check(History([Op("ok", 0, "read", 1)]))
    order = check(history, nil_reads="unknown", initial=5, certify=True).details["orders"]
    assert order == [{"key": None, "order": [2]}]


def _hard() -> History:
    """Five keys of five values, ten processes whose order in time is lost: neither search nor z3 decides it soon."""
    shape = Shape(operations=1_000, processes=10, values=range(5), keys="abcde", cas_share=0.0)
    return History(remerged(linearizable(shape, Random(1)), Random(2)))


def test_past_the_time_limit_it_is_unknown_with_how_far_it_came() -> None:
    result = check(_hard(), time_limit_s=0.5)
    assert (result.valid, result.reason) == ("unknown", Reason.TIMEOUT)
    assert "completed operations were put in one order" in (result.explanation or "")
    assert result.seconds < 2.0


def test_a_thousand_operations_whose_values_differ() -> None:
    shape = Shape(operations=1_000, processes=10, values=range(10_000_000), keys="ab", cas_share=0.0)
    lines = remerged(linearizable(shape, Random(1)), Random(2))
    assert check(History(lines), time_limit_s=30).valid is True
    reads = [i for i, op in enumerate(lines) if op.type == "ok" and op.f == "read" and op.key == "a"]
    (last,) = [i for i in reads if lines[i].process == lines[reads[0]].process][-1:]
    spoilt = [*lines]
    spoilt[last] = Op("ok", lines[last].process, "read", None, key="a")
    result = check(History(spoilt), time_limit_s=30)
    assert result.valid is False
    assert result.anomalies[0].details["minimal"] is True
    assert len(result.anomalies[0].operations) <= 6


def test_a_crash_of_the_checker_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr("checkers.sequential.verdict.decide", crash)
    result = check(of([write(1)]))
    assert (result.valid, result.reason) == ("unknown", Reason.CHECKER_ERROR)


def test_a_wrong_order_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checkers.sequential.verdict.decide", lambda *_: Decision(True, "search"))
    result = check(of([write(1)]))
    assert (result.valid, result.reason) == ("unknown", Reason.CHECKER_ERROR)
    assert "is not placed" in (result.explanation or "")


def test_a_wrong_refutation_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checkers.sequential.witness.refutes", lambda *_: True)
    monkeypatch.setattr(
        "checkers.sequential.verdict.decide", lambda scope, *_: Decision(False, "search", refuted=scope.required)
    )
    result = check(of([write(1), read(1)]))
    assert (result.valid, result.reason) == ("unknown", Reason.CHECKER_ERROR)


SMALL_PATH = """
import sys
from checkers.sequential import check
from harness.history import History, Op
lines = [Op("invoke", 0, "write", 1), Op("ok", 0, "write", 1), Op("invoke", 0, "read"), Op("ok", 0, "read", 2)]
assert check(History(lines)).valid is False
heavy = {"z3", "numpy", "numba", "asyncio"} & set(sys.modules)
assert not heavy, heavy
"""


def test_small_histories_load_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", SMALL_PATH], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
