"""``causal-prefix``: a reply without its question, by example and against the definition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from checkers.causal_prefix import EFFECT_BEFORE_CAUSE, check
from harness.history import Call, History, Op
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
        'Process 2 saw 7 in "r" (op 6) and then read "q" (op 8) without 1, although process 1 had read 1 there (op 2) '
        "before it appended 7 (op 4): the effect is there before its cause."
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


def wrong_reads(history: History) -> set[int]:
    """The reads that miss a cause: straight from the definition."""
    calls = [each for each in history.calls() if each.outcome != "fail"]
    reads = [each for each in calls if each.f == "read" and each.outcome == "ok"]
    return {late.invoke for late in reads if any(cause not in (late.result or ()) for cause in causes(late, calls))}


def causes(late: Call, calls: list[Call]) -> Iterator[Any]:
    """What that read had to show."""
    for early in calls:
        if not (early.f == "read" and early.process == late.process and before(early, late) and early.key != late.key):
            continue
        for effect in early.result or ():
            appends = [each for each in calls if (each.f, each.key, each.argument) == ("append", early.key, effect)
                       and each.invoke < (early.complete or 0)]  # fmt: skip
            if len(appends) != 1 or appends[0].process == late.process:
                continue
            for known in calls:
                if known.process == appends[0].process and before(known, appends[0]) and known.key == late.key:
                    yield from [known.argument] if known.f == "append" else known.result or ()


def before(first: Call, second: Call) -> bool:
    return first.outcome == "ok" and first.complete is not None and first.complete < second.invoke


def random_history(random: Random) -> History:
    """Appends to a few lists and reads of them that show a part, mostly the beginning; operations overlap."""
    logs: dict[str, list[int]] = {key: [] for key in "xyz"[: random.randint(2, 3)]}
    running: dict[int, Op] = {}
    lines: list[Op] = []
    for _ in range(random.randint(8, 50)):
        process = random.randrange(3)
        if process in running:
            op = running.pop(process)
            lines.append(replace(op, type=ending(random, op)))
            continue
        key = random.choice(list(logs))
        if random.random() < 0.4:
            value = random.randrange(200)
            logs[key].append(value)
            op = Op("invoke", process, "append", value, key=key)
            running[process] = op
        else:
            op = Op("invoke", process, "read", key=key)
            shown = logs[key][: random.choice((len(logs[key]), random.randint(0, len(logs[key]))))]
            running[process] = replace(op, value=[each for each in shown if random.random() < 0.97])
        lines.append(op)
    return History(lines)


def ending(random: Random, op: Op) -> Any:
    return "ok" if op.f == "read" or random.random() < 0.8 else random.choice(("info", "fail"))


def compare(seed: int) -> str:
    history = random_history(Random(seed))
    result, wrong = check(history), wrong_reads(history)
    assert (result.valid is False) == bool(wrong), f"seed {seed}"
    assert result.details["wrong_reads"] == len(wrong), f"seed {seed}"
    assert {anomaly.operations[-1] for anomaly in result.anomalies} <= wrong, f"seed {seed}"
    for anomaly in result.anomalies:
        assert is_minimal(history, anomaly.operations), f"seed {seed}: {anomaly.explanation}"
    return str(result.valid)


def is_minimal(history: History, operations: tuple[int, ...]) -> bool:
    """Whether these four operations alone are invalid, and no three of them are."""
    calls = {each.invoke: each for each in history.calls()}

    def alone(kept: tuple[int, ...]) -> bool:
        wanted = {place for each in kept for place in (each, calls[each].complete)}
        return wrong_reads(History([op for place, op in enumerate(history) if place in wanted])) != set()

    return alone(operations) and not any(alone(tuple(o for o in operations if o != left)) for left in operations)


def test_against_the_definition() -> None:
    verdicts = Counter(compare(seed) for seed in range(2000))
    assert min(verdicts[each] for each in ("True", "False", "unknown")) > 100, verdicts


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
