"""The rules by which a claim is confirmed, refuted or left unconfirmed: pure functions of findings.

What must never happen is that a claim is confirmed because nothing happened. So whatever holds is confirmed only

* if each run that counts had enough successful operations under its faults, a fault bit, nodes told what the claim says
  that they must (``Claim.told``), and, where a leader was replaced, something from before was asked of the new one;
* if enough of the runs count, and each of the faults bit in enough of them;
* and if the control, which differs in nothing but its configuration, shows the opposite under the same faults.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median
from typing import Final, Literal

from harness.claim import Available, Claim, Converges, Curve, Holds, Measured, Shape, Tabled, Unavailable, Violates
from harness.claims.evidence import DIVERGENCE, idle, too_few, unmeasured, unsettled
from harness.claims.finding import Finding
from harness.claims.traffic import RECOVERY_S, Traffic
from harness.node.failure import ASSERTION

Verdict = Literal["confirmed", "refuted", "unconfirmed"]

CLAIM: Final = "claim"
CONTROL: Final = "control"
Findings = Mapping[str, Sequence[Finding]]
"""By arm: the claim's own runs, its control's, or those of each point of a sweep, by its label."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """``why`` in words; ``counted`` runs are evidence of something; ``evidence`` is the run that shows it (the arm and
    the finding); ``control`` what the control showed; ``figures`` medians: curve -> point -> value."""

    verdict: Verdict
    why: str
    counted: int = 0
    evidence: tuple[str, Finding] | None = None
    control: str | None = None
    figures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def judge(claim: Claim, found: Findings) -> Judgement:
    """What the findings make of the claim."""
    own, control = list(found.get(CLAIM, ())), list(found.get(CONTROL, ()))
    match claim.expect:
        case Violates(anomalies):
            return _violates(own, anomalies)
        case Holds(forbids):
            return _holds(claim, own, control, forbids)
        case Unavailable(f, permanent):
            return _unavailable(claim, own, control, f, permanent=permanent)
        case Available(f):
            return _available(claim, own, control, f)
        case Converges(within_s):
            return _converges(claim, own, control, within_s)
        case Measured():
            return _measured(claim, claim.expect, found)
        case Tabled():
            return _tabled(claim.expect, found)


def shown(finding: Finding, anomalies: Sequence[str]) -> str | None:
    """The first of these anomalies that the run shows; any at all where none is named. A node that stopped at its own
    assertion has shown that something is wrong, but not what."""
    if finding.valid is not False:
        return None
    types = [kind for kind in finding.anomalies if not anomalies or kind in anomalies]
    return types[0] if types else None


def broke(finding: Finding, anomalies: Sequence[str]) -> str | None:
    """What the run of a control shows of these anomalies, or any; by a checker, not by a node's own assertion."""
    named = {kind: text for kind, text in finding.anomalies.items() if kind != ASSERTION}
    return shown(replace(finding, anomalies=named), anomalies)


def _violates(own: Sequence[Finding], anomalies: Sequence[str]) -> Judgement:
    for finding in own:
        if (kind := shown(finding, anomalies)) is not None:
            return Judgement("confirmed", f"{kind}: {finding.anomalies[kind]}", len(own), (CLAIM, finding))
    return Judgement("unconfirmed", f"no run of {len(own)} shows {' or '.join(anomalies)}; {_seen(own)}", len(own))


def _seen(findings: Sequence[Finding]) -> str:
    """What runs showed instead."""
    kinds = Counter(kind for finding in findings for kind in finding.anomalies)
    reasons = Counter(finding.reason for finding in findings if finding.valid == "unknown")
    told = [f"{kind} in {count}" for kind, count in (*kinds.most_common(3), *reasons.most_common(3))]
    return ", ".join(told) or "all were valid"


def _holds(claim: Claim, own: Sequence[Finding], control: Sequence[Finding], forbids: Sequence[str]) -> Judgement:
    for finding in own:
        kind = shown(finding, (*forbids, ASSERTION) if forbids else ())
        if kind is not None:
            why = f"{kind}: {finding.anomalies[kind]}"
            return Judgement("refuted", why, len(own), (CLAIM, finding))
    broken = next(((each, kind) for each in control if (kind := broke(each, forbids)) is not None), None)
    told = None if broken is None else f"{broken[1]}: {broken[0].anomalies[broken[1]]}"
    counted, doubt = too_few(claim, own, lambda finding: uncounted(claim, finding, forbids), control)
    if doubt is not None:
        return Judgement("unconfirmed", doubt, len(counted), control=told)
    if broken is None:
        why = f"nothing was violated, but not in the control either ({len(control)} runs; {_seen(control)})"
        return Judgement("unconfirmed", why, len(counted))
    why = f"in {len(counted)} runs that count nothing was violated; the control was"
    return Judgement("confirmed", why, len(counted), (CONTROL, broken[0]), told)


