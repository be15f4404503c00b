"""Validity: what is decided was proposed, and by then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checkers.decision.reading import Decision, Scene, anomaly, concluded, judged, whose
from harness.history import Call, History
from harness.result import Anomaly, Result

EXPECT: Final = "validity"
ANOMALY: Final = "not-proposed"


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Whether every decision that was told had been proposed for its key by the time it was told.

    A proposal that failed was none. Invalid: one anomaly "not-proposed" per key and value, whose operations are the one
    that was told it, and the proposal that failed or came too late, where there is one. Raises
    :class:`harness.history.HistoryError`.
    """
    return judged(history, EXPECT, time_limit_s, find)


def find(scene: Scene) -> Result:
    """The verdict on what was read."""
    return concluded(scene, EXPECT, [each for decision in scene.each() for each in _strangers(scene, decision)])


def _strangers(scene: Scene, decision: Decision) -> Iterator[Anomaly]:
    first: dict[int, Call] = {}  # of each value the first proposal that may have happened
    failed: dict[int, Call] = {}
    for call in decision.proposals:
        (failed if call.outcome == "fail" else first).setdefault(scene.codes.code(call.argument), call)
    seen: set[int] = set()
    for told in decision.told:
        proposal = first.get(told.value)
        if told.value in seen or (proposal is not None and proposal.invoke < told.at):
            continue
        seen.add(told.value)
        begin = f"{whose(told.call)} was told by {told.teller} that {scene.show(told.value)} is decided, "
        if proposal is not None:
            text = f"{begin}which was proposed only later: {whose(proposal)}."
            yield anomaly(decision, ANOMALY, (told.call, proposal), text)
        elif told.value in failed:
            text = f"{begin}whose proposal had failed: {whose(failed[told.value])}."
            yield anomaly(decision, ANOMALY, (told.call, failed[told.value]), text)
        else:
            yield anomaly(decision, ANOMALY, (told.call,), f"{begin}which nobody proposed.")
