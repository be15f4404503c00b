"""What is asked of one history, and how; and that nothing is asked which its checker has no use for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness import catalog
from harness.commands import UsageError
from harness.formats import NIL_READS, Recording
from harness.history import History
from harness.result import Result

LINEARIZABLE: Final = "linearizable"


@dataclass(frozen=True, slots=True)
class Question:
    """One history to judge, and how. ``None`` means: as the history suggests. ``certificate``: where evidence goes;
    ``drawings``: the folder for pictures. ``expects_default``: nobody said what to expect, and the history may suggest
    another thing than ``expect``."""

    path: Path
    expect: str = LINEARIZABLE
    model: str | None = None
    initial: Any = None
    nil_reads: str | None = None
    method: str = "auto"
    total: int | None = None
    negative_balances: bool = False
    versions: bool = False
    time_limit_s: float = 60.0
    format: str = "auto"
    independent: bool = False
    certificate: Path | None = None
    drawings: Path | None = None
    memory_limit: int | None = None
    judge: Callable[[Result, History], Result] = lambda result, history: result
    expects_default: bool = False


FLAGS: Final[Mapping[str, str]] = {
    "model": "--model",
    "initial": "--initial",
    "nil_reads": "--nil-reads",
    "method": "--method",
    "certify": "--certificate",
    "total": "--total",
    "negative_balances": "--negative-balances",
    "versions": "--versions",
}
"""What a checker's option is called on the command line."""


def refuse_idle(expect: str, given: Mapping[str, Any]) -> None:
    """Raises :class:`UsageError` for an option that is given (not None) and that ``expect`` has no use for: passed over
    silently, it would be a mistake of somebody's."""
    taken = catalog.options(expect)
    for option, value in given.items():
        if value is not None and option not in taken:
            takers = [name for name in catalog.CHECKERS if name not in catalog.LEVELS]
            names = [name for name in takers if option in catalog.options(name)]
            raise UsageError(f"read {FLAGS[option]} with --expect {expect}; it belongs to --expect {', '.join(names)}")


def nil_reads(question: Question, recording: Recording) -> str:
    """What an ok read of nil says: as asked, as the file says itself, as its format means it."""
    return question.nil_reads or recording.nil_reads or NIL_READS[recording.format]
