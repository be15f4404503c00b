"""The verdict on logs: all that is wrong with them, and what is only counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import chain
from time import monotonic
from typing import Any, Final

from checkers.guard import OutOfTimeError, guarded
from checkers.log.contents import contents, unseen
from checkers.log.cycle import allowed_circles, circle
from checkers.log.movement import movements
from checkers.log.partition import Scene, read
from checkers.map_key import short
from harness.history import INVOKE, History
from harness.result import Anomaly, Reason, Result

EXPECT: Final = "log"
ANOMALIES_MAX: Final = 8  # of a type, the first ones
_LISTED_MAX: Final = 8
_TICK: Final = 1024


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Whether a Kafka-style log keeps its messages at their offsets, and gives every consumer all of them in order.

    Invalid: at most ANOMALIES_MAX anomalies of a type; operations are both halves of those in the explanation.
    ``details``: counts, ``anomalies`` of each type, ``allowed`` (counted, no anomalies), and ``unseen`` messages by
    partition. Nearly linear in the messages. Raises :class:`harness.history.HistoryError`.
    """
    deadline = None if time_limit_s is None else monotonic() + time_limit_s
    return guarded(EXPECT, lambda: _judge(history, deadline), method="offsets")


def _judge(history: History, deadline: float | None) -> Result:
    scene = read(history)
    counts: Counter[str] = Counter()
    allowed: Counter[str] = Counter()
    anomalies: list[Anomaly] = []
    _check_time(deadline, "the messages were read")
    steps = ((step.anomaly, step.allowed) for step in movements(scene))
    found: Iterable[tuple[Anomaly, bool]] = chain(((each, False) for each in contents(scene)), steps)
    for done, (anomaly, is_allowed) in enumerate(found):
        if done % _TICK == 0:
            _check_time(deadline, f"{done} anomalies were found")
        if is_allowed:
            allowed[anomaly.type] += 1
            continue
        counts[anomaly.type] += 1
        if counts[anomaly.type] <= ANOMALIES_MAX:
            anomalies.append(anomaly)
    for anomaly in circle(scene, deadline):
        counts[anomaly.type] += 1
        anomalies.append(anomaly)
    allowed.update(allowed_circles(scene, deadline))
    missing = unseen(scene)
    doubt = None if anomalies else _doubt(scene, missing)
    return Result(
        valid=False if anomalies else True if doubt is None else "unknown",
        expect=EXPECT,
        method="offsets",
        reason=None if doubt is None else doubt[0],
        explanation=None if doubt is None else doubt[1],
        anomalies=tuple(anomalies),
        operations=history.types.count(INVOKE),
        details={**_counted(scene), "anomalies": dict(counts), "allowed": dict(allowed),
                 "unseen": _listed(scene, missing)},
    )  # fmt: skip


def _check_time(deadline: float | None, came: str) -> None:
    if deadline is not None and monotonic() > deadline:
        raise OutOfTimeError(f"{came} within the time allowed")


def _counted(scene: Scene) -> dict[str, int]:
    acknowledged = [each for each in scene.transfers() if each.call.outcome == "ok"]
    return {
        "partitions": len(scene.partitions),
        "sent": sum(len(messages) for each in scene.transfers() for messages in each.sent.values()),
        "acknowledged": sum(len(messages) for each in acknowledged for messages in each.sent.values()),
        "polled": sum(len(messages) for each in acknowledged for messages in each.polled.values()),
    }


def _listed(scene: Scene, missing: dict[str, list[int]]) -> dict[str, Any]:
    return {
        name: {"count": len(values), "values": [scene.plain(value) for value in values[:_LISTED_MAX]]}
        for name, values in list(missing.items())[:_LISTED_MAX]
    }


def _doubt(scene: Scene, missing: dict[str, list[int]]) -> tuple[Reason, str] | None:
    """Why a history without an anomaly is not known to be right."""
    for partition in scene.partitions.values():
        for value, senders in partition.senders.items():
            if len(senders) > 1:
                text = f"{scene.show(value)} was sent {len(senders)} times to partition {short(partition.name)}"
                return Reason.UNSUPPORTED, f"{text}; expected each value once: which of them is where is not known"
    if missing:
        name, values = next(iter(missing.items()))
        count = sum(map(len, missing.values()))
        told = "1 acknowledged message was" if count == 1 else f"{count} acknowledged messages were"
        return Reason.MISSING_FINAL_READ, (f"{told} never polled (as {scene.show(values[0])} of partition "
                                           f"{short(name)}), and nobody polled what follows: nobody knows whether they "
                                           "are there")  # fmt: skip
    counted = _counted(scene)
    if not counted["acknowledged"] or not counted["polled"]:
        return Reason.TOO_FEW_OK, "no message was acknowledged and polled: there is nothing to compare"
    return None
