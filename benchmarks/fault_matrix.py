"""Every fault on every provider, each alone in a run: did it bite, what was measured, how soon it came and went.

    python -m benchmarks.fault_matrix [--providers local,docker,sim] [--faults delay,wipe] [--system raft] [--tries 2]
                                      [--time-limit 10]

A run whose fault did not bite is tried again with the next seed. Printed, as a table in Markdown: the verdict, how many
applications bit of how many, milliseconds from the request to apply (to heal) a fault until it was done, which includes
the observations before it (medians over the run), and the effect in words. Faults of which a system promises nothing
(``harness.faults.profile.BEYOND``) may make a run invalid; that is told, and no failure. Exit status 1 if any other run
is invalid, could not be made, or left something unhealed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from harness import catalog
from harness.faults.profile import BEYOND
from harness.history import NEMESIS

RUN_SECONDS_MAX: Final = 180
SIM: Final = "sim"
MS_NS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One fault on one provider. ``valid`` as in the JSON of `splitbrain run`, or "no run"."""

    provider: str
    fault: str
    valid: object
    applied: int
    bit: int
    apply_ms: float | None
    heal_ms: float | None
    effect: str
    trouble: str = ""

    @property
    def is_bad(self) -> bool:
        broken = self.valid is False and self.fault not in BEYOND
        return broken or self.valid == "no run" or bool(self.trouble)

    def __str__(self) -> str:
        times = " | ".join("" if ms is None else f"{ms:.0f}" for ms in (self.apply_ms, self.heal_ms))
        told = self.effect.replace("|", "/") + (f" TROUBLE: {self.trouble}" if self.trouble else "")
        return f"| {self.provider} | {self.fault} | {self.valid} | {self.bit} of {self.applied} | {times} | {told} |"


def main(words: Sequence[str] | None = None) -> int:
    args = _arguments(words)
    print(
        "| provider | fault | verdict | bit | apply ms | heal ms | effect |\n|---|---|---|---|---|---|---|", flush=True
    )
    rows = []
    for provider in args.providers.split(","):
        for fault in args.faults.split(",") if args.faults else catalog.names("faults"):
            rows.append(tried(args, provider, fault))
            print(rows[-1], flush=True)
    bad = [row for row in rows if row.is_bad]
    print(f"\n{len(rows)} rows; bit in {sum(row.bit > 0 for row in rows)}; bad: {len(bad)}")
    return 1 if bad else 0


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--providers", default=",".join(catalog.names("providers")))
    parser.add_argument("--faults", help="names, separated by commas (default: all)")
    parser.add_argument("--system", default="raft")
    parser.add_argument("--time-limit", type=float, default=10.0, help="seconds of load per run")
    parser.add_argument("--tries", type=int, default=2, help="runs of a fault that does not bite")
    parser.add_argument("--seed", type=int, default=1, help="of the first try")
    return parser.parse_args(words)


def tried(args: argparse.Namespace, provider: str, fault: str) -> Row:
    row = None
    for seed in range(args.seed, args.seed + args.tries):
        row = one_run(args, provider, fault, seed)
        if row.bit or row.is_bad:
            break
    assert row is not None, "at least one try"
    return row


def one_run(args: argparse.Namespace, provider: str, fault: str, seed: int) -> Row:
    with tempfile.TemporaryDirectory(prefix="splitbrain-") as store:
        command = [sys.executable, "-m", "harness.cli", "run", args.system, "--provider", provider, "--faults", fault,
                   "--seed", str(seed), "--time-limit", f"{args.time_limit:g}", "--store", store, "--json"]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=RUN_SECONDS_MAX)
            result = json.loads(done.stdout.splitlines()[-1])
        except (subprocess.TimeoutExpired, IndexError) as error:
            result = {"error": f"{type(error).__name__}: no answer"}
        if "error" in result:
            return Row(provider, fault, "no run", 0, 0, None, None, "", str(result["error"])[:200])
        return _row(provider, fault, result, Path(result["store"]))


def _row(provider: str, fault: str, result: dict[str, Any], run: Path) -> Row:
    entries = [json.loads(line) for line in (run / "faults.jsonl").read_text("utf-8").splitlines()]
    told = [entry["effect"]["explanation"] for entry in sorted(entries, key=lambda entry: not entry["bit"])]
    starts, stops = (list(_spans(run / "history.jsonl", verb)) for verb in ("start-", "stop-"))
    return Row(
        provider, fault, result["valid"], sum(entry["applied"] for entry in entries),
        sum(entry["bit"] for entry in entries), median(starts) if starts else None, median(stops) if stops else None,
        told[0] if told else "", "; ".join(result.get("troubles", ())),
    )  # fmt: skip


def _spans(history: Path, verb: str) -> Iterator[float]:
    """Milliseconds between the two lines of each nemesis operation of that kind."""
    begun: dict[tuple[str, int], int] = {}
    for line in history.read_text("utf-8").splitlines():
        op = json.loads(line)
        if op.get("process") == NEMESIS and op["f"].startswith(verb):
            name = op["f"], op["value"]["application"]
            if name in begun:
                yield (op["time"] - begun.pop(name)) / MS_NS
            else:
                begun[name] = op["time"]


if __name__ == "__main__":
    sys.exit(main())
