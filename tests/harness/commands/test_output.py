"""What a verdict looks like."""

from __future__ import annotations

import json

import pytest

from harness.commands.output import ANOMALIES_MAX, NEXT_STEPS, ROWS_MAX, emit, printable, verdict_text
from harness.formats import Recording, jsonl
from harness.history import Op
from harness.result import Anomaly, Reason, Result


def recording(*ops: Op) -> Recording:
    return jsonl.read([jsonl.dump(op) + "\n" for op in ops], "h.jsonl")


def invalid(*anomalies: Anomaly) -> Result:
    return Result(False, "linearizable", model="register", anomalies=anomalies)


def test_json_is_one_line_without_nan(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"a": [float("nan"), (float("inf"), 1.5)], "b": "é\n\u2028"})
    out = capsys.readouterr().out
    assert out.isascii()
    assert out.count("\n") == 1
    assert json.loads(out) == {"a": [None, [None, 1.5]], "b": "é\n\u2028"}


def test_every_reason_has_a_next_step() -> None:
    assert set(NEXT_STEPS) == set(Reason)


def test_an_operation_is_shown_once_with_both_its_ends() -> None:
    history = recording(
        Op("invoke", 0, "read", time=1_000_000),
        Op("ok", 0, "read", 7, time=3_000_000),
        Op("invoke", 1, "write", [1, 2], time=4_000_000),
        Op("info", 1, "write", error="timeout", time=5_000_000),
        Op("invoke", 2, "write", "x", time=6_000_000),
    )
    lines = verdict_text(invalid(Anomaly("stale", (1, 0, 2, 4), "why")), history).splitlines()
    assert "  1. stale: why" in lines
    assert lines.index("     process 0  [read: 7]") < next(i for i, line in enumerate(lines) if "  outcome  " in line)
    assert [line.split() for line in lines if line.startswith("     ")][4:] == [
        ["0", "1", "0", "read", "null", "ok:", "7", "0.000000", "..", "0.002000", "s"],
        ["2", "3", "1", "write", "[1,", "2]", "info:", '"timeout"', "0.003000", "..", "0.004000", "s"],
        ["4", "5", "2", "write", '"x"', "info", "(no", "answer)", "0.005000", "..", "?", "s"],
    ]


def test_keys_are_shown_where_there_are_any() -> None:
    history = recording(
        Op("invoke", 0, "read", key="x"), Op("ok", 0, "read", 7, key="x"), Op("info", "nemesis", "kill")
    )
    text = verdict_text(invalid(Anomaly("stale", (0, 2), "why")), history)
    rows = [line.split() for line in text.splitlines() if line.startswith("     ")]
    assert rows[0][4] == "key"
    assert rows[1][4] == '"x"'
    assert rows[2] == ["2", "3", "nemesis", "kill", "null", "null", "info"]


def test_output_is_bounded() -> None:
    ops = [Op("invoke", process, "write", "x" * 500) for process in range(300)]
    anomalies = [Anomaly("lost", tuple(range(300)), "why") for _ in range(50)]
    text = verdict_text(invalid(*anomalies), recording(*ops))
    assert len(text.splitlines()) < ANOMALIES_MAX * (ROWS_MAX + 5) + 10
    assert max(map(len, text.splitlines())) < 200
    assert "... and 40 more (--json has them all)" in text
    assert "... and 260 more operations (--json has them all)" in text


def test_control_characters_are_shown_and_not_obeyed() -> None:
    assert printable("a\x1b[2J\nb\u202e\ud800é") == "a\\x1b[2J\\nb\\u202e\\ud800é"


def test_the_ends_of_the_lattice_are_told() -> None:
    levels = {"strongest": ["causal", "prefix"], "weakest_failing": ["serializable"], "undecided": []}
    result = Result(True, "causal", details=levels)
    text = verdict_text(result, recording(Op("invoke", 0, "txn", [])))
    assert "strongest that hold: causal, prefix\n" in text + "\n"
    assert "weakest that fail: serializable\n" in text + "\n"
    assert "not decided" not in text
