"""The total-queue checker: what comes out, what may still be somewhere, and what is lost for certain; against every
way in which it may have gone."""

from __future__ import annotations

import json
from random import Random

import pytest

from checkers.total_queue import LOST, check
from harness.history import Call, History, Op
from harness.result import Reason, Result
from tests.checkers.interleaving import end_of, most_matched
from tests.checkers.test_queue import op, taken_by, traffic


def judge(*parts: list[Op]) -> Result:
    """A tenth of a second per line."""
    lines = [line for part in parts for line in part]
    history = (Op(o.type, o.process, o.f, o.value, i * 100_000_000, error=o.error, key=o.key)
               for i, o in enumerate(lines))  # fmt: skip
    result = check(History(history))
    json.dumps(result.as_json())
    return result


def test_all_that_went_in_came_out() -> None:
    result = judge(op("enqueue", 1), op("enqueue", 2), op("dequeue", 1), op("drain", [2]))
    assert (result.valid, result.expect) == (True, "total-queue")
    assert result.details["latencies_ms"] == {"0": 400.0, "0.5": 400.0, "0.95": 400.0, "0.99": 400.0, "1": 400.0}
    assert judge(op("enqueue", 1), op("dequeue", 1)).valid is True, "no drain could have shown more"


@pytest.mark.parametrize(
    "empty", [op("dequeue"), op("drain", []), op("drain"),
              [Op("invoke", 0, "dequeue"), Op("fail", 0, "dequeue", error="exhausted")]]
)  # fmt: skip
def test_what_is_missing_when_the_queue_is_empty_is_lost(empty: list[Op]) -> None:
    result = judge(op("enqueue", 1), op("enqueue", 2), op("dequeue", 2), empty)
    (anomaly,) = result.anomalies
    assert (result.valid, anomaly.type, anomaly.operations) == (False, LOST, (0, 1, 6, 7))
    assert anomaly.explanation == (
        "1 element was acknowledged and never came out, though process 0 found the queue empty in the end (op 7): "
        "1 (op 1)."
    )
    assert anomaly.details == {"key": None, "count": 1, "elements": [1], "lost_least": 1}


@pytest.mark.parametrize("end", [[], op("dequeue", None, "fail"), [Op("invoke", 0, "drain")]])
def test_without_a_final_drain_it_may_still_be_in_there(end: list[Op]) -> None:
    result = judge(op("enqueue", 1), op("dequeue"), op("enqueue", 2), end)
    assert (result.valid, result.reason) == ("unknown", Reason.MISSING_FINAL_READ)
    assert "2 elements were acknowledged and never came out" in (result.explanation or "")


def test_a_dequeue_without_an_answer_may_have_taken_it() -> None:
    crashed = op("dequeue", None, "info", 5)
    result = judge(op("enqueue", 1), op("enqueue", 2), crashed, op("drain", [2]))
    assert (result.valid, result.reason) == ("unknown", Reason.UNKNOWN_OUTCOME)
    assert "1 dequeue (op 4) that nobody got the answer of" in (result.explanation or "")
    late = judge(op("enqueue", 1), op("drain", []), op("dequeue", None, "info", 5))
    assert late.valid is False, "it was gone before that one asked"


def test_more_than_such_dequeues_can_have_taken_is_lost() -> None:
    result = judge(op("enqueue", 1), op("enqueue", 2), op("dequeue", None, "info", 5), op("drain", []))
    (anomaly,) = result.anomalies
    assert (result.valid, anomaly.operations) == (False, (0, 1, 2, 3, 6, 7, 4, 5))
    assert (result.details["missing"], result.details["lost"]) == (2, 1)
    assert anomaly.explanation.endswith("; 1 dequeue (op 4) that nobody got the answer of can have taken no more.")
    drained = judge(op("enqueue", 1), op("enqueue", 2), op("drain", None, "info", 5), op("drain", []))
    assert (drained.valid, drained.reason) == ("unknown", Reason.UNKNOWN_OUTCOME), "that drain took any number"


