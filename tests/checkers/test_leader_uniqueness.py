"""Leader uniqueness in recorded histories: what clients were told, epoch by epoch."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from checkers.leader_uniqueness import check
from checkers.leadership import ANOMALY
from harness.history import History, HistoryError, Op
from harness.result import Reason, Result
from tests.checkers.interleaving import Ask, end_of, interleaved


def told(value: Any, f: str = "inspect", outcome: str = "ok", process: int = 0, **more: Any) -> list[Op]:
    return [Op("invoke", process, f, **more), Op(outcome, process, f, value, **more)]  # type: ignore[arg-type]


def judge(*parts: list[Op]) -> Result:
    result = check(History(line for part in parts for line in part))
    json.dumps(result.as_json())
    return result


def test_one_leader_an_epoch_is_right() -> None:
    result = judge(told(["n1", 1]), told(["n2", 2]), told({"leader": "n1", "term": 3}), told(["n1", 1], process=4))
    assert (result.valid, result.expect, result.operations) == (True, "leader-uniqueness", 4)
    assert result.details == {"claims": 4, "epochs": 3, "shared_epochs": 0}


def test_two_leaders_of_an_epoch_are_told() -> None:
    result = judge(told(["n1", 4]), told(["n2", 5]), told({"leader": "n3", "epoch": 4}, "leader", process=7))
    (anomaly,) = result.anomalies
    assert (result.valid, anomaly.type, anomaly.operations) == (False, ANOMALY, (0, 1, 4, 5))
    assert anomaly.explanation == (
        'epoch 4 had 2 leaders: "n1" (told to process 0, op 1), "n3" (told to process 7, op 5).'
    )
    assert anomaly.details == {"key": None, "epoch": 4, "leaders": ["n1", "n3"]}


def test_who_answers_is_the_leader_where_none_is_named() -> None:
    result = judge(told({"term": 2}, "elect", node="n1"), told({"term": 2}, "lead", node="n2"))
    assert result.anomalies[0].details["leaders"] == ["n1", "n2"]


def test_what_failed_or_nobody_knows_tells_nothing() -> None:
    others = [told(["n2", 1], outcome=outcome, process=i) for i, outcome in enumerate(("fail", "info"))]
    assert judge(told(["n1", 1], process=5), *others, told([None, 1], process=6)).valid is True
    assert judge(told(["n1", 1]), told(7, "read", process=3)).valid is True, "other operations are passed over"


def test_keys_have_epochs_of_their_own() -> None:
    assert judge(told(["n1", 1], key="p0"), told(["n2", 1], key="p1")).valid is True
    (anomaly,) = judge(told(["n1", 1], key="p0"), told(["n2", 1], key="p0")).anomalies
    assert anomaly.explanation.startswith('Key "p0": epoch 1 had')


def test_where_nobody_was_told_nothing_is_known() -> None:
    for parts in ((), (told(None),), (told([None, 0]),), (told(1, "read"),)):
        result = judge(*parts)
        assert (result.valid, result.reason) == ("unknown", Reason.TOO_FEW_OK)


@pytest.mark.parametrize("strange", [7, "n1", ["n1"], {"leader": "n1"}])
def test_what_it_does_not_know_is_unsupported(strange: Any) -> None:
    result = judge(told(["n1", 1]), told(strange))
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert "expected" in (result.explanation or "")


def test_lines_that_do_not_pair_up_are_no_history() -> None:
    with pytest.raises(HistoryError):
        check(History([Op("ok", 0, "inspect", ["n1", 1])]))


def test_many_epochs_are_counted_and_some_told() -> None:
    result = judge(*(told([f"n{i}" + "x" * 1000, epoch]) for epoch in range(100) for i in range(50)))
    assert result.details["shared_epochs"] == 100
    assert len(result.anomalies) < 20
    assert len(result.anomalies[0].explanation) < 2000


def test_random_histories_against_every_pair() -> None:
    verdicts = {True: 0, False: 0, "unknown": 0}
    for seed in range(2000):
        random = Random(seed)

        def answer(ask: Ask, random: Random = random) -> Any:
            epoch = random.randrange(5)
            wrong = random.random() < 0.25
            return [None if random.random() < 0.2 else f"n{epoch % 3 + wrong}", epoch]

        whole = interleaved(random, [Ask("inspect")] * random.randrange(9), answer, weights=(3, 1, 1, 0.5))
        told = [call.result for call in whole.calls() if call.outcome == "ok" and end_of(call) and call.result[0]]
        shared = any(a[1] == b[1] and a[0] != b[0] for a in told for b in told)
        result = check(whole)
        assert result.valid == (False if shared else True if told else "unknown"), f"seed {seed}: {list(whole)}"
        verdicts[result.valid] += 1
    assert min(verdicts.values()) > 50, verdicts
