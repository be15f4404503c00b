"""An inquiry: one claim being tested, its configurations ("arms") run under the same seeds, until no run is needed.

Which run is made next depends on what has been found: one run that shows the anomaly settles a claim that expects it,
and one that shows it in the control settles the control.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from harness.claim import Claim, Converges, Experiment, Holds, Measured, Tabled, Variant, Violates
from harness.claims.evidence import DIVERGENCE
from harness.claims.finding import Finding
from harness.claims.rule import CLAIM, CONTROL, Findings, Judgement, Verdict, broke, judge, shown

MEASURED_SHARE: Final = 0.25
"""Points of a sweep are run so much less often than a claim: figures are medians, and there are many points."""
MEASURED_MIN: Final = 3
ENOUGH: Final = 15
ENOUGH_FOR_EACH: Final = 5
"""A control that broke in its run k says how hard the mistake is to meet. A claim is held to ENOUGH_FOR_EACH * k runs,
and to ENOUGH in any case (k may have been luck), within its budget: were it as wrong as its control, with one run in k
that shows it, it would pass them about once in e^5 = 150 times. Who wants more says so (``runs``)."""


@dataclass(slots=True)
class Arm:
    """One configuration; ``figures`` and ``told`` are what is looked for in its runs. ``system`` where it is of another
    system than the claim's. ``asked`` runs were begun of ``runs`` at most; ``closed`` when no more are needed."""

    name: str
    experiment: Experiment
    runs: int
    figures: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    system: str | None = None
    asked: int = 0
    closed: bool = False
    findings: list[Finding] = field(default_factory=list)

    @property
    def open(self) -> bool:
        return not self.closed and self.asked < self.runs


class Inquiry:
    """``runs`` is the budget of each arm (None: the claim's own); run number i of every arm has the seed
    ``first_seed + i``."""

    def __init__(self, claim: Claim, system: str, runs: int | None = None, first_seed: int = 1) -> None:
        self.claim, self.system, self.first_seed = claim, system, first_seed
        self.budget = claim.thresholds.runs if runs is None else runs
        self.arms = list(_arms(claim, self.budget))
        self._as_asked = runs is not None
        self.seconds = 0.0

    @property
    def name(self) -> str:
        return self.claim.id

    def next(self) -> tuple[Arm, int] | None:
        """The run to be made next: its arm and its seed. The arm with the fewest runs so far comes first."""
        open_ = [arm for arm in self.arms if arm.open]
        if not open_:
            return None
        arm = min(open_, key=lambda arm: arm.asked)
        arm.asked += 1
        return arm, self.first_seed + arm.asked - 1

    def add(self, arm: Arm, finding: Finding) -> None:
        """A run was made."""
        arm.findings.append(finding)
        self.seconds += finding.seconds
        if self._settled(arm, finding):
            arm.closed = True
            if arm.name == CONTROL and not self._as_asked:
                self._suffice(len(arm.findings))

    def _suffice(self, needed: int) -> None:
        """The control broke in its run ``needed``."""
        own = next(arm for arm in self.arms if arm.name == CLAIM)
        enough = max(ENOUGH, ENOUGH_FOR_EACH * needed)
        own.runs = max(own.asked, min(own.runs, enough))

    def _settled(self, arm: Arm, finding: Finding) -> bool:
        """Whether this run makes further ones of its arm needless."""
        match self.claim.expect:
            case Violates(anomalies):
                return shown(finding, anomalies) is not None
            case Holds(forbids) if arm.name == CONTROL:
                return broke(finding, forbids) is not None
            case Converges() if arm.name == CONTROL:
                return shown(finding, (DIVERGENCE,)) is not None
        return False

    @property
    def runs(self) -> int:
        return sum(len(arm.findings) for arm in self.arms)

    @property
    def wanted(self) -> int:
        """How many runs it has taken and may still take."""
        return sum(len(arm.findings) if arm.closed else arm.runs for arm in self.arms)

    def findings(self) -> Findings:
        return {arm.name: sorted(arm.findings, key=lambda finding: finding.seed) for arm in self.arms}

    def judgement(self) -> Judgement:
        """By the rules; but what must not be seen is not confirmed before all runs in which it might be were made, and
        of medians and of "in every run" nothing is said before either."""
        judged = judge(self.claim, self.findings())
        if self.runs >= self.wanted or not self._is_provisional(judged.verdict):
            return judged
        why = f"cut short after {self.runs} of {self.wanted} runs; until then {judged.verdict}: {judged.why}"
        return replace(judged, verdict="unconfirmed", why=why)

    def _is_provisional(self, verdict: Verdict) -> bool:
        match self.claim.expect:
            case Violates():
                return False
            case Measured() | Tabled():
                return verdict != "unconfirmed"
        return verdict == "confirmed"


def _arms(claim: Claim, budget: int) -> Iterator[Arm]:
    match claim.expect:
        case Measured():
            names = tuple(dict.fromkeys(curve.figure for curve in claim.expect.curves))
            yield from _points(claim, claim.expect.points, max(MEASURED_MIN, round(budget * MEASURED_SHARE)), names)
        case Tabled(_, points, one, other):
            yield from _points(claim, points, budget, (one, other))
        case _:
            yield Arm(CLAIM, claim.experiment, budget, told=claim.told)
            if claim.control is not None:
                yield Arm(CONTROL, claim.experiment.varied(claim.control), budget, system=claim.control.system)


def _points(claim: Claim, points: Sequence[Variant], runs: int, figures: tuple[str, ...]) -> Iterator[Arm]:
    for point in points:
        yield Arm(point.label, claim.experiment.varied(point), runs, figures, claim.told, point.system)
