"""The search for one seeded bug, and the runs of its correct twin: the same plans with and without the mistake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Final

from harness.claim import Experiment
from harness.claims.finding import Finding
from harness.claims.inquiry import Arm
from harness.exam.code import codes
from harness.node.failure import ASSERTION
from harness.system import Bug, System

RATE_HZ: Final = 20.0
TIME_LIMIT_S: Final = 10.0
BUG: Final = "bug"
TWIN: Final = "twin"


def experiment(bug: Bug, name: str | None) -> Experiment:
    """What shows the bug of that name; without one, its correct twin."""
    sizes = {"rate_hz": RATE_HZ, "time_limit_s": TIME_LIMIT_S, **bug.sizes}
    return Experiment(bug.workloads[0], bug.options, () if name is None else (name,), bug.faults, **sizes)


class Hunt:
    """Runs until the bug has been found ``finds`` times, or ``runs`` were made; with ``finds`` None always all."""

    def __init__(self, system: System, name: str, runs: int, finds: int | None, first_seed: int = 1) -> None:
        self.bug, self.name, self.system = system.bugs[name], name, system.name
        self.arm = Arm(BUG, experiment(self.bug, name), runs)
        self._finds, self._first_seed = finds, first_seed

    def next(self) -> tuple[Arm, int] | None:
        if not self.arm.open:
            return None
        self.arm.asked += 1
        return self.arm, self._first_seed + self.arm.asked - 1

    def add(self, arm: Arm, finding: Finding) -> None:
        arm.findings.append(finding)
        arm.closed = self._finds is not None and len(self.detections) >= self._finds

    def shows(self, finding: Finding) -> frozenset[str]:
        """The codes by which the run shows the bug as it is to be shown."""
        return codes(finding, self.arm.experiment.workload, self.bug.gap_s) & frozenset(self.bug.shows_as)

    @property
    def ordered(self) -> list[Finding]:
        return sorted(self.arm.findings, key=lambda finding: finding.seed)

    @property
    def detections(self) -> list[Finding]:
        return [finding for finding in self.ordered if self.shows(finding)]

    @property
    def runs(self) -> int:
        return len(self.arm.findings)

    @property
    def wanted(self) -> int:
        return self.runs if self.arm.closed else self.arm.runs

    def searches(self) -> list[tuple[int, float]]:
        """(runs, seconds of computing) that each detection took, from the one before it on."""
        found, runs, seconds = [], 0, 0.0
        for finding in self.ordered:
            runs, seconds = runs + 1, seconds + finding.seconds
            if self.shows(finding):
                found.append((runs, seconds))
                runs, seconds = 0, 0.0
        return found

    @property
    def median_runs(self) -> float | None:
        return median(runs for runs, _ in found) if (found := self.searches()) else None

    @property
    def median_seconds(self) -> float | None:
        return round(median(seconds for _, seconds in found), 3) if (found := self.searches()) else None

    def checkers(self) -> Mapping[str, int]:
        """What fired, and in how many runs; assertions, which do not count, among them."""
        workload, gap_s = self.arm.experiment.workload, self.bug.gap_s if "AVL" in self.bug.shows_as else None
        return dict(Counter(code for finding in self.ordered for code in codes(finding, workload, gap_s)).most_common())


@dataclass(frozen=True, slots=True)
class Alarm:
    """A run of a correct twin that was not right."""

    seed: int
    codes: tuple[str, ...]
    explanation: str


class Twin:
    """Runs of a system in which nothing is wrong: none may be invalid (show one of ``forbids``, where only those would
    be wrong), or leave everybody ``gap_s`` without answer."""

    def __init__(
        self, system: str, name: str, arm: Arm, first_seed: int = 1, gap_s: float | None = None,
        forbids: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        self.system, self.name, self.arm, self.gap_s, self.forbids = system, name, arm, gap_s, forbids
        self._first_seed = first_seed

    def next(self) -> tuple[Arm, int] | None:
        if not self.arm.open:
            return None
        self.arm.asked += 1
        return self.arm, self._first_seed + self.arm.asked - 1

    def add(self, arm: Arm, finding: Finding) -> None:
        arm.findings.append(finding)

    @property
    def runs(self) -> int:
        return len(self.arm.findings)

    @property
    def wanted(self) -> int:
        return self.arm.runs

    def alarms(self) -> list[Alarm]:
        workload = self.arm.experiment.workload
        return [
            Alarm(finding.seed, tuple(sorted(shown)), next(iter(finding.anomalies.values()), finding.explanation))
            for finding in sorted(self.arm.findings, key=lambda finding: finding.seed)
            if (shown := codes(finding, workload, self.gap_s)) and self._is_wrong(finding)
        ]

    def _is_wrong(self, finding: Finding) -> bool:
        return not self.forbids or any(kind in finding.anomalies for kind in (*self.forbids, ASSERTION))

    @property
    def unknown(self) -> Mapping[str, int]:
        """Runs that say nothing: why, and how many."""
        return dict(Counter(str(each.reason) for each in self.arm.findings if each.valid == "unknown"))


def correct_twin(system: System, name: str, runs: int, first_seed: int = 1) -> Twin:
    """``runs`` runs of the bug's plans without the bug."""
    bug = system.bugs[name]
    gap_s = bug.gap_s if "AVL" in bug.shows_as else None
    return Twin(system.name, f"{name} {TWIN}", Arm(TWIN, experiment(bug, None), runs), first_seed, gap_s)
