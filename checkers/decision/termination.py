"""Termination: whoever proposes and does not crash is told a decision in the end.

No finite history refutes that as it stands: the answer might have come a moment later. What can be judged is whether it
came by the end, and after the last fault was healed (all along, if there was none): consensus may have to wait for calm
(Fischer, Lynch, Paterson 1985), and no longer. So, key by key:

* valid if every proposal made in the calm was told a decision; those made before it may have met a fault;
* invalid ("no-decision") if PROPOSALS_MIN proposals or more were made in the calm, none of them was told a decision,
  and nobody else was told one in the calm either: there was every occasion, and the protocol does not come to an end;
* unknown (no-recovery) otherwise, and where nothing was proposed in the calm and nobody was told a decision at all.

A process whose operation ended in ``info``, or not at all, may have crashed: alone it is no evidence.
"""

from __future__ import annotations

from typing import Final

from checkers.decision.reading import Decision, Scene, anomaly, concluded, judged, whose
from checkers.value import show
from harness.fault_window import fault_windows
from harness.history import Call, History
from harness.result import Anomaly, Reason, Result, Validity

EXPECT: Final = "termination"
ANOMALY: Final = "no-decision"
PROPOSALS_MIN: Final = 3


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Whether everybody who proposed in the calm after the last fault was told a decision by the end.

    Invalid: one anomaly "no-decision" per key that was never decided though it was proposed for, time and again; its
    operations are those proposals. Unknown where too little was asked in the calm. Raises
    :class:`harness.history.HistoryError`.
    """
    return judged(history, EXPECT, time_limit_s, find)


def find(scene: Scene) -> Result:
    """The verdict on what was read."""
    calm = _calm(scene.history)
    anomalies: list[Anomaly] = []
    doubts: list[str] = []
    for decision in scene.each():
        proposals = [call for call in decision.proposals if calm is not None and call.invoke > calm]
        valid = _judge(decision, proposals, -1 if calm is None else calm)
        if valid is False:
            anomalies.append(_no_decision(decision, proposals))
        elif valid == "unknown":
            doubts.append(_doubt(decision, proposals))
    result = concluded(scene, EXPECT, anomalies)
    if not doubts or anomalies:
        return result
    more = f" (and so with {len(doubts) - 1} more keys)" if len(doubts) > 1 else ""
    return Result("unknown", EXPECT, method=result.method, reason=Reason.NO_RECOVERY, explanation=doubts[0] + more,
                  operations=result.operations, details=result.details)  # fmt: skip


def _calm(history: History) -> int | None:
    """From where on there was no fault: the position of the last heal, -1 if there was none, None if never."""
    windows = fault_windows(history)
    if any(window.stop is None for window in windows):
        return None
    return max((window.stop for window in windows if window.stop is not None), default=-1)


def _judge(decision: Decision, proposals: list[Call], calm: int) -> Validity:
    late = [told for told in decision.told if told.at > calm]
    unanswered = [call for call in proposals if not _answered(decision, call)]
    if not proposals:
        return True if decision.told or not decision.proposals else "unknown"
    if not unanswered:
        return True
    return False if len(unanswered) == len(proposals) >= PROPOSALS_MIN and not late else "unknown"


def _answered(decision: Decision, proposal: Call) -> bool:
    """Whether the proposer was told a decision, then or later; one that only left its proposal need not be."""
    later = [told for told in decision.told if told.at > proposal.invoke]
    if proposal.outcome == "ok" and proposal.result is None:
        return bool(later)
    return any(told.call.process == proposal.process for told in later)


def _no_decision(decision: Decision, proposals: list[Call]) -> Anomaly:
    outcomes = ", ".join(f"{whose(call)}: {_outcome(call)}" for call in proposals[:8])
    more = f" and {len(proposals) - 8} more" if len(proposals) > 8 else ""
    text = f"nobody was told a decision, though no fault was in force and {len(proposals)} proposals were made: "
    return anomaly(decision, ANOMALY, proposals, f"{text}{outcomes}{more}.")


def _outcome(call: Call) -> str:
    if call.complete is None:
        return "no answer"
    return "ok, without a decision" if call.outcome == "ok" else f"{call.outcome} ({show(call.error)})"


def _doubt(decision: Decision, proposals: list[Call]) -> str:
    which = "the decision" if decision.key is None else f"key {show(decision.key)}"
    if not proposals:
        return f"{which}: nothing was proposed after the last fault was healed, and nobody was told a decision"
    return (
        f"{which}: of {len(proposals)} proposals made without a fault in force not all were told a decision, and too "
        "little speaks against their having crashed, or having had to wait a little longer"
    )
