"""The set-full checker of a set that is to be linearizable: a stale element is an error."""

from __future__ import annotations

from checkers.set_full.verdict import EXPECT_LINEARIZABLE as EXPECT
from checkers.set_full.verdict import check as check_set
from harness.history import History
from harness.result import Result

__all__ = ["EXPECT", "check"]


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """As :func:`checkers.set_full.check`, with ``linearizable``."""
    return check_set(history, time_limit_s=time_limit_s, linearizable=True)
