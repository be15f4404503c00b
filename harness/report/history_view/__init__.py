"""``write_view``: a history, what was found out about it, and why, as one HTML file that needs no server."""

from __future__ import annotations

from pathlib import Path

from harness.formats import Recording
from harness.report.history_view.document import document
from harness.report.history_view.finding import Found
from harness.result import Result
from harness.store import replace_file


def write_view(recording: Recording, result: Result | Found | None, path: Path) -> Path:
    """Write the view of a history to ``path`` and return it.

    ``result`` is a verdict, the same as JSON, or None if nobody judged. Its anomalies are what the view opens at; of a
    valid one, ``details["linearizations"]`` (``checkers.linearizable.check(..., certify=True)``) puts a mark on every
    operation where it took effect. Raises OSError if the file cannot be written, and
    :class:`harness.history.HistoryError` for lines that are no history.
    """
    found = result.as_json() if isinstance(result, Result) else (result or {})
    replace_file(path, document(recording, found))
    return path


__all__ = ["write_view"]
