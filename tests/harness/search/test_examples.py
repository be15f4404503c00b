"""The shrunk plans that the README shows fail as it says, and are drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import catalog
from harness.file import read_json
from harness.plan import Plan
from harness.search.trial import run_trial
from harness.search.worker import setup_of_plan
from tests.harness.search.plans import FAULTS

ROOT = Path(__file__).resolve().parents[3]
SHOWN = {
    "local-reads": "non-linearizable",
    "vote-without-up-to-date-check": "lost",
    "vote-not-persisted": "non-linearizable",
}


def test_every_plan_is_told_of() -> None:
    assert {path.stem for path in (ROOT / "examples" / "plans").glob("*.json")} == set(SHOWN)


@pytest.mark.parametrize("name", SHOWN)
def test_the_plan_fails_as_said_and_its_correct_twin_does_not(name: str) -> None:
    data = read_json(ROOT / "examples" / "plans" / f"{name}.json")
    plan = Plan.from_json(data)
    assert plan.bugs == (name,)
    assert SHOWN[name] in run_trial(setup_of_plan(plan, catalog.system(plan.system), FAULTS)).anomalies
    honest = Plan.from_json({**data, "bugs": []})
    assert run_trial(setup_of_plan(honest, catalog.system(plan.system), FAULTS)).anomalies == ()
    assert f".github/{name}.svg" in (ROOT / "README.md").read_text()
