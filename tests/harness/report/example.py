"""Run folders for the tests of the report: what a run leaves, made up, of any length."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final, cast

from harness.formats import jsonl
from harness.history import NEMESIS, Op, OpType
from harness.plan import Plan, ScheduledFault

MS: Final = 1_000_000
SECOND: Final = 1_000_000_000
BEFORE_NS: Final = 700 * MS

_DONE: Final[list[tuple[str, dict[str, Any]]]] = [
    ("partition", {"shape": "isolate-leader", "nodes": ["n3"], "leader": "n3"}),
    ("kill", {"shape": "leader", "nodes": ["n1"], "leader": "n1"}),
    ("partition", {"shape": "majorities-ring", "drops": {f"n{j}": ["n1"] for j in range(1, 6)}}),
    ("kill", {"shape": "minority", "nodes": ["n2", "n4"]}),
] * 2
WINDOWS: Final = [(name, 1.5 + 3.55 * i, 3.75 + 3.55 * i, done) for i, (name, done) in enumerate(_DONE)]


def operations(count: int, seconds: float, concurrency: int = 10, seed: int = 1) -> list[Op]:
    """The history of ``count`` adds, slow and failing within the windows, and a last read that misses some of them."""
    random = Random(seed)
    lines: list[tuple[int, Op]] = []
    free_ns = [0] * concurrency
    process = list(range(concurrency))
    for value in range(count):
        thread = min(range(concurrency), key=free_ns.__getitem__)
        start = max(free_ns[thread], round(BEFORE_NS + value * seconds * SECOND / count))
        outcome, latency = _fate(random, (start - BEFORE_NS) / SECOND)
        end = start + latency
        error = {"ok": None, "fail": ["not-leader", f"n{value % 5}"], "info": "timeout"}[outcome]
        lines.append((start, Op("invoke", process[thread], "add", value, time=start)))
        lines.append((end, Op(cast(OpType, outcome), process[thread], "add", value, time=end, error=error, node="n1")))
        if outcome == "info":
            process[thread] += concurrency
        free_ns[thread] = end + 1
    end = max(time for time, _ in lines) + 2 * SECOND
    elements = [value for value in range(count) if value % 97 != 13]
    lines.append((end, Op("invoke", process[0], "read", time=end)))
    lines.append((end + 6 * MS, Op("ok", process[0], "read", elements, time=end + 6 * MS, node="n2")))
    return [op for _, op in sorted(lines + _nemesis(), key=lambda entry: entry[0])]


def _fate(random: Random, at_s: float) -> tuple[str, int]:
    """How an operation ends, and after how many nanoseconds."""
    disturbed = any(start <= at_s <= start + 0.9 for _, start, _, _ in WINDOWS)
    outcome = random.choices(["ok", "fail", "info"], (4, 3, 3) if disturbed else (997, 2, 1))[0]
    if outcome == "info":
        return outcome, SECOND
    if outcome == "fail":
        return outcome, round(random.lognormvariate(0.2, 0.4) * MS)
    return outcome, min(SECOND, round(random.lognormvariate(1.1, 0.6) * MS * (40 if disturbed else 1)))


def _nemesis() -> list[tuple[int, Op]]:
    times = [
        (BEFORE_NS + round(at_s * SECOND) + delay, f, done)
        for name, start_s, stop_s, done in WINDOWS
        for f, at_s in ((f"start-{name}", start_s), (f"stop-{name}", stop_s))
        for delay in (0, 20 * MS)
    ]
    return [(time, Op("info", NEMESIS, f, {"application": 0, **done}, time=time)) for time, f, done in times]


def lost(ops: Sequence[Op]) -> list[dict[str, Any]]:
    """The anomalies of such a history, as a checker would give them."""
    read = next(i for i, op in enumerate(ops) if op.f == "read" and op.type == "ok")
    missing = [i for i, op in enumerate(ops) if op.f == "add" and op.type == "ok" and op.value % 97 == 13]
    return [
        {
            "type": "lost",
            "operations": [i, read],
            "explanation": f"add {ops[i].value} was acknowledged, but the last read does not have it",
        }
        for i in missing
    ]


def results(ops: Sequence[Op], valid: bool | str = False, **more: Any) -> dict[str, Any]:
    """``results.json`` of such a history."""
    clients = [op for op in ops if op.process != NEMESIS]
    return {
        "schema": "splitbrain.results/1",
        "valid": valid,
        "expect": "set",
        "model": None,
        "reason": None,
        "explanation": None,
        "anomalies": lost(ops) if valid is False else [],
        "operations": len(clients) // 2,
        **{outcome: sum(op.type == outcome for op in clients) for outcome in ("ok", "fail", "info")},
        "availability": [{"f": "add", "windows": [[1.6, 2.9], [8.7, 9.9]]}],
        "recovery_seconds": 0.412,
        "main_start_ns": BEFORE_NS,
        **more,
    }


PLAN: Final = Plan(
    "single-leader",
    "set",
    options={"replication": "async"},
    faults="partition,kill",
    seed=8128,
    schedule=tuple(ScheduledFault(name, round(a * SECOND), round(b * SECOND), done) for name, a, b, done in WINDOWS),
)

FAULTS: Final[list[dict[str, Any]]] = [
    {
        "fault": name,
        "application": i,
        "action": done,
        "started_ns": BEFORE_NS + round(start * SECOND),
        "stopped_ns": BEFORE_NS + round(stop * SECOND),
        "applied": True,
        "done": done,
        "healed": {},
        "bit": i != 6,
        "effect": {"measured": {}, "explanation": "412 packets of the system's own traffic were dropped"},
        "errors": [],
    }
    for i, (name, start, stop, done) in enumerate(WINDOWS)
]


def write_run(
    folder: Path,
    ops: Iterable[Op],
    found: Mapping[str, Any],
    plan: Mapping[str, Any] | None = None,
    faults: Iterable[Mapping[str, Any]] = FAULTS,
    logs: Iterable[str] = ("node.log",),
) -> Path:
    """A run folder with that history and those results."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "history.jsonl").write_text("\n".join([jsonl.header(), *map(jsonl.dump, ops)]) + "\n")
    (folder / "results.json").write_text(json.dumps(found))
    (folder / "plan.json").write_text(json.dumps(PLAN.as_json() if plan is None else plan))
    (folder / "faults.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in faults))
    for node in ("n1", "n2", "n3", "n4", "n5"):
        (folder / "nodes" / node).mkdir(parents=True, exist_ok=True)
        for name in logs:
            (folder / "nodes" / node / name).write_text("started\n" * 100)
    return folder
