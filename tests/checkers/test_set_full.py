"""The set-full checker: lost, stable, stale, never-read and recovered elements, and every one of them against the
definition."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from checkers.set_full import LOST, STALE, check
from checkers.set_full import linearizable as linearizable_set
from harness.history import Call, History, HistoryError, Op
from harness.result import Reason, Result
from tests.checkers.interleaving import Ask, end_of, interleaved


def add(element: Any, outcome: str = "ok", process: int = 0, key: Any = None) -> list[Op]:
    return [Op("invoke", process, "add", element, key=key), Op(outcome, process, "add", element, key=key)]  # type: ignore[arg-type]


def read(elements: Any, process: int = 9, key: Any = None) -> list[Op]:
    return [Op("invoke", process, "read", key=key), Op("ok", process, "read", elements, key=key)]


def timed(*parts: list[Op]) -> History:
    """A hundredth of a second per line."""
    lines = [op for part in parts for op in part]
    return History(Op(op.type, op.process, op.f, op.value, i * 10_000_000, key=op.key) for i, op in enumerate(lines))


def judge(*parts: list[Op]) -> Result:
    result = check(timed(*parts))
    json.dumps(result.as_json())
    return result


def strict(*parts: list[Op]) -> Result:
    return linearizable_set.check(timed(*parts))


def counts(result: Result) -> dict[str, int]:
    return {name: count for name, count in result.details.items() if type(count) is int and count}


def test_what_is_seen_from_then_on_is_stable() -> None:
    result = judge(add(1), read([1]), add(2), read([1, 2]))
    assert (result.valid, result.expect, result.details["final_read"]) == (True, "set-full", True)
    assert counts(result) == {"attempts": 2, "acknowledged": 2, "stable": 2, "reads": 2, "keys": 1}
    assert result.details["stable_latencies_ms"] == {"0": 0.0, "0.5": 0.0, "0.95": 0.0, "0.99": 0.0, "1": 0.0}


def test_what_was_there_and_is_not_is_lost() -> None:
    result = judge(add(1), add(2), read([1, 2]), read([1]))
    (anomaly,) = result.anomalies
    assert (result.valid, anomaly.type, anomaly.operations) == (False, LOST, (2, 3, 4, 5, 6, 7))
    assert anomaly.explanation == (
        "1 element is lost: 2 was acknowledged (op 3), last read by process 9 (op 5), and missing from process 9's "
        "read (op 7), which began after that."
    )
    assert result.details["lost_latencies_ms"]["1"] == 20.0


def test_what_was_acknowledged_and_never_seen_is_lost() -> None:
    result = judge(add(1), read([]))
    assert result.valid is False
    assert "1 was acknowledged (op 1), and missing from" in result.anomalies[0].explanation
    assert result.details["lost_latencies_ms"]["1"] == 0.0


def test_what_was_seen_though_nobody_acknowledged_it_is_lost_too() -> None:
    result = judge(add(1, "info"), read([1]), read([]))
    assert [anomaly.type for anomaly in result.anomalies] == [LOST]
    assert "1 was read by process 9 (op 3), and missing from" in result.anomalies[0].explanation
    assert result.anomalies[0].operations == (2, 3, 4, 5)


def test_what_was_missed_and_came_back_is_stale() -> None:
    parts = (add(1), add(2), read([2]), read([2], 8), read([1, 2]))
    result = judge(*parts)
    assert (result.valid, result.details["stale"]) == (True, 1)
    assert result.details["worst_stale"] == [{"key": None, "element": 1, "stale_ms": 50.0, "known": 1, "missed_by": 6}]
    assert result.details["stable_latencies_ms"]["1"] == 50.0
    (anomaly,) = strict(*parts).anomalies
    assert (anomaly.type, anomaly.operations) == (STALE, (0, 1, 8, 9, 6, 7))
    assert anomaly.explanation == (
        "1 element is stale: 1 was acknowledged (op 1), missing from process 8's read (op 7), which began after that, "
        "and read by process 9 (op 9)."
    )


def test_a_read_beside_the_last_one_to_see_it_is_no_loss() -> None:
    beside = [Op("invoke", 1, "read"), Op("invoke", 2, "read"), Op("ok", 1, "read", []), Op("ok", 2, "read", [1])]
    assert judge(add(1), beside).valid is True
    other = [Op("invoke", 2, "read"), Op("invoke", 1, "read"), Op("ok", 1, "read", []), Op("ok", 2, "read", [1])]
    assert judge(add(1), other).valid is True
    assert strict(add(1), beside).valid is False


def test_a_read_beside_the_add_may_miss_it() -> None:
    lines = [Op("invoke", 0, "add", 1), Op("invoke", 1, "read"), Op("ok", 0, "add", 1), Op("ok", 1, "read", []),
             *read([1])]  # fmt: skip
    assert strict(lines).valid is True
    assert "stale" not in counts(judge(lines))


def test_recovered_and_never_read() -> None:
    result = judge(add(1, "info"), add(2, "info", 1), add(3, "fail", 2), add(4), read([1, 4]), add(5))
    assert result.valid is True
    assert (result.details["recovered"], result.details["never_read"], result.details["unread"]) == (1, 2, 1)
    assert result.details["final_read"] is False
    assert "of 1 acknowledged element nothing is said" in (result.explanation or "")


@pytest.mark.parametrize("parts", [[], [add(1)], [add(1, "info"), read([])], [read([])], [read([]), add(1)]])
def test_where_nothing_was_seen_nothing_is_known(parts: list[list[Op]]) -> None:
    result = judge(*parts)
    assert (result.valid, result.reason) == ("unknown", Reason.MISSING_FINAL_READ)


def test_each_key_must_have_been_looked_at() -> None:
    result = judge(add(1, key="x"), add(1, key="y"), read([1], key="x"))
    assert (result.valid, result.reason) == ("unknown", Reason.MISSING_FINAL_READ)
    assert 'of key "y"' in (result.explanation or "")
    assert judge(add(1, key="x"), read([1], key="x"), read([], key="y")).valid is True


def test_unexpected_and_duplicate() -> None:
    result = judge(add(1), read([1, 7, 1]), add(8, "fail"), read([1, 8]))
    assert [(a.type, a.details["elements"]) for a in result.anomalies] == [("unexpected", [7, 8]), ("duplicate", [1])]
    assert judge(read([1]), add(1), read([1])).anomalies[0].type == "unexpected"


def test_elements_may_be_any_value() -> None:
    assert judge(add([1, {"a": 2}]), add(True), add(1), read([1, True, [1, {"a": 2}]])).valid is True
    assert judge(add(1), read([True])).valid is False


@pytest.mark.parametrize("strange", [read("abc"), [Op("invoke", 0, "pop"), Op("ok", 0, "pop", 1)], read({"a": 1})])
def test_what_it_does_not_know_is_unsupported(strange: list[Op]) -> None:
    assert judge(add(1), strange, read([1])).reason is Reason.UNSUPPORTED


def test_lines_that_do_not_pair_up_are_no_history() -> None:
    with pytest.raises(HistoryError):
        check(History([Op("ok", 0, "add", 1)]))


def test_a_time_limit_is_kept() -> None:
    result = check(timed(add(1), *(read([1]) for _ in range(10))), time_limit_s=0.0)
    assert (result.valid, result.reason) == ("unknown", Reason.TIMEOUT)


def test_many_are_counted_and_a_few_told() -> None:
    result = judge(*(add(i) for i in range(1000)), read([]))
    (anomaly,) = result.anomalies
    assert (anomaly.details["count"], len(anomaly.details["elements"])) == (1000, 24)
    assert "; and 996 more" in anomaly.explanation
    assert len(anomaly.operations) < 100
    assert len(anomaly.explanation) < 1000


def test_times_that_are_not_known_make_no_latencies() -> None:
    result = check(History([*add(1), *read([]), *read([1])]))
    assert (result.valid, result.details["stale"], result.details["stable_latencies_ms"]) == (True, 1, {})


def what_became_of(element: Any, calls: list[Call]) -> tuple[str | None, bool]:
    """The outcome of one element, and whether it is stale, word by word as the definition says it."""
    adds = [call for call in calls if call.f == "add" and call.argument == element and call.outcome != "fail"]
    reads = [call for call in calls if call.f == "read" and call.outcome == "ok"]
    having = [call for call in reads if element in call.result]
    seen_ends = [end_of(call) for call in adds if call.outcome == "ok"]
    seen_ends += [end_of(call) for call in having if any(add.invoke < end_of(call) for add in adds)]
    if not adds:
        return None, False
    missing = [call for call in reads if element not in call.result and seen_ends and call.invoke > min(seen_ends)]
    if any(all(end_of(other) < call.invoke for other in having) for call in missing):
        return "lost", False
    if having and seen_ends:
        return "stable", bool(missing)
    return (None if having else "never_read"), False


def test_random_histories_against_the_definition() -> None:
    verdicts = {True: 0, False: 0, "unknown": 0}
    for seed in range(2000):
        random = Random(seed)
        here: set[int] = set()
        asked = [Ask("add", random.randrange(5)) if random.random() < 0.5 else Ask("read") for _ in range(10)]

        def answer(ask: Ask, random: Random = random, here: set[int] = here) -> Any:
            if ask.f == "add":
                here.add(ask.argument)
                return ask.argument
            flaw = {random.randrange(6)} if random.random() < 0.2 else set()
            return sorted(here ^ flaw) + (sorted(here)[:1] if random.random() < 0.02 else [])

        history = interleaved(random, asked, answer)
        calls, result, found = history.calls(), check(history), dict.fromkeys(("lost", "stable", "never_read"), 0)
        stale = 0
        for element in range(6):
            outcome, is_stale = what_became_of(element, calls)
            stale += is_stale
            if outcome is not None:
                found[outcome] += 1
        reads = [call for call in calls if call.f == "read" and call.outcome == "ok"]
        twice = any(len(set(call.result)) < len(call.result) for call in reads)
        adds = [call for call in calls if call.f == "add" and call.outcome != "fail"]
        strange = any(
            not any(add.argument == element and add.invoke < end_of(call) for add in adds)
            for call in reads
            for element in call.result
        )
        wrong = bool(found["lost"]) or twice or strange
        assert {name: result.details[name] for name in found} == found, f"seed {seed}: {list(history)}"
        assert result.details["stale"] == stale, f"seed {seed}"
        assert result.valid is (False if wrong else True if found["stable"] else result.valid), f"seed {seed}"
        assert (result.valid == "unknown") == (not wrong and not found["stable"]), f"seed {seed}"
        assert (linearizable_set.check(history).valid is False) == (wrong or bool(stale)), f"seed {seed}"
        verdicts[result.valid] += 1
    assert min(verdicts.values()) > 30, verdicts
