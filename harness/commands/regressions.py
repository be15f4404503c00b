"""Replays every plan of this folder in the simulated world: each must show what it showed when it was kept.

`splitbrain keep` wrote this file, once; it is yours to change. Run it with pytest, where splitbrain is installed. When
the bug behind a plan is fixed, `splitbrain keep FILE --expect-valid --replace` says so.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
TIME_LIMIT_S = 600


def pytest_generate_tests(metafunc: Any) -> None:
    """One test for each plan."""
    paths = [path for path in sorted(FOLDER.glob("*.json")) if "expect" in json.loads(path.read_text())]
    metafunc.parametrize("path", paths, ids=[path.stem for path in paths])


def test_the_plan_shows_what_it_showed(path: Path, tmp_path: Path) -> None:
    expected, found = json.loads(path.read_text())["expect"], replay(path, tmp_path)
    assert found["valid"] == expected["valid"], said(found)
    assert set(expected["anomalies"]) <= {anomaly["type"] for anomaly in found["anomalies"]}, said(found)


def replay(path: Path, scratch: Path) -> dict[str, Any]:
    """What `splitbrain run --json` says of a kept plan. Raises RuntimeError if it says nothing."""
    kept = json.loads(path.read_text())
    own_file = [] if kept["file"] is None else [str((path.parent / kept["file"]).resolve())]
    plan = scratch / "plan.json"
    plan.write_text(json.dumps({**kept["plan"], **({"system": own_file[0]} if own_file else {})}))
    command = [sys.executable, "-m", "harness.cli", "run", *own_file, "--replay", str(plan), "--provider", "sim",
               "--store", str(scratch / "store"), "--json"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False)
    lines = done.stdout.splitlines()
    found: dict[str, Any] = json.loads(lines[-1]) if lines else {"error": done.stderr[-2000:]}
    if "valid" not in found:
        raise RuntimeError(f"{path.name}: the run came to no verdict: {found.get('error')}")
    return found


def said(found: dict[str, Any]) -> str:
    """A run's verdict in words."""
    kinds = ", ".join(dict.fromkeys(anomaly["type"] for anomaly in found["anomalies"]))
    words = {True: "valid", False: f"invalid: {kinds}"}.get(found["valid"], f"unknown: {found['explanation']}")
    return f"the run is {words}; its report: {found['report']}"