def uncounted(claim: Claim, finding: Finding, forbids: Sequence[str] = ()) -> str | None:
    """Why a run without the anomaly is no evidence that it cannot be; None if it is."""
    if (doubt := unsettled(finding, forbids) or idle(claim, finding)) is not None:
        return doubt
    if finding.windows and finding.disturbed < claim.thresholds.disturbed_ok_min:
        return f"only {finding.disturbed} operations succeeded under faults"
    if finding.failovers and not finding.carried:
        return "nothing from before the failover was asked for after it"
    return None


def _unavailable(
    claim: Claim, own: Sequence[Finding], control: Sequence[Finding], f: str, *, permanent: bool
) -> Judgement:
    least = claim.thresholds.operations_min
    for finding in own:
        if (around := _enough(finding, f, least)) is not None and around.answered:
            why = f"{around.answered} of {around.asked} operations {f} succeeded while the fault was in force"
            return Judgement("refuted", why, len(own), (CLAIM, finding))
    counted, doubt = too_few(
        claim, own, lambda each: _stopped(each, f, least, permanent=permanent) or idle(claim, each)
    )
    if doubt is not None:
        return Judgement("unconfirmed", doubt, len(counted))
    living = [each for each in control if (around := _enough(each, f, least)) is not None and around.answered >= least]
    if 2 * len(living) <= len(control):
        why = f"the control did not stay available either: it did in {len(living)} of {len(control)} runs"
        return Judgement("unconfirmed", why, len(counted), control="not available")
    around = counted[0].traffic[f]
    why = f"none of {around.asked} operations {f} succeeded in a run, in none of {len(counted)} runs any"
    told = f"available: {living[0].traffic[f].answered} of {living[0].traffic[f].asked} succeeded"
    return Judgement("confirmed", why, len(counted), (CLAIM, counted[0]), told)


def _enough(finding: Finding, f: str, least: int) -> Traffic | None:
    """The traffic, if enough of it succeeded before the fault and was asked under it."""
    around = finding.traffic.get(f)
    return around if around is not None and around.before >= least and around.asked >= least else None


def _stopped(finding: Finding, f: str, least: int, *, permanent: bool) -> str | None:
    """Why a run does not show that the fault stopped the operations; None if it does."""
    around = finding.traffic.get(f, Traffic())
    if around.before < least:
        return f"only {around.before} operations {f} succeeded before the fault"
    if around.asked < least:
        return f"only {around.asked} operations {f} were asked for under the fault"
    if permanent:
        return _not_for_good(around, f, least)
    if around.soon < least:
        return f"only {around.soon} operations {f} succeeded within {RECOVERY_S:g} s of the heal"
    return None


def _not_for_good(around: Traffic, f: str, least: int) -> str | None:
    if around.after:
        return f"operations {f} succeeded after the heal"
    return (
        f"only {around.asked_after} operations {f} were asked for after the heal"
        if around.asked_after < least
        else None
    )


def _available(claim: Claim, own: Sequence[Finding], control: Sequence[Finding], f: str) -> Judgement:
    least = claim.thresholds.operations_min
    for finding in own:
        if _enough(finding, f, least) is not None and finding.traffic[f].answered < least:
            why = f"only {finding.traffic[f].answered} of {finding.traffic[f].asked} operations {f} succeeded"
            return Judgement("refuted", f"{why} while the fault was in force", len(own), (CLAIM, finding))
    asked, doubt = too_few(claim, own, lambda each: _unasked(claim, each, f))
    if doubt is not None:
        return Judgement("unconfirmed", doubt, len(asked))
    dead = [each for each in control if (around := _enough(each, f, least)) is not None and not around.answered]
    if 2 * len(dead) <= len(control):
        why = f"the control was available, too: it stopped in {len(dead)} of {len(control)} runs only"
        return Judgement("unconfirmed", why, len(asked), control="available")
    around = asked[0].traffic[f]
    why = f"{around.answered} of {around.asked} operations {f} succeeded under the fault in a run, of {len(asked)}"
    told = f"not available: 0 of {dead[0].traffic[f].asked} succeeded"
    return Judgement("confirmed", why, len(asked), (CLAIM, asked[0]), told)


def _unasked(claim: Claim, finding: Finding, f: str) -> str | None:
    """Why a run does not show that the fault left the operations alone; None if it does."""
    if _enough(finding, f, claim.thresholds.operations_min) is None:
        return f"too few operations {f} before or under the fault"
    return idle(claim, finding)


