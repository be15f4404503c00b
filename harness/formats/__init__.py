"""The formats of histories: ``read_history(path)`` finds out which one a file is in, and reads it.

    jsonl            ours: one JSON object per line          (harness/formats/jsonl.py)
    json             the same objects in one JSON array      (harness/formats/json_array.py)
    edn              Jepsen's: a vector of maps, or a map per line     (harness/formats/edn.py)
    jepsen-log       Jepsen's text log                        (harness/formats/jepsen_log.py)
    porcupine-json   porcupine's operations or events in a JSON array    (harness/formats/porcupine_json.py)
    violin-log       Violin's logs of queues and stacks    (harness/formats/violin_log.py)
    polylin-log      PolyLin's logs of containers    (harness/formats/polylin_log.py)

A file that is not wholly a history raises :class:`FormatError` (file, line, what was read, what was expected): no
verdict is ever given on half a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from harness.formats import edn, jepsen_log, json_array, jsonl, polylin_log, porcupine_json, violin_log
from harness.formats.detect import LINES_MAX, detect
from harness.formats.record import NilReads, Recording
from harness.formats.source import FormatError, text_lines
from harness.history import History

if TYPE_CHECKING:
    from pathlib import Path

FORMATS: Final[Mapping[str, Callable[..., Recording]]] = {
    module.FORMAT: module.read
    for module in (jsonl, json_array, edn, jepsen_log, porcupine_json, violin_log, polylin_log)
}

# What an ok read of nil says. Published EDN histories were recorded by clients that returned nil for "I do not know";
# in Jepsen's text log and in ours null is what the client saw.
NIL_READS: Final[dict[str, NilReads]] = {name: "unknown" if name == edn.FORMAT else "value" for name in FORMATS}

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
