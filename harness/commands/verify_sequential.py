"""Evidence of sequential consistency, decided again: an order is replayed, a witness decided by brute force where it is
small enough, else by the search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from checkers.guard import Unsupported
from checkers.linearizable import model_of
from checkers.linearizable.limit import Limit
from checkers.sequential import PER_KEY, brute
from checkers.sequential.certificate import refute
from checkers.sequential.decide import refutes
from checkers.sequential.scope import Scope, scopes
from checkers.value import Codes
from harness.commands.evidence import Evidence, Finding
from harness.history import History
from harness.result import worst

BRUTE_OPERATIONS_MAX: Final = 24
_BRUTE_VISITS: Final = 20_000


def examine(evidence: Evidence, history: History, nil_reads: Literal["value", "unknown"], deadline: float) -> Finding:
    """Whether the evidence shows of this history what it says."""
    try:
        model = model_of(evidence.model)
        per_key = evidence.expect == PER_KEY
        found = scopes(history, model, Codes(), nil_reads, evidence.initial, per_key=per_key)
    except (Unsupported, ValueError) as error:
        return Finding(False, "reading", str(error)[:400])
    return _orders(evidence, found) if evidence.valid else _witnesses(evidence, found, deadline)


def _orders(evidence: Evidence, found: Sequence[Scope]) -> Finding:
    if len(found) != len(evidence.lists):
        return Finding(False, "replay", f"it has {len(evidence.lists)} orders; expected {len(found)}")
    for scope, positions in zip(found, evidence.lists, strict=True):
        known = {item.operation.invoke: item for item in (*scope.required, *scope.optional)}
        if strange := [position for position in positions if position not in known]:
            return Finding(False, "replay", f"it places operation {strange[0]}, which is not one to be put in order")
        objection = refute(scope, [known[position] for position in positions])
        if objection is not None:
            return Finding(False, "replay", objection)
    return Finding(True, "replay")


def _witnesses(evidence: Evidence, found: Sequence[Scope], deadline: float) -> Finding:
    findings = [_witness(set(positions), found, deadline) for positions in evidence.lists]
    if not findings:
        return Finding(False, "counting", "it has no witness")
    holds = worst(finding.holds for finding in findings)
    doubts = [finding.explanation for finding in findings if finding.holds is holds and finding.explanation]
    return Finding(holds, "+".join(sorted({finding.method for finding in findings})), doubts[0] if doubts else None)


def _witness(wanted: set[int], found: Sequence[Scope], deadline: float) -> Finding:
    scope = next((each for each in found if wanted <= {item.operation.invoke for item in each.required}), None)
    if scope is None or not wanted:
        return Finding(False, "reading", f"{sorted(wanted)[:8]} are not operations in one order that took effect")
    asked = scope.asking(item for item in scope.required if item.operation.invoke in wanted)
    method, explained = "search", None
    if len(asked.required) + len(asked.optional) <= BRUTE_OPERATIONS_MAX:
        method = "brute"
        explained = brute.decide(asked, visits_max=_BRUTE_VISITS)
    if explained is None:
        method = "search"
        refuted = refutes(asked, Limit(deadline))
        if refuted is None:
            return Finding("unknown", method, "the witness was not decided within the limits")
        explained = not refuted
    return Finding(not explained, method, "an order explains all results of the witness" if explained else None)
