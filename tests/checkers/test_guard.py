"""Whatever a checker raises becomes a typed unknown."""

from __future__ import annotations

import pytest

from checkers.guard import OutOfTimeError, Unsupported, guarded
from harness.history import HistoryError
from harness.result import Reason, Result


def raising(error: BaseException) -> Result:
    raise error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Unsupported("read x; expected y"), Reason.UNSUPPORTED),
        (OutOfTimeError("3 of 4"), Reason.TIMEOUT),
        (MemoryError(), Reason.OUT_OF_MEMORY),
        (RecursionError("deep"), Reason.CHECKER_ERROR),
        (AssertionError(), Reason.CHECKER_ERROR),
        (KeyError("x"), Reason.CHECKER_ERROR),
    ],
)
def test_a_raising_checker_says_unknown(error: BaseException, reason: Reason) -> None:
    result = guarded("set", lambda: raising(error), model="m")
    assert (result.valid, result.reason, result.expect, result.model) == ("unknown", reason, "set", "m")
    assert result.explanation


@pytest.mark.parametrize("error", [HistoryError(3, "a", "b"), KeyboardInterrupt()])
def test_what_is_the_callers_passes(error: BaseException) -> None:
    with pytest.raises(type(error)):
        guarded("set", lambda: raising(error))


def test_a_verdict_is_timed() -> None:
    result = guarded("set", lambda: Result(True, "set"))
    assert result.valid is True
    assert result.seconds > 0
