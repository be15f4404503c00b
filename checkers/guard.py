"""What every checker's verdict passes through: nothing that goes wrong inside a checker may become a verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import Any

from harness.history import HistoryError
from harness.result import Reason, Result, unknown


class Unsupported(ValueError):
    """A history that the checker has no word for; says what was read and what was expected."""


class OutOfTimeError(Exception):
    """The time limit passed; says how far the checker came."""


def guarded(expect: str, judge: Callable[[], Result], **about: Any) -> Result:
    """``judge()``, timed; or, if it raises, unknown with the typed reason. ``about`` are fields of that result.

    Only :class:`harness.history.HistoryError` passes: lines that are no history are the caller's to report.
    """
    began = perf_counter()
    try:
        result = judge()
    except HistoryError:
        raise
    except Unsupported as error:
        result = unknown(expect, Reason.UNSUPPORTED, str(error), **about)
    except OutOfTimeError as error:
        result = unknown(expect, Reason.TIMEOUT, str(error), **about)
    except MemoryError as error:
        result = unknown(expect, Reason.OUT_OF_MEMORY, str(error) or "no memory was left", **about)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in a checker must not become a verdict
        result = unknown(expect, Reason.CHECKER_ERROR, crash(error), **about)
    return replace(result, seconds=perf_counter() - began)


def crash(error: Exception) -> str:
    """What was raised and where, short enough for a result."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].name}, line {frames[-1].lineno})" if frames else ""
    return f"the checker raised {type(error).__name__}{where}: {str(error)[:200]}"
