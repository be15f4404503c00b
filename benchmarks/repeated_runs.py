"""Repeats one `splitbrain run` and prints what came of each: verdict, acknowledgements, failovers, effects.

    python benchmarks/repeated_runs.py 10 -- single-leader -o replication=sync --faults partition,kill --workload set

The first number is how many runs. A failover is a node becoming leader after the first one (from the nodes' events);
"after" counts operations acknowledged after the last of them. Needs what `splitbrain run` needs; it stops by itself.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


def main() -> int:
    count, words = int(sys.argv[1]), [word for word in sys.argv[2:] if word != "--"]
    rows = []
    with tempfile.TemporaryDirectory(prefix="splitbrain-") as store:
        for number in range(1, count + 1):
            row = one_run(words, store)
            rows.append(row)
            print(f"{number:3}  " + "  ".join(f"{name}={value}" for name, value in row.items()), flush=True)
    verdicts = [row["valid"] for row in rows]
    print(f"\n{count} runs of: splitbrain run {' '.join(words)}")
    print(f"valid {verdicts.count(True)}, invalid {verdicts.count(False)}, unknown {verdicts.count('unknown')}")
    for name in ("ok", "failovers", "after", "recovery_s", "lost"):
        values = [row[name] for row in rows if row[name] is not None]
        if values:
            print(f"{name}: median {statistics.median(values):g}, least {min(values):g}, most {max(values):g}")
    return 0


def one_run(words: list[str], store: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "harness.cli", "run", *words, "--store", store, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    result = json.loads(lines[-1]) if lines else {"error": done.stderr[-300:]}
    if "error" in result:
        return {"valid": result["error"], **dict.fromkeys(("ok", "failovers", "after", "recovery_s", "lost"))}
    failovers, last_ns = leaderships(Path(result["store"]))
    return {
        "valid": result["valid"],
        "ok": result["ok"],
        "failovers": failovers,
        "after": acknowledged_after(Path(result["store"]), last_ns),
        "recovery_s": result["recovery_seconds"],
        "lost": result["details"].get("lost"),
        "bit": ",".join(f"{fault['name']}:{fault['bit']}" for fault in result["faults"]),
        "reason": result["reason"],
    }


def leaderships(run: Path) -> tuple[int, int]:
    """How many leaders followed the first, and when the last became one (wall clock, ns)."""
    times = sorted(
        event["time_wall_ns"]
        for path in run.glob("nodes/*/events.jsonl")
        for event in map(json.loads, path.read_text().splitlines())
        if event["name"] == "became-leader"
    )
    return max(0, len(times) - 1), times[-1] if times else 0


def acknowledged_after(run: Path, wall_ns: int) -> int:
    """Client operations acknowledged after a moment of the wall clock; all nodes share this machine's."""
    plan_ns = run.joinpath("plan.json").stat().st_mtime_ns
    ops = [json.loads(line) for line in run.joinpath("history.jsonl").read_text().splitlines()[1:]]
    return sum(op["type"] == "ok" and plan_ns + op["time"] > wall_ns for op in ops)


if __name__ == "__main__":
    sys.exit(main())
