"""The formats of histories: ``read_history(path)`` finds out which one a file is in, and reads it.

    jsonl            ours: one JSON object per line          (harness/formats/jsonl.py)
    json             the same objects in one JSON array      (harness/formats/json_array.py)
    edn              Jepsen's: a vector of maps, or a map per line     (harness/formats/edn.py)
    jepsen-log       Jepsen's text log                        (harness/formats/jepsen_log.py)
    porcupine-json   porcupine's operations or events in a JSON array    (harness/formats/porcupine_json.py)
    violin-log       Violin's logs of queues and stacks    (harness/formats/violin_log.py)
    polylin-log      PolyLin's logs of containers    (harness/formats/polylin_log.py)
    plume-txt        Plume's text form of register transactions    (harness/formats/plume_text.py)
    awdit-test       AWDIT's text form of register transactions    (harness/formats/awdit_text.py)
    parquet, arrow   Apache Arrow tables    (harness/formats/arrow.py)

A file that is not wholly a history raises :class:`FormatError` (file, line, what was read, what was expected): no
verdict is ever given on half a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from itertools import chain, islice
from os import fstat
from typing import TYPE_CHECKING, Final

from harness.formats.detect import LINES_MAX, MAGIC_BYTES, TABLES, detect, detect_bytes
from harness.formats.record import NilReads, Recording
from harness.formats.source import FormatError, text_lines
from harness.history import History

if TYPE_CHECKING:
    from pathlib import Path

PROGRESS_LINES: Final = 1_000
COMPILED_BYTES_MIN: Final = 10_000_000
"""Compiled code reads a JSONL file of this size or more (harness/formats/jsonl_columns.py). A smaller one has been read
before numba is there and has loaded what it compiled (0.5 to 0.7 s)."""

# name -> the module that reads it, imported when there is such a file: most commands read one format only.
FORMATS: Final[Mapping[str, str]] = {
    "jsonl": "jsonl",
    "json": "json_array",
    "edn": "edn",
    "jepsen-log": "jepsen_log",
    "porcupine-json": "porcupine_json",
    "violin-log": "violin_log",
    "polylin-log": "polylin_log",
    "plume-txt": "plume_text",
    "awdit-test": "awdit_text",
    "parquet": "arrow",
    "arrow": "arrow",
}

# What an ok read of nil says. Published EDN histories were recorded by clients that returned nil for "I do not know";
# in Jepsen's text log and in ours null is what the client saw.
NIL_READS: Final[dict[str, NilReads]] = {name: "unknown" if name == "edn" else "value" for name in FORMATS}

__all__ = ["FORMATS", "NIL_READS", "FormatError", "NilReads", "Recording", "read_history", "read_recording"]


def read_history(path: str | Path, format: str = "auto", *, independent: bool = False) -> History:  # noqa: A002
    """The history in a file. Raises OSError, or :class:`FormatError` with file and line.

    ``format`` is "auto" or a name of FORMATS; ``independent`` says that every value is a pair [key, value], as
    ``jepsen.independent`` writes them without a mark.
    """
    return read_recording(path, format, independent=independent).history


def read_recording(
    path: str | Path,
    format: str = "auto",  # noqa: A002
    *,
    independent: bool = False,
    progress: Callable[[int], None] = lambda lines: None,
) -> Recording:
    """The history in a file with what is known about it: its format, and the line of each operation. ``progress`` is
    told now and then how many lines were read. Raises ValueError for a format that does not exist, too."""
    if format != "auto" and format not in FORMATS:
        raise ValueError(f"read the format {format[:80]!r}; expected auto, {', '.join(FORMATS)}")
    with open(path, "rb") as stream:
        if format == "auto":
            format = detect_bytes(stream.peek(MAGIC_BYTES)) or format  # noqa: A001
        if format in TABLES:
            from harness.formats import arrow

            return arrow.read(str(path), format, independent=independent, progress=progress)
        lines = _counted(text_lines(stream, str(path)), progress)
        if format == "auto":
            head = list(islice(lines, LINES_MAX))
            format = detect(head, str(path))  # noqa: A001
            lines = chain(head, lines)
        if format == "jsonl" and not independent and fstat(stream.fileno()).st_size >= COMPILED_BYTES_MIN:
            from harness.formats import jsonl_columns

            stream.seek(0)
            columns = jsonl_columns.read(stream, str(path), progress)
            if columns is not None:
                return columns
            stream.seek(0)
            lines = _counted(text_lines(stream, str(path)), progress)
        reader = import_module(f"harness.formats.{FORMATS[format]}")
        recording: Recording = reader.read(lines, str(path), independent=independent)
        return recording


def _counted(lines: Iterator[str], progress: Callable[[int], None]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if number % PROGRESS_LINES == 0:
            progress(number)
        yield line
