"""Agreement, integrity, validity and termination on histories that show each by itself; consensus is all of them."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.decision import agreement, consensus, integrity, termination, validity
from harness.history import NEMESIS, History, Op
from harness.result import Reason


def call(process: int, f: str, given: Any, told: Any, outcome: str | None = "ok", **more: Any) -> list[Op]:
    lines = [Op("invoke", process, f, given, **more)]
    if outcome is not None:
        lines.append(Op(outcome, process, f, told, **more))  # type: ignore[arg-type]
    return lines


def propose(process: int, value: Any, told: Any, outcome: str | None = "ok", **more: Any) -> list[Op]:
    return call(process, "propose", value, told, outcome, **more)


def learn(process: int, told: Any, **more: Any) -> list[Op]:
    return call(process, "learn", None, told, **more)


def of(*calls: list[Op]) -> History:
    return History(op for lines in calls for op in lines)


GOOD = of(propose(0, 1, 1), propose(1, 2, 1), learn(2, 1), learn(2, None))
CHECKS = {"agreement": agreement, "integrity": integrity, "validity": validity, "termination": termination}


@pytest.mark.parametrize("name", [*CHECKS, "consensus"])
def test_a_right_decision(name: str) -> None:
    result = {**CHECKS, "consensus": consensus}[name].check(GOOD)
    assert (result.valid, result.expect, result.anomalies) == (True, name, ())


WRONG: dict[str, tuple[History, str, tuple[int, ...], set[str]]] = {
    "two decisions": (of(propose(0, 1, 1), propose(1, 2, 2)), "disagreement", (0, 2), {"agreement"}),
    "a changed mind": (
        of(propose(0, 1, 1, node="n1"), propose(1, 2, 2, node="n1")), "decided-twice", (0, 2),
        {"agreement", "integrity"},
    ),
    "a changed mind of whom nobody knows": (
        of(propose(0, 1, 1), propose(1, 2, None), learn(0, 2)), "decided-twice", (0, 4), {"agreement", "integrity"},
    ),
    "out of the blue": (of(propose(0, 1, 7)), "not-proposed", (0,), {"validity"}),
    "too early": (of(learn(1, 1), propose(0, 1, 1)), "not-proposed", (0, 2), {"validity"}),
    "failed, and decided": (of(propose(0, 1, None, "fail"), learn(1, 1)), "not-proposed", (2, 0), {"validity"}),
    "of another key": (of(propose(0, 1, None, key="x"), learn(1, 1, key="y")), "not-proposed", (2,), {"validity"}),
    "never": (
        of(propose(0, 1, None, "info"), propose(1, 2, None, "info"), propose(2, 3, None, "info")),
        "no-decision", (0, 2, 4), {"termination"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_decision(name: str) -> None:
    history, type_, operations, violated = WRONG[name]
    invalid = {each for each, module in CHECKS.items() if module.check(history).valid is False}
    assert invalid == violated
    result = consensus.check(history)
    assert result.valid is False
    (anomaly,) = [each for each in result.anomalies if each.type == type_]
    assert anomaly.operations == operations
    assert {each for each in CHECKS if result.details[each]["valid"] is False} == violated


def test_keys_are_decisions_of_their_own() -> None:
    history = of(propose(0, 1, 1, key="x"), propose(0, 2, 2, key="y"))
    assert consensus.check(history).valid is True


def fault(f: str) -> list[Op]:
    return [Op("info", NEMESIS, f), Op("info", NEMESIS, f)]


@pytest.mark.parametrize(
    ("history", "valid"),
    [
        (of(propose(0, 1, None, "info"), learn(1, 1)), "unknown"),  # it may have crashed
        (of(propose(0, 1, None, None)), "unknown"),  # it may have had to wait a little longer
        (of(propose(0, 1, None), learn(1, 1)), True),  # it left its proposal, and it was decided
        (of(propose(0, 1, None), learn(0, 1)), True),
        (of(propose(0, 1, None), learn(1, None)), "unknown"),
        (of(fault("start-kill"), propose(0, 1, None, "info"), fault("stop-kill"), propose(1, 2, 1)), True),
        (of(fault("start-kill"), propose(0, 1, None, "info"), fault("stop-kill")), "unknown"),
        (of(fault("start-kill"), *[propose(i, 1, None, "info") for i in range(9)]), "unknown"),
        (of(fault("start-kill"), fault("stop-kill"), *[propose(i, 1, None, "info") for i in range(3)]), False),
        (of(*[propose(i, 1, None, "info") for i in range(3)], propose(3, 1, 1)), "unknown"),
        (of(learn(0, None)), True),
    ],
)
def test_termination_is_judged_in_the_calm(history: History, valid: bool | str) -> None:
    result = termination.check(history)
    assert result.valid == valid
    assert (result.reason is Reason.NO_RECOVERY) == (valid == "unknown")


def test_what_it_has_no_word_for() -> None:
    for history in (of(call(0, "write", 1, 1)), of(propose(0, None, None))):
        assert consensus.check(history).reason is Reason.UNSUPPORTED


def test_past_the_time_limit_it_is_unknown() -> None:
    assert agreement.check(GOOD, time_limit_s=0.0).reason is Reason.TIMEOUT
