"""The benchmark of transactions: it runs, says what it measured, and its histories are what they are to be."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks import transactions
from benchmarks.plain_transactions import DECIDE, read
from benchmarks.transaction_histories import CLIENTS, MICROS_MAX, WRITES_PER_KEY, Data, history_lines
from checkers.transactional import check
from harness.history import History, Op


def operations(data: Data, count: int, stale: float = 0.0) -> list[Op]:
    return [Op(**json.loads(line)) for line in history_lines(data, count, stale)]


@pytest.mark.parametrize("data", ["list", "register"])
def test_the_histories(data: Data) -> None:
    history = History(operations(data, 3_000))
    calls = history.calls()
    assert len(calls) == 3_000
    assert {len(call.argument) for call in calls} == set(range(1, MICROS_MAX + 1))
    writes: Counter[Any] = Counter(micro[1] for call in calls for micro in call.argument if micro[0] != "r")
    assert WRITES_PER_KEY * 0.8 < sum(writes.values()) / len(writes) <= WRITES_PER_KEY
    running = most = 0
    for op in history:
        running += 1 if op.type == "invoke" else -1
        most = max(most, running)
    assert CLIENTS / 2 < most <= CLIENTS
    assert {call.outcome for call in calls} == {"ok", "fail", "info"}


@pytest.mark.parametrize(("data", "level"), [("list", "strict-serializable"), ("register", "strong-causal")])
def test_stale_reads_are_what_makes_them_invalid(data: Data, level: str) -> None:
    assert check(History(operations(data, 400)), expect=level).valid is True
    assert check(History(operations(data, 400, stale=0.1)), expect=level).valid is False


def test_a_row_and_a_peer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    peer = tmp_path / "peer.py"
    peer.write_text("import sys; print(open(sys.argv[1]).readline())")
    options = ["--data", "list", "--transactions", "60", "--repeat", "1"]
    assert transactions.main([*options, "--peer", f"{sys.executable} {peer} {{}}"]) == 0
    row, said = capsys.readouterr().out.splitlines()
    for word in ("list", "60", "strict-serializable", "True", "parse", "build", "decide", "total", "baseline", "peak"):
        assert word in row
    assert ">" not in row
    assert "the peer" in said
    assert ":type :invoke" in said
    assert ":f :txn" in said


def test_what_was_given_up_has_its_sign() -> None:
    found = {"valid": "unknown", "parse": 1.0, "build": 2.0, "check": 3.0, "peak_mb": 10.0, "types": []}
    assert transactions.row(found, (8.0, False)).startswith(">unknown")
    assert "baseline >   8.000 s =    2.00 x" in transactions.row(found, (8.0, False))
    assert ">" not in transactions.row({**found, "valid": False, "types": ["G-single"]}, (8.0, True))


def test_the_baseline_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    transactions.write_history(path, "list", 40_000, 0.0)
    assert transactions.baseline_s(path, "list", 0.0) == (0.0, False)
    transactions.write_history(path, "list", 5_000, 0.0)
    seconds, ended = transactions.baseline_s(path, "list", 60.0)
    assert ended
    assert 0 < seconds < 60


@pytest.mark.parametrize(("data", "level"), [("list", "strict-serializable"), ("register", "read-atomic")])
def test_the_baseline_decides_what_we_do(data: Data, level: str, tmp_path: Path) -> None:
    answers = set()
    for seed in range(25):
        path = tmp_path / "history.jsonl"
        listed = list(history_lines(data, 60, stale=0.02 * (seed % 3), seed=seed))
        path.write_text("\n".join(listed))
        ours = check(History([Op(**json.loads(line)) for line in listed]), expect=level).valid
        assert DECIDE[data](read(path)) is ours, seed
        answers.add(ours)
    assert answers == {True, False}
