"""One claim with what came of it, and the run that shows it, written where a person can repeat it from."""

from __future__ import annotations

import shlex
from typing import Any

from harness.claims.finding import Finding
from harness.claims.inquiry import Inquiry
from harness.claims.rule import CONTROL, Judgement
from harness.claims.survey import Survey
from harness.commands import PROGRAM
from harness.plan import Plan

Evidence = tuple[dict[str, Any], Plan]


class Row:
    """One claim with what came of it. ``evidence`` names the run that shows it, ``plan`` repeats it."""

    def __init__(self, inquiry: Inquiry, judgement: Judgement, evidence: Evidence | None) -> None:
        self.inquiry, self.judgement = inquiry, judgement
        self.evidence = None if evidence is None else evidence[0]
        self.plan = None if evidence is None else evidence[1]

    @staticmethod
    def of(survey: Survey[Inquiry], inquiry: Inquiry) -> Row:
        judgement = inquiry.judgement()
        evidence = None
        if judgement.evidence is not None:
            evidence = _kept(survey, inquiry, *judgement.evidence)
        return Row(inquiry, judgement, evidence)

    def as_json(self) -> dict[str, Any]:
        claim, judgement = self.inquiry.claim, self.judgement
        own = [arm for arm in self.inquiry.arms if arm.name != CONTROL]
        control = [arm for arm in self.inquiry.arms if arm.name == CONTROL]
        return {
            "id": claim.id,
            "sentence": claim.sentence,
            "system": self.inquiry.system,
            "source": {"book": claim.source.book, "place": claim.source.place, "page": claim.source.page,
                       "quotation": claim.source.quotation},
            "verdict": judgement.verdict,
            "expect": str(claim.expect),
            "why": judgement.why,
            "runs": sum(len(arm.findings) for arm in own),
            "counted": judgement.counted,
            "control": None if not control else {
                "options": dict(claim.control.options) if claim.control else {},
                "bugs": list(claim.control.bugs) if claim.control else [],
                "runs": sum(len(arm.findings) for arm in control),
                "showed": judgement.control,
            },
            "evidence": self.evidence,
            "figures": {name: dict(points) for name, points in judgement.figures.items()},
            "seconds": round(self.inquiry.seconds, 1),
        }  # fmt: skip


def _kept(survey: Survey[Inquiry], inquiry: Inquiry, arm_name: str, found: Finding) -> Evidence:
    """The run that shows it: how to repeat it."""
    arm = next(arm for arm in inquiry.arms if arm.name == arm_name)
    path = survey.keep(inquiry, arm, found.seed)
    told = {"arm": arm_name, "seed": found.seed, "plan": str(path), "run": found.place,
            "anomalies": list(found.anomalies),
            "repeat": shlex.join([PROGRAM, "run", "--replay", str(path)])}  # fmt: skip
    return told, survey.plan(inquiry, arm, found.seed)
