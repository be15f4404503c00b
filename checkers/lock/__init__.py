"""Locks: is there one holder at a time, and do fencing tokens keep out those who only think they are?

Operations, each about the lock or the object that its ``key`` names:

* ``acquire`` (``lock``): ok is a grant; its value may be, or have under "token" (or "fence"), the fencing token, an
  integer. "fail" is no grant, "info" perhaps one.
* ``release`` (``unlock``): ok gave the lock back, "fail" certainly did not, "info" may have, now or at any later time.
* ``write`` to a storage that the lock guards: ``{"token": integer, "value": ...}``; ok was accepted, "fail" refused.
* ``read`` and, of a write, what has no token say nothing here.

Three properties, by ``--expect``:

* ``mutual-exclusion`` (:mod:`checkers.lock.exclusion`): no two processes hold a lock at once, in real time. A lease
  that runs out while its holder is paused does not keep it, and cannot (DDIA, "Process Pauses").
* ``fencing`` (:mod:`checkers.lock.fencing`): tokens grow from grant to grant, and the storage refuses whoever comes
  with an older one than it has seen (M. Kleppmann, "How to do distributed locking", 2016; Burrows 2006 calls them
  sequencers). This is what makes a lease lock safe, two holders or not.
* ``lock``: both; fencing where the history has tokens.

That the history has an order which explains every answer of the lock is more than exclusion, and another question:
``--expect linearizable --model mutex`` (or reentrant-mutex, fenced-mutex).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from checkers.lock import exclusion, fencing
from harness.history import History
from harness.result import Reason, Result, composed

EXPECT: Final = "lock"

__all__ = ["EXPECT", "check"]


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Mutual exclusion and, where the history has tokens, fencing: the worse of both, and the anomalies of each. Raises
    :class:`harness.history.HistoryError`."""
    excluded = replace(exclusion.check(history, time_limit_s=time_limit_s), expect=EXPECT)
    fenced = fencing.check(history, time_limit_s=time_limit_s)
    unfenced = fenced.reason is Reason.TOO_FEW_OK and not (fenced.details["tokens"] or fenced.details["fenced_writes"])
    return excluded if unfenced else composed(excluded, fenced)
