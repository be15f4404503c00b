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
DIRECTED: Final = frozenset({"windows", "time_limit_s"})
"""Sizes that belong to a directed schedule, and not to another one for the same bug."""

BUG: Final = "bug"
TWIN: Final = "twin"


def experiment(bug: Bug, name: str | None, workload: str | None = None, faults: str | None = None) -> Experiment:
    """What shows the bug of that name; without one, its correct twin. In its first workload and under its own faults,
    unless others are given."""
    own = {name: size for name, size in bug.sizes.items() if faults is None or name not in DIRECTED}
    sizes = {"rate_hz": RATE_HZ, "time_limit_s": TIME_LIMIT_S, **own}
    bugs = () if name is None else (name,)
    return Experiment(workload or bug.workloads[0], bug.options, bugs, faults or bug.faults, **sizes)


class Hunt:
    """Runs until the bug has been found ``finds`` times, or ``runs`` were made; with ``finds`` None always all. They
    are dealt out in turn to the workloads that show it. With ``at_random`` it is looked for among random faults."""

    def __init__(
        self, system: System, name: str, runs: int, finds: int | None, first_seed: int = 1, *, at_random: bool = False
    ) -> None:
        self.bug, self.system = system.bugs[name], system.name
        self.name = f"{name} at random" if at_random else name
        faults, workloads = self.bug.random_faults if at_random else None, self.bug.workloads
        self.arms = [
            Arm(f"{BUG} {workload}", experiment(self.bug, name, workload, faults), len(range(i, runs, len(workloads))))
            for i, workload in enumerate(workloads)
        ]
        self._finds, self._first_seed = finds, first_seed

    def next(self) -> tuple[Arm, int] | None:
        asked = sum(arm.asked for arm in self.arms)
        arm = self.arm_of(seed := self._first_seed + asked)
        if not arm.open:
            return None
        arm.asked += 1
        return arm, seed

    def arm_of(self, seed: int) -> Arm:
        """In whose turn the run of that seed is."""
        return self.arms[(seed - self._first_seed) % len(self.arms)]

    def add(self, arm: Arm, finding: Finding) -> None:
        arm.findings.append(finding)
        if self._finds is not None and len(self.detections) >= self._finds:
            for each in self.arms:
                each.closed = True

    def _codes(self, finding: Finding, gap_s: float | None) -> frozenset[str]:
        return codes(finding, self.arm_of(finding.seed).experiment.workload, gap_s)

    def shows(self, finding: Finding) -> frozenset[str]:
        """The codes by which the run shows the bug as it is to be shown."""
        return self._codes(finding, self.bug.gap_s) & frozenset(self.bug.shows_as)

    @property
    def ordered(self) -> list[Finding]:
        return sorted((each for arm in self.arms for each in arm.findings), key=lambda finding: finding.seed)

    @property
    def detections(self) -> list[Finding]:
        return [finding for finding in self.ordered if self.shows(finding)]

    @property
    def runs(self) -> int:
        return sum(len(arm.findings) for arm in self.arms)

    @property
    def wanted(self) -> int:
        return sum(len(arm.findings) if arm.closed else arm.runs for arm in self.arms)

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
        gap_s = self.bug.gap_s if "AVL" in self.bug.shows_as else None
        return dict(Counter(code for finding in self.ordered for code in self._codes(finding, gap_s)).most_common())


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
