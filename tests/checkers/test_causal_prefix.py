"""``causal-prefix``: a reply without its question, by example and against the definition."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from time import monotonic
from typing import Any

import pytest

from benchmarks.causal_prefix_fuzz import campaign
from checkers.causal_prefix import EFFECT_BEFORE_CAUSE, check
from harness.history import History, Op
from harness.result import Reason
from tests.checkers.calls import call, concurrent


def append(process: int, key: str, value: Any, outcome: str = "ok") -> list[Op]:
    return call(process, "append", value, outcome=outcome, key=key)


def read(process: int, key: str, *values: Any) -> list[Op]:
    return call(process, "read", None, list(values), key=key)


ASKED = [*append(0, "q", 1), *read(1, "q", 1), *append(1, "r", 7)]


def test_the_reply_without_the_question() -> None:
    result = check(History([*ASKED, *read(2, "r", 7), *read(2, "q")]))
    assert result.valid is False
    (anomaly,) = result.anomalies
    assert (anomaly.type, anomaly.operations) == (EFFECT_BEFORE_CAUSE, (2, 4, 6, 8))
    assert anomaly.details == {"key": "q", "cause": 1, "effect": 7}
    assert anomaly.explanation == (
        'Process 2 saw 7 in list "r" (op 6) and then read list "q" (op 8) without 1, although process 1 had read 1 '
        "there (op 2) before it appended that 7 (op 4): the effect is there before its cause."
    )


@pytest.mark.parametrize(
    ("lines", "valid"),
    [
        ([*ASKED, *read(2, "r", 7), *read(2, "q", 1)], True),
        ([*ASKED, *read(2, "q"), *read(2, "r", 7)], "unknown"),  # it looked for the question first
        ([*ASKED, *read(2, "r"), *read(2, "q")], "unknown"),  # stale, both
        ([*ASKED, *read(2, "r", 7), *read(3, "q")], "unknown"),  # somebody else
        ([*append(1, "q", 1), *append(1, "r", 7), *read(2, "r", 7), *read(2, "q")], False),  # its own question
        ([*append(1, "q", 1, "info"), *append(2, "r", 7), *read(3, "r", 7), *read(3, "q")], "unknown"),
        ([*ASKED[:4], *append(1, "r", 7, "info"), *read(2, "r", 7), *read(2, "q")], False),
        ([*ASKED[:4], *append(1, "r", 7, "fail"), *read(2, "r", 7), *read(2, "q")], "unknown"),
        ([*ASKED, *append(3, "r", 7), *read(2, "r", 7), *read(2, "q")], "unknown"),  # whose reply was it?
        ([*ASKED, *read(1, "r", 7), *read(1, "q")], "unknown"),  # reads that go back are not asked about
        ([*ASKED, *read(2, "r", 7), *append(2, "s", 9), *read(3, "s", 9), *read(3, "q")], "unknown"),  # one step only
        ([*ASKED, *read(2, "r", 7), *append(2, "s", 9), *read(3, "s", 9), *read(3, "r")], False),
    ],
)  # fmt: skip
def test_who_must_see_what(lines: list[Op], valid: object) -> None:
    result = check(History(lines))
    assert result.valid == valid
    assert (result.reason is Reason.TOO_FEW_OK) == (valid == "unknown")


def of_one_person(lines: list[Op], *processes: int) -> History:
    return History(replace(op, session="ann") if op.process in processes else op for op in lines)


def test_a_session_of_several_processes() -> None:
    assert check(of_one_person([*ASKED, *read(2, "r", 7), *read(3, "q")], 2, 3)).valid is False
    at_once = concurrent(read(2, "r", 7), read(3, "q"))
    assert check(of_one_person([*ASKED, *at_once], 2, 3)).valid == "unknown"
    knows_late = [*append(0, "q", 1), *concurrent(read(4, "q", 1), append(1, "r", 7))]
    assert check(of_one_person([*knows_late, *read(2, "r", 7), *read(2, "q")], 1, 4)).valid == "unknown"


@pytest.mark.parametrize(
    ("lines", "read_"), [(call(0, "write", 1, key="q"), "write"), (call(0, "read", None, 5, key="q"), "5")]
)
def test_other_histories_are_not_judged(lines: list[Op], read_: str) -> None:
    result = check(History(lines))
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert read_ in str(result.explanation)


def test_the_time_limit_ends_it() -> None:
    result = check(History(ASKED * 200), time_limit_s=0.0)
    assert (result.valid, result.reason) == ("unknown", Reason.TIMEOUT)


def test_many_stale_reads_are_told_a_few_times() -> None:
    lines = [*ASKED, *read(2, "r", 7)] + [op for _ in range(20) for op in read(2, "q")]
    result = check(History(lines))
    assert len(result.anomalies) == 8
    assert result.details["wrong_reads"] == 20


def test_against_the_definition() -> None:
    tally = campaign(2_000, 1_000_000, monotonic() + 300)
    assert not tally.disagreements, "\n".join(tally.disagreements[:5])
    assert min(tally.counts[each] for each in ("True", "False", "unknown")) > 100, tally.counts


def one_log(seed: int, sticky: bool) -> History:
    """Reads of replicas that each hold a beginning of one log, and only grow."""
    random = Random(seed)
    log: list[tuple[str, int]] = []
    applied = [0, 0, 0]
    lines: list[Op] = []
    for number in range(120):
        process, key = random.randrange(4), random.choice("xyz")
        replica = process % 3 if sticky else random.randrange(3)
        for each, count in enumerate(applied):
            applied[each] = random.randint(count, len(log)) if random.random() < 0.3 else count
        if random.random() < 0.4:
            log.append((key, number))
            lines += append(process, key, number)
        else:
            lines += read(process, key, *(value for where, value in log[: applied[replica]] if where == key))
    return History(lines)


def test_replicas_of_one_log_show_it_only_to_who_changes_between_them() -> None:
    sticky, changing = ({check(one_log(seed, sticky)).valid for seed in range(60)} for sticky in (True, False))
    assert sticky == {True}
    assert False in changing
