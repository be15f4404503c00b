"""The set checker on small histories whose verdicts can be seen at a glance, and on long ones."""

from __future__ import annotations

import json
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest

from checkers.set import check
from harness.history import Call, History, HistoryError, Op
from harness.result import Reason, Result
from tests.checkers.interleaving import Ask, end_of, interleaved

PARTITION = {"nodes": ["n3"], "shape": "isolate-leader"}


def add(element: Any, outcome: str = "ok", process: int = 0, key: Any = None) -> list[Op]:
    return [Op("invoke", process, "add", element, key=key), Op(outcome, process, "add", element, key=key)]  # type: ignore[arg-type]


def read(elements: Any, process: int = 9, key: Any = None) -> list[Op]:
    return [Op("invoke", process, "read", key=key), Op("ok", process, "read", elements, key=key)]


def fault(which: str, value: Any = None) -> list[Op]:
    return [Op("info", "nemesis", which), Op("info", "nemesis", which, value)]


def judge(*parts: Iterable[Op]) -> Result:
    """The lines get a time each: a tenth of a second per line."""
    lines = [op for part in parts for op in part]
    history = History(
        Op(op.type, op.process, op.f, op.value, time=i * 100_000_000, key=op.key) for i, op in enumerate(lines)
    )
    result = check(history)
    json.dumps(result.as_json())
    return result


def counts(result: Result) -> dict[str, int]:
    return {name: count for name, count in result.details.items() if isinstance(count, int) and count}


def test_all_acknowledged_elements_are_there() -> None:
    result = judge(add(1), add(2), read([2, 1]))
    assert result.valid is True
    assert counts(result) == {"attempts": 2, "acknowledged": 2, "reads": 1, "keys": 1}
    assert (result.expect, result.operations) == ("set", 3)


def test_a_lost_element() -> None:
    result = judge(add(1), add(2), add(3), read([1, 3]))
    assert result.valid is False
    (anomaly,) = result.anomalies
    assert (anomaly.type, anomaly.operations) == ("lost", (2, 3, 6, 7))
    assert anomaly.details["elements"] == [2]
    assert anomaly.details["acknowledged_s"] == [0.3]
    assert anomaly.explanation == (
        "1 element was acknowledged and is missing from the final read (op 7): "
        "1 under no fault, acknowledged at 0.30 s: 2 (op 3)."
    )
    assert result.details["lost_under"] == {"none": 1}


def test_losses_are_told_under_their_faults() -> None:
    pause = [read([1]), read([1]), read([1])]
    result = judge(
        add(1), fault("start-partition", PARTITION), add(2), add(3), fault("stop-partition"), add(4), *pause, add(5),
        fault("start-kill", {"nodes": ["n1"]}), fault("stop-kill"), *pause, add(6), read([1]),
    )  # fmt: skip
    assert result.details["lost_under"] == {"partition": 3, "kill": 1, "none": 1}
    explanation = result.anomalies[0].explanation
    assert "2 under partition (isolate-leader, n3), acknowledged at 0.50 s to 0.70 s: 2 (op 5), 3 (op 7)" in explanation
    assert "1 just after partition (isolate-leader, n3), acknowledged at 1.10 s: 4 (op 11)" in explanation
    assert "1 before kill (n1), acknowledged at 1.90 s: 5 (op 19)" in explanation
    assert "1 under no fault, acknowledged at 3.10 s: 6 (op 31)" in explanation


def test_what_nobody_knows_may_appear_or_not() -> None:
    result = judge(add(1), add(2, "info"), add(3, "info", 1), read([1, 3]))
    assert result.valid is True
    assert counts(result)["recovered"] == counts(result)["never_read"] == 1


def test_an_add_without_completion_is_unknown_too() -> None:
    result = judge(add(1), [Op("invoke", 5, "add", 2)], read([1, 2]))
    assert result.valid is True
    assert counts(result)["recovered"] == 1


@pytest.mark.parametrize("never", [add(7, "fail"), []])
def test_an_element_that_cannot_be_there_is_unexpected(never: list[Op]) -> None:
    result = judge(add(1), never, read([1, 7]))
    assert result.valid is False
    assert [(a.type, a.details["elements"]) for a in result.anomalies] == [("unexpected", [7])]
    assert "op 3" in result.anomalies[0].explanation or "op 5" in result.anomalies[0].explanation


