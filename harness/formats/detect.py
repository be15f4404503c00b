"""Which format a history is in, by its content: names of files lie."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from harness.formats import edn, jepsen_log, json_array, jsonl, polylin_log, porcupine_json, violin_log
from harness.formats.source import FormatError, shown

LINES_MAX: Final = 1000  # a log may begin with other lines than operations
_JSON: Final = re.compile(r'\s*\{\s*(?:"|$)')
_EDN: Final = re.compile(r"\s*(?:;|#|\{\s*[:}]|[\[(][\s,]*(?:$|[{\])#;]))")
_JSON_ARRAY: Final = re.compile(r'\s*\[\s*\{\s*"')
_PORCUPINE: Final = re.compile(r'"(?:ClientId|Input|Call|Kind|clientId|client_id)"\s*:')
_ARRAY_LINES_MAX: Final = 20  # in which the first object of an array begins


def _uncommented(numbered: Sequence[tuple[int, str]]) -> list[str]:
    """The first line that is no comment, if it comes after comments only."""
    return [line for _, line in numbered if not line.lstrip().startswith("#")][:1]


def detect(head: Sequence[str], path: str) -> str:
    """The format of a file whose first lines (up to LINES_MAX of them) are ``head``. Raises :class:`FormatError`."""
    numbered = [(number, line) for number, line in enumerate(head, 1) if not line.isspace()]
    if not numbered:
        raise FormatError(path, None, "nothing: the file is empty", "a history")
    number, first = numbered[0]
    beginning = "".join(line for _, line in numbered[:_ARRAY_LINES_MAX])
    if _JSON_ARRAY.match(beginning):
        return porcupine_json.FORMAT if _PORCUPINE.search(beginning) else json_array.FORMAT
    if _JSON.match(first):
        return jsonl.FORMAT
    if polylin_log.HEADER.fullmatch(first):
        return polylin_log.FORMAT
    if any(violin_log.OPERATION.match(line) for line in _uncommented(numbered)):
        return violin_log.FORMAT
    if _EDN.match(first):
        return edn.FORMAT
    if any(jepsen_log.OPERATION.search(line) for _, line in numbered):
        return jepsen_log.FORMAT
    raise FormatError(
        path,
        number,
        shown(first.strip()),
        "a history: JSON objects, EDN maps, or a log with lines such as `0 :invoke :read nil`, `[1] call push(2)` or, "
        "after `# queue`, `enq 1 0 3` (--format names one)",
    )
