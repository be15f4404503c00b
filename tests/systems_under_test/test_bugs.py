"""The cheap part of the exam: bugs that a few simulated runs show are found, and the very run without the bug is right.

``splitbrain mutants`` is the whole exam. The simulated world is deterministic, so a bug that is found here always is,
until a system, its plan or a checker changes.
"""

from __future__ import annotations

from typing import Final

import pytest

from harness import catalog
from harness.claims.experiment import plan_of
from harness.claims.finding import Finding
from harness.claims.worker import answer, request
from harness.exam.hunt import Hunt, Twin, correct_twin
from harness.system import System

RUNS: Final = 8
DEAR: Final = frozenset(
    {
        "freshness-by-wall-clock", "term-not-persisted", "read-before-first-commit", "commit-earlier-term-by-count",
        "local-reads", "lease-without-bound", "dirty-read", "applied-index-saved-apart",
        "append-without-previous-check", "vote-without-up-to-date-check", "snapshot-drops-newer-suffix",
        "snapshot-omits-client-table", "configuration-change-before-commit", "unknown-reported-as-failed",
        "vote-not-persisted", "promote-any-backup",
    }
)  # fmt: skip
"""Those that take more runs, or longer ones: campaigns look for them."""

SYSTEMS: Final = [catalog.system(name) for name in catalog.names("systems")]
CHEAP: Final = [(system, name) for system in SYSTEMS for name in system.bugs if name not in DEAR]


def next_finding(system: System, question: Hunt | Twin) -> Finding | None:
    asked = question.next()
    if asked is None:
        return None
    arm, seed = asked
    found = answer(request(plan_of(arm.experiment, system, catalog.faults(), seed, "sim")))
    question.add(arm, found)
    return found


def test_what_is_dear_is_the_name_of_a_bug() -> None:
    assert {name for system in SYSTEMS for name in system.bugs} >= DEAR
    assert len(CHEAP) >= len(DEAR)


@pytest.mark.parametrize(("system", "name"), CHEAP, ids=[name for _, name in CHEAP])
def test_a_cheap_bug_is_found_and_its_twin_is_left_in_peace(system: System, name: str) -> None:
    hunt = Hunt(system, name, RUNS, finds=1)
    while found := next_finding(system, hunt):
        pass
    (shown,) = hunt.detections
    twin = correct_twin(system, name, 1, first_seed=shown.seed)
    found = next_finding(system, twin)
    assert found is not None
    assert found.seed == shown.seed
    assert not twin.alarms()
