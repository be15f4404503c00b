"""``splitbrain selftest``: the project's own gates (format, lint, types, tests), in a clone only."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
USAGE = 254
WORKERS_MAX = 4  # many tests start a cluster of their own: more at once would only disturb each other


def add(subparsers: Any) -> None:
    """Add the command to the command line's parser."""
    parser = subparsers.add_parser(
        "selftest",
        help="run the project's own tests (in a clone)",
        description="Runs ruff format --check, ruff check, mypy --strict and pytest over this clone, and says how "
        "long each took. Words after -- go to pytest: splitbrain selftest -- tests/checkers -k witness. Exit status "
        "0 if all passed, 1 if not, 254 outside a clone.",
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON, the last on standard output")
    parser.add_argument("pytest", nargs="*", metavar="PYTEST_ARGUMENT", help="passed on to pytest, after --")


def gates(pytest_arguments: list[str]) -> dict[str, list[str]]:
    """Name -> command of each gate, in the order in which they run (cheap ones first)."""
    python = [sys.executable, "-m"]
    return {
        "format": [*python, "ruff", "format", "--check", "."],
        "lint": [*python, "ruff", "check", "."],
        "types": [*python, "mypy"],
        "tests": [*python, "pytest", "-n", str(min(WORKERS_MAX, os.cpu_count() or 1)), "--dist", "worksteal",
                  "--durations=30", *pytest_arguments],
    }  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Run every gate, even after one has failed; 0 if all passed."""
    if not (ROOT / "tests").is_dir() or not (ROOT / "pyproject.toml").is_file():
        print(
            f"splitbrain: selftest needs a clone of the project, for the tests are never installed; {ROOT} is an "
            "installation. Clone the repository and run ./splitbrain selftest there.",
            file=sys.stderr,
        )
        return USAGE
    rows = []
    for name, command in gates(args.pytest).items():
        print(f"== {name}: {' '.join(command[2:])}", flush=True, file=sys.stderr)
        start = time.monotonic()
        # With --json, what the gates print goes to standard error: the last line of standard output is ours.
        status = subprocess.run(command, cwd=ROOT, stdout=sys.stderr if args.json else None, check=False).returncode
        rows.append({"gate": name, "passed": status == 0, "seconds": round(time.monotonic() - start, 1)})
    passed = all(row["passed"] for row in rows)
    for row in rows:
        print(f"{row['gate']:<8}{'passed' if row['passed'] else 'FAILED'}  {row['seconds']:6.1f} s", file=sys.stderr)
    if args.json:
        print(json.dumps({"passed": passed, "gates": rows}))
    return 0 if passed else 1