def test_an_add_that_failed_before_explains_nothing() -> None:
    assert judge(add(1, "fail"), read([1]), add(1), read([1])).anomalies[0].type == "unexpected"


def test_an_element_read_before_its_add_is_unexpected() -> None:
    assert judge(read([1]), add(1), read([1])).anomalies[0].type == "unexpected"


def test_one_success_among_several_attempts_counts() -> None:
    result = judge(add(1, "fail"), add(1, "info"), add(1, "ok", 1), read([1]))
    assert result.valid is True
    assert counts(result) == {"attempts": 3, "acknowledged": 1, "reads": 1, "keys": 1}
    assert judge(add(1, "fail"), add(1), read([])).anomalies[0].type == "lost"


def test_an_element_twice_in_one_read() -> None:
    result = judge(add(1), read([1, 1]), read([1]))
    assert result.valid is False
    assert (result.anomalies[0].type, result.anomalies[0].operations) == ("duplicate", (0, 1, 2, 3))


def test_stale_reads_are_counted_and_allowed() -> None:
    result = judge(add(1), add(2), read([1]), read([]), read([1, 2]))
    assert result.valid is True
    assert counts(result)["stale"] == 2
    assert counts(judge(add(1), read([1]))) == {"attempts": 1, "acknowledged": 1, "reads": 1, "keys": 1}


def test_a_read_while_the_add_runs_is_not_stale() -> None:
    lines = [Op("invoke", 0, "add", 1), *read([]), Op("ok", 0, "add", 1), *read([1])]
    assert "stale" not in counts(judge(lines))


@pytest.mark.parametrize(
    "lines",
    [
        [],
        add(1),
        [*add(1), *read([1]), *add(2)],
        [Op("invoke", 0, "add", 1), *read([1]), Op("ok", 0, "add", 1)],
        [*add(1), Op("invoke", 9, "read"), Op("info", 9, "read")],
        [Op("invoke", 9, "read"), *add(1), Op("ok", 9, "read", [1])],
    ],
)
def test_without_a_final_read_nothing_is_known(lines: list[Op]) -> None:
    result = judge(lines)
    assert (result.valid, result.reason) == ("unknown", Reason.MISSING_FINAL_READ)


def test_an_unexpected_element_needs_no_final_read() -> None:
    assert judge(read([1]), add(2)).valid is False


def test_the_last_read_decides_and_one_that_overlaps_it_can_excuse() -> None:
    assert judge(add(1), read([1]), read([])).valid is False
    overlapping = [Op("invoke", 1, "read"), Op("invoke", 2, "read"), Op("ok", 1, "read", [1]), Op("ok", 2, "read", [])]
    assert judge(add(1), overlapping).valid is True
    assert judge(add(1), read([]), read([1])).valid is True


def test_null_is_the_empty_set() -> None:
    assert judge(add(1, "fail"), read(None)).valid is True
    assert judge(add(1), read(None)).valid is False


def test_keys_are_sets_of_their_own() -> None:
    result = judge(add(1, key="x"), add(1, key="y"), read([1], key="x"), read([], key="y"))
    assert [anomaly.details["key"] for anomaly in result.anomalies] == ["y"]
    assert result.anomalies[0].explanation.startswith('Key "y": ')
    missing = judge(add(1, key="x"), add(1, key="y"), read([1], key="x"))
    assert (missing.valid, missing.reason) == ("unknown", Reason.MISSING_FINAL_READ)
    assert '"y"' in (missing.explanation or "")


def test_elements_may_be_any_value() -> None:
    assert judge(add([1, {"a": 2}]), add(True), add(1), read([1, True, [1, {"a": 2}]])).valid is True
    assert judge(add(1), read([True])).valid is False


@pytest.mark.parametrize("strange", [[*read("abc")], [Op("invoke", 0, "pop"), Op("ok", 0, "pop", 1)], read({"a": 1})])
def test_what_it_does_not_know_is_unsupported(strange: list[Op]) -> None:
    result = judge(add(1), strange, read([1]))
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert "expected" in (result.explanation or "")


def test_lines_that_do_not_pair_up_are_no_history() -> None:
    with pytest.raises(HistoryError):
        check(History([Op("ok", 0, "add", 1)]))


