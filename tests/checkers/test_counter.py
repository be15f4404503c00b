"""The counter checker: bounds, sums in between, and random histories against every order there is."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from random import Random

import pytest

from checkers.counter import HIGH, IMPOSSIBLE, LOW, READS_TOLD_MAX, check, sums
from harness.history import Call, History, Op
from harness.result import Reason, Result

CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"


def history(*lines: str) -> History:
    """Lines such as "0 inc 5", "0 ok", "1 read", "1 ok 5": invocations name the operation, completions do not."""
    ops: list[Op] = []
    running: dict[int, Op] = {}
    for line in lines:
        process, word, *rest = line.split()
        value = json.loads(rest[0]) if rest else None
        if word in ("ok", "fail", "info"):
            begun = running.pop(int(process))
            result = value if begun.f == "read" else begun.value
            ops.append(Op(word, int(process), begun.f, result, key=begun.key))  # type: ignore[arg-type]
        else:
            key = rest[1] if len(rest) > 1 else None
            ops.append(Op("invoke", int(process), word, value, key=key))
            running[int(process)] = ops[-1]
    return History(ops)


def types(result: Result) -> list[str]:
    return [anomaly.type for anomaly in result.anomalies]


def test_sums_that_were_there_are_valid() -> None:
    result = check(
        history("0 inc 5", "0 ok", "1 read", "1 ok 5", "0 inc 2", "1 read", "0 ok", "1 ok 5", "1 read", "1 ok 7")
    )
    assert result.valid is True, result
    assert result.details["reads"] == 3
    assert result.details["wrong_reads"] == 0


def test_a_lost_increment_is_low_and_the_operations_are_the_reads() -> None:
    result = check(history("0 inc 5", "0 ok", "0 inc 4", "0 ok", "1 read", "1 ok 5"))
    assert result.valid is False
    (anomaly,) = result.anomalies
    assert (anomaly.type, anomaly.operations) == (LOW, (4, 5))
    assert "process 1 read 5 (op 5), though there were 2 increments acknowledged" in anomaly.explanation
    assert anomaly.details["low"] == anomaly.details["high"] == 9


def test_an_increment_that_counts_twice_is_high() -> None:
    result = check(history("0 inc 5", "0 ok", "2 inc 6", "1 read", "1 ok 12", "2 ok", "1 read", "1 ok 11"))
    (anomaly,) = result.anomalies
    assert (anomaly.type, anomaly.operations) == (HIGH, (3, 4, 2))
    assert "read 12 (op 4), though at most 11 had been asked for" in anomaly.explanation


def test_between_the_bounds_there_are_sums_that_nothing_makes() -> None:
    result = check(history("0 inc 5", "1 inc 9", "2 read", "2 ok 7", "0 ok", "1 ok", "2 read", "2 ok 14"))
    (anomaly,) = result.anomalies
    assert anomaly.type == IMPOSSIBLE
    assert "(2 open: 5, 9) none make 7" in anomaly.explanation


def test_an_increment_of_unknown_outcome_may_come_true_at_any_later_time_and_fails_never() -> None:
    unknown = ("0 inc 5", "0 info", "3 inc 1", "3 ok", "1 read", "1 ok 1", "1 read", "1 ok 6")
    assert check(history(*unknown)).valid is True
    failed = ("0 inc 5", "0 fail", "1 read", "1 ok 5")
    assert types(check(history(*failed))) == [HIGH]
    assert check(history("0 inc 5", "1 read", "1 ok 5", "1 read", "1 ok 0")).valid is True, "it never ended: open"


def test_what_had_ended_before_an_open_one_began_is_in_whatever_has_that_one() -> None:
    """4 ended before 10 began, and the read ran beside both: 10 alone is impossible, 4 alone and 14 are not."""
    for value, found in ((10, [IMPOSSIBLE]), (4, []), (14, []), (0, [])):
        lines = ("2 read", "0 inc 4", "0 ok", "0 inc 10", "0 ok", f"2 ok {value}", "1 read", "1 ok 14")
        assert types(check(history(*lines))) == found, value


def test_amounts_may_be_negative() -> None:
    lines = ("0 inc 5", "0 ok", "0 inc -3", "1 read", "1 ok {}", "0 ok", "1 read", "1 ok 2")
    for value, found in ((5, []), (2, []), (1, [LOW]), (6, [HIGH]), (3, [IMPOSSIBLE])):
        assert types(check(history(*(line.format(value) for line in lines)))) == found, value


def test_each_key_is_a_counter_of_its_own_and_null_is_nothing() -> None:
    assert check(history("0 inc 5 x", "0 ok", "1 read null x", "1 ok 5", "1 read null y", "1 ok null")).valid is True
    result = check(history("0 inc 5 x", "0 ok", "1 read null x", "1 ok 5", "1 read null y", "1 ok 5"))
    assert types(result) == [HIGH]
    assert result.anomalies[0].explanation.startswith('key "y": ')


def test_where_nobody_looked_at_the_end_the_reads_are_valid_and_a_run_is_not() -> None:
    for lines in (
        ("0 inc 5", "0 ok"),
        ("0 inc 5", "1 read", "1 ok 5", "0 ok"),
        ("0 inc 5", "0 ok", "1 read", "1 fail"),
    ):
        result = check(history(*lines))
        assert (result.valid, result.details["final_read"]) == (True, False), lines
        assert "nobody looked at what is there in the end" in (result.explanation or "")
        run = check(history(*lines), final_read=True)
        assert (run.valid, run.reason) == ("unknown", Reason.MISSING_FINAL_READ), lines
    whole = check(history("0 inc 5", "0 ok", "1 read", "1 ok 5"), final_read=True)
    assert (whole.valid, whole.explanation, whole.details["final_read"]) == (True, None, True)
    assert check(History([])).valid == "unknown"


def told(*lines: str) -> History:
    """As ``history``, and an inc returns what its line says."""
    ops, running = [], {}
    for line in lines:
        process, word, *rest = line.split()
        value = json.loads(rest[0]) if rest else None
        f = running.pop(process) if word in ("ok", "info") else running.setdefault(process, word)
        kind = word if word in ("ok", "info") else "invoke"
        ops.append(Op(kind, int(process), f, value))  # type: ignore[arg-type]
    return History(ops)


def test_an_inc_may_return_the_new_value() -> None:
    assert check(told("0 inc 5", "0 ok 5", "0 inc 2", "0 ok 7")).valid is True
    result = check(told("0 inc 5", "0 ok 5", "0 inc 2", "0 ok 6"))
    (anomaly,) = result.anomalies
    assert (anomaly.type, anomaly.operations) == (LOW, (2, 3))
    assert (
        "process 0's inc returned 6 (op 3), though there were 2 increments acknowledged before it began or its own"
        in (anomaly.explanation)
    )
    assert check(told("0 inc", "0 ok 1", "0 inc null", "0 ok 2")).valid is True, "of 1, where no amount is named"
    assert types(check(told("0 inc 2", "1 inc 2", "0 ok 2", "1 ok 2", "1 inc 1", "1 ok 5"))) == []
    assert types(check(told("0 inc 2", "0 ok 2", "1 inc 2", "1 ok 2", "1 inc 1", "1 ok 5"))) == [LOW]


def test_an_inc_that_returns_its_amount_returns_nothing_and_so_does_an_add() -> None:
    for f in ("inc", "add"):
        assert check(told(f"0 {f} 5", "0 ok 5", f"0 {f} 5", "0 ok 5", "1 read", "1 ok 10")).valid is True
    assert check(told("0 add 5", "0 ok 7", "1 read", "1 ok 5")).valid is True


def test_an_inc_that_tells_is_a_look_at_what_is_there() -> None:
    assert check(told("0 inc 5", "0 ok 5", "0 inc 2", "0 ok 7"), final_read=True).valid is True
    assert check(told("0 inc 5", "1 inc 1", "0 ok 5", "1 ok 6"), final_read=True).valid == "unknown"


def test_dec_and_sub_take_away() -> None:
    assert check(told("0 add 5", "0 ok 5", "0 sub 2", "0 ok 2", "0 dec", "0 ok", "1 read", "1 ok 2")).valid is True
    assert types(check(told("0 sub 2", "0 ok 2", "1 read", "1 ok 2"))) == [HIGH]


@pytest.mark.parametrize("lines", [
    ("0 inc 1.5", "0 ok"), ("0 inc true", "0 ok"), ('0 inc "1"', "0 ok"), ("0 write 1", "0 ok"),
    ("0 inc 1", "0 ok", "1 read", "1 ok [1]"), (f"0 inc {1 << 200}", "0 ok"),
])  # fmt: skip
def test_what_is_no_counter_is_unsupported(lines: tuple[str, ...]) -> None:
    result = check(history(*lines))
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)


def test_dumps_are_passed_over() -> None:
    whole = history("0 inc 5", "0 ok", "1 read", "1 ok 5", "2 dump", "2 ok", "2 dump", "2 info")
    assert check(whole).valid is True


def test_the_time_limit_is_kept() -> None:
    lines = [line for i in range(2000) for line in (f"{i} inc 1", f"{i} info", "9999 read", "9999 ok 0")]
    result = check(history(*lines), time_limit_s=0.02)
    assert (result.valid, result.reason) == ("unknown", Reason.TIMEOUT)


def test_beyond_the_widest_range_only_bounds_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "SUMS_MAX", 10)
    lines = ("0 inc 5", "1 inc 9", "2 read", "2 ok {}", "0 ok", "1 ok", "2 read", "2 ok 14")
    between = check(history(*(line.format(7) for line in lines)))
    assert (between.valid, between.details["reads_by_bounds_only"]) == (True, 1)
    assert types(check(history(*(line.format(15) for line in lines)))) == [HIGH]


def test_many_wrong_reads_are_counted_and_some_told() -> None:
    reads = [line for _ in range(20) for line in ("1 read", "1 ok 6")]
    result = check(history("0 inc 5", "0 ok", *reads))
    assert len(result.anomalies) == READS_TOLD_MAX
    assert result.details["wrong_reads"] == 20


def possible(read: Call, increments: list[Call]) -> set[int]:
    """What a read (or an inc that tells) may return, by the definition: every order of every choice of what may have
    happened."""
    own = read.argument if read.f == "inc" else 0
    happened = [call for call in increments if call.outcome == "ok" and call is not read]
    perhaps = [call for call in increments if call.outcome == "info"]
    found = set()
    for choice in range(1 << len(perhaps)):
        chosen = [*happened, *(call for i, call in enumerate(perhaps) if choice >> i & 1), read]
        for order in permutations(chosen):
            if not any(precedes(later, earlier) for i, earlier in enumerate(order) for later in order[i + 1 :]):
                found.add(own + sum(call.argument for call in order[: order.index(read)]))
    return found


def precedes(first: Call, second: Call) -> bool:
    return first.outcome == "ok" and first.complete is not None and first.complete < second.invoke


def arbitrary(random: Random, increments_max: int = 5, *, tell: bool = False) -> History:
    """A few increments and three reads by four processes, with reads of any sum of some increments, or not; perhaps
    what an inc returns is such a sum, too."""
    ops: list[Op] = []
    running: dict[int, Op] = {}
    process, left = 3, random.randint(2, increments_max)
    deltas = [random.choice([1, 2, 3, 5, 8, -1, -4]) for _ in range(left)]
    waiting = [Op("invoke", 0, "inc", delta) for delta in deltas] + [Op("invoke", 0, "read")] * 3
    random.shuffle(waiting)
    while waiting or running:
        if waiting and ((len(running) < 4 and random.random() < 0.5) or not running):
            process += 1
            op = waiting.pop()
            running[process] = Op("invoke", process, op.f, op.value)
            ops.append(running[process])
            continue
        ending = random.choice(sorted(running))
        begun = running.pop(ending)
        kind = random.choices(["ok", "fail", "info", None], [6, 1, 2, 1])[0]
        if kind is not None:
            made_up = begun.f == "read" or tell
            value = sum(random.sample(deltas, random.randint(0, len(deltas)))) if made_up else begun.value
            ops.append(Op(kind, ending, begun.f, value))  # type: ignore[arg-type]
    return History(ops)


@pytest.mark.parametrize(("seeds", "increments_max", "tell"), [(600, 5, False), (1400, 4, False), (2000, 4, True)])
def test_random_histories_against_every_order(seeds: int, increments_max: int, tell: bool) -> None:
    wrong = 0
    for seed in range(seeds):
        whole = arbitrary(Random(seed), increments_max, tell=tell)
        calls = whole.calls()
        increments = [call for call in calls if call.f == "inc" and call.outcome != "fail"]
        telling = any(call.outcome == "ok" and call.result != call.argument for call in increments)
        reads = [call for call in calls if call.outcome == "ok" and (call.f == "read" or (telling and tell))]
        expected = {}
        for read in reads:
            sums = possible(read, increments)
            if read.result not in sums:
                expected[read.complete] = (
                    LOW if read.result < min(sums) else HIGH if read.result > max(sums) else IMPOSSIBLE
                )
        found = {anomaly.operations[1]: anomaly.type for anomaly in check(whole).anomalies}
        assert found == expected, f"seed {seed}: {list(whole)}"
        wrong += len(expected)
    assert wrong > 100, "the test has seen both"


@pytest.mark.skipif(not (CORPUS / "verdicts.tsv").is_file(), reason=f"no corpus at {CORPUS} (kept beside the checkout)")
def test_the_published_counter_history_has_no_reads_and_no_anomaly() -> None:
    lines = json.loads((CORPUS / "txn/elle-cli/jepsen/counter.json").read_text())
    result = check(History(Op(line["type"], line["process"], line["f"], line["value"]) for line in lines))
    assert result.details["increments"] == 287
    assert (result.valid, result.details["reads"], result.details["final_read"]) == (True, 0, False)