def test_recovered_duplicated_unexpected() -> None:
    result = judge(op("enqueue", 1, "info", 3), op("enqueue", 2), op("dequeue", 1), op("dequeue", 2), op("dequeue", 2))
    assert result.valid is True, "at least once is once"
    assert (result.details["recovered"], result.details["duplicates"]) == (1, 1)
    strange = judge(op("enqueue", 2), op("dequeue", 2), op("dequeue", 9))
    assert [anomaly.type for anomaly in strange.anomalies] == ["unexpected"]


def test_of_equal_elements_as_many_come_out_as_went_in() -> None:
    equal = [op("enqueue", 1), op("enqueue", 1), op("dequeue", 1)]
    assert judge(*equal, op("drain", [])).details["lost"] == 1
    assert judge(*equal, op("drain", [1])).valid is True
    unknown = judge(op("enqueue", 1, "info", 7), op("dequeue", 1), op("enqueue", 1), op("drain", []))
    assert unknown.valid is False, "what came out before it went in was the other one"


def test_where_nothing_was_acknowledged_nothing_had_to_come_out() -> None:
    result = judge(op("enqueue", 1, "info", 3), op("drain", []))
    assert (result.valid, result.reason) == ("unknown", Reason.TOO_FEW_OK)


def test_keys_are_queues_of_their_own() -> None:
    result = judge(op("enqueue", 1, key="x"), op("enqueue", 1, key="y"), op("drain", [1], key="x"),
                   op("drain", [], key="y"))  # fmt: skip
    assert [anomaly.details["key"] for anomaly in result.anomalies] == ["y"]


def test_many_are_counted_and_a_few_told() -> None:
    result = judge(*(op("enqueue", i) for i in range(1000)), op("drain", []))
    (anomaly,) = result.anomalies
    assert (anomaly.details["count"], len(anomaly.details["elements"]), len(anomaly.operations)) == (1000, 24, 50)
    assert "3 (op 7) and 996 more" in anomaly.explanation


def by_every_way(calls: list[Call]) -> bool | str:
    """Whether every acknowledged element came out; if not, whether it may be anywhere else: then "unknown"."""
    enqueues = [call for call in calls if call.f == "enqueue" and call.outcome != "fail"]
    owed = [call for call in enqueues if call.outcome == "ok"]
    taken = taken_by(calls)
    if any(all(call.argument != element or call.invoke > end for call in enqueues) for element, end in taken):
        return False
    came = [[i for i, (element, end) in enumerate(taken) if element == call.argument and call.invoke < end]
            for call in owed]  # fmt: skip
    if most_matched(came) == len(owed):
        return True if owed else "unknown"
    emptied = [call for call in calls if call.outcome == "ok" and call.invoke > max(map(end_of, owed))
               and (call.f == "drain" or (call.f == "dequeue" and call.result is None))]  # fmt: skip
    if not emptied:
        return "unknown"
    last = max(end_of(call) for call in emptied)
    gone = [call for call in calls if call.outcome == "info" and call.f != "enqueue" and call.invoke < last]
    places = [len(taken) + i for i, call in enumerate(gone) for _ in (range(99) if call.f == "drain" else range(1))]
    ways = [[*possible, *(place + 1000 * i for i, place in enumerate(places))] for possible in came]
    return "unknown" if most_matched(ways) == len(owed) else False


def test_random_histories_against_every_way_it_may_have_gone() -> None:
    verdicts = {True: 0, False: 0, "unknown": 0}
    for seed in range(2000):
        history = traffic(Random(seed), drained=0.9)
        expected, result = by_every_way(history.calls()), check(history)
        assert result.valid == expected, f"seed {seed}: {list(history)}"
        verdicts[result.valid] += 1
    assert min(verdicts.values()) > 200, verdicts
