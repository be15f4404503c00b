"""Whether a run is evidence of anything: it came to a verdict, its faults had an effect, and what the claim is about
happened in it. What all rules have in common (``harness.claims.rule``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Final

from harness.claim import Claim
from harness.claims.finding import Finding

_SPOILT: Final = ("harness-error", "interrupted", "too-few-ok-operations", "no-recovery")
"""Reasons for which nothing at all is to be learnt from a run, whatever is asked of it."""

BITTEN_SHARE_MIN: Final = 0.25
"""In so many of the runs that count each fault of the experiment must have had an effect. Not in all: a trigger may
not come, and what is killed may be dead already. But where one of two never bites, it is another experiment. What holds
may hold since a fault cannot touch it (a bent clock that nobody reads): then it must have bitten in the control."""

DIVERGENCE: Final = "divergence"
BESIDE: Final[Mapping[str, str]] = {DIVERGENCE: "eventual", "two-leaders": "leader-uniqueness"}
"""Anomalies that are looked for in every run, whatever its workload, and the names of these checks."""

_PARTIAL: Final = ("timeout", "unsupported", "version-order", "unknown-outcome")
"""Reasons that a checker of several guarantees has for one of them; those that it did decide stand."""


def idle(claim: Claim, finding: Finding) -> str | None:
    """Why nothing that the sentence is about happened in the run; None if it did."""
    if finding.bit and not any(finding.bit.values()):
        return "no fault had an effect"
    missing = [event for event in claim.told if not finding.told.get(event)]
    return f"no node told {missing[0]!r}" if missing else None


def unsettled(finding: Finding, forbids: Sequence[str] = ()) -> str | None:
    """Why the verdict of the run does not say that none of ``forbids`` (empty: nothing at all) was there; None if it
    does. A checker of several guarantees says it of those that it did decide, whatever the others come to."""
    if finding.valid == "unknown" and (not forbids or finding.reason not in _PARTIAL):
        return f"unknown ({finding.reason})"
    undecided = [name for name in forbids if not _is_decided(finding, name)] if forbids else finding.undecided
    return f"{undecided[0]} was not decided" if undecided else None


def _is_decided(finding: Finding, anomaly: str) -> bool:
    """Whether it is known if that anomaly was there: by the guarantee of its name, by the check beside the workload's
    that is about it, or else by the workload's own checker."""
    guarantee = BESIDE.get(anomaly, anomaly)
    if guarantee in finding.decided:
        return True
    if guarantee in finding.undecided or anomaly in BESIDE:
        return False
    # A run that is invalid for what was checked beside it alone may hide that the workload's checker did not decide.
    return finding.valid is True or (finding.valid is False and not set(finding.anomalies) <= set(BESIDE))


def unmeasured(claim: Claim, finding: Finding) -> str | None:
    """Why what was measured in the run is no figure of what the claim is about; None if it is. It needs no verdict of
    a checker, but a run that was as it should be."""
    if finding.valid == "unknown" and finding.reason in _SPOILT:
        return f"unknown ({finding.reason})"
    return idle(claim, finding)


def too_few(
    claim: Claim, own: Sequence[Finding], why: Callable[[Finding], str | None], control: Sequence[Finding] = ()
) -> tuple[list[Finding], str | None]:
    """The runs that count, those for which ``why`` has nothing to say; and why these are not enough, if they are not:
    they are too few, or one of their faults did nothing, neither there nor in the runs of the ``control``."""
    counted = [finding for finding in own if why(finding) is None]
    needed = max(1, ceil(claim.thresholds.counted_min * len(own)))
    if own and len(counted) >= needed:
        names = dict.fromkeys(name for finding in counted for name in finding.bit)
        idle_faults = [name for name in names if not _bites(name, counted) and not _bites(name, control)]
        return counted, f"{idle_faults[0]} had an effect in too few of the runs" if idle_faults else None
    reasons = Counter(reason for finding in own if (reason := why(finding)) is not None).most_common(3)
    told = ", ".join(f"{reason} ({count})" for reason, count in reasons) or "there was no run"
    return counted, f"only {len(counted)} of {len(own)} runs count, {needed} are needed: {told}"


def _bites(fault: str, findings: Sequence[Finding]) -> bool:
    """Whether the fault had an effect in enough of these runs."""
    bitten = sum(finding.bit.get(fault, False) for finding in findings)
    return 0 < bitten >= BITTEN_SHARE_MIN * len(findings)
