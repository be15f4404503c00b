"""Ordered ids: an id that was asked for after another one was given out is larger."""

from __future__ import annotations

from typing import Final

from checkers.guard import Unsupported, guarded
from checkers.unique_ids import ANOMALIES_MAX, Generator, Given, counted, read, realtime_inversions
from checkers.value import Codes, plain, show
from harness.history import INVOKE, History
from harness.result import Anomaly, Result

EXPECT: Final = "ordered-ids"
ANOMALY: Final = "realtime-inversion"


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Whether every id is larger than all that were given out before it was asked for (real-time order of ids).

    Operations and details are those of :mod:`checkers.unique_ids`; ids that do not compare are unsupported. Two that
    ran at the same time may have any order; that they differ, ``unique-ids`` demands. Invalid: one anomaly
    "realtime-inversion" per such id, whose operations are the one that was given a larger id before, and it. Raises
    :class:`harness.history.HistoryError`.
    """
    return guarded(EXPECT, lambda: _judge(history), method="ids")


def _judge(history: History) -> Result:
    generators = read(history, Codes())
    for each in generators:
        if each.order is None:
            raise Unsupported(f"read the ids {show([one.id for one in each.given])}; expected ids that compare: all "
                              "numbers, all strings, or all lists of such of one length")  # fmt: skip
    anomalies = [_inversion(each, *pair) for each in generators for pair in realtime_inversions(each)]
    return Result(
        valid=not anomalies,
        expect=EXPECT,
        method="ids",
        anomalies=tuple(anomalies[:ANOMALIES_MAX]),
        operations=history.types.count(INVOKE),
        details=counted(generators),
    )


def _inversion(generator: Generator, before: Given, after: Given) -> Anomaly:
    where = "" if generator.key is None else f"Key {show(generator.key)}: "
    text = (
        f"{where}process {after.call.process} was given {show(after.id)} (op {after.call.invoke}), which is not larger "
        f"than {show(before.id)}, though that had been given to process {before.call.process} "
        f"(op {before.call.invoke}) before it asked."
    )
    details = {"key": plain(generator.key), "ids": [plain(before.id), plain(after.id)]}
    return Anomaly(ANOMALY, (before.call.invoke, after.call.invoke), text, details)
