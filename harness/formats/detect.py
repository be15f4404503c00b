"""Which format a history is in, by its content: names of files lie."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NoReturn

from harness.formats.source import FormatError, shown

LINES_MAX: Final = 1000  # a log may begin with other lines than operations
_JSON: Final = re.compile(r'\s*\{\s*(?:"|$)')
_EDN: Final = re.compile(r"\s*(?:;|#|\{\s*[:}]|[\[(][\s,]*(?:$|[{\])#;]))")
_JSON_ARRAY: Final = re.compile(r'\s*\[\s*\{\s*"')
_PORCUPINE: Final = re.compile(r'"(?:ClientId|Input|Call|Kind|clientId|client_id)"\s*:')
_ARRAY_LINES_MAX: Final = 20  # in which the first object of an array begins


TABLES: Final = ("parquet", "arrow")  # the formats that are no text
MAGIC_BYTES: Final = 8


def detect_bytes(head: bytes) -> str | None:
    """Which of TABLES a file is in that begins with these bytes (MAGIC_BYTES of them); None for text."""
    if head.startswith(b"PAR1"):
        return "parquet"
    # An IPC file; or a stream, whose first message begins with this mark and its length.
    return "arrow" if head.startswith((b"ARROW1\0\0", b"\xff\xff\xff\xff")) else None


def detect(head: Sequence[str], path: str) -> str:
    """The format of a file whose first lines (up to LINES_MAX of them) are ``head``. Raises :class:`FormatError`."""
    numbered = [(number, line) for number, line in enumerate(head, 1) if not line.isspace()]
    if not numbered:
        raise FormatError(path, None, "nothing: the file is empty", "a history")
    number, first = numbered[0]
    beginning = "".join(line for _, line in numbered[:_ARRAY_LINES_MAX])
    if _JSON_ARRAY.match(beginning):
        return "porcupine-json" if _PORCUPINE.search(beginning) else "json"
    if _JSON.match(first):
        return "jsonl"
    if _EDN.match(first) and not _comment(first):
        return "edn"
    return _log(numbered) or _refuse(path, number, first)


def _comment(line: str) -> bool:
    """Whether a line is a comment as the logs have them; in EDN nothing begins so."""
    text = line.lstrip()
    return text[:1] == "#" and not text[1:2].strip()


def _log(numbered: Sequence[tuple[int, str]]) -> str | None:
    # Imported here, for most files are no logs.
    from harness.formats import awdit_text, jepsen_log, plume_text, polylin_log, violin_log

    if plume_text.OPERATION.fullmatch(numbered[0][1]):
        return plume_text.FORMAT
    if awdit_text.OPERATION.fullmatch(numbered[0][1]):
        return awdit_text.FORMAT
    if polylin_log.HEADER.fullmatch(numbered[0][1]):
        return polylin_log.FORMAT
    uncommented = (line for _, line in numbered if not line.lstrip().startswith("#"))
    if violin_log.OPERATION.match(next(uncommented, "")):
        return violin_log.FORMAT
    return jepsen_log.FORMAT if any(jepsen_log.OPERATION.search(line) for _, line in numbered) else None


def _refuse(path: str, number: int, first: str) -> NoReturn:
    raise FormatError(
        path,
        number,
        shown(first.strip()),
        "a history: JSON objects, EDN maps, or a log with lines such as `0 :invoke :read nil`, `[1] call push(2)` or, "
        "after `# queue`, `enq 1 0 3` (--format names one)",
    )
