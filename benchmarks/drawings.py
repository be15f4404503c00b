"""Draws the plans of ``examples/plans`` for the README: each is run, and what happened becomes ``.github/NAME.svg``.

python -m benchmarks.drawings
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from harness import catalog
from harness.fault_window import fault_windows
from harness.file import read_json
from harness.history import History
from harness.plan import Plan
from harness.report.space_time import draw
from harness.search.trial import run_trial
from harness.search.worker import setup_of_plan
from harness.trace import Trace

ROOT: Final = Path(__file__).resolve().parents[1]
PLANS: Final = ROOT / "examples" / "plans"
FAULTS: Final = catalog.faults()


def drawing(path: Path) -> str:
    """The space-time diagram of a plan's first anomaly, as SVG."""
    plan, trace = Plan.from_json(read_json(path)), Trace()
    trial = run_trial(setup_of_plan(plan, catalog.system(plan.system), FAULTS), trace=trace)
    anomalies = trial.verdict.result.anomalies
    assert anomalies, f"{path} shows nothing: {trial.verdict.result.explanation}"
    origin_ns = trial.history.origin_ns
    history = History(replace(op, time=op.time - origin_ns) for op in trial.history)
    return draw(trace, history, fault_windows(history), anomalies[0], origin_us=origin_ns // 1000)


def main() -> None:
    for path in sorted(PLANS.glob("*.json")):
        target = ROOT / ".github" / f"{path.stem}.svg"
        target.write_text(drawing(path), encoding="utf-8")
        print(target.relative_to(ROOT), target.stat().st_size)


if __name__ == "__main__":
    main()
