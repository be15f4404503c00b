"""Writing a run's report.html, whatever becomes of it: a page for people must not cost the verdict."""

from __future__ import annotations

from pathlib import Path

from harness.commands import complain
from harness.store import RunFolder


def write_report(folder: RunFolder) -> Path | None:
    """The report's path; None, and a line on standard error, if it could not be written: the verdict stands alone."""
    try:
        from harness.report import write

        path: Path = write(folder.path)
        return path
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 (the verdict stands alone)
        complain(f"splitbrain: no report: {type(error).__name__}: {error}")
        return None
