"""The pictures of a verdict, written into a folder."""

from __future__ import annotations

from pathlib import Path

from harness.commands import UsageError
from harness.formats import Recording
from harness.result import Result


def draw(folder: Path, result: Result, recording: Recording) -> list[Path]:
    """The files that were written; none where there is no anomaly. Raises :class:`UsageError` for a folder that cannot
    be one."""
    from harness.report.drawing import drawings

    written = []
    try:
        for name, text in drawings(result, recording.history):
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / name
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
            written.append(path)
    except OSError as error:
        where = error.filename or folder
        raise UsageError(f"{where}: wrote nothing ({error.strerror}); expected a folder for drawings") from None
    return written
