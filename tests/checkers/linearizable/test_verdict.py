"""``check`` on histories whose verdicts can be seen at a glance, method by method."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from checkers.linearizable import certificate, check
from checkers.linearizable.decide import Decision, Method
from harness.history import History, HistoryError, Op
from harness.result import Reason, Result
from tests.checkers.linearizable.notation import of

METHODS: tuple[Method, ...] = ("auto", "search", "z3", "brute")

VALID: dict[str, History] = {
    "nothing": History(),
    "a read of the initial value": of(("read", None, 0, 1)),
    "one after the other": of(("write", 1, 0, 1), ("read", 1, 2, 3), ("cas", [1, 2], 4, 5), ("read", 2, 6, 7)),
    "a read of a running write": of(("write", 1, 0, 5), ("read", 1, 1, 2)),
    "a read before a running write": of(("write", 1, 0, 5), ("read", None, 1, 2)),
    "two running writes, read in both orders by turns": of(
        ("write", 1, 0, 9), ("write", 2, 1, 8), ("read", 1, 2, 3), ("read", 2, 4, 5)
    ),
    "a failed write": of(("write", 1, 0, 1, "fail"), ("read", None, 2, 3)),
    "a failed cas of a value that is there": of(("write", 1, 0, 1), ("cas", [1, 2], 2, 3, "fail"), ("read", 1, 4, 5)),
    "a failed read of nonsense": of(("read", 7, 0, 1, "fail")),
    "a lost write that took effect": of(("write", 1, 0, 1, "info"), ("read", None, 2, 3), ("read", 1, 4, 5)),
    "a lost write that did not": of(("write", 1, 0, 1, "info"), ("read", None, 2, 3)),
    "a write without an answer, late": of(
        ("write", 1, 0, None), ("write", 2, 1, 2), ("read", 2, 3, 4), ("read", 1, 5, 6)
    ),
    "a lost cas": of(("write", 1, 0, 1), ("cas", [1, 2], 2, 3, "info"), ("read", 1, 4, 5), ("read", 2, 6, 7)),
    "lost operations in a chain": of(
        ("cas", [2, 3], 0, 1, "info"), ("cas", [1, 2], 2, 3, "info"), ("write", 1, 4, None), ("read", 3, 5, 6)
    ),
    "an unanswered read": of(("write", 1, 0, 1), ("read", 9, 2, 3, "info"), ("read", 1, 4, 5)),
    "a cas that changes nothing": of(("write", 1, 0, 1), ("cas", [1, 1], 2, 3), ("read", 1, 4, 5)),
}

INVALID: dict[str, History] = {
    "a stale read": of(("write", 1, 0, 1), ("write", 2, 2, 3), ("read", 1, 4, 5)),
    "a value never written": of(("write", 1, 0, 1), ("read", 9, 2, 3)),
    "a read of the future": of(("read", 1, 0, 1), ("write", 1, 2, 3)),
    "a lost update": of(("write", 1, 0, 1), ("read", None, 2, 3)),
    "new, then old": of(("write", 1, 0, 9), ("read", 1, 1, 2), ("read", None, 3, 4)),
    "both orders": of(
        ("write", 1, 0, 1), ("write", 2, 2, 9), ("read", 2, 3, 4), ("read", 1, 5, 6)
    ),
    "a cas from what is not there": of(("write", 1, 0, 1), ("cas", [2, 3], 2, 3)),
    "one value for two": of(("write", 1, 0, 1), ("cas", [1, 2], 2, 8), ("cas", [1, 3], 3, 9)),
    "a failed write that is read": of(("write", 1, 0, 1, "fail"), ("read", 1, 2, 3)),
    "a lost write before its invocation": of(("read", 1, 0, 1), ("write", 1, 2, 3, "info")),
    "one lost write, twice": of(
        ("write", 1, 0, 1, "info"), ("read", 1, 2, 3), ("write", 2, 4, 5), ("read", 1, 6, 7)
    ),
    "True is not 1": of(("write", True, 0, 1), ("read", 1, 2, 3)),
    "1 is not 1.0": of(("write", [1], 0, 1), ("read", [1.0], 2, 3)),
}  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", VALID)
def test_valid(name: str, method: Method) -> None:
    result = check(VALID[name], method=method)
    assert (result.valid, result.anomalies, result.reason) == (True, (), None)
    assert (result.expect, result.model) == ("linearizable", "cas-register")
    assert method == "auto" or result.method == method
    assert method != "auto" or result.method in ("polynomial", "search")
    json.dumps(result.as_json())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", INVALID)
def test_invalid(name: str, method: Method) -> None:
    result = check(INVALID[name], method=method)
    assert result.valid is False
    (anomaly,) = result.anomalies
    assert anomaly.type == "non-linearizable"
    assert anomaly.details["minimal"] is True
    assert {"search", "brute"} <= set(anomaly.details["confirmed_by"])
    assert "process" in anomaly.explanation
    json.dumps(result.as_json())


def test_the_order_of_lines_decides_not_their_times() -> None:
    lines = [*of(("write", 1, 0, 1), ("read", None, 2, 3))]
    same = History(Op(op.type, op.process, op.f, op.value, time=5) for op in lines)
    backwards = History(Op(op.type, op.process, op.f, op.value, time=-i) for i, op in enumerate(lines))
    assert [check(history).valid for history in (same, backwards)] == [False, False]
    touching = of(("write", 1, 0, 2), ("read", None, 1, 3))
    assert check(touching).valid is True


def test_initial_values() -> None:
    history = of(("read", [0], 0, 1))
    assert check(history, initial=[0]).valid is True
    assert check(history).valid is False


def test_nil_reads_are_values_or_no_information() -> None:
    history = of(("write", 1, 0, 1), ("read", None, 2, 3))
    assert check(history).valid is False
    assert check(history, nil_reads="unknown").valid is True
    assert check(of(("write", 1, 0, 1), ("read", 2, 2, 3)), nil_reads="unknown").valid is False


def test_keys_are_decided_alone_and_named() -> None:
    good, bad = VALID["one after the other"], INVALID["a stale read"]
    lines = [Op(op.type, op.process, op.f, op.value, key="x") for op in good]
    lines += [Op(op.type, op.process, op.f, op.value, key=["y"]) for op in bad]
    result = check(History(lines))
    assert result.valid is False
    assert result.details["keys"] == 2
    assert result.details["keys_invalid"] == result.details["keys_valid"] == 1
    (anomaly,) = result.anomalies
    assert anomaly.details["key"] == '["y"]'
    assert anomaly.explanation.startswith('Key ["y"]: process 2\'s read of 1 (op 12) began after')
    assert anomaly.operations == (8, 10, 12)


def test_keys_that_python_calls_equal_are_two() -> None:
    lines = [
        Op(op.type, op.process, op.f, op.value, key=key)
        for key in (1, True, 1.0)
        for op in of(("write", key, 0, 1), ("read", key, 2, 3))
    ]
    result = check(History(lines))
    assert (result.valid, result.details["keys"]) == (True, 3)


@pytest.mark.parametrize(
    ("model", "call"),
    [
        ("register", ("cas", [1, 2], 0, 1)),
        ("cas-register", ("append", 1, 0, 1)),
        ("cas-register", ("append", 1, 0, None)),
        ("cas-register", ("cas", 5, 0, 1)),
        ("cas-register", ("cas", [1, 2, 3], 0, None)),
        ("cas-register", ("cas", None, 0, 1, "info")),
    ],
)
def test_what_the_model_does_not_know_is_unsupported(model: str, call: tuple[Any, ...]) -> None:
    result = check(of(call), model=model)
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert "operation 0: read" in (result.explanation or "")
    assert "expected" in (result.explanation or "")


def test_models_are_named() -> None:
    assert check(of(("write", 1, 0, 1), ("read", 1, 2, 3)), model="register").valid is True
    with pytest.raises(ValueError, match="expected register or cas-register or multi-register"):
        check(History(), model="stick")
    with pytest.raises(ValueError, match="expected auto or polynomial or search or z3 or brute"):
        check(History(), method="guess")  # type: ignore[arg-type]


def test_lines_that_do_not_pair_up_are_no_history() -> None:
    with pytest.raises(HistoryError):
        check(History([Op("ok", 0, "read", 1)]))


def test_other_processes_than_clients_are_passed_over() -> None:
    lines = [Op("info", "nemesis", "start-kill"), *of(("write", 1, 0, 1)), Op("info", "nemesis", "start-kill")]
    assert check(History(lines)).valid is True


def test_a_crash_of_the_checker_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr("checkers.linearizable.verdict.decide", crash)
    result = check(VALID["one after the other"])
    assert (result.valid, result.reason) == ("unknown", Reason.CHECKER_ERROR)
    assert "RecursionError" in (result.explanation or "")


def test_a_wrong_linearization_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checkers.linearizable.verdict.decide", lambda *_: Decision(True, "search", order=()))
    result = check(INVALID["a stale read"])
    assert (result.valid, result.reason) == ("unknown", Reason.CHECKER_ERROR)
    assert "is not placed" in (result.explanation or "")


def test_a_wrong_refutation_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def refute_all(key: Any, *_: object) -> Decision:
        return Decision(False, "search", refuted=key.required)

    monkeypatch.setattr("checkers.linearizable.verdict.decide", refute_all)
    result = check(VALID["one after the other"])
    assert (result.valid, result.reason) == ("unknown", Reason.CHECKER_ERROR)


def test_certificates_are_always_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def spy(*arguments: Any) -> str | None:
        asked.append(1)
        return certificate.refute(*arguments)

    monkeypatch.setattr("checkers.linearizable.verdict.refute", spy)
    for method in METHODS:
        assert check(VALID["one after the other"], method=method).valid is True
    assert len(asked) == len(METHODS)


def test_values_nested_beyond_the_stack_are_values() -> None:
    deep: Any = 1
    for _ in range(20 * sys.getrecursionlimit()):
        deep = [deep]
    result: Result = check(of(("write", deep, 0, 1), ("read", deep, 2, 3), ("read", 1, 4, 5)))
    assert result.valid is False
    assert len(result.anomalies[0].explanation) < 500


SMALL_PATH = """
import sys
from checkers.linearizable import check
from harness.history import History, Op
lines = [Op("invoke", 0, "write", 1), Op("ok", 0, "write", 1), Op("invoke", 0, "read"), Op("ok", 0, "read", 2)]
assert check(History(lines)).valid is False
heavy = {"z3", "numpy", "asyncio", "paramiko", "rich"} & set(sys.modules)
assert not heavy, heavy
"""


def test_small_histories_load_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", SMALL_PATH], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
