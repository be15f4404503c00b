"""What is asked of one history, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.formats import NIL_READS, Recording
from harness.history import History
from harness.result import Result

LINEARIZABLE: Final = "linearizable"


@dataclass(frozen=True, slots=True)
class Question:
    """One history to judge, and how. ``None`` means: as the history suggests. ``certificate``: where evidence goes."""

    path: Path
    expect: str = LINEARIZABLE
    model: str | None = None
    initial: Any = None
    nil_reads: str | None = None
    method: str = "auto"
    time_limit_s: float = 60.0
    format: str = "auto"
    independent: bool = False
    certificate: Path | None = None
    memory_limit: int | None = None
    judge: Callable[[Result, History], Result] = lambda result, history: result


def nil_reads(question: Question, recording: Recording) -> str:
    """What an ok read of nil says: as asked, as the file says itself, as its format means it."""
    return question.nil_reads or recording.nil_reads or NIL_READS[recording.format]
