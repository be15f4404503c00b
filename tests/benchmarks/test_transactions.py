"""The benchmark of transactions: it runs, says what it measured, and its histories are what they are to be."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks import transactions
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
    for word in ("list", "60", "strict-serializable", "True", "parse", "build", "check", "total", "peak"):
        assert word in row
    assert "the peer" in said
    assert ":type :invoke" in said
    assert ":f :txn" in said
