"""Convergence: replicas that agree, that have diverged, and that may yet arrive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkers.convergence import ANOMALY, STABLE_MIN, check
from checkers.linearizable import check as check_linearizable
from checkers.set import check as check_set
from harness.history import DUMP, History, Op
from harness.result import Reason, Result

Told = Mapping[str, Any]  # node -> its state; None: no answer


def write(process: int = 0, kind: str = "ok") -> list[Op]:
    return [Op("invoke", process, "write", 1, key="x"), Op(kind, process, "write", 1, key="x")]  # type: ignore[arg-type]


def dumps(*rounds: Told, applied: Mapping[str, list[int]] | None = None) -> list[Op]:
    """Rounds of dumps, each of every node that is named."""
    ops = []
    for number, told in enumerate(rounds):
        for process, (node, state) in enumerate(told.items()):
            moved = 7 if applied is None else applied[node][number]
            ops.append(Op("invoke", process, DUMP, node=node))
            value = {"state": state, "applied": moved}
            ops.append(
                Op("fail" if state is None else "ok", process, DUMP, None if state is None else value, node=node)
            )
    return ops


def judged(*ops: Op) -> Result:
    return check(History(ops))


def test_replicas_that_hold_the_same_have_converged() -> None:
    result = judged(*write(), *dumps({"n1": {"x": [1, 2]}, "n2": {"x": [1, 2]}, "n3": None}))
    assert result.valid is True
    assert result.details["answered"] == ["n1", "n2"]
    assert result.details["unanswered"] == ["n3"]


def test_replicas_that_stay_different_have_diverged() -> None:
    told = {"n1": {"x": 3, "y": 0}, "n2": {"x": 3, "y": 0}, "n3": {"x": 4, "y": 0, "z": 1}}
    result = judged(*write(), *dumps(*[told] * STABLE_MIN))
    assert result.valid is False
    (anomaly,) = result.anomalies
    assert anomaly.type == ANOMALY
    assert "under key x n1, n2 hold 3, n3 holds 4; under key z n1, n2 hold nothing, n3 holds 1." in anomaly.explanation
    assert anomaly.details["groups"] == [["n1", "n2"], ["n3"]]
    assert anomaly.details["keys"] == ["x", "z"]
    assert [History([*write(), *dumps(*[told] * STABLE_MIN)])[i].node for i in anomaly.operations] == [
        "n1", "n1", "n2", "n2", "n3", "n3"
    ]  # fmt: skip


def test_lists_are_told_by_what_only_one_of_them_has() -> None:
    told = {"n1": {"s": [*range(100)]}, "n2": {"s": [*range(98), 200]}}
    (anomaly,) = judged(*dumps(*[told] * STABLE_MIN)).anomalies
    assert "under key s n1 holds 100 elements, n2 lacks 98, 99 and has 200 besides." in anomaly.explanation
    order = {"n1": {"s": [1, 2]}, "n2": {"s": [2, 1]}}
    (anomaly,) = judged(*dumps(*[order] * STABLE_MIN)).anomalies
    assert "n1 holds 2 elements, n2 has 2 as element 0, where the others have 1." in anomaly.explanation
    three = {"n10": {"s": [1]}, "n9": {"s": [1]}, "n2": {"s": [1, 1]}, "n1": {"s": []}}
    (anomaly,) = judged(*dumps(*[three] * STABLE_MIN)).anomalies
    assert "under key s n9, n10 hold 1 element, n1 lacks 1, n2 holds 2 elements." in anomaly.explanation


def test_what_still_moves_has_not_diverged() -> None:
    rounds = [{"n1": {"x": 3}, "n2": {"x": value}} for value in (0, 1, 2)]
    result = judged(*write(), *dumps(*rounds))
    assert (result.valid, result.reason) == ("unknown", Reason.MISSING_FINAL_READ)
    assert "n2 did not say the same" in str(result.explanation)
    same = [{"n1": {"x": 3}, "n2": {"x": 1}}] * 3
    assert judged(*dumps(*same, applied={"n1": [5, 5, 5], "n2": [1, 2, 3]})).valid == "unknown", "applied grows"
    assert judged(*dumps(*same, applied={"n1": [5, 5, 5], "n2": [1, 1, 1]})).valid is False
    arrived = [*same, {"n1": {"x": 3}, "n2": {"x": 3}}]
    assert judged(*dumps(*arrived)).valid is True, "in the end they agree"


def test_two_who_settled_on_different_things_need_no_third() -> None:
    rounds = [{"n1": {"x": 3}, "n2": {"x": 4}, "n3": None}] * 2 + [{"n1": {"x": 3}, "n2": {"x": 4}, "n3": {"x": 5}}]
    result = judged(*dumps(*rounds))
    assert result.valid is False
    assert result.anomalies[0].details["groups"] == [["n1"], ["n2"]], "n3 was seen once only"
    assert judged(*dumps(*rounds[:2])).valid == "unknown", "nobody was asked often enough"


@pytest.mark.parametrize("told", [{"n1": {"x": 1}}, {"n1": {"x": 1}, "n2": None}, {"n1": None, "n2": None}])
def test_fewer_than_two_answers_say_nothing(told: Told) -> None:
    result = judged(*write(), *dumps(told))
    assert (result.valid, result.reason) == ("unknown", Reason.MISSING_FINAL_READ)


def test_only_what_is_asked_in_the_quiet_counts() -> None:
    early = dumps(*[{"n1": {"x": 1}, "n2": {"x": 0}}] * 3)
    assert judged(*early).valid is False
    assert judged(*early, *write()).valid == "unknown"
    assert judged(*early, *write(kind="fail")).valid is False, "what certainly did not happen disturbs nothing"
    assert judged(*early, Op("invoke", 0, "read"), Op("ok", 0, "read", 1)).valid is False, "nor does a read"
    assert judged(Op("invoke", 9, "write", 1), *early, Op("info", 9, "write", 1)).valid == "unknown", "it still ran"
    assert judged(Op("invoke", 9, "write", 1), Op("info", 9, "write", 1), *early).valid is False
    assert judged(*early, *write(), *dumps({"n1": {"x": 1}, "n2": {"x": 1}})).valid is True


def test_true_is_not_one_and_fields_have_no_order() -> None:
    assert judged(*dumps(*[{"n1": {"x": True}, "n2": {"x": 1}}] * 3)).valid is False
    assert judged(*dumps({"n1": {"x": 1, "y": {"a": 1, "b": 2}}, "n2": {"y": {"b": 2, "a": 1}, "x": 1}})).valid is True


@pytest.mark.parametrize("value", [None, 3, [], {"applied": 1}, {"state": [1]}])
def test_what_is_no_dump_is_unsupported(value: object) -> None:
    ops = [Op("invoke", 0, DUMP, node="n1"), Op("ok", 0, DUMP, value, node="n1")]
    assert judged(*ops).reason is Reason.UNSUPPORTED
    assert judged(Op("invoke", 0, DUMP), Op("ok", 0, DUMP, {"state": {}})).reason is Reason.UNSUPPORTED


def test_hostile_states_are_told_within_bounds() -> None:
    deep: Any = 0
    for _ in range(5000):
        deep = [deep]
    told = {f"n{i}": {f"key {j}": [i, j, "x" * 500] for j in range(200)} for i in range(30)} | {"deep": {"x": deep}}
    result = judged(*dumps(*[told] * 3))
    assert result.valid is False
    assert len(result.anomalies[0].explanation) < 10_000


def test_checkers_of_objects_pass_dumps_over() -> None:
    told = dumps(*[{"n1": {"x": 1}, "n2": {"x": 0}}] * 3)
    register = check_linearizable(History([*write(), *told]))
    assert (register.valid, register.details["keys"]) == (True, 1)
    adds = [Op("invoke", 0, "add", 1), Op("ok", 0, "add", 1), Op("invoke", 0, "read"), Op("ok", 0, "read", [1])]
    assert check_set(History([*adds, *told])).valid is True


@given(st.lists(st.lists(st.tuples(st.sampled_from(["n1", "n2", "n3"]), st.none() | st.integers(0, 1)), max_size=4),
                max_size=6))  # fmt: skip
def test_the_verdict_is_what_the_definition_says(rounds: list[list[tuple[str, int | None]]]) -> None:
    assert judged(*asked(rounds)).valid == by_definition(rounds)


def test_so_it_is_of_many_more() -> None:
    verdicts: Counter[object] = Counter()
    for seed in range(2000):
        random = Random(seed)
        usual = {node: random.choice([0, 0, 0, 1, None]) for node in ("n1", "n2", "n3")}
        rounds = [
            [(node, value if random.random() < 0.9 else 1) for node, value in usual.items() if random.random() < 0.9]
            for _ in range(random.randrange(7))
        ]
        verdict = judged(*asked(rounds)).valid
        assert verdict == by_definition(rounds), f"seed {seed}: {rounds}"
        verdicts[verdict] += 1
    assert min(verdicts[True], verdicts[False], verdicts["unknown"]) > 200, verdicts


def asked(rounds: list[list[tuple[str, int | None]]]) -> list[Op]:
    return dumps(*({node: None if v is None else {"x": v} for node, v in dict(told).items()} for told in rounds))


def by_definition(rounds: list[list[tuple[str, int | None]]]) -> object:
    said: dict[str, list[int]] = {}
    for told in rounds:
        for node, value in dict(told).items():
            said.setdefault(node, []).extend([] if value is None else [value])
    last = {values[-1] for values in said.values() if values}
    answered = [values for values in said.values() if values]
    stable = {values[-1] for values in answered if len(values) >= 3 and len(set(values[-3:])) == 1}
    moving = any(len(set(values[-3:])) > 1 for values in answered)
    if len(answered) >= 2 and len(last) == 1:
        return True
    return False if len(answered) >= 2 and not moving and len(stable) > 1 else "unknown"
