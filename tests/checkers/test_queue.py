"""The queue checker: whatever comes out was put in, once for each time; against a matching found by search."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from checkers.queue import check
from checkers.queue_traffic import DUPLICATE, UNEXPECTED
from harness.history import Call, History, HistoryError, Op
from harness.result import Reason, Result
from tests.checkers.interleaving import Ask, end_of, interleaved, most_matched


def op(f: str, value: Any = None, outcome: str = "ok", process: int = 0, key: Any = None) -> list[Op]:
    """An enqueue's value is its argument, another operation's its result."""
    argument = value if f in ("enqueue", "enq", "offer") else None
    ops = [Op("invoke", process, f, argument, key=key)]
    return [*ops, Op(outcome, process, f, value, key=key)]  # type: ignore[arg-type]


def judge(*parts: list[Op]) -> Result:
    result = check(History(line for part in parts for line in part))
    json.dumps(result.as_json())
    return result


def types(result: Result) -> list[str]:
    return [anomaly.type for anomaly in result.anomalies]


def test_what_went_in_may_come_out_in_any_order_or_not_at_all() -> None:
    result = judge(op("enqueue", 1), op("enq", 2), op("offer", 3), op("dequeue", 2), op("poll", 1), op("deq"))
    assert (result.valid, result.expect, result.operations) == (True, "queue", 6)
    assert result.details == {"attempts": 3, "dequeued": 2, "unexpected": 0, "duplicates": 0, "keys": 1}


def test_what_nobody_put_in_is_unexpected() -> None:
    (anomaly,) = judge(op("enqueue", 1), op("dequeue", 7)).anomalies
    assert (anomaly.type, anomaly.operations) == (UNEXPECTED, (2, 3))
    assert anomaly.explanation == "process 0 took 7 out (op 3), which nobody ever put in."


def test_an_enqueue_that_failed_put_nothing_in() -> None:
    (anomaly,) = judge(op("enqueue", 1, "fail"), op("dequeue", 1)).anomalies
    assert (anomaly.type, anomaly.operations) == (UNEXPECTED, (0, 1, 2, 3))
    assert "though every enqueue of it failed (op 1)" in anomaly.explanation


def test_an_enqueue_of_unknown_outcome_may_have_happened_and_once() -> None:
    unknown = [Op("invoke", 5, "enqueue", 1)]
    assert judge(unknown, op("dequeue", 1)).valid is True
    assert judge(op("enqueue", 1, "info", 3), op("dequeue", 1)).valid is True
    (anomaly,) = judge(unknown, op("dequeue", 1), op("dequeue", 1, process=2)).anomalies
    assert (anomaly.type, anomaly.operations) == (DUPLICATE, (0, 1, 2, 3, 4))
    assert anomaly.explanation == (
        "process 2 took 1 out (op 4), which had been taken out before (op 2) and can have been put in once only."
    )


def test_it_comes_out_no_sooner_than_it_is_put_in() -> None:
    assert types(judge(op("dequeue", 1), op("enqueue", 1))) == [UNEXPECTED]
    beside = [Op("invoke", 1, "dequeue"), Op("invoke", 0, "enqueue", 1), Op("ok", 1, "dequeue", 1)]
    assert judge(beside).valid is True
    late = judge(op("enqueue", 1), op("dequeue", 1), op("dequeue", 1), op("enqueue", 1), op("dequeue", 1))
    assert (types(late), late.details["duplicates"]) == ([DUPLICATE], 1)


def test_a_drain_takes_what_it_returns() -> None:
    assert judge(op("enqueue", 1), op("enqueue", 2), op("drain", [2, 1])).valid is True
    assert types(judge(op("enqueue", 1), op("drain", [1, 1]))) == [DUPLICATE]
    assert types(judge(op("enqueue", 1), op("drain", [1, 2]))) == [UNEXPECTED]
    assert judge(op("enqueue", 1), op("dequeue", 1), op("drain", None)).valid is True


def test_keys_are_queues_of_their_own() -> None:
    result = judge(op("enqueue", 1, key="x"), op("dequeue", 1, key="y"))
    assert types(result) == [UNEXPECTED]
    assert result.anomalies[0].explanation.startswith('Key "y": ')


def test_elements_may_be_any_value() -> None:
    assert judge(op("enqueue", {"a": [1]}), op("dequeue", {"a": [1]})).valid is True
    assert types(judge(op("enqueue", 1), op("dequeue", True))) == [UNEXPECTED]


@pytest.mark.parametrize("parts", [[], [op("enqueue", 1)], [op("enqueue", 1), op("dequeue", None)],
                                   [op("enqueue", 1), op("dequeue", 1, "info")]])  # fmt: skip
def test_where_nothing_came_out_nothing_is_known(parts: list[list[Op]]) -> None:
    result = judge(*parts)
    assert (result.valid, result.reason) == ("unknown", Reason.TOO_FEW_OK)


@pytest.mark.parametrize("strange", [op("enqueue", None), op("push", 1), op("drain", 7), op("drain", [None])])
def test_what_it_does_not_know_is_unsupported(strange: list[Op]) -> None:
    result = judge(op("enqueue", 1), op("dequeue", 1), strange)
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert "expected" in (result.explanation or "")


def test_lines_that_do_not_pair_up_are_no_history() -> None:
    with pytest.raises(HistoryError):
        check(History([Op("ok", 0, "enqueue", 1)]))


def test_many_are_counted_and_a_few_told() -> None:
    result = judge(*(op("dequeue", i) for i in range(1000)))
    (anomaly,) = result.anomalies
    assert (anomaly.details["count"], len(anomaly.details["elements"])) == (1000, 24)
    assert anomaly.explanation.endswith("; and 996 more.")
    again = judge(*(op("enqueue", 1) for _ in range(2)), *(op("dequeue", 1) for _ in range(1000)))
    assert len(again.anomalies[0].operations) < 100


def traffic(random: Random, *, drained: float = 0.5) -> History:
    """A few elements in and out of a queue that now and then loses one, repeats one, or makes one up."""
    inside: list[int] = []
    asked = [Ask("enqueue", random.randrange(4)) if random.random() < 0.5 else Ask("dequeue") for _ in range(8)]
    asked += [Ask("drain") if random.random() < 0.7 else Ask("dequeue")] * (random.random() < drained)

    def answer(ask: Ask) -> Any:
        flaw = random.random()
        if ask.f == "enqueue":
            inside.extend([ask.argument] * (0 if flaw < 0.1 else 1))
            return ask.argument
        if ask.f == "drain":
            left = list(inside)
            inside.clear()
            return left
        if not inside or flaw < 0.05:
            return random.randrange(5) if flaw < 0.1 else None
        taken = random.choice(inside)
        if flaw < 0.9:
            inside.remove(taken)
        return taken

    return interleaved(random, asked, answer)


def taken_by(calls: list[Call]) -> list[tuple[int, int]]:
    """Every element that came out, with where its dequeue or drain ended."""
    out = []
    for call in calls:
        if call.outcome == "ok" and call.f == "dequeue" and call.result is not None:
            out.append((call.result, end_of(call)))
        elif call.outcome == "ok" and call.f == "drain":
            out += [(element, end_of(call)) for element in call.result]
    return out


def test_random_histories_against_a_matching() -> None:
    seen = {UNEXPECTED: 0, DUPLICATE: 0, "valid": 0}
    for seed in range(2000):
        history = traffic(Random(seed))
        calls = history.calls()
        enqueues = [call for call in calls if call.f == "enqueue" and call.outcome != "fail"]
        wanting = [
            [i for i, call in enumerate(enqueues) if call.argument == element and call.invoke < end]
            for element, end in taken_by(calls)
        ]
        unexpected = sum(not possible for possible in wanting)
        duplicates = len(wanting) - most_matched(wanting) - unexpected
        result = check(history)
        found = (result.details["unexpected"], result.details["duplicates"])
        assert found == (unexpected, duplicates), f"seed {seed}: {list(history)}"
        assert result.valid == (False if unexpected + duplicates else bool(wanting) or "unknown"), f"seed {seed}"
        seen = {UNEXPECTED: seen[UNEXPECTED] + bool(unexpected), DUPLICATE: seen[DUPLICATE] + bool(duplicates),
                "valid": seen["valid"] + (result.valid is True)}  # fmt: skip
    assert min(seen.values()) > 100, seen
