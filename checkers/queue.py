"""The queue checker: does everything that comes out of a queue come from something that was put in?

After Jepsen's ``queue`` checker with the model of an unordered queue (jepsen.checker/queue), which every part of every
queue's history must satisfy: in whatever order, and however much is lost, each dequeue must come from an enqueue of its
own. Operations: ``enqueue``, ``dequeue``, ``drain`` (:mod:`checkers.queue_traffic` has their forms). A dequeue is

* *unexpected* if no enqueue of its element can have happened by then: none was invoked before the dequeue ended, or all
  of those certainly failed (Jepsen takes these for possible, too);
* a *duplicate* if all the enqueues of its element that can have happened by then went to other dequeues.

Enqueues of unknown outcome may have happened; dequeues of unknown outcome need nothing. Nothing is said of order, of
what never came out (``total-queue``), or of a queue that was empty too soon (``--expect linearizable --model queue``).
Keys are queues of their own. O(n log n).
"""

from __future__ import annotations

from typing import Final

from checkers.guard import guarded
from checkers.queue_traffic import DUPLICATE, UNEXPECTED, queues_of, surplus_anomaly, surplus_of
from checkers.value import Codes
from harness.history import INVOKE, History
from harness.result import Anomaly, Reason, Result

EXPECT: Final = "queue"
_NOTHING_CAME_OUT: Final = "no dequeue ever came back with an element: nobody looked whether what comes out was put in"


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Whether each dequeue comes from an enqueue of its own. The time limit is unused.

    Invalid: one anomaly "unexpected" or "duplicate" per key; its operations are, of the first 24 elements, both halves
    of the enqueues and of the dequeues. Unknown where nothing came out. Raises
    :class:`harness.history.HistoryError`.
    """
    return guarded(EXPECT, lambda: _judge(history), method="multisets")


def _judge(history: History) -> Result:
    codes = Codes()
    queues = queues_of(history, codes)
    anomalies: list[Anomaly] = []
    unexpected = duplicates = 0
    for queue in queues:
        found = surplus_of(queue)
        unexpected, duplicates = unexpected + len(found.unexpected), duplicates + len(found.duplicates)
        for type_, wrong in ((UNEXPECTED, found.unexpected), (DUPLICATE, found.duplicates)):
            if wrong:
                anomalies.append(surplus_anomaly(queue, codes, type_, wrong))
    taken = sum(len(element.taken) for queue in queues for element in queue.elements.values())
    return Result(
        valid=False if anomalies else True if taken else "unknown",
        expect=EXPECT,
        method="multisets",
        reason=None if anomalies or taken else Reason.TOO_FEW_OK,
        explanation=None if anomalies or taken else _NOTHING_CAME_OUT,
        anomalies=tuple(anomalies),
        operations=history.types.count(INVOKE),
        details={
            "attempts": sum(queue.attempts for queue in queues),
            "dequeued": taken,
            "unexpected": unexpected,
            "duplicates": duplicates,
            "keys": len(queues),
        },
    )
