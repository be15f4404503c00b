"""The formats of histories: ``read_history(path)`` finds out which one a file is in, and reads it.

    jsonl        ours: one JSON object per line          (harness/formats/jsonl.py)
    edn          Jepsen's: a vector of maps, or a map per line     (harness/formats/edn.py)
    jepsen-log   Jepsen's text log                        (harness/formats/jepsen_log.py)

A file that is not wholly a history raises :class:`FormatError` (file, line, what was read, what was expected): no
verdict is ever given on half a file.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Final, Literal

from harness.formats import edn, jepsen_log, jsonl
from harness.formats.detect import LINES_MAX, detect
from harness.formats.record import Recording
from harness.formats.source import FormatError, text_lines
from harness.history import History

if TYPE_CHECKING:
    from pathlib import Path

NilReads = Literal["value", "unknown"]

FORMATS: Final = {jsonl.FORMAT: jsonl.read, edn.FORMAT: edn.read, jepsen_log.FORMAT: jepsen_log.read}

# What an ok read of nil says. Published EDN histories were recorded by clients that returned nil for "I do not know";
# in Jepsen's text log and in ours null is what the client saw.
NIL_READS: Final[dict[str, NilReads]] = {jsonl.FORMAT: "value", edn.FORMAT: "unknown", jepsen_log.FORMAT: "value"}

__all__ = ["FORMATS", "NIL_READS", "FormatError", "NilReads", "Recording", "read_history", "read_recording"]


def read_history(path: str | Path, format: str = "auto", *, independent: bool = False) -> History:  # noqa: A002
    """The history in a file. Raises OSError, or :class:`FormatError` with file and line.

    ``format`` is "auto" or a name of FORMATS; ``independent`` says that every value is a pair [key, value], as
    ``jepsen.independent`` writes them without a mark.
    """
    return read_recording(path, format, independent=independent).history


def read_recording(path: str | Path, format: str = "auto", *, independent: bool = False) -> Recording:  # noqa: A002
    """The history in a file with what is known about it: its format, and the line of each operation."""
    with open(path, "rb") as stream:
        lines = text_lines(stream, str(path))
        if format == "auto":
            head = list(islice(lines, LINES_MAX))
            format = detect(head, str(path))  # noqa: A001
            lines = chain(head, lines)
        return FORMATS[format](lines, str(path), independent=independent)
