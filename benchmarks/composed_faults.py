"""Random composed schedules on one system: is every run valid as far as it is known, and does the system come back?

    python -m benchmarks.composed_faults --runs 50 --provider local
    python -m benchmarks.composed_faults --runs 500 --provider sim --seed 7 --jobs 2

Each run has a profile drawn from its seed (swarm twice as often as brutal and typical). A line per run: seed, profile,
verdict, how many operations succeeded, how soon after the last heal one did, which faults bit and which did not, what
was not applied since its nodes were another's. Exit status 1 if a run is invalid, if nothing succeeded after a heal, if
something could not be healed, or if a run could not be made.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

PROFILES: Final = ("swarm", "swarm", "brutal", "typical")
RUN_SECONDS_MAX: Final = 300


def main(arguments: Sequence[str] | None = None) -> int:
    args = _arguments(arguments)
    begin, rows = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="splitbrain-") as store, ThreadPoolExecutor(args.jobs) as pool:
        for row in pool.map(partial(one_run, args, store), range(args.seed, args.seed + args.runs)):
            rows.append(row)
            print(line_of(row), flush=True)
    verdicts = Counter(str(row["valid"]) for row in rows)
    times = sorted(row["recovery_s"] for row in rows if row["recovery_s"] is not None)
    print(
        f"\n{len(rows)} runs in {time.monotonic() - begin:.0f} s: " + ", ".join(f"{n} {v}" for v, n in verdicts.items())
    )
    if times:
        print(f"answered again after: median {statistics.median(times):.3f} s, most {times[-1]:.3f} s")
    for name, (applied, bit) in sorted(bites(rows).items()):
        print(f"  {name:<18} in {applied} runs, bit in {bit}")
    bad = [row for row in rows if row["bad"]]
    for row in bad:
        print(f"BAD: seed {row['seed']} ({row['profile']}): {row['bad']}\n  {row['repeat']}")
    return 1 if bad else 0


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--provider", default="local", help="local, docker or sim")
    parser.add_argument("--system", default="raft")
    parser.add_argument("--time-limit", type=float, default=15.0, help="seconds of load per run")
    parser.add_argument("--seed", type=int, default=1, help="of the first run; the others follow")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--profile", choices=sorted(set(PROFILES) | {"calm"}), help="this one in every run")
    return parser.parse_args(words)


def one_run(args: argparse.Namespace, store: str, seed: int) -> dict[str, Any]:
    profile = args.profile or Random(seed).choice(PROFILES)
    words = [args.system, "--provider", args.provider, "--faults", profile, "--seed", str(seed), "--time-limit",
             f"{args.time_limit:g}"]  # fmt: skip
    command = [sys.executable, "-m", "harness.cli", "run", *words, "--store", f"{store}/{seed}", "--json"]
    begin = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=RUN_SECONDS_MAX)
        printed, told = done.stdout.splitlines(), done.stderr
    except subprocess.TimeoutExpired:
        printed, told = [], f"not done after {RUN_SECONDS_MAX} s"
    result = json.loads(printed[-1]) if printed else {"error": told[-500:]}
    return {
        "seed": seed,
        "profile": profile,
        "seconds": time.monotonic() - begin,
        "valid": result.get("valid", "no run"),
        "ok": result.get("ok", 0),
        "recovery_s": result.get("recovery_seconds"),
        "faults": {fault["name"]: fault["bit"] for fault in result.get("faults", ())},
        "refused": refused(Path(result["store"])) if "store" in result else 0,
        "bad": badness(result),
        "repeat": f"splitbrain run {' '.join(words)}",
    }


def badness(result: dict[str, Any]) -> str:
    """What must not be, in words; "" if all is well. That a fault did not bite is nothing bad."""
    if "error" in result:
        return f"no run: {result['error']}"
    if result["valid"] is False:
        return f"invalid: {[anomaly['type'] for anomaly in result['anomalies']]}"
    if result["recovery_seconds"] is None:
        return "nothing succeeded after everything was healed"
    return "; ".join(result["troubles"])


def refused(run: Path) -> int:
    """Applications that found no node free."""
    faults = run / "faults.jsonl"
    entries = map(json.loads, faults.read_text("utf-8").splitlines()) if faults.exists() else ()
    return sum("is held by" in entry["effect"]["explanation"] for entry in entries)


def bites(rows: Sequence[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    """Fault -> runs that had it, runs in which it bit."""
    names = sorted({name for row in rows for name in row["faults"]})
    return {
        name: (sum(name in row["faults"] for row in rows), sum(row["faults"].get(name, False) for row in rows))
        for name in names
    }


def line_of(row: dict[str, Any]) -> str:
    bit = [name for name, did in row["faults"].items() if did]
    idle = [name for name, did in row["faults"].items() if not did]
    back = "never" if row["recovery_s"] is None else f"{row['recovery_s']:.2f} s"
    parts = [f"seed {row['seed']:>4} {row['profile']:<8} {row['valid']!s:<8}", f"ok {row['ok']:>5}", f"back {back}"]
    parts += [f"bit {len(bit)}: {', '.join(bit)}", f"idle {len(idle)}: {', '.join(idle)}", f"refused {row['refused']}"]
    return "  ".join([*parts, f"({row['seconds']:.0f} s)", *(["BAD"] if row["bad"] else [])])


if __name__ == "__main__":
    sys.exit(main())