def test_many_losses_are_counted_and_a_few_listed() -> None:
    result = judge(*(add(i) for i in range(1000)), read([]))
    (anomaly,) = result.anomalies
    assert (anomaly.details["count"], len(anomaly.operations), len(anomaly.details["elements"])) == (1000, 50, 24)
    assert "and 996 more" in anomaly.explanation
    assert len(anomaly.explanation) < 1000


def test_a_time_limit_is_kept() -> None:
    lines = [op for part in (add(1), *(read([1]) for _ in range(10))) for op in part]
    result = check(History(lines), time_limit_s=0.0)
    assert (result.valid, result.reason) == ("unknown", Reason.TIMEOUT)


def test_random_losses_are_found_exactly() -> None:
    """What a correct set would return, less what was removed from the final read: that is what must be reported."""
    for seed in range(200):
        random = Random(seed)
        outcomes = {element: random.choice(("ok", "ok", "fail", "info")) for element in range(random.randint(1, 30))}
        happened = [e for e, outcome in outcomes.items() if outcome == "ok" or (outcome == "info" and e % 2)]
        removed = {element for element in happened if random.random() < 0.1}
        left = [element for element in happened if element not in removed]
        random.shuffle(left)
        result = judge(*(add(e, outcome, process=e) for e, outcome in outcomes.items()), read(left, process=99))
        lost = sorted(element for element in removed if outcomes[element] == "ok")
        assert result.valid is (not lost)
        assert result.details["lost"] == len(lost)
        if lost:
            assert result.anomalies[0].details["elements"] == lost
        assert result.details["recovered"] == sum(outcomes[element] == "info" for element in left)


def by_definition(calls: list[Call]) -> dict[str, set[int]] | None:
    """Which elements are what, word by word as the definition says it; None without a final read."""
    adds = [call for call in calls if call.f == "add"]
    reads = [call for call in calls if call.f == "read" and call.outcome == "ok"]
    ends = [call.complete for call in adds if call.complete is not None]
    finals = [call for call in reads if all(call.invoke > end for end in ends)]
    found: dict[str, set[int]] = {"unexpected": set(), "duplicates": set()}
    for call in reads:
        for element in call.result:
            own = [add for add in adds if add.argument == element and add.outcome != "fail"]
            if not any(add.invoke < end_of(call) for add in own):
                found["unexpected"].add(element)
            if call.result.count(element) > 1:
                found["duplicates"].add(element)
    if not finals:
        return {**found, "final": set()} if any(found.values()) else None
    last = max(finals, key=end_of)
    beside = [call for call in finals if end_of(call) > last.invoke]
    kept = {element for call in beside for element in call.result}
    acknowledged = {add.argument for add in adds if add.outcome == "ok"}
    unknown = {add.argument for add in adds if add.outcome == "info"} - acknowledged
    found |= {"lost": acknowledged - kept, "recovered": unknown & kept, "never_read": unknown - kept}
    missed = {add.argument for add in adds if add.outcome == "ok" for call in reads
              if call.invoke > end_of(add) and add.argument not in call.result}  # fmt: skip
    return {**found, "stale": missed & kept}


def test_random_histories_against_the_definition() -> None:
    verdicts = {True: 0, False: 0, "unknown": 0}
    for seed in range(2000):
        random, here = Random(seed), set[int]()
        asked = [Ask("add", random.randrange(5)) if random.random() < 0.5 else Ask("read") for _ in range(8)]
        asked += [Ask("read")] * random.randrange(3)

        def answer(ask: Ask, random: Random = random, here: set[int] = here) -> Any:
            if ask.f == "add":
                here.add(ask.argument)
                return ask.argument
            flaw = {random.randrange(6)} if random.random() < 0.15 else set()
            return sorted(here ^ flaw) + (sorted(here)[:1] if random.random() < 0.02 else [])

        history = interleaved(random, asked, answer)
        result, expected = check(history), by_definition(history.calls())
        json.dumps(result.as_json())
        verdicts[result.valid] += 1
        if expected is None:
            assert result.valid == "unknown", f"seed {seed}: {list(history)}"
            continue
        wrong = any(expected.get(name) for name in ("lost", "unexpected", "duplicates"))
        assert result.valid is (not wrong), f"seed {seed}: {list(history)}"
        for name, elements in expected.items():
            if name != "final":
                assert result.details[name] == len(elements), f"seed {seed}: {name} of {list(history)}"
    assert min(verdicts.values()) > 100, verdicts
