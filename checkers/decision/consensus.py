"""Consensus: agreement, integrity, validity and termination together."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from checkers.decision import agreement, integrity, termination, validity
from checkers.decision.reading import Scene, judged
from harness.history import History
from harness.result import Result, composed

EXPECT: Final = "consensus"


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Whether single decisions agree, do not change, were proposed, and are reached: all four properties of consensus.

    The worst of the four verdicts, with the anomalies of all; ``details`` has each by its name. Raises
    :class:`harness.history.HistoryError`.
    """
    return judged(history, EXPECT, time_limit_s, find)


def find(scene: Scene) -> Result:
    """The verdict on what was read."""
    first, *others = (part.find(scene) for part in (agreement, integrity, validity, termination))
    parts = {first.expect: {"valid": first.valid, **first.details}}
    whole = composed(replace(first, details={}), *others)
    return replace(whole, expect=EXPECT, details={**parts, **whole.details})
