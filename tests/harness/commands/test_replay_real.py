"""A plan on real node processes, several times: how often it reproduces, and what cannot be done there."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import catalog
from harness.clusters.loopback import LoopbackProvider
from harness.commands import UsageError
from harness.commands.replay_real import Attempt, Attempts, lines, reproduce
from harness.plan import Plan, ScheduledFault, ScheduledOperation
from harness.setup import Setup

ROOT = Path(__file__).resolve().parents[3]
FOR_ITSELF = ROOT / "examples" / "every_node_for_itself.py"
SHRUNK = Plan(
    str(FOR_ITSELF),
    "register",
    provider="loopback",
    nodes=2,
    concurrency=2,
    time_limit_s=0.4,
    operations=(ScheduledOperation(0, 0, "write", 1, 0), ScheduledOperation(300_000_000, 1, "read", None, 0)),
)


def setup(plan: Plan) -> Setup:
    faults = catalog.faults()
    workload = catalog.workload(plan.workload)
    return Setup(plan, catalog.system(plan.system), workload, LoopbackProvider(), faults, (FOR_ITSELF,))


def emitted(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return data


def test_it_says_how_often_the_failure_comes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    assert reproduce(setup(SHRUNK), 2, tmp_path, json=False) == 1
    out = capsys.readouterr().out
    assert "run 2 of 2: INVALID: non-linearizable" in out
    assert "reproduced in 2 of 2 runs" in out
    assert len([path for path in tmp_path.glob("*/*/results.json") if not path.parent.is_symlink()]) == 2
    assert len(list(tmp_path.glob("*/latest/report.html"))) == 1
    assert signal.getsignal(signal.SIGTERM) == handler


def test_one_that_does_not_come_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    apart = replace(
        SHRUNK, operations=(ScheduledOperation(0, 0, "write", 1, 0), ScheduledOperation(0, 1, "write", 2, 1))
    )
    assert reproduce(setup(apart), 1, tmp_path, json=True) in (0, 2)
    told = emitted(capsys)
    assert (told["runs"], told["failures"]) == (1, [])
    assert len(told["unknowns"]) <= 1


def test_a_fault_that_the_cluster_cannot_make_is_refused_by_name(tmp_path: Path) -> None:
    action = {"shape": "one", "nodes": ["n1"], "kind": "jump", "amount": {"offset_ms": 5}}
    bent = replace(SHRUNK, faults="clock", schedule=(ScheduledFault("clock", 0, 100_000_000, action),))
    with pytest.raises(UsageError, match="the fault 'clock' needs clock, which this cluster cannot do"):
        reproduce(setup(bent), 3, tmp_path, json=False)


def attempt(number: int, valid: Any, reason: str | None = None) -> Attempt:
    return Attempt(number, Path("store"), valid, reason, ("lost",) if valid is False else (), "1 element")


def test_the_verdict_on_all_bears_a_few_unknown_ones() -> None:
    good = tuple(attempt(number, True) for number in range(10))
    assert Attempts(good).valid is True
    assert Attempts((*good, attempt(11, "unknown", "timeout"))).valid is True
    assert Attempts((*good, *(attempt(n, "unknown", "timeout") for n in range(3)))).valid == "unknown"
    assert Attempts((*good, attempt(12, False))).valid is False
    assert Attempts(()).valid == "unknown"
    told = list(lines(Attempts((attempt(1, True), attempt(2, False), attempt(3, "unknown", "timeout")), True)))
    assert told == [
        "reproduced in 1 of 3 runs (interrupted)", "unknown: 1 (timeout)", "shown:   1 element", "store:   store"
    ]  # fmt: skip
