"""Integrity: nobody decides twice, and what one has decided stays so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checkers.decision.reading import Decision, Scene, Told, anomaly, concluded, judged, whose
from harness.history import History
from harness.result import Anomaly, Result

EXPECT: Final = "integrity"
ANOMALY: Final = "decided-twice"


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Whether no node (or, where answers name none, no process) tells two different decisions of one key.

    A node that no longer knows of a decision (it answers null) has not changed it. Invalid: one anomaly "decided-twice"
    per key and node, whose operations are the first that told its decision and the first that told another one. Raises
    :class:`harness.history.HistoryError`.
    """
    return judged(history, EXPECT, time_limit_s, find)


def find(scene: Scene) -> Result:
    """The verdict on what was read."""
    return concluded(scene, EXPECT, [each for decision in scene.each() for each in _changes(scene, decision)])


def _changes(scene: Scene, decision: Decision) -> Iterator[Anomaly]:
    first: dict[str, Told] = {}
    changed: set[str] = set()
    for told in decision.told:
        before = first.setdefault(told.teller, told)
        if told.value == before.value or told.teller in changed:
            continue
        changed.add(told.teller)
        text = (
            f"{told.teller} had decided {scene.show(before.value)} ({whose(before.call)}) and then told "
            f"{whose(told.call)} that {scene.show(told.value)} is decided."
        )
        yield anomaly(decision, ANOMALY, (before.call, told.call), text)