def _converges(claim: Claim, own: Sequence[Finding], control: Sequence[Finding], within_s: float) -> Judgement:
    for finding in own:
        if shown(finding, (DIVERGENCE,)) is not None:
            return Judgement("refuted", finding.anomalies[DIVERGENCE], len(own), (CLAIM, finding))
        if finding.differed and finding.agreed_s is not None and finding.agreed_s > within_s:
            why = f"replicas agreed only after {finding.agreed_s} s"
            return Judgement("refuted", why, len(own), (CLAIM, finding))
    counted, doubt = too_few(claim, own, lambda finding: _parted(finding) or unmeasured(claim, finding))
    if doubt is not None:
        return Judgement("unconfirmed", doubt, len(counted))
    told = None
    if claim.control is not None:
        broken = next((each for each in control if shown(each, (DIVERGENCE,)) is not None), None)
        if broken is None:
            why = f"replicas agreed, but those of the control did, too ({len(control)} runs)"
            return Judgement("unconfirmed", why, len(counted))
        told = broken.anomalies[DIVERGENCE]
    slowest = max(finding.agreed_s or 0.0 for finding in counted)
    why = f"in {len(counted)} runs replicas differed and then agreed, {slowest} s after the heal at the latest"
    return Judgement("confirmed", why, len(counted), (CLAIM, counted[0]), told)


def _parted(finding: Finding) -> str | None:
    """Why a run does not show that replicas which differed came together again."""
    if not finding.differed:
        return "replicas were never seen to differ"
    return "nobody knows whether they agreed in the end" if finding.agreed_s is None else None


def _measured(claim: Claim, expect: Measured, found: Findings) -> Judgement:
    """Medians of the runs in which the faults bit; of a run in which nothing happened there is nothing to measure."""
    own = [finding for point in expect.points for finding in found.get(point.label, ())]
    counted, doubt = too_few(claim, own, lambda finding: unmeasured(claim, finding))
    if doubt is not None:
        return Judgement("unconfirmed", doubt, len(counted))
    figures: dict[str, dict[str, float]] = {}
    for curve in expect.curves:
        values = {point.label: _median(claim, found.get(point.label, ()), curve.figure) for point in expect.points}
        if missing := [label for label, value in values.items() if value is None]:
            return Judgement("unconfirmed", f"no {curve.figure} was measured at {missing[0]}", figures=figures)
        figures[curve.figure] = {label: value for label, value in values.items() if value is not None}
    wrong = [curve for curve in expect.curves if not has_shape(curve.shape, list(figures[curve.figure].values()))]
    told = "; ".join(_told(curve, figures[curve.figure]) for curve in wrong or expect.curves)
    return Judgement("refuted" if wrong else "confirmed", told, len(counted), figures=figures)


def _told(curve: Curve, values: Mapping[str, float]) -> str:
    return f"{curve.figure} ({curve.shape}): " + ", ".join(f"{label}: {value:g}" for label, value in values.items())


def _median(claim: Claim, findings: Sequence[Finding], figure: str) -> float | None:
    """Of the runs that count and have the figure, if most of them do."""
    counted = [finding for finding in findings if unmeasured(claim, finding) is None]
    values = [value for finding in counted if (value := finding.figures.get(figure)) is not None]
    return median(values) if 2 * len(values) > len(findings) else None


def has_shape(shape: Shape, values: Sequence[float]) -> bool:
    """Whether a curve looks like that; a single point has no direction, and so it does neither rise nor fall."""
    match shape.kind:
        case "at-least":
            return all(value >= shape.bound for value in values)
        case "at-most":
            return all(value <= shape.bound for value in values)
        case "flat":
            return max(values) - min(values) <= shape.tolerance * max(map(abs, values))
        case "falls":
            values = values[::-1]
    steps = all(later >= earlier * (1 - shape.tolerance) for earlier, later in pairwise(values))
    return len(values) > 1 and steps and values[-1] > 0 and values[-1] >= shape.ratio * values[0]


def _tabled(expect: Tabled, found: Findings) -> Judgement:
    """A point has ``one`` if some run shows it, and ``other`` if every run does (a run may be lucky)."""
    rows: dict[str, tuple[float, float]] = {}
    for point in expect.points:
        runs = found.get(point.label, ())
        ones, others = _known(runs, expect.one), _known(runs, expect.other)
        if 2 * min(len(ones), len(others)) <= len(runs):
            scarce = expect.one if len(ones) < len(others) else expect.other
            return Judgement("unconfirmed", f"{point.label}: {scarce} is not known of most runs")
        rows[point.label] = max(ones), min(others)
    counted = sum(len(found[point.label]) for point in expect.points)
    figures = {
        name: {label: row[place] for label, row in rows.items()}
        for place, name in enumerate((expect.one, expect.other))
    }
    told = "; ".join(f"{label}: {_words(expect, row)}" for label, row in rows.items())
    if any(row == (1.0, 1.0) for row in rows.values()):
        return Judgement("refuted", told, counted, figures=figures)
    both_seen = all(any(row[place] for row in rows.values()) for place in (0, 1))
    verdict: Verdict = "confirmed" if both_seen else "unconfirmed"
    return Judgement(verdict, told if both_seen else f"one of the two was never seen: {told}", counted, figures=figures)


def _known(findings: Sequence[Finding], figure: str) -> list[float]:
    return [value for finding in findings if (value := finding.figures.get(figure)) is not None]


def _words(expect: Tabled, row: tuple[float, float]) -> str:
    names = [name for name, value in zip((expect.one, expect.other), row, strict=True) if value]
    return " and ".join(names) or "neither"
