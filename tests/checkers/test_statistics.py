"""Statistics: counts, rates, latencies and gaps, and that what never succeeded makes a verdict unknown."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

from checkers.statistics import check
from harness.history import History, Op
from harness.result import Reason
from tests.checkers.interleaving import Ask, interleaved

SECOND = 1_000_000_000


def timed(*lines: tuple[float, str, int, str]) -> History:
    """(seconds, type, process, f), on a node that the process names."""
    return History(
        Op(type_, process, f, time=round(seconds * SECOND), node=f"n{process}")  # type: ignore[arg-type]
        for seconds, type_, process, f in lines
    )


def test_counts_rates_latencies_and_gaps() -> None:
    result = check(
        timed(
            (10, "invoke", 0, "read"), (10.25, "ok", 0, "read"), (11, "invoke", 1, "write"), (12, "invoke", 0, "read"),
            (13.5, "ok", 1, "write"), (14, "fail", 0, "read"), (17, "invoke", 0, "read"), (18, "ok", 0, "read"),
            (18.5, "invoke", 1, "write"), (20, "info", 1, "write"),
        )
    )  # fmt: skip
    json.dumps(result.as_json())
    assert (result.valid, result.expect, result.operations) == (True, "statistics", 5)
    details = result.details
    assert details["seconds"] == 10.0
    assert details["by_f"]["read"] == {
        "count": 3, "ok": 2, "fail": 1, "info": 0, "ok_share": 0.666667, "ok_hz": 0.2,
        "latencies_ms": {"0": 250.0, "0.5": 1000.0, "0.95": 1000.0, "0.99": 1000.0, "1": 1000.0},
    }  # fmt: skip
    assert (details["all"]["count"], details["all"]["info"]) == (5, 1)
    assert details["by_node"]["n1"]["ok"] == details["by_process"]["1"]["ok"] == 1
    assert details["gaps"] == {"read": [[0.25, 8.0]], "write": [[0.0, 3.5], [3.5, 10.0]]}


def test_what_never_succeeded_is_not_tested() -> None:
    lines = [(0.0, "invoke", 0, "read"), (0.1, "ok", 0, "read"), (0.2, "invoke", 0, "write"), (0.3, "fail", 0, "write")]
    result = check(timed(*lines))
    assert (result.valid, result.reason) == ("unknown", Reason.TOO_FEW_OK)
    assert "these: write (1 asked)" in (result.explanation or "")
    assert check(timed(*lines[:3])).valid == "unknown", "that it never ended is no success either"
    assert check(timed(*lines[:2])).valid is True
    assert check(History([])).reason is Reason.TOO_FEW_OK


def test_the_nemesis_is_no_client_and_times_may_be_missing() -> None:
    ops = [Op("info", "nemesis", "start-kill"), Op("invoke", 0, "read"), Op("ok", 0, "read")]
    result = check(History(ops))
    assert (result.valid, list(result.details["by_f"])) == (True, ["read"])
    assert result.details["all"] == {
        "count": 1, "ok": 1, "fail": 0, "info": 0, "ok_share": 1.0, "ok_hz": None, "latencies_ms": {},
    }  # fmt: skip


def test_groups_are_bounded() -> None:
    ops = [op for i in range(300) for op in (Op("invoke", i, f"f{i}" + "x" * 500), Op("ok", i, f"f{i}" + "x" * 500))]
    details = check(History(ops)).details
    assert (len(details["by_f"]), len(details["by_process"]), max(map(len, details["by_f"]))) == (100, 100, 60)


def test_random_histories_are_counted_line_by_line() -> None:
    unknown = 0
    for seed in range(2000):
        random = Random(seed)
        asked = [Ask(random.choice("abc")) for _ in range(random.randrange(8))]
        history = interleaved(random, asked, lambda ask: None, weights=(3, 1, 1, 1))
        calls = history.calls()
        result = check(history)
        by_f = Counter((call.f, call.outcome) for call in calls)
        for f in "abc":
            if any(call.f == f for call in calls):
                found = result.details["by_f"][f]
                assert all(found[outcome] == by_f[f, outcome] for outcome in ("ok", "fail", "info")), f"seed {seed}"
        latencies = [
            history.times[call.complete] - history.times[call.invoke]
            for call in calls
            if call.outcome == "ok" and call.complete is not None
        ]
        assert result.details["all"]["latencies_ms"].get("1") == (max(latencies) / 1e6 if latencies else None)
        assert set(result.details["by_f"]) == {call.f for call in calls}
        lacking = not calls or any(not by_f[call.f, "ok"] for call in calls)
        assert result.valid == ("unknown" if lacking else True), f"seed {seed}"
        unknown += lacking
    assert 300 < unknown < 1700
