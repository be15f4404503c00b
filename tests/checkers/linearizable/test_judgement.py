"""Many keys: decided by several processes as by one, whether they were read into columns or not."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from time import sleep
from typing import Any

import pytest

from benchmarks.random_history import Shape, linearizable, spoil
from checkers.linearizable import check, workers
from checkers.linearizable.certificate import refute
from checkers.linearizable.decide import Decision, Method
from checkers.linearizable.limit import Limit
from checkers.linearizable.models import BY_NAME
from checkers.linearizable.operation import KeyHistory, by_key
from checkers.value import Codes
from harness.history import History, Op
from harness.result import Reason, Result
from tests.checkers.linearizable.columnar.notation import large

KEYS = 24


def _history(seed: int, spoilt: bool) -> History:
    """Keys of a few values, which need a search; some are spoilt, some have distinct values, one has nothing."""
    random = Random(seed)
    lines: list[Op] = [Op("invoke", 9000, "write", 1, key="none"), Op("fail", 9000, "write", 1, key="none")]
    for key in range(KEYS):
        values = range(1, 400) if key % 3 == 0 else (1, 2, 3)
        shape = Shape(40, 5, values=tuple(values), cas_share=0.0 if key % 3 == 0 else 0.2, crashes=2)
        own = linearizable(shape, random)
        own = spoil(own, shape, random, times=5) if spoilt and key % 4 == 0 else own
        lines += [replace(op, process=int(op.process) + 100 * key, key=f"key {key}") for op in own]
    return History(lines)


def _told(result: Result) -> Any:
    """All that must not depend on who decided: search may look at more or fewer configurations under another limit."""
    details = {name: value for name, value in result.details.items() if name != "configurations"}
    return result.valid, result.method, result.reason, result.anomalies, details


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Other processes help from the beginning; the list counts how often they did."""
    asked: list[int] = []
    answers = workers.answers

    def spy(numbers: Any, *arguments: Any) -> Any:
        asked.append(len(numbers))
        return answers(numbers, *arguments)

    monkeypatch.setattr("checkers.linearizable.judgement._ALONE_S", 0.0)
    monkeypatch.setattr("checkers.linearizable.workers.answers", spy)
    return asked


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("spoilt", [False, True])
def test_several_processes_say_what_one_says(at_once: list[int], columns: bool, spoilt: bool) -> None:
    history = _history(7, spoilt)
    history = large(history) if columns else history
    one, several = (check(history, processes=count, certify=True) for count in (1, 3))
    assert _told(one) == _told(several)
    assert len(at_once) == 1
    assert at_once[0] >= KEYS // 2
    assert one.valid is not spoilt
    assert one.details["keys"] == KEYS + 1
    if spoilt:
        assert 1 < len(one.anomalies) == one.details["keys_invalid"]
        assert all(anomaly.details["minimal"] for anomaly in one.anomalies)


def test_linearizations_come_from_afar(at_once: list[int]) -> None:
    history = _history(8, spoilt=False)
    result = check(large(history), processes=2, certify=True)
    keys = by_key(history, BY_NAME["cas-register"], Codes())
    assert [each["key"] for each in result.details["linearizations"]] == [key.key for key in keys]
    for key, each in zip(keys, result.details["linearizations"], strict=True):
        at = {operation.invoke: operation for operation in (*key.required, *key.optional)}
        assert refute(key, [at[invoke] for invoke in each["order"]]) is None
    assert at_once


def test_what_the_model_does_not_know_is_told_by_whoever_reads_it(at_once: list[int]) -> None:
    lines = [*_history(9, spoilt=False), Op("invoke", 8000, "increase", 1, key="odd")]
    lines += [Op("ok", 8000, "increase", 1, key="odd")]
    for history in (History(lines), large(History(lines))):
        result = check(history, processes=2)
        assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
        assert f"operation {len(lines) - 2}: read the operation" in (result.explanation or "")
    assert at_once


def test_a_process_that_is_ended_leaves_its_key_unknown(at_once: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    lost = {0: workers.Lost(9), 1: workers.Lost(0, late=True), 2: workers.Lost(0)}
    answers = workers.answers

    def losing(numbers: Any, *arguments: Any) -> Any:
        return ((number, lost.get(number, said)) for number, said in answers(numbers, *arguments))

    monkeypatch.setattr("checkers.linearizable.workers.answers", losing)
    result = check(_history(10, spoilt=False), processes=2)
    assert result.valid == "unknown"
    assert [each["reason"] for each in result.details["unknown"]] == ["out-of-memory", "timeout", "checker-error"]
    assert result.details["keys_valid"] == KEYS - 2


def test_what_was_too_large_for_one_of_several_is_tried_alone(
    at_once: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    from checkers.linearizable.decide import decide

    parent = os.getpid()

    def starving(*arguments: Any) -> Any:
        if os.getpid() != parent:
            raise MemoryError
        return decide(*arguments)

    monkeypatch.setattr("checkers.linearizable.verdict.decide", starving)
    result = check(_history(11, spoilt=False), processes=2)
    assert (result.valid, result.details["keys_valid"]) == (True, KEYS + 1)
    assert at_once


@pytest.mark.parametrize("processes", [1, 2])
def test_a_time_limit_holds_for_all_keys_together(
    at_once: list[int], monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    def endless(key: KeyHistory, method: Method, limit: Limit) -> Decision:
        while not limit.expired():
            sleep(0.001)
        return Decision(None, "search", Reason.TIMEOUT)

    monkeypatch.setattr("checkers.linearizable.verdict.decide", endless)
    history = _history(13, spoilt=False)
    for each in (history, large(history)):
        result = check(each, processes=processes, method="search", time_limit_s=0.6)
        assert (result.valid, result.reason, result.details["keys_unknown"]) == ("unknown", Reason.TIMEOUT, KEYS + 1)
        assert 0.5 < result.seconds < 1.5
        assert result.details["unknown"][1]["of"] > 0
    assert len(at_once) == 2 * (processes - 1)


def test_a_little_work_is_done_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("nobody needs help")

    monkeypatch.setattr("checkers.linearizable.judgement._ALONE_S", 60.0)
    monkeypatch.setattr("checkers.linearizable.workers.answers", never)
    assert check(_history(12, spoilt=False)).valid is True
