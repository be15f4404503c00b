"""Agreement: no two are told different decisions."""

from __future__ import annotations

from typing import Final

from checkers.decision.reading import Decision, Scene, anomaly, concluded, judged, whose
from harness.history import History
from harness.result import Anomaly, Result

EXPECT: Final = "agreement"
ANOMALY: Final = "disagreement"


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Whether no two different values are told as the decision of one key (uniform agreement).

    Invalid: one anomaly "disagreement" per key, whose operations are the first that told a decision and the first that
    told another one. Raises :class:`harness.history.HistoryError`.
    """
    return judged(history, EXPECT, time_limit_s, find)


def find(scene: Scene) -> Result:
    """The verdict on what was read."""
    found = [_disagreement(scene, each) for each in scene.each()]
    return concluded(scene, EXPECT, [each for each in found if each is not None])


def _disagreement(scene: Scene, decision: Decision) -> Anomaly | None:
    first = decision.told[0] if decision.told else None
    other = next((told for told in decision.told if first is not None and told.value != first.value), None)
    if first is None or other is None:
        return None
    values = len({told.value for told in decision.told})
    more = "" if values == 2 else f" ({values} different values were told in all)"
    text = (
        f"{whose(first.call)} was told by {first.teller} that {scene.show(first.value)} is decided, "
        f"{whose(other.call)} by {other.teller} that {scene.show(other.value)} is{more}."
    )
    return anomaly(decision, ANOMALY, (first.call, other.call), text)
